"""A segmenter against labelled frames."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import cv2
import numpy as np
from jaxtyping import UInt8

from graspseg.datasets.folder import Sample
from graspseg.evaluation.rules import RULES
from graspseg.frame import Frame, InputError
from graspseg.labels import overlay, shade_depth
from graspseg.metrics import BoundaryScore, Confusion, HandLeak

SegmentFunction = Callable[[Frame], np.ndarray]
THUMBNAIL_WIDTH = 320
FAILURES_KEPT = 20


@runtime_checkable
class Samples(Protocol):
    """Frames with labels that can be counted and read one by one, such as `FolderDataset`."""

    def __len__(self) -> int:
        """Number of frames."""
        ...

    def __getitem__(self, index: int, /) -> Sample:
        """Read one frame; raises InputError if it cannot be used."""
        ...


@dataclass(order=True)
class WorstFrame:
    """One of the frames with the lowest score.

    Attributes:
        badness: 1 - score.
        stem: Name of the frame.
        score: Mean IoU of hand and object over those that target or prediction hold.
        picture: Depth, target and prediction side by side, RGB.
    """

    badness: float
    stem: str
    score: float = field(compare=False)
    picture: UInt8[np.ndarray, "h w 3"] = field(compare=False, repr=False)


@dataclass
class Evaluation:
    """Scores of one segmenter on one data set; memory does not grow with the number of frames.

    Attributes:
        confusion, boundary, leak: Scores of the segmenter.
        rules: Scores of each trivial rule on the same frames.
        failures: Stem or index and reason of frames that could not be used, at most `FAILURES_KEPT` of them.
        failed: Number of such frames.
    """

    confusion: Confusion = field(default_factory=Confusion)
    boundary: BoundaryScore = field(default_factory=BoundaryScore)
    leak: HandLeak = field(default_factory=HandLeak)
    rules: dict[str, Confusion] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    failed: int = 0
    _worst: list[WorstFrame] = field(default_factory=list, repr=False)

    @property
    def worst(self) -> list[WorstFrame]:
        """The frames with the lowest scores, worst first."""
        return sorted(self._worst, reverse=True)

    def add(self, sample: Sample, prediction: UInt8[np.ndarray, "h w"], *, worst: int) -> None:
        """Judge one frame and keep its picture if it is among the `worst` so far.

        Raises:
            ValueError: The prediction has another size or other values than labels have.
        """
        target = sample.labels
        assert target is not None
        before = self.confusion.matrix.copy()
        self.confusion.update(prediction, target)
        self.boundary.update(prediction, target)
        self.leak.update(prediction, target)
        score = _frame_score(self.confusion.matrix - before)
        if score is None or not worst:
            return
        if len(self._worst) < worst or 1 - score > self._worst[0].badness:
            picture = _side_by_side(sample.frame, target, prediction)
            heapq.heappush(self._worst, WorstFrame(1 - score, sample.stem, score, picture))
            if len(self._worst) > worst:
                heapq.heappop(self._worst)

    def fail(self, reason: str) -> None:
        """Count a frame that could not be used."""
        self.failed += 1
        if len(self.failures) < FAILURES_KEPT:
            self.failures.append(reason)


def evaluate(
    segment: SegmentFunction,
    samples: Samples,
    *,
    rules: bool = True,
    worst: int = 12,
    progress: Callable[[int], None] | None = None,
) -> Evaluation:
    """Judge a segmenter on every labelled frame; a frame that cannot be used is counted, and the rest is done.

    Args:
        segment: Frame to labels of the frame's size, such as `lambda frame: segmenter(frame).labels`.
        samples: Labelled frames.
        rules: Also judge the trivial rules.
        worst: How many of the worst frames to keep pictures of.
        progress: Called after every frame with the number done.

    Raises:
        InputError: No frame could be judged.
    """
    result = Evaluation(rules={name: Confusion() for name in RULES} if rules else {})
    for index in range(len(samples)):
        try:
            sample = samples[index]
            if sample.labels is None:
                raise InputError(f"{sample.stem} has no label image: add labels/{sample.stem}.png or leave it out.")
            result.add(sample, segment(sample.frame), worst=worst)
            for name, confusion in result.rules.items():
                confusion.update(RULES[name].apply(sample.frame), sample.labels)
        except InputError as error:
            result.fail(str(error))
        if progress is not None:
            progress(index + 1)
    if not result.confusion.images:
        first = f", the first because: {result.failures[0]}" if result.failures else ""
        raise InputError(f"None of {len(samples)} frames could be judged, expected labelled frames{first}")
    return result


def _frame_score(matrix: np.ndarray) -> float | None:
    scores = Confusion()
    scores.matrix += matrix
    return scores.iou_dataset["mean"]


def _side_by_side(frame: Frame, target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Depth, target and prediction as thumbnails in one row."""
    pictures = [shade_depth(frame.depth), overlay(frame.depth, target), overlay(frame.depth, prediction)]
    height = max(1, round(frame.depth.shape[0] * THUMBNAIL_WIDTH / frame.depth.shape[1]))
    return np.hstack([cv2.resize(p, (THUMBNAIL_WIDTH, height), interpolation=cv2.INTER_AREA) for p in pictures])
