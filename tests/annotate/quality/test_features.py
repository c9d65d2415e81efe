"""Numbers that predict errors, on steps worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from graspseg.annotate.paper.background import Box
from graspseg.annotate.quality.features import Evidence, weigh
from graspseg.annotate.steps import Steps
from graspseg.labels import HAND, OBJECT

HAND_BOX, THING_BOX = (slice(10, 30), slice(10, 20)), (slice(10, 30), slice(20, 25))  # 200 and 100 pixels
FOCAL_PX = 50.0
FAR = (slice(30, 35), slice(50, 60))  # 50 pixels, 25 from the thing


def evidence(*, probability: float = 1.0, far: int | None = None, far_m: float = 0.4) -> Evidence:
    """A hand beside a thing at 0.4 m.

    Args:
        probability: of each label.
        far: what a third piece is called.
        far_m: its depth; the range ends at 0.56 m.
    """
    labels = np.zeros((40, 70), np.uint8)
    labels[HAND_BOX], labels[THING_BOX] = HAND, OBJECT
    depth_m = np.where(labels > 0, np.float32(0.4), np.float32(0))
    if far is not None:
        labels[FAR], depth_m[FAR] = far, far_m
    hand, held = ((labels == label).astype(np.uint8) * np.uint8(255) for label in (HAND, OBJECT))
    of_hand = np.where(labels == HAND, np.float32(probability), np.float32(1 - probability))
    color, all_seen = np.zeros((40, 70, 3), np.uint8), np.full((40, 70), 255, np.uint8)
    masks = (hand, held, hand, held, labels)
    steps = Steps(Box(0, 0, 70, 40), 0.4, 0.56, depth_m, hand | held, 0, color, all_seen, hand, of_hand, *masks)
    return weigh(steps, (40, 70), FOCAL_PX)


def test_certain_labels_are_expected_to_be_right() -> None:
    found = evidence()
    assert (found.expected_hand_iou, found.expected_object_iou) == (1, 1)


def test_areas_are_those_of_surfaces_that_face_the_camera() -> None:
    """A pixel at 0.4 m is 0.4 / 50 m wide: 0.64 square centimeters."""
    found = evidence()
    assert (found.hand_cm2, found.object_cm2) == (pytest.approx(200 * 0.64), pytest.approx(100 * 0.64))


def test_expected_iou_counts_what_either_class_may_have_lost_to_the_other() -> None:
    """Of 200 hand pixels 150 are right, and 25 of the 100 of the object may be hand, too."""
    found = evidence(probability=0.75)
    assert found.expected_hand_iou == pytest.approx(150 / (200 + 25))
    assert found.expected_object_iou == pytest.approx(75 / (100 + 50))


def test_what_lies_at_the_end_of_the_range_counts_by_class() -> None:
    assert evidence(far=HAND, far_m=0.5).at_end_share == 0
    assert evidence(far=HAND, far_m=0.559).at_end_share == pytest.approx(50 / (250 + 25) / 2)
    assert evidence(far=OBJECT, far_m=0.559).at_end_share == pytest.approx(50 / (150 + 25) / 2)


def test_object_apart_from_the_hand_stands_out() -> None:
    assert evidence().object_apart_share == 0
    assert evidence(far=HAND).object_apart_share == 0
    assert evidence(far=OBJECT).object_apart_share == pytest.approx(50 / 150)
