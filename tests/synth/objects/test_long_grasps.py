"""Wrapped hands and long things: in contact without cutting in, metric, deterministic, a hand at each end."""

from __future__ import annotations

import inspect
from dataclasses import replace

import numpy as np
import pytest

from graspseg.labels import HAND, OBJECT
from graspseg.synth.body.hand import HandModel
from graspseg.synth.objects.cast import Cast
from graspseg.synth.objects.long_grasps import ENDS, hold_long, hold_long_between
from graspseg.synth.objects.long_objects import LONG_KINDS
from graspseg.synth.objects.wrap import WIDEST_M, sample_wrap
from graspseg.synth.recipe import RECIPES, Hands
from graspseg.synth.render.scene_parts import Mesh
from graspseg.synth.scene.acts import ActMaker
from graspseg.synth.scene.floating import SceneMaker

NAMES = pytest.mark.parametrize("name", ["anny", "webxr"])
AT_ENDS = tuple(kind for kind in LONG_KINDS if kind != "bag")


def _arm_of(hand: HandModel):
    return lambda rng, shape, articulation: [Mesh(hand.vertices(shape, articulation), hand.faces, HAND)]


@NAMES
@pytest.mark.parametrize("radius", [0.004, 0.009, 0.016, 0.027])
def test_fingers_close_around_a_rod_and_stop_at_it(name, radius) -> None:
    hand = HandModel.load(name)
    for seed in range(5):
        wrap = sample_wrap(np.random.default_rng(seed), hand, radius)
        skin = hand.vertices(wrap.shape, wrap.articulation) - wrap.point
        away = np.linalg.norm(skin - np.outer(skin @ wrap.out, wrap.out), axis=1) - radius
        assert away.min() > -0.004
        assert away[hand.part == 1].min() < 0.006
        touching = [away[hand.part == 2 + finger].min() < 0.006 for finger in range(1, 5)]
        assert sum(touching) >= 3
        assert np.linalg.norm(wrap.out) == pytest.approx(1.0)


def test_what_is_too_thick_is_refused() -> None:
    hand = HandModel.load("anny")
    with pytest.raises(ValueError, match="28 mm"):
        inspect.unwrap(sample_wrap)(np.random.default_rng(0), hand, WIDEST_M * 1.1)


@NAMES
@pytest.mark.parametrize("kind", LONG_KINDS)
def test_one_hand_holds_it(kind, name) -> None:
    hand = HandModel.load(name)
    first, second = (hold_long(np.random.default_rng(3), hand, kind, _arm_of(hand)) for _ in range(2))
    arm, thing = first.meshes
    assert (arm.label, thing.label, thing.name) == (HAND, OBJECT, kind)
    assert np.array_equal(thing.vertices, second.meshes[1].vertices)
    assert np.isfinite(thing.vertices).all()
    assert thing.faces.min() >= 0 and thing.faces.max() < len(thing.vertices)
    skin = arm.vertices[hand.part > 0]
    assert min(float(np.linalg.norm(thing.vertices - point, axis=1).min()) for point in skin[::5]) < 0.015
    assert 0.12 < np.linalg.norm(np.ptp(thing.vertices, axis=0)) < 1.0


@NAMES
@pytest.mark.parametrize("kind", AT_ENDS)
def test_two_hands_hold_it_at_its_ends(kind, name) -> None:
    hand = HandModel.load(name)
    for seed in range(4):
        made, again = (hold_long_between(np.random.default_rng(seed), hand, kind, _arm_of(hand)) for _ in range(2))
        right, left, thing = made.meshes
        assert (right.label, left.label, thing.label) == (HAND, HAND, OBJECT)
        assert np.array_equal(left.vertices, again.meshes[1].vertices)
        palms = [mesh.vertices[hand.part == 1].mean(axis=0) for mesh in (right, left)]
        assert 0.08 < np.linalg.norm(palms[0] - palms[1]) < 0.85
        for mesh in (right, left):
            skin = mesh.vertices[hand.part > 0]
            gaps = [float(np.linalg.norm(thing.vertices - point, axis=1).min()) for point in skin[::7]]
            assert min(gaps) < 0.02


def test_the_second_hand_is_a_left_one() -> None:
    """Its faces turn inside out, as a mirror image's do."""
    hand = HandModel.load("anny")
    right, left, _ = hold_long_between(np.random.default_rng(0), hand, "foam_tube", _arm_of(hand)).meshes

    def volume(mesh: Mesh) -> float:
        a, b, c = ((mesh.vertices - mesh.vertices.mean(axis=0))[mesh.faces[:, i]] for i in range(3))
        return float((a * np.cross(b, c)).sum())

    assert volume(right) > 0 > volume(left)


def test_some_things_are_for_unseen_alone() -> None:
    assert set(ENDS["train"]) == set(ENDS["val"])
    assert set(ENDS["unseen"]) - set(ENDS["train"]) == {"hose"}
    assert "bag" not in {kind for kinds in ENDS.values() for kind in kinds}


@pytest.mark.parametrize("kind", LONG_KINDS)
def test_an_act_holds_it_at_the_size_of_the_person(kind) -> None:
    act = ActMaker(Cast("train"), Hands()).make(np.random.default_rng(1), kind, 0.15)
    assert act.thing is not None and act.thing.label == OBJECT and act.thing.name == kind


@pytest.mark.parametrize("split", ["train", "unseen"])
def test_a_recipe_can_ask_for_them(split) -> None:
    for kind in ("two_ends", "foam_tube"):
        recipe = replace(RECIPES["wild"], interactions={kind: 1.0}, unseen={})
        scene = SceneMaker(split, recipe=recipe).make(np.random.default_rng(2))
        assert scene.interaction == kind
        assert set(scene.facts()["objects"]) & (set(ENDS[split]) if kind == "two_ends" else {kind})


def test_wrong_kinds_are_named() -> None:
    hand = HandModel.load("anny")
    # Unwrapped, because the tests' own type checks would refuse the name first.
    with pytest.raises(ValueError, match="jelly"):
        inspect.unwrap(hold_long)(np.random.default_rng(0), hand, "jelly", _arm_of(hand))
    with pytest.raises(ValueError, match="bag"):
        inspect.unwrap(hold_long_between)(np.random.default_rng(0), hand, "bag", _arm_of(hand))
