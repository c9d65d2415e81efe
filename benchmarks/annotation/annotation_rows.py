"""Annotated frames of synthetic recordings with truth: their evidence, a network's opinion, their true IoU."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

import annotation_sets
from graspseg.annotate.annotated_frame import annotate_frame
from graspseg.annotate.annotator import Annotator
from graspseg.annotate.calibrate import Click, calibrate
from graspseg.annotate.quality.confidence import Row, add_jumps, add_ratios
from graspseg.annotate.second_model import compare
from graspseg.annotate.settings import AnnotateSettings, SkinMethod
from graspseg.annotate.skin_model import SkinModel
from graspseg.cameras.open import open_rgbd
from graspseg.cameras.rgbd import RgbdFrame
from graspseg.datasets.folder import FolderDataset
from graspseg.errors import InputError
from graspseg.evaluation.annotation_test_set import AnnotationTestSet, window_labels
from graspseg.labels import HAND, OBJECT
from graspseg.metrics.confusion import count_pairs, intersection_over_union
from graspseg.segment.segmenter import Segmenter

GOOD_IOU = 0.9
FIT = {
    "fit": AnnotationTestSet("train", 20_261_106, repeats=2, counts=(4, 4, 8, 2)),
    "fit-unseen": AnnotationTestSet("unseen", 20_261_107, repeats=2, counts=(4, 4, 8, 2)),
    "check": AnnotationTestSet("unseen", 20_261_108, repeats=1, counts=(4, 4, 8, 2)),
}
"""Recordings that weights are fitted to, of other seeds than the exam: one with another hand, one with the exam's; and
others to check the weights on before the exam."""
annotation_sets.SETS.update(FIT)


class Recording(NamedTuple):
    """Frames of one person under one light with their truth.

    Attributes:
        name: of the recording.
        calibration: what its skin model is found from.
        clicks: on skin in these frames, where nothing but one object is held; empty = it is found without.
        frames: what is annotated.
        targets: true labels within the depth range.
        sequences: frames that follow each other in time.
    """

    name: str
    calibration: list[RgbdFrame]
    clicks: list[Click]
    frames: list[RgbdFrame]
    targets: list[np.ndarray]
    sequences: list[range]


def recordings(source: str) -> Iterator[Recording]:
    """Clips of a folder, or `exam:FOLDER` and `tuning:FOLDER`: what `annotation_sets.py` stored there."""
    kind, colon, folder = source.partition(":")
    if not colon:
        yield from clips(Path(source))
        return
    for number, stored in enumerate(annotation_sets.recordings(kind, Path(folder))):
        parts = ("judged", "sleeve", "held") if kind in FIT else ("judged", "sleeve")
        judged = [frame for frame in stored if frame.part in parts]
        yield Recording(
            f"{kind}/{number}",
            [frame.rgbd for frame in stored if frame.part in ("empty", "held")],
            [],
            [frame.rgbd for frame in judged],
            [frame.labels for frame in judged],
            [range(index, index + 1) for index in range(len(judged))],
        )


def clips(folder: Path) -> Iterator[Recording]:
    source, truth = open_rgbd(folder), FolderDataset(folder)
    number = {stem: index for index, stem in enumerate(truth.stems)}
    for clip in source.sequences:
        frames = [source[index] for index in clip]
        targets = []
        for frame in frames:
            labels = truth[number[frame.name]].labels
            assert labels is not None
            targets.append(window_labels(frame.frame.depth_m(), labels))
        clicks = [click for index in (0, len(frames) - 1) for click in click_on_hand(targets[index], index)]
        yield Recording(f"{folder.name}/{clip.start}", frames, clicks, frames, targets, [range(len(frames))])


def click_on_hand(target: np.ndarray, frame: int) -> list[Click]:
    """Where a person would click: in the middle of the hand's broadest part."""
    hand = cv2.copyMakeBorder((target == HAND).view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    _, reach, _, (x, y) = cv2.minMaxLoc(cv2.distanceTransform(hand, cv2.DIST_L2, 3))
    return [Click(x - 1, y - 1, frame)] if reach > 3 else []


def collect(source: str, skin: SkinMethod, *, most: int | None, model: str) -> list[dict[str, Any]]:
    """Annotate every recording; evidence, opinion and true IoU of each frame."""
    segmenter = Segmenter(model, threads=1, precision="float32")
    settings = AnnotateSettings(skin=skin)
    found: list[dict[str, Any]] = []
    for recording in itertools.islice(recordings(source), most):
        person = calibrated(recording) if skin == "model" else None
        if skin == "model" and person is None:
            print(f"{recording.name} left out: its hand is not in range, or not seen by the color camera")
            continue
        annotator = Annotator(settings, person)
        rows: list[Row | None] = []
        for frame, target in zip(recording.frames, recording.targets, strict=True):
            made = annotate_frame(annotator, frame, depth="range")
            opinion = compare(made.labels, segmenter(made.frame))
            rows.append({**add_ratios({**made.row, **asdict(opinion)}), **true_iou(made.labels, target)})
        for frame, row in zip(recording.frames, add_jumps(rows, recording.sequences), strict=True):
            found.append({"stem": frame.name, "recording": recording.name, **(row or {})})
    return found


def calibrated(recording: Recording) -> SkinModel | None:
    """The skin model from the clicks that hit something, as a person would click again."""
    clicks = recording.clicks
    for tried in (clicks, *([click] for click in clicks)) if clicks else ([],):
        with contextlib.suppress(InputError):
            return calibrate(recording.calibration, tried)
    return None


def true_iou(labels: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """IoU of each class that truth or annotation has, their mean, and the lower one."""
    iou, present = intersection_over_union(count_pairs(labels, target))
    told = [float(iou[label]) for label in (HAND, OBJECT) if present[label]] or [1.0]
    return {"true_mean": float(np.mean(told)), "true_worst": min(told)}
