"""The shipped grasp library: enough grasps, of every kind, that hold what they claim to hold."""

from __future__ import annotations

import numpy as np
import pytest

from graspseg.synth.grasp import GRASP_KINDS, GraspLibrary, load_grasps
from graspseg.synth.hand import ARTICULATION_LIMITS, HandModel
from graspseg.synth.objects import load_objects
from graspseg.synth.scene import held_vertices


def test_library_is_large_and_covers_objects_and_kinds() -> None:
    grasps, objects = load_grasps(), load_objects()
    assert len(grasps) >= 2000
    assert {grasp.kind for grasp in grasps} == set(GRASP_KINDS)
    assert {grasp.object_name for grasp in grasps} <= set(objects)
    assert len({grasp.object_name for grasp in grasps}) >= 0.95 * len(objects)
    for grasp in grasps:
        assert (grasp.hand == "webxr") == (objects[grasp.object_name].split == "unseen")


def test_joint_angles_are_within_their_limits() -> None:
    angles = np.array([grasp.articulation for grasp in load_grasps()])
    assert (angles >= ARTICULATION_LIMITS[..., 0] - 1e-3).all()
    assert (angles <= ARTICULATION_LIMITS[..., 1] + 1e-3).all()


@pytest.mark.parametrize("hand_name", ["anny", "webxr"])
def test_hand_and_object_touch(hand_name) -> None:
    """Skin and object come within a few millimetres of each other in every grasp looked at."""
    hand, objects = HandModel.load(hand_name), load_objects()
    grasps = [grasp for grasp in load_grasps() if grasp.hand == hand_name]
    for grasp in grasps[:: len(grasps) // 40]:
        skin = hand.coarse_vertices(grasp.shape, grasp.articulation)[hand.coarse_part > 0]
        model = objects[grasp.object_name]
        corners = held_vertices(model, grasp)
        surface = (corners[model.faces][:, None] * _BARYCENTRIC[None, :, :, None]).sum(axis=2).reshape(-1, 3)
        nearest = min(float(np.linalg.norm(surface - point, axis=1).min()) for point in skin[::2])
        assert nearest < 0.012, (grasp.object_name, grasp.kind)


_STEPS = [(i / 8, j / 8) for i in range(9) for j in range(9 - i)]
_BARYCENTRIC = np.array([(a, b, 1 - a - b) for a, b in _STEPS], np.float32)


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
