"""Boxes, ellipsoids, tubes: closed where they say so, of the size asked for."""

from __future__ import annotations

import numpy as np
import pytest

from graspseg.synth.objects.solids import (
    block,
    capsule,
    compact,
    curve,
    ellipsoid,
    join,
    lathe,
    moved,
    rounded,
    settled,
    tube,
)

PROFILE = np.array([[0.02, 0.0], [0.05, 0.1], [0.01, 0.2]])
CLOSED = {
    "block": block([0.1, 0.2, 0.3]),
    "ellipsoid": ellipsoid([0, 0, 1], [0.1, 0.2, 0.3]),
    "tube": tube(np.array([[0, 0, 0], [0, 0, 0.1], [0.05, 0, 0.2]]), 0.02),
    "capsule": capsule([0, 0, 0], [0.3, 0.1, 0], 0.02, 0.01),
    "lathe": lathe(PROFILE),
}


def _volume(part) -> float:
    a, b, c = (part[0][part[1][:, i]] for i in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


@pytest.mark.parametrize("name", CLOSED)
def test_closed_solids_have_two_faces_at_every_edge_and_turn_outward(name) -> None:
    faces = CLOSED[name][1]
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    there, counts = np.unique(edges, axis=0, return_counts=True)
    assert (counts == 1).all()
    assert {tuple(edge) for edge in there.tolist()} == {tuple(edge[::-1]) for edge in there.tolist()}
    assert abs(_volume(CLOSED[name])) > 1e-5


def test_volumes_are_those_of_geometry() -> None:
    assert abs(_volume(ellipsoid([0, 0, 0], [0.1, 0.2, 0.3], fine=4))) == pytest.approx(4 / 3 * np.pi * 0.006, rel=0.01)
    assert abs(_volume(tube(np.array([[0, 0, 0], [0, 0, 1.0]]), 0.1, sides=96))) == pytest.approx(
        np.pi * 0.01, rel=0.01
    )


def test_a_capsule_reaches_over_its_ends_by_its_radius() -> None:
    vertices, _ = capsule([0, 0, 0], [0.3, 0, 0], 0.02)
    assert vertices[:, 0].min() == pytest.approx(-0.02, abs=1e-4)
    assert vertices[:, 0].max() == pytest.approx(0.32, abs=1e-4)


def test_a_tube_is_flat_along_up_and_does_not_twist() -> None:
    line = np.stack([np.linspace(0, 0.3, 20), 0.05 * np.sin(np.linspace(0, 3, 20)), np.zeros(20)], axis=1)
    vertices, _ = tube(line, np.full((20, 2), [0.03, 0.005]), up=[0, 0, 1])
    assert np.abs(vertices[:, 2]).max() < 0.006
    away = np.linalg.norm(vertices.reshape(20, -1, 3) - line[:, None], axis=-1)
    assert np.ptp(away.max(axis=1)) < 1e-9


def test_a_rounded_tube_along_one_line_is_a_capsule() -> None:
    line = np.array([[0, 0, 0], [0.1, 0, 0]])
    assert np.array_equal(rounded(line, 0.01)[0], capsule(line[0], line[1], 0.01)[0])


def test_a_curve_starts_and_ends_where_it_was_told() -> None:
    knots = np.array([[0, 0, 0], [0.1, 0.2, 0], [0.3, 0, 0.1]])
    line = curve(knots, 30)
    assert line[[0, -1]] == pytest.approx(knots[[0, -1]])
    assert np.linalg.norm(np.diff(line, axis=0), axis=1).max() < 0.03


def test_joined_parts_keep_their_faces_and_settle_about_the_origin() -> None:
    far = moved(block([0.1, 0.1, 0.1]), np.eye(3), [5, 5, 5])
    vertices, faces = settled(join([block([0.2, 0.2, 0.2], [5, 5, 4.8]), far]))
    assert len(vertices) == 16 and faces.max() == 15 and vertices.dtype == np.float32
    assert vertices.min(axis=0) + vertices.max(axis=0) == pytest.approx(np.zeros(3), abs=1e-6)


def test_compacting_drops_what_no_face_uses() -> None:
    vertices, faces = block([1, 1, 1])
    kept, renumbered = compact(vertices, faces[:2])
    assert len(kept) == 4
    assert np.array_equal(kept[renumbered], vertices[faces[:2]])
