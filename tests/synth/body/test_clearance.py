"""Distances between bodies, against values worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from graspseg.synth.body.clearance import arm_balls, ball_depth, chain_depth, deepest, nearest_gap, vertex_normals
from graspseg.synth.body.hand import HandModel


def _cube() -> tuple[np.ndarray, np.ndarray]:
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float32)
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    return corners, np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))], np.int32)


def test_nearest_points_by_hand() -> None:
    points = np.array([[0, 0, 0], [1, 0, 0]], np.float32)
    others = np.array([[5, 0, 0], [1, 3, 4]], np.float32)
    assert nearest_gap(points, others) == (pytest.approx(4.0), 1, 0)


def test_normals_of_a_cube_point_outward() -> None:
    corners, faces = _cube()
    normals = vertex_normals(corners, faces)
    assert ((normals * corners).sum(axis=1) > 0.8 * np.sqrt(3)).all()
    assert np.linalg.norm(normals, axis=1) == pytest.approx(np.ones(8), abs=1e-6)


def test_depth_below_a_plane_is_its_distance_and_points_above_do_not_count() -> None:
    grid = np.stack(np.meshgrid(np.arange(5), np.arange(5), [0.0]), axis=-1).reshape(-1, 3).astype(np.float32)
    up = np.tile(np.array([0, 0, 1], np.float32), (25, 1))
    assert deepest(np.array([[2, 2, -0.25], [1, 1, 3]], np.float32), grid, up) == pytest.approx(0.25)
    assert deepest(np.array([[2, 2, 0.25]], np.float32), grid, up) == 0.0


def test_balls_touch_where_their_radii_add_up() -> None:
    mine, theirs = np.array([[0.0, 0, 0, 1], [0, 5, 0, 1]]), np.array([[3.0, 0, 0, 1.5]])
    assert chain_depth(mine, theirs) == pytest.approx(-0.5)
    assert ball_depth(mine, np.array([[0, 0.25, 0]], np.float32)) == pytest.approx(0.75)
    assert ball_depth(mine, np.zeros((0, 3), np.float32)) < 0


@pytest.mark.parametrize("name", ["anny", "webxr"])
def test_balls_follow_the_arm(name) -> None:
    hand = HandModel.load(name)
    vertices = hand.vertices(hand.mean_shape(), np.zeros((5, 4), np.float32))
    balls = arm_balls(name, vertices)
    assert (np.diff(balls[:, 0]) < 0).all() and balls[-1, 0] < -0.3
    assert (balls[:-2, 3] > 0.02).all() and (balls[:, 3] < 0.08).all()
