from dataclasses import replace

import numpy as np
import pytest

from graspseg.frame import Intrinsics
from graspseg.labels import BACKGROUND, HAND, OBJECT
from graspseg.synth.generate import FrameMaker
from graspseg.synth.recipe import RECIPES, Cutout, Empty
from graspseg.synth.scene.cutout import cut_out
from graspseg.synth.scene.emptying import remove_hands
from graspseg.synth.scene.floating import SceneMaker

ROOMS = RECIPES["rooms"]


@pytest.fixture(scope="module")
def frames() -> list:
    maker = FrameMaker("val", 5, recipe=ROOMS)
    return [maker.make(index) for index in range(60)]


def test_a_quarter_of_the_frames_has_no_hand_and_the_others_have_one(frames: list) -> None:
    empty = [frame for frame in frames if frame.facts["interaction"] is None]
    assert 0.12 < len(empty) / len(frames) < 0.45
    for frame in empty:
        assert not np.isin(frame.labels, (HAND, OBJECT)).any()
    shown = [int((frame.labels == HAND).sum()) for frame in frames if frame.facts["interaction"] is not None]
    assert np.median(shown) > 2000 and min(shown) < 2500


def test_hands_are_far_and_near_and_rooms_recorded_and_modeled(frames: list) -> None:
    distances = np.array([np.median(f.depth_m[f.labels == HAND]) for f in frames if (f.labels == HAND).any()])
    assert distances.min() < 0.4 and distances.max() > 0.75
    recorded = [frame.facts.get("background") for frame in frames]
    assert 0.35 < sum(name is not None for name in recorded) / len(frames) < 0.85


def test_frames_are_a_function_of_seed_and_index() -> None:
    one, other = (FrameMaker("unseen", 9, recipe=ROOMS) for _ in range(2))
    for index in (3, 1, 4):
        np.testing.assert_array_equal(one.make(index).depth_m, other.make(index).depth_m)
    one.make(0)
    np.testing.assert_array_equal(one.make(4).labels, other.make(4).labels)


def test_the_nearest_thing_is_often_no_hand(frames: list) -> None:
    behind = 0
    shown = [frame for frame in frames if (frame.labels == HAND).sum() > 300]
    for frame in shown:
        measured = frame.depth_m[frame.depth_m > 0]
        behind += np.percentile(measured, 0.5) < frame.depth_m[frame.labels == HAND].min() - 0.02
    assert behind / len(shown) > 0.2


@pytest.mark.parametrize(("person", "sleeves"), [(True, True), (True, False), (False, False)])
def test_scenes_without_hands_hold_no_skin_and_nothing_held(person: bool, sleeves: bool) -> None:
    scenes = SceneMaker("train", recipe=replace(ROOMS, interactions={"hold": 1.0}))
    kinds: set[str] = set()
    for seed in range(6):
        scene = scenes.make(np.random.default_rng(seed))
        remove_hands(scene, person=person, sleeves=sleeves)
        assert all(mesh.label == BACKGROUND for mesh in scene.meshes)
        kinds |= {str(mesh.kind) for mesh in scene.meshes}
    assert not kinds & {"skin", "glove", "ring", "held"}
    assert ("body" in kinds) == person and ("sleeve" in kinds) <= sleeves


def test_all_frames_may_be_empty_and_as_recorded() -> None:
    recipe = replace(ROOMS, recorded_share=1.0, empty=Empty(share=1.0, as_recorded_share=1.0))
    maker = FrameMaker("train", 0, recipe=recipe)
    for index in range(4):
        frame = maker.make(index)
        assert not frame.labels.any() and (frame.depth_m > 0).mean() > 0.2


def test_a_cutout_holds_hand_and_object_alone_and_its_outline_is_ragged() -> None:
    rows, columns = np.mgrid[:480, :640]
    disk = (rows - 240) ** 2 + (columns - 320) ** 2 < 90**2
    labels = np.where(disk, np.where(columns < 320, HAND, OBJECT), BACKGROUND).astype(np.uint8)
    depth = np.where(disk, 0.5, 0.9).astype(np.float32)
    lens = Intrinsics(500.0, 500.0, 319.5, 239.5)
    recipe = Cutout(share=1.0, ball_share=0.0)
    cut, seen = cut_out(np.random.default_rng(0), depth, labels, lens, recipe)
    wrong = ((cut > 0) ^ disk) & (np.abs(np.hypot(rows - 240, columns - 320) - 90) > 12)
    assert not wrong.any()
    assert 20 < ((cut > 0) ^ disk).sum() < 3500
    assert ((cut > 0) >= (seen > 0)).all()
    ball = replace(recipe, ball_share=1.0, ball_m=(0.05, 0.05))
    small, _ = cut_out(np.random.default_rng(0), depth, labels, lens, ball)
    assert (small > 0).sum() < 0.8 * (cut > 0).sum()


def test_without_cutouts_nothing_is_drawn() -> None:
    rng, other = np.random.default_rng(0), np.random.default_rng(0)
    depth, labels = np.ones((4, 4), np.float32), np.ones((4, 4), np.uint8)
    kept, seen = cut_out(rng, depth, labels, Intrinsics(5.0, 5.0, 2.0, 2.0), Cutout())
    assert kept is depth and seen is labels and rng.uniform() == other.uniform()


def test_a_desk_without_hands_is_full_of_items_that_stand_on_it() -> None:
    """What `Empty.items` adds rests on a table's upper side, inside its border, and is no hand."""
    bare = replace(RECIPES["workplace"], empty=Empty(share=1.0, person_share=0.0))
    full = replace(bare, empty=replace(bare.empty, items=24))
    makers = [FrameMaker("val", 3, recipe=recipe) for recipe in (bare, full)]
    added, resting = 0, []
    for index in range(12):
        counts = []
        for maker in makers:
            assert not maker.make(index).labels.any()
            assert maker.scene is not None
            counts.append(len(maker.scene.meshes))
        scene = makers[1].scene
        assert scene is not None
        added += counts[1] - counts[0]
        for mesh in scene.meshes[counts[0] :]:
            tables = [_above(table.vertices, mesh.vertices) for table in scene.meshes if table.kind == "table"]
            resting.append(min(tables, key=abs))
    assert added > 20
    assert np.abs(resting).max() < 0.002


def _above(slab: np.ndarray, points: np.ndarray) -> float:
    """How far the lowest of some points is above the side of a box that looks at the camera."""
    edges = slab[[1, 2, 4]] - slab[0]
    thin = edges[np.linalg.norm(edges, axis=1).argmin()]
    normal = thin / np.linalg.norm(thin)
    normal = normal if normal @ slab.mean(axis=0) < 0 else -normal
    return float((points @ normal).min() - (slab @ normal).max())
