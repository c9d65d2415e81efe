"""A segmenter against labeled frames."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
from jaxtyping import Float32, Int64, UInt8

from graspseg.datasets.dataset import Dataset, Sample
from graspseg.datasets.sequences import clips_of
from graspseg.errors import InputError
from graspseg.evaluation.rules import RULES
from graspseg.evaluation.scene_scores import Box, SceneScores
from graspseg.frame import Frame
from graspseg.labels import overlay, shade_depth
from graspseg.metrics import (
    BoundaryError,
    BoundaryIoU,
    BoundaryScore,
    Calibration,
    Confusion,
    ContactLine,
    Flicker,
    HandLeak,
    Outlines,
)
from graspseg.metrics.confusion import mean_foreground_iou

THUMBNAIL_WIDTH = 320
FAILURES_KEPT = 20


@dataclass(frozen=True)
class Prediction:
    """What a segmenter says of one frame.

    Attributes:
        labels: Of the frame's size.
        probabilities: Of background, hand and object, summing to 1; None leaves calibration out.
        windows: Boxes of the closer windows that the labels are made of, along whose edges seams are looked for.
    """

    labels: UInt8[np.ndarray, "h w"]
    probabilities: Float32[np.ndarray, "3 h w"] | None = None
    windows: tuple[Box, ...] = ()


SegmentFunction = Callable[[Frame], Prediction]


@dataclass(frozen=True)
class FrameScore:
    """One judged frame.

    Attributes:
        stem: Name of the frame.
        matrix: Its confusion matrix, rows = target, columns = prediction.
    """

    stem: str
    matrix: Int64[np.ndarray, "3 3"]


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
        confusion, boundary, boundary_iou, boundary_error, contact, leak, flicker, calibration, scenes: Scores of the
            segmenter.
        rules: Scores of each trivial rule on the same frames.
        failures: Stem or index and reason of frames that could not be used, at most `FAILURES_KEPT` of them.
        failed: Number of such frames.
    """

    confusion: Confusion = field(default_factory=Confusion)
    boundary: BoundaryScore = field(default_factory=BoundaryScore)
    boundary_iou: BoundaryIoU = field(default_factory=BoundaryIoU)
    boundary_error: BoundaryError = field(default_factory=BoundaryError)
    contact: ContactLine = field(default_factory=ContactLine)
    leak: HandLeak = field(default_factory=HandLeak)
    flicker: Flicker = field(default_factory=Flicker)
    calibration: Calibration = field(default_factory=Calibration)
    scenes: SceneScores = field(default_factory=SceneScores)
    rules: dict[str, Confusion] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    failed: int = 0
    _worst: list[WorstFrame] = field(default_factory=list, repr=False)

    @property
    def worst(self) -> list[WorstFrame]:
        """The frames with the lowest scores, worst first."""
        return sorted(self._worst, reverse=True)

    def add(self, sample: Sample, prediction: Prediction, *, worst: int, follows: bool = False) -> FrameScore:
        """Judge one frame and keep its picture if it is among the `worst` so far.

        Args:
            sample: The frame and its labels.
            prediction: What the segmenter says.
            worst: How many of the worst frames to keep pictures of.
            follows: Whether the frame comes next after the one judged before, in the same sequence.

        Raises:
            InputError: The frame has no labels.
            ValueError: The prediction has another size or other values than labels have.
        """
        target, labels = sample.target(), prediction.labels
        before = self.confusion.matrix.copy()
        self.confusion.update(labels, target)
        depth_m = sample.frame.depth_m()
        outlines = Outlines.of(labels, target)
        self.boundary.update(outlines)
        self.boundary_iou.update(outlines)
        self.boundary_error.update(outlines, depth_m, sample.frame.intrinsics_or_default())
        self.contact.update(outlines)
        self.leak.update(labels, target)
        self.flicker.update(labels, target, depth_m, follows=follows)
        self.scenes.update(labels, target, depth_m, windows=prediction.windows)
        if prediction.probabilities is not None:
            self.calibration.update(labels, prediction.probabilities, target, depth_m > 0)
        matrix = self.confusion.matrix - before
        self._keep_worst(sample, labels, _frame_score(matrix), worst)
        return FrameScore(sample.stem, matrix)

    def _keep_worst(self, sample: Sample, labels: np.ndarray, score: float | None, worst: int) -> None:
        if score is None or not worst:
            return
        if len(self._worst) < worst or 1 - score > self._worst[0].badness:
            picture = _side_by_side(sample.frame, sample.target(), labels)
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
    samples: Dataset,
    *,
    rules: bool = True,
    worst: int = 12,
    progress: Callable[[int], None] | None = None,
    on_frame: Callable[[FrameScore], None] | None = None,
) -> Evaluation:
    """Judge a segmenter on every labeled frame; a frame that cannot be used is counted, and the rest is done.

    Args:
        segment: Frame to labels, and to probabilities if it has some.
        samples: Labeled frames; flicker is judged inside each of their clips.
        rules: Also judge the trivial rules.
        worst: How many of the worst frames to keep pictures of.
        progress: Called after every frame with the number done.
        on_frame: Called with the score of every judged frame, in order.

    Raises:
        InputError: No frame could be judged.
    """
    result = Evaluation(rules={name: Confusion() for name in RULES} if rules else {})
    following = {index for clip in clips_of(samples) for index in clip[1:]}
    last = -2
    for index in range(len(samples)):
        try:
            sample = samples[index]
            target = sample.target()
            follows = index in following and last == index - 1
            score = result.add(sample, segment(sample.frame), worst=worst, follows=follows)
            last = index
            for name, confusion in result.rules.items():
                confusion.update(RULES[name].apply(sample.frame), target)
            if on_frame is not None:
                on_frame(score)
        except InputError as error:
            result.fail(str(error))
        if progress is not None:
            progress(index + 1)
    if not result.confusion.images:
        first = f", the first because: {result.failures[0]}" if result.failures else ""
        raise InputError(f"None of {len(samples)} frames could be judged, expected labeled frames{first}")
    return result


def _frame_score(matrix: np.ndarray) -> float | None:
    score = float(mean_foreground_iou(matrix))
    return None if np.isnan(score) else score


def _side_by_side(frame: Frame, target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Depth, target and prediction as thumbnails in one row."""
    pictures = [shade_depth(frame.depth), overlay(frame.depth, target), overlay(frame.depth, prediction)]
    height = max(1, round(frame.depth.shape[0] * THUMBNAIL_WIDTH / frame.depth.shape[1]))
    return np.hstack([cv2.resize(p, (THUMBNAIL_WIDTH, height), interpolation=cv2.INTER_AREA) for p in pictures])
