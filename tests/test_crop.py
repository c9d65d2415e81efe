"""Windows of a frame: geometry, cropping, pasting back, and where to look."""

from __future__ import annotations

import numpy as np
import pytest

from graspseg.crop import (
    REACH_M,
    View,
    anything_within,
    crop_depth,
    crop_frame,
    crop_labels,
    paste,
    whole_frame_view,
    whole_view,
)
from graspseg.frame import Frame, Intrinsics


def _frame(height: int = 48, width: int = 64) -> np.ndarray:
    return (np.arange(height * width, dtype=np.float32) + 1).reshape(height, width)


def test_window_of_the_same_scale_copies_pixels() -> None:
    depth = _frame()
    view = View(center_x=20.5, center_y=10.5, size_px=16.0, side=16)
    np.testing.assert_array_equal(crop_depth(depth, view), depth[3:19, 13:29])


def test_a_third_of_the_scale_takes_the_middle_pixel_of_three() -> None:
    depth = _frame()
    view = View(center_x=23.5 + 3, center_y=23.5, size_px=48.0, side=16)
    np.testing.assert_array_equal(crop_depth(depth, view), depth[1:48:3, 4:51:3])


def test_half_scale_takes_existing_depths_only() -> None:
    depth = _frame()
    cropped = crop_depth(depth, View(31.5, 23.5, 32.0, 16))
    assert set(cropped.ravel()) <= set(depth.ravel())


def test_outside_the_frame_is_invalid() -> None:
    depth = np.ones((48, 64), np.float32)
    cropped = crop_depth(depth, View(0.0, 0.0, 16.0, 16))
    assert cropped[:7, :7].max() == 0
    assert cropped[9:, 9:].min() == 1


def test_mirror_and_rotation() -> None:
    depth = _frame()
    plain = crop_depth(depth, View(20.5, 20.5, 16.0, 16))
    np.testing.assert_array_equal(crop_depth(depth, View(20.5, 20.5, 16.0, 16, mirror=True)), plain[:, ::-1])
    turned = crop_depth(depth, View(20.5, 20.5, 16.0, 16, angle_rad=np.pi / 2))
    np.testing.assert_array_equal(turned, np.rot90(plain, -1))


def test_pixel_angle_is_window_over_side_over_focal_length() -> None:
    assert View(0.0, 0.0, 320.0, 160).pixel_angle(Intrinsics(500.0, 500.0, 0.0, 0.0)) == pytest.approx(2 / 500)


def test_paste_inverts_crop() -> None:
    labels = np.zeros((120, 160), np.uint8)
    labels[30:70, 40:100] = 1
    view = View(70.0, 50.0, 96.0, 48)
    region = view.region(160, 120)
    assert region == (22, 2, 119, 99)
    (back,) = paste((crop_labels(labels, view) == 1).astype(np.float32)[None], view, region)
    back = back > 0.5
    x0, y0, x1, y1 = region
    assert np.count_nonzero(back != (labels[y0:y1, x0:x1] == 1)) < 0.02 * back.size


def test_paste_puts_every_network_pixel_where_it_was_taken_from() -> None:
    view = View(center_x=33.5, center_y=26.5, size_px=48.0, side=16)
    columns, rows = np.meshgrid(np.arange(64, dtype=np.float32), np.arange(54, dtype=np.float32))
    x0, y0, x1, y1 = region = view.region(64, 54)
    inner = np.s_[2:-2, 2:-2]  # beyond the outermost centers the edge is repeated
    both = paste(np.stack([crop_depth(columns, view), crop_depth(rows, view)]), view, region)
    for coordinate, pasted in zip((columns, rows), both, strict=True):
        np.testing.assert_allclose(pasted[inner], coordinate[y0:y1, x0:x1][inner], atol=0.1)


@pytest.mark.parametrize(("size", "wide"), [((132, 176), 56), ((57, 75), 52), ((121, 161), 61)])
def test_first_look_is_exact_where_sides_are_no_multiples_of_a_cell(size: tuple[int, int], wide: int) -> None:
    depth = np.zeros(size, np.float32)
    depth[-16:, -wide:] = 0.5
    view = whole_view(depth, 160, margin=0.0)
    left, right = (view.center_x + sign * view.size_px / 2 + 0.5 for sign in (-1, 1))
    # A cell counts when a quarter of it is measured: up to 6 px more and 2 px less than what is there.
    assert size[1] - wide - 6 <= left <= size[1] - wide + 2
    assert right == pytest.approx(size[1])


def test_first_look_holds_everything_measured_and_ignores_specks() -> None:
    depth = np.zeros((480, 640), np.float32)
    depth[200:280, 300:400] = 0.5
    depth[5, 5] = 0.4
    view = whole_view(depth, 160)
    x0, y0, x1, y1 = view.region(640, 480)
    assert x0 <= 300 and y0 <= 200 and x1 >= 400 and y1 >= 280
    assert view.size_px < 130


@pytest.mark.parametrize("shape", [(480, 640), (33, 57), (1, 1), (721, 1281)])
def test_first_look_at_an_empty_frame_is_the_whole_frame(shape: tuple[int, int]) -> None:
    view = whole_view(np.zeros(shape, np.float32), 160)
    assert view.region(shape[1], shape[0]) == (0, 0, shape[1], shape[0])


@pytest.mark.parametrize("unit_m", [0.001, 0.0001, 0.000125, 0.00025, 0.0123, 1.0, 20.0])
def test_a_frame_is_cut_as_its_depth_in_meters_is(unit_m: float) -> None:
    rng = np.random.default_rng(7)
    depth = rng.integers(0, 65536, (121, 203)).astype(np.uint16)
    near = np.uint16(min(REACH_M / unit_m, 65535))
    depth[40:90, 60:130] = near
    depth[44:48, 64:68] = near - 1 if near else 0
    frame = Frame(depth, unit_m)
    assert whole_frame_view(frame, 160) == whole_view(frame.depth_m(), 160)
    view = View(70.3, 51.2, 77.0, 48)
    np.testing.assert_array_equal(crop_frame(frame, view), crop_depth(frame.depth_m(), view))


@pytest.mark.parametrize(("stored", "unit_m"), [(10_000, 0.001), (10_001, 0.001), (1, 10.0), (1, 10.1), (0, 0.001)])
def test_the_limit_is_compared_as_meters_are(stored: int, unit_m: float) -> None:
    frame = Frame(np.full((3, 4), stored, np.uint16), unit_m)
    depth_m = frame.depth_m()
    assert anything_within(frame, 10.0) == bool(((depth_m > 0) & (depth_m <= 10.0)).any())
