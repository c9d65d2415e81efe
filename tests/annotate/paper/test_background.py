"""Background elimination: the nearest surface, the range behind it, and pixels between two surfaces."""

from __future__ import annotations

import numpy as np

from graspseg.annotate.paper.background import Box, drop_flying, keep_range, nearest_surface


def scene() -> np.ndarray:
    """A hand-sized patch at 400 before a wall at 900, with holes."""
    depth = np.full((60, 80), 900, np.uint16)
    depth[20:40, 30:60] = 400
    depth[:, :5] = 0
    return depth


def test_the_nearest_surface_is_a_patch_and_no_single_pixel() -> None:
    depth = scene()
    depth[5, 10], depth[50:52, 70:72] = 100, 200
    assert nearest_surface(depth) == 400


def test_a_surface_too_small_for_a_patch_counts_when_there_is_no_other() -> None:
    depth = np.zeros((60, 80), np.uint16)
    depth[11, 21] = 555
    assert nearest_surface(depth) == 555


def test_nothing_measured_has_no_nearest_surface_and_keeps_nothing() -> None:
    depth = np.zeros((60, 80), np.uint16)
    assert nearest_surface(depth) == 0
    kept, box = keep_range(depth, 0, 160)
    assert box is None and not kept.any()


def test_the_range_is_kept_with_its_end() -> None:
    depth = scene()
    depth[20:40, 30:40], depth[20:40, 40:50] = 560, 561
    kept, box = keep_range(depth, 400, 160)
    expected = np.zeros(depth.shape, bool)
    expected[20:40, 30:40] = expected[20:40, 50:60] = True
    np.testing.assert_array_equal(kept == 255, expected)
    assert box is not None
    assert box == Box(29, 19, 61, 41)


def test_a_range_to_the_end_of_16_bits_keeps_everything_measured() -> None:
    kept, _ = keep_range(scene(), 400, 65535)
    np.testing.assert_array_equal(kept == 255, scene() > 0)


def test_flying_pixels_are_left_out_and_edges_stay() -> None:
    depth = scene()
    depth[20:40, 29] = np.arange(20) * 20 + 450  # a ramp in the air from hand to wall
    kept = np.full(depth.shape, 255, np.uint8)
    left = drop_flying(depth, kept, 8) > 0
    assert not left[21:39, 29].any()
    assert left[20:40, 30:60].all() and left[:20, 10:].all()
