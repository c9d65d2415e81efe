"""Stages: people, cameras, clothes and rooms, as drawn by the presets that have them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from graspseg.labels import BACKGROUND, HAND, IGNORE, OBJECT
from graspseg.synth.body.arm import ArmPose, Outfit, arm_meshes, hand_length_m, sample_outfit
from graspseg.synth.body.clothing import ArmAxis, Stations, Tube, tube_mesh
from graspseg.synth.body.hand import arm_position
from graspseg.synth.body.person import SHOULDER_M, TRUNK_CENTER, inside_body
from graspseg.synth.generate import FrameMaker
from graspseg.synth.objects.cast import Cast
from graspseg.synth.recipe import RECIPES, Stage
from graspseg.synth.scene.floating import SceneMaker
from graspseg.synth.scene.stage import Staging, arm_joints, arm_rotation
from graspseg.synth.scene.staged import StageMaker

CAST = Cast("train")


def _stagings(recipe, count: int, **changes) -> list[Staging]:
    stage: Stage = replace(recipe.stage, **changes)
    maker = StageMaker(CAST, replace(recipe, stage=stage), None, BACKGROUND)
    return [maker.make(np.random.default_rng(seed), "hold") for seed in range(count)]


def _pose(elbow: float = 0.8) -> ArmPose:
    articulation = np.zeros((5, 4), np.float32)
    return ArmPose(CAST.hand.mean_shape(), articulation, np.zeros(2, np.float32), elbow, 0.3)


def test_sizes_cover_adults_and_children() -> None:
    lengths = np.array([_length(s) for s in _stagings(RECIPES["wild"], 60)])
    adults = lengths > 155
    assert lengths.min() >= 105 and lengths.max() <= 210.5
    assert 0.02 < 1 - adults.mean() < 0.3
    assert np.ptp(lengths[adults]) > 30
    assert min(_length(s) for s in _stagings(RECIPES["interseghands"], 20)) > 154.5


def _length(staging: Staging) -> float:
    return 1000 * hand_length_m(CAST.hand, staging.arms[0].pose.shape)


def test_sleeves_are_as_frequent_as_the_recipe_says() -> None:
    clothes = RECIPES["wild"].stage.clothes  # type: ignore[union-attr]
    rng = np.random.default_rng(0)
    starts = np.array([sample_outfit(rng, clothes, 1.0).sleeve.start for _ in range(400)])  # type: ignore[union-attr]
    assert abs(np.mean(starts < 0.05) - clothes.sleeves["long"]) < 0.08
    assert abs(np.mean(starts > 0.29) - clothes.sleeves["short"]) < 0.08


@pytest.mark.parametrize(
    ("view", "nearest", "farthest"), [("ego", 0.14, 0.65), ("top", 0.25, 0.95), ("third", 0.18, 0.95)]
)
def test_cameras_stand_where_such_cameras_are(view, nearest, farthest) -> None:
    for staging in _stagings(RECIPES["wild"], 15, views={view: 1.0}):
        focus = staging.arms[0].world(np.array([0.07, 0, 0.01]))
        path = focus - staging.camera.position
        assert nearest < np.linalg.norm(path) < farthest + 0.15
        forward = staging.camera.rotation[2]
        if view == "top":
            assert path[1] > 0.6 * np.linalg.norm(path)
        if view == "ego":
            assert 300 <= staging.intrinsics.fx <= 420
            assert staging.camera.position[2] < focus[2] and staging.camera.position[1] < 0
        assert forward @ path > 0.5 * np.linalg.norm(path)
        np.testing.assert_allclose(staging.camera.rotation @ staging.camera.rotation.T, np.eye(3), atol=1e-9)


def test_a_frontal_camera_sees_the_face_and_hands_are_often_raised() -> None:
    heights = []
    for staging in _stagings(RECIPES["frontal"], 30, views={"front": 1.0}):
        forward = staging.camera.rotation[2]
        assert staging.camera.position[2] > 0 and abs(forward[1]) < 0.75
        heights.append(staging.arms[0].world(np.array([0.07, 0, 0.01]))[1] / staging.arms[0].person.scale)
    assert 0.3 < np.mean(np.array(heights) < 0) < 0.95


def test_arms_begin_at_the_shoulder_of_a_body() -> None:
    for staging in _stagings(RECIPES["wild"], 12):
        for arm in staging.arms:
            pose = arm.pose
            own = arm.person.own(arm.world(arm_joints(arm.model, pose)[23])[None])[0]
            expected = np.array([arm.side * SHOULDER_M, 0.03, 0.0]) * arm.person.scale
            np.testing.assert_allclose(own, expected, atol=1e-5)
            ball = min(np.linalg.norm(arm.person.own(center[None])[0] - own) for center, _ in staging.ellipsoids)
            assert ball < 0.01
            # The open end of the skin is inside that ball or the trunk.
            end = arm_position(arm.model.name) > 0.98 * arm_position(arm.model.name).max()
            skin = arm.meshes(0.0, cloth=BACKGROUND)[-2 if arm.held is not None else -1].vertices[end]
            assert np.linalg.norm(arm.person.own(skin) - own, axis=1).mean() < 0.1 * arm.person.scale


def test_the_elbow_points_where_it_is_told() -> None:
    pose, reach = _pose(1.2), np.array([0.0, 0.3, 1.0])
    rotation = arm_rotation(CAST.hand, pose, reach, np.array([0.0, 1.0, 0.0]))
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-6)
    assert np.linalg.det(rotation) == pytest.approx(1)
    joints = (arm_joints(CAST.hand, pose) @ rotation.T).astype(float)
    wrist, elbow = joints[0] - joints[23], joints[2] - joints[23]
    np.testing.assert_allclose(wrist / np.linalg.norm(wrist), reach / np.linalg.norm(reach), atol=1e-5)
    bulge = elbow - wrist * (elbow @ wrist) / (wrist @ wrist)
    assert bulge[1] > 0.05 and abs(bulge[0]) < 1e-5


def test_hands_and_things_keep_out_of_the_own_trunk() -> None:
    assert inside_body(TRUNK_CENTER[None], 1.0).all() and not inside_body(np.array([[0.0, 0.2, 0.4]]), 1.0).any()
    for staging in _stagings(RECIPES["wild"], 10):
        arm = staging.arms[0]
        hand = arm.person.own(arm.world(np.array([[0.07, 0, 0.01]])))
        assert not inside_body(hand, arm.person.scale).any()


def test_a_glove_and_rings_are_hand_a_watch_is_cloth() -> None:
    sleeve = Tube(0.2, 0.49, ease=0.01)
    watch = Tube(0.02, 0.04, ease=0.003, dial=0.006, closed_end=True, rings=8)
    meshes = arm_meshes(CAST.hand, _pose(), Outfit(sleeve, (watch,), rings=((3, 0.005, 0.0015),)), cloth=IGNORE)
    assert [mesh.label for mesh in meshes] == [HAND, IGNORE, IGNORE, HAND]
    glove = Outfit(sleeve, (), glove_m=0.002, glove_end=0.05)
    meshes = arm_meshes(CAST.hand, _pose(), glove, cloth=BACKGROUND)
    assert [(mesh.label, mesh.kind) for mesh in meshes] == [
        (HAND, "glove"),
        (BACKGROUND, "sleeve"),
        (HAND, "glove"),
        (HAND, "skin"),
    ]
    bare = arm_meshes(CAST.hand, _pose(), Outfit(), cloth=BACKGROUND)[-1].vertices
    grown = np.linalg.norm(meshes[-1].vertices - bare, axis=1)
    hand = arm_position("anny") < 0
    np.testing.assert_allclose(grown[hand], 0.002, atol=2e-6)
    assert not grown[arm_position("anny") > 0.06].any()


@pytest.mark.parametrize("elbow", [0.0, 0.9, 1.9])
def test_a_sleeve_hides_the_skin_under_it(elbow: float) -> None:
    """Points of the tube lie farther from the arm's axis than the skin, and its end is an edge around a hollow."""
    along = arm_position("anny")
    pose = _pose(elbow)
    skin = CAST.hand.vertices(pose.shape, pose.articulation, elbow=elbow, pronation=pose.pronation)
    axis = ArmAxis.of(skin, Stations.of(along), 1.0)
    vertices, faces = tube_mesh(axis, Tube(0.05, 0.45, ease=0.008))
    assert np.isfinite(vertices).all() and faces.max() < len(vertices)
    covered = (along > 0.08) & (along < 0.4)
    middle = axis.interpolate(axis.center, along[covered].astype(np.float64))
    inner = np.linalg.norm(skin[covered] - middle, axis=1)
    ring = vertices.reshape(-1, 44, 3)[2:]
    outer = np.linalg.norm(ring - ring.mean(axis=1, keepdims=True), axis=2)
    assert np.quantile(inner, 0.9) < np.quantile(outer, 0.9)


