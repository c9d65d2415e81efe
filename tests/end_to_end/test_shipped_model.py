"""The shipped model on frames it never saw: other hand, other objects; and on real frames where they are at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graspseg.datasets.folder import FolderDataset
from graspseg.evaluation.evaluate import Prediction, SegmentFunction, evaluate
from graspseg.evaluation.samples import open_samples
from graspseg.frame import Intrinsics
from graspseg.labels import HAND
from graspseg.segment.segmenter import Segmenter

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "real" / "sr305_gestures"


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter(threads=1)


def labels_of(segmenter: Segmenter) -> SegmentFunction:
    return lambda frame: Prediction(segmenter(frame).labels)


def test_it_is_far_better_than_trivial_rules_on_unseen_hands_and_objects(segmenter: Segmenter) -> None:
    result = evaluate(labels_of(segmenter), open_samples("synth:unseen:60"), worst=0)
    scores = result.confusion.iou_dataset
    assert scores["hand"] is not None and scores["hand"] > 0.85
    assert scores["object"] is not None and scores["object"] > 0.7
    for rule in result.rules.values():
        best = rule.iou_dataset["hand"]
        assert best is not None and scores["hand"] > best + 0.1


def test_the_demo_frames_come_out_right(segmenter: Segmenter) -> None:
    result = evaluate(labels_of(segmenter), FolderDataset(ROOT / "examples" / "frames"), worst=0)
    mean = result.confusion.iou_dataset["mean"]
    assert mean is not None and mean > 0.9


@pytest.mark.skipif(not REAL.is_dir(), reason="NO REAL FRAMES: ../shared/real is not beside this checkout")
def test_it_finds_the_hand_in_real_frames(segmenter: Segmenter) -> None:
    """The nearest surface of these frames is a hand without object in front of a clothed body."""
    frames = FolderDataset(REAL, depth_unit_m=0.000125, intrinsics=Intrinsics(476.0, 476.0, 313.7, 242.8))
    hits = []
    for sample in frames:
        depth_m = sample.frame.depth_m()
        labels = segmenter(sample.frame).labels
        near = (depth_m > 0) & (depth_m < np.percentile(depth_m[depth_m > 0], 2) + 0.03)
        hits.append(np.count_nonzero(labels[near] == HAND) / np.count_nonzero(near))
    assert np.median(hits) > 0.85
