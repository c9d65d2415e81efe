"""Color-depth alignment: projections worked by hand, lens distortion as OpenCV does it, and occlusion."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from graspseg.annotate.paper.align import align, project, rays
from graspseg.annotate.paper.background import Box
from graspseg.cameras.rgbd import ColorCamera
from graspseg.frame import Intrinsics

LENS = Intrinsics(100.0, 100.0, 39.5, 29.5)
SHAPE = (60, 80)
WHOLE = Box(0, 0, 80, 60)
ALL = np.full(SHAPE, 255, np.uint8)


def camera(x_m: float, *, distortion: tuple[float, ...] = ()) -> ColorCamera:
    return ColorCamera(LENS, np.eye(3), np.array([x_m, 0.0, 0.0]), distortion)


def columns() -> np.ndarray:
    """A picture whose red is its column, times 3."""
    picture = np.zeros((*SHAPE, 3), np.uint8)
    picture[..., 0] = np.arange(80) * 3
    return picture


def test_a_plane_is_shifted_by_its_disparity() -> None:
    """f b / z = 100 x 0.05 / 0.5 = 10 pixels to the right."""
    there = camera(0.05)
    aligned = align(
        columns(), np.full(SHAPE, 0.5, np.float32), ALL, rays(SHAPE, LENS, there, WHOLE), there, tolerance_m=0.01
    )
    np.testing.assert_array_equal(aligned.color[:, :70, 0], np.tile(np.arange(10, 80) * 3, (60, 1)))
    assert (aligned.seen[:, :70] == 255).all()
    assert (aligned.seen[:, 70:] == 0).all()


def test_a_camera_in_the_same_place_sees_everything_where_it_is() -> None:
    there = camera(0.0)
    depth = np.random.default_rng(0).uniform(0.3, 0.5, SHAPE).astype(np.float32)
    aligned = align(columns(), depth, ALL, rays(SHAPE, LENS, there, WHOLE), there, tolerance_m=0.3)
    np.testing.assert_allclose(aligned.color.astype(int), columns().astype(int), atol=1)
    assert (aligned.seen == 255).all()


def test_what_a_nearer_surface_hides_is_not_seen() -> None:
    """Disparities by hand: finger 100 x 0.05 / 0.25 = 20 px, thing behind 10 px."""
    there = camera(0.05)
    depth = np.full(SHAPE, 0.5, np.float32)
    depth[:, 20:30] = 0.25
    seen = align(columns(), depth, ALL, rays(SHAPE, LENS, there, WHOLE), there, tolerance_m=0.02).seen > 0
    # Columns 20 to 29 of the finger appear at 40 to 49 of the picture, as columns 30 to 39 of the thing behind would.
    assert seen[:, 20:30].all()
    assert not seen[:, 30:40].any()
    assert seen[:, :20].all() and seen[:, 44:70].all()


def test_what_is_not_kept_hides_nothing_and_is_not_seen() -> None:
    there = camera(0.05)
    depth = np.full(SHAPE, 0.5, np.float32)
    depth[:, 20:30] = 0.25
    kept = ALL.copy()
    kept[:, 20:30] = 0
    seen = align(columns(), depth, kept, rays(SHAPE, LENS, there, WHOLE), there, tolerance_m=0.02).seen > 0
    assert seen[:, 30:70].all() and not seen[:, 20:30].any()


def test_a_box_gives_the_same_as_the_whole_image() -> None:
    there = ColorCamera(LENS, cv2.Rodrigues(np.array([0.01, 0.02, 0.0]))[0], np.array([0.02, 0.0, 0.0]))
    depth, box = np.full(SHAPE, 0.4, np.float32), Box(10, 5, 50, 45)
    whole = align(columns(), depth, ALL, rays(SHAPE, LENS, there, WHOLE), there, tolerance_m=0.02)
    part = align(columns(), depth[box.region], ALL[box.region], rays(SHAPE, LENS, there, box), there, tolerance_m=0.02)
    np.testing.assert_array_equal(part.color, whole.color[box.region])


@pytest.mark.parametrize(
    "distortion", [(0.1, -0.05, 0.002, -0.001, 0.02), (0.3, 0.1, 0.001, 0.002, 0.05, 0.2, 0.1, 0.01)]
)
def test_lens_distortion_is_that_of_opencv(distortion: tuple[float, ...]) -> None:
    x, y = (np.random.default_rng(axis).uniform(-0.4, 0.4, (5, 7)).astype(np.float32) for axis in (0, 1))
    points = np.stack([x, y, np.ones_like(x)], axis=-1).reshape(-1, 1, 3).astype(np.float64)
    matrix = np.array([[LENS.fx, 0, LENS.cx], [0, LENS.fy, LENS.cy], [0, 0, 1]])
    expected, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), matrix, np.array(distortion))
    found = np.stack(project(x, y, camera(0.0, distortion=distortion)), axis=-1)
    np.testing.assert_allclose(found.reshape(-1, 1, 2), expected, atol=1e-3)