@pytest.mark.parametrize("preset", ["exam1", "wild"])
def test_sleeves_can_be_ignored(preset) -> None:
    def frames(sleeve):
        maker = FrameMaker("val", 4, recipe=RECIPES[preset], sleeve=sleeve)
        return [maker.make(index) for index in range(5)]

    found = 0
    for usual, ignoring in zip(frames("background"), frames("ignore"), strict=True):
        cloth = ignoring.labels == IGNORE
        found += np.count_nonzero(cloth)
        if np.array_equal(usual.depth_m, ignoring.depth_m):
            np.testing.assert_array_equal(np.where(cloth, BACKGROUND, ignoring.labels), usual.labels)
    assert found > 1000


def test_frames_of_wild_show_hands_and_mostly_things() -> None:
    maker = FrameMaker("unseen", 0, recipe=RECIPES["wild"])
    objects, skin = 0, []
    for index in range(12):
        made = maker.make(index)
        skin.append(np.count_nonzero(made.labels == HAND))
        objects += bool((made.labels == OBJECT).any())
        assert set(np.unique(made.labels)) <= {BACKGROUND, HAND, OBJECT}
    assert min(skin) > 300 and np.median(skin) > 4000 and objects >= 7


def test_a_scene_of_a_stage_is_a_function_of_the_seed() -> None:
    maker, other = (SceneMaker("val", recipe=RECIPES["wild"]) for _ in range(2))
    maker.make(np.random.default_rng(1))
    one, two = maker.make(np.random.default_rng(2)), other.make(np.random.default_rng(2))
    assert len(one.meshes) == len(two.meshes)
    for a, b in zip(one.meshes, two.meshes, strict=True):
        np.testing.assert_array_equal(a.vertices, b.vertices)
