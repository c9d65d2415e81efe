"""Tables are taken out of the depth range, things are not."""

from __future__ import annotations

import numpy as np
import pytest

from graspseg.annotate.paper.background import runs_on
from graspseg.annotate.support import find_planes, free_of_support
from graspseg.frame import Intrinsics

CAMERA = Intrinsics(280.0, 280.0, 159.5, 119.5)
DESK, SKIN = (170, 150, 130), (210, 150, 120)
BLOCK = (slice(90, 150), slice(130, 190))


def desk(*, tilt: float = 0.9, noise_m: float = 0.0) -> np.ndarray:
    """Depth of a desk 0.45 m below a camera that looks down at it aslant."""
    y = (np.arange(240) - CAMERA.cy) / CAMERA.fy
    depth = np.repeat((0.45 / (np.sin(tilt) + y * np.cos(tilt)))[:, None], 320, axis=1)
    rng = np.random.default_rng(0)
    return (depth + rng.normal(0, 1, depth.shape) * noise_m).astype(np.float32)


def pictured(things: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    color = np.where(things[..., None], np.array(SKIN, np.uint8), np.array(DESK, np.uint8))
    return color, np.full(things.shape, 255, np.uint8)


def test_the_plane_of_a_desk_by_hand() -> None:
    """Its normal and distance are those it was made with: (0, cos t, sin t) . p = 0.45."""
    (plane,) = find_planes(desk(noise_m=0.001), CAMERA)
    np.testing.assert_allclose(plane.normal, [0, -np.cos(0.9), -np.sin(0.9)], atol=0.01)
    assert plane.offset_m == pytest.approx(-0.45, abs=0.003)


def test_what_stands_on_a_desk_is_free_of_it() -> None:
    depth = desk(noise_m=0.001)
    things = np.zeros(depth.shape, bool)
    things[BLOCK] = True
    depth[things] -= 0.1
    color, seen = pictured(things)
    free = free_of_support(depth, color, seen, find_planes(depth, CAMERA), CAMERA, 0.16)
    assert free is not None
    assert np.count_nonzero(free & ~things) == 0
    assert np.count_nonzero(free & things) > 0.95 * np.count_nonzero(things)


def test_a_part_of_the_desk_that_is_measured_too_near_goes_by_its_color() -> None:
    depth = desk()
    things, ghost = np.zeros(depth.shape, bool), np.zeros(depth.shape, bool)
    things[BLOCK], ghost[110:150, 190:215] = True, True
    depth[things | ghost] -= 0.1
    color, seen = pictured(things)
    free = free_of_support(depth, color, seen, find_planes(depth, CAMERA), CAMERA, 0.16)
    assert free is not None
    assert np.count_nonzero(free & ghost) < 0.1 * np.count_nonzero(ghost)
    assert np.count_nonzero(free & things) > 0.9 * np.count_nonzero(things)


def test_a_hand_of_the_very_color_of_the_desk_stays() -> None:
    depth = desk()
    things = np.zeros(depth.shape, bool)
    things[BLOCK] = True
    depth[things] -= 0.1
    color, seen = np.full((*depth.shape, 3), SKIN, np.uint8), np.full(depth.shape, 255, np.uint8)
    free = free_of_support(depth, color, seen, find_planes(depth, CAMERA), CAMERA, 0.16)
    assert free is not None and np.count_nonzero(free & things) > 0.9 * np.count_nonzero(things)


def test_a_book_is_no_desk() -> None:
    """A4 at 0.4 m, held before nothing."""
    depth = np.zeros((240, 320), np.float32)
    depth[50:190, 60:260] = 0.4
    assert find_planes(depth, CAMERA) == []


def test_only_what_goes_on_beyond_the_range_is_looked_for() -> None:
    depth = (desk() * 1000).astype(np.uint16)
    assert runs_on(depth, int(depth.min()), 160)
    alone = np.full((240, 320), 900, np.uint16)
    alone[BLOCK] = 400
    assert not runs_on(alone, 400, 160)
    assert not runs_on(np.zeros((240, 320), np.uint16), 0, 160)
