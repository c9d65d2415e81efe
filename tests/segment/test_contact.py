"""Contact pixels: those of the hand with a point of the object near in 3-D."""

from __future__ import annotations

import numpy as np
import pytest

from graspseg import Frame, InputError, Intrinsics
from graspseg.segment.cloud import cloud
from graspseg.segment.contact import contact_pixels

CAMERA = Intrinsics(120.0, 110.0, 20.0, 31.0)


@pytest.mark.parametrize("tolerance_mm", [3.0, 7.0, 11.0])
def test_it_is_what_comparing_all_points_says(tolerance_mm: float) -> None:
    """On a rough surface, seen off the axis, with holes: no neighbor in reach is missed and none is invented."""
    rng = np.random.default_rng(3)
    depth = (300 + 40 * np.sin(np.arange(64) / 9)[:, None] + rng.normal(0, 6, (64, 72))).astype(np.uint16)
    depth[rng.uniform(size=depth.shape) < 0.1] = 0
    labels = rng.choice(np.array([0, 1, 1, 2], np.uint8), (16, 18)).repeat(4, axis=0).repeat(4, axis=1)
    frame = Frame(depth, 0.001, CAMERA)
    hand, held = cloud(frame, labels == 1), cloud(frame, labels == 2)
    distance_m = np.sqrt(((hand[:, None].astype(np.float64) - held[None]) ** 2).sum(axis=2)).min(axis=1)
    touched = contact_pixels(frame, labels, tolerance_mm=tolerance_mm)
    found = touched[(labels == 1) & (depth > 0)]
    sure = np.abs(distance_m - tolerance_mm / 1000) > 1e-6
    np.testing.assert_array_equal(found[sure], (distance_m <= tolerance_mm / 1000)[sure])
    assert not touched[(labels != 1) | (depth == 0)].any()
    assert 0 < found.sum() < len(found)


def test_what_is_beside_it_in_the_image_but_behind_is_no_contact() -> None:
    depth = np.full((20, 40), 400, np.uint16)
    labels = np.ones((20, 40), np.uint8)
    labels[:, 20:], depth[:, 20:] = 2, 430
    frame = Frame(depth, 0.001, Intrinsics(400.0, 400.0, 20.0, 10.0))
    assert not contact_pixels(frame, labels, tolerance_mm=20.0).any()
    touched = contact_pixels(frame, labels, tolerance_mm=31.0)
    assert touched[:, 19].all() and not touched[:, :10].any()


def test_without_one_of_the_two_nothing_touches() -> None:
    depth = np.full((8, 8), 400, np.uint16)
    for label in (0, 1, 2):
        assert not contact_pixels(Frame(depth), np.full((8, 8), label, np.uint8)).any()


@pytest.mark.parametrize("tolerance_mm", [0.0, -1.0, 51.0, float("nan")])
def test_tolerances_that_cannot_be(tolerance_mm: float) -> None:
    with pytest.raises(InputError, match="give millimeters"):
        contact_pixels(Frame(np.full((8, 8), 400, np.uint16)), np.ones((8, 8), np.uint8), tolerance_mm=tolerance_mm)
