import numpy as np
import pytest
from numba import njit

from graspseg.forest.features import (
    BIN_OF,
    EDGES,
    FAR,
    OFFSETS,
    difference,
    draw_offsets,
    offset_scale,
    reduce_frame,
)
from graspseg.forest.settings import ForestSettings
from graspseg.frame import Intrinsics


@njit
def ask(image, y, x, offsets, scale):
    return difference(
        image.ravel(),
        0,
        image.shape[0],
        image.shape[1],
        y,
        x,
        offsets[0],
        offsets[1],
        offsets[2],
        offsets[3],
        scale,
        scale,
    )


IMAGE = np.array([[5000, 5100, 5200, 5300], [6000, 6100, 6200, 6300], [7000, 7100, FAR, 7300]], np.uint16)


@pytest.mark.parametrize(
    ("offsets", "expected"),
    [
        ((0, 0, 0, 0), 0),
        ((1, 0, 0, 0), 6200 - 6100),  # one to the right, minus the pixel itself
        ((-1, -1, 2, 0), 5000 - 6300),
        ((0, 1, 0, -1), 7100 - 5100),
        ((1, 1, 0, 0), FAR - 6100),  # no measurement is very far
        ((0, -2, 0, 0), FAR - 6100),  # so is what is above the image,
        ((-2, 0, 0, 0), FAR - 6100),  # left of it, where a flat array holds the row before,
        ((3, 0, 0, 0), FAR - 6100),  # and right of it,
        ((0, 2, 3, 0), 0),  # on both sides: no difference
    ],
)
def test_depth_differences_worked_by_hand(offsets: tuple[int, int, int, int], expected: int) -> None:
    assert ask(IMAGE, 1, 1, np.array(offsets, np.int32), 1.0) == expected


def test_offsets_are_rounded_to_the_nearest_pixel() -> None:
    # 3 parts of 0.4 pixels are 1.2: the next pixel; 4 are 1.6: the one after.
    assert ask(IMAGE, 1, 1, np.array([3, 0, 0, 0], np.int32), 0.4) == 6200 - 6100
    assert ask(IMAGE, 1, 1, np.array([4, 0, 0, 0], np.int32), 0.4) == 6300 - 6100


def test_an_offset_is_a_length_in_the_scene() -> None:
    # 0.3 m at 0.6 m with a focal length of 100 pixels are 50 pixels, at 1.2 m 25.
    near, far = (OFFSETS * njit(lambda d: offset_scale(d, 100.0, 0.3))(depth) for depth in (6000.0, 12_000.0))
    assert near == pytest.approx(50)
    assert far == pytest.approx(25)


def test_bins_count_the_edges_that_are_not_above() -> None:
    assert len(EDGES) == 63 and (np.diff(EDGES) > 0).all()
    assert EDGES[31] == 0 and EDGES[-1] == 4000 == -EDGES[0]
    half = len(BIN_OF) // 2
    assert BIN_OF[half] == 32
    assert BIN_OF[half - 1] == 31
    assert (BIN_OF[0], BIN_OF[-1]) == (1, 63)


def test_random_offsets_stay_within_reach_and_half_ask_one_place() -> None:
    offsets = draw_offsets(np.random.default_rng(3), 2000)
    assert offsets.shape == (2000, 4) and offsets.dtype == np.int8
    assert np.hypot(*offsets[:, :2].astype(float).T).max() < OFFSETS + 1
    alone = (offsets[:, 2:] == 0).all(axis=1).mean()
    assert 0.47 < alone < 0.56


def test_a_frame_is_reduced_to_the_angle_asked_for() -> None:
    settings = ForestSettings(pixel_angle=0.01)
    depth_m = np.arange(1, 49, dtype=np.float32).reshape(6, 8) / 100
    depth_m[1, 1] = 0
    grid = reduce_frame(depth_m, Intrinsics(200.0, 220.0, 3.5, 2.5), settings)
    assert (grid.step, grid.first_x, grid.first_y, grid.fx, grid.fy) == (2, 1, 1, 100.0, 110.0)
    expected = np.rint(depth_m[1::2, 1::2] * 10_000)
    expected[0, 0] = FAR
    np.testing.assert_array_equal(grid.surface, expected)


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (3, 5), (480, 640)])
def test_every_size_leaves_a_grid(size: tuple[int, int]) -> None:
    grid = reduce_frame(np.full(size, 0.5, np.float32), Intrinsics(4750.0, 4750.0, 1.0, 1.0), ForestSettings())
    assert min(grid.surface.shape) >= 1 and max(grid.surface.shape) <= 400
    assert (grid.surface == 5000).all()


def test_depths_that_round_to_nothing_and_depths_beyond_reach() -> None:
    depth_m = np.array([[1e-6, 3.9, 4.0, 60.0]], np.float32)
    grid = reduce_frame(depth_m, Intrinsics(119.0, 119.0, 1.0, 0.0), ForestSettings())
    np.testing.assert_array_equal(grid.surface, [[1, 39_000, FAR, FAR]])
    np.testing.assert_array_equal(grid.measured, [[True, True, False, False]])
