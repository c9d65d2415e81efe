"""Hands that no shape variation of a model reaches: single fingers long or thick, swelling, nails, uneven surfaces.

A varied hand is a `HandModel` of its own with the same faces and joints' meaning: it poses, dresses and holds as the
model does, and keeps its form while it moves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import no_type_check

import numpy as np
from jaxtyping import Float32, Float64, Int32
from numba import njit

from graspseg.synth.body.clearance import vertex_normals
from graspseg.synth.body.hand import HandModel, HandName

FINGER_LENGTH_SIGMA, FINGER_THICK_SIGMA = 0.045, 0.07
BODY_THICK = (0.86, 1.2)
ROUGH_M = 0.0025
_WAVES = 10
_WAVE_M = (0.012, 0.09)
_NAIL_SHARE, _NAIL_M = 0.15, (0.002, 0.012)


@dataclass(frozen=True)
class _Anatomy:
    """What stays the same of a model.

    Attributes:
        normals: of the coarse skin.
        axes, base: of each finger its direction and the row of the joint it is stretched from.
        finger, follow: of each row (skin, then joints) the finger it belongs to and how much it moves with it.
        nails: how much each vertex moves when nails grow.
        arm: how far each row is part of the forearm, 0 to 1.
    """

    normals: Float32[np.ndarray, "v 3"]
    axes: Float64[np.ndarray, "5 3"]
    base: Int32[np.ndarray, "5"]
    finger: Int32[np.ndarray, " n"]
    follow: Float32[np.ndarray, " n"]
    nails: Float32[np.ndarray, "5 v"]
    arm: Float32[np.ndarray, " n"]


def vary_hand(
    rng: np.random.Generator, hand: HandModel, *, child: bool = False, holding: bool = False, strength: float = 1.0
) -> HandModel:
    """Another hand with the model's faces, bones and shape variations.

    Args:
        rng: source of every choice.
        hand: the model.
        child: short, thick fingers and a soft surface.
        holding: lengths vary half as much, so that fingertips stay where they touch what is held.
        strength: factor on every variation; 0 gives the model's own form.

    Returns:
        A model of the same name. Fingers are 4.5 % (sigma) longer or shorter one by one and 7 % thicker or thinner,
        the hand as a whole -14 to +20 % thick, its surface up to 2.5 mm uneven, some nails 2 to 12 mm long.
    """
    anatomy = _anatomy(hand.name)
    mean, basis = hand.arrays["mean"].copy(), hand.arrays["basis"].copy()
    count = len(hand.coarse_part)
    body = 1 + strength * (rng.uniform(*BODY_THICK) - 1)
    rough = _unevenness(rng, mean[:count], strength * (0.4 if child else 1.0)) + np.float32(0.004 * (body - 1))
    mean[:count] += anatomy.normals * rough[:, None]
    wide, deep = 1 + strength * rng.normal(0, 0.025), 1 + strength * rng.normal(0, 0.05) + 0.5 * (body - 1)
    length = rng.normal(-0.05 if child else 0.0, FINGER_LENGTH_SIGMA, 5) * strength * (0.5 if holding else 1.0)
    thick = rng.normal(0.06 if child else 0.0, FINGER_THICK_SIGMA, 5) * strength + 0.8 * (body - 1)
    axes = anatomy.axes
    across = np.eye(3) - axes[:, :, None] * axes[:, None]
    change = (thick[:, None, None] * across + length[:, None, None] * (np.eye(3) - across)).astype(np.float32)
    widths = np.array([wide, deep], np.float32)
    for field in (mean[None], basis):
        _deform(
            field,
            anatomy.finger,
            anatomy.follow,
            anatomy.base,
            change,
            widths,
            np.float32(1.2 * (body - 1)) * anatomy.arm,
        )
    if not child and rng.uniform() < _NAIL_SHARE:
        mean[:count] += (anatomy.nails.T @ axes * (strength * rng.uniform(*_NAIL_M))).astype(np.float32)
    arrays = {**hand.arrays, "mean": mean, "basis": basis}
    arrays["joint_mean"], arrays["joint_basis"] = mean[count:].copy(), basis[:, count:].copy()
    for key in ("mean", "basis", "joint_mean", "joint_basis"):
        # As the model's own: compiled functions know writable arrays as another type.
        arrays[key].setflags(write=False)
    return replace(hand, arrays=arrays)


@njit(cache=True)
@no_type_check
def _deform(field, finger, follow, base, change, widths, arm):
    """Stretch points (b v 3) with their finger about its first joint, then all across the hand, the arm once more."""
    start = np.empty((5, 3), np.float32)
    for b in range(field.shape[0]):
        for f in range(5):
            for i in range(3):
                start[f, i] = field[b, base[f], i]
        for v in range(field.shape[1]):
            if follow[v] > 0:
                f, w = finger[v], follow[v]
                x, y, z = field[b, v, 0] - start[f, 0], field[b, v, 1] - start[f, 1], field[b, v, 2] - start[f, 2]
                for i in range(3):
                    field[b, v, i] += w * (change[f, i, 0] * x + change[f, i, 1] * y + change[f, i, 2] * z)
            field[b, v, 1] *= widths[0] * (1 + arm[v])
            field[b, v, 2] *= widths[1] * (1 + arm[v])


def _unevenness(rng: np.random.Generator, points: np.ndarray, strength: float) -> Float32[np.ndarray, " v"]:
    """Smooth noise over the skin at rest, meters: waves of 1.2 to 9 cm, the long ones higher; at most 2.5 mm."""
    wavelength = np.exp(rng.uniform(np.log(_WAVE_M[0]), np.log(_WAVE_M[1]), _WAVES))
    direction = rng.normal(size=(_WAVES, 3))
    direction *= (2 * np.pi / wavelength / np.linalg.norm(direction, axis=1))[:, None]
    weight = rng.normal(0, 1, _WAVES) * np.sqrt(wavelength)
    phase = points @ direction.T.astype(np.float32) + rng.uniform(0, 2 * np.pi, _WAVES).astype(np.float32)
    wave = np.sin(phase) @ weight.astype(np.float32)
    height = ROUGH_M * strength * rng.uniform() ** 1.5
    return (wave * np.float32(height / max(float(np.abs(wave).max()), 1e-9))).astype(np.float32)


@cache
def _anatomy(name: HandName) -> _Anatomy:
    hand = HandModel.load(name)
    a, n = hand.arrays, len(hand.coarse_part)
    mean = a["mean"].astype(np.float64)
    weight = np.zeros((n, a["bone_index"].max() + 1))
    np.add.at(weight, (np.arange(n)[:, None], a["bone_index"]), a["bone_weight"])
    finger, follow = np.zeros(len(mean), np.int32), np.zeros(len(mean), np.float32)
    axes, base, nails = [], [], []
    for f in range(5):
        # The thumb's first bone is part of the palm.
        first = 1 if f == 0 else 0
        start, tip = n + 3 + 3 * f + first, n + 18 + f
        axis = (mean[tip] - mean[start]) / np.linalg.norm(mean[tip] - mean[start])
        with_it = weight[:, 3 + 3 * f + first : 6 + 3 * f].sum(axis=1)
        mine = np.flatnonzero(with_it > follow[:n])
        finger[mine], follow[mine] = f, with_it[mine]
        joints = [*range(start + 1, n + 6 + 3 * f), tip]
        finger[joints], follow[joints] = f, 1.0
        axes.append(axis)
        base.append(start)
        nails.append(_nail(mean[:n], hand.coarse_part == 2 + f, mean[tip], axis, thumb=f == 0))
    arm = np.zeros(len(mean), np.float32)
    arm[:n] = np.where(hand.coarse_part == 0, np.clip(-mean[:n, 0] / 0.06, 0, 1), 0.0)
    return _Anatomy(
        normals=vertex_normals(a["mean"][:n], hand.coarse_faces),
        axes=np.array(axes),
        base=np.array(base, np.int32),
        finger=finger,
        follow=follow,
        nails=np.array(nails, np.float32),
        arm=arm,
    )


def _nail(skin: np.ndarray, finger: np.ndarray, tip: np.ndarray, axis: np.ndarray, *, thumb: bool) -> np.ndarray:
    """How much each vertex moves when the nail grows: those on the back of the finger's last millimeters."""
    along = (skin - tip) @ axis
    end = along[finger].max()
    back = np.array([0.0, -1.0, 0.0]) if thumb else np.array([0.0, 0.0, -1.0])
    behind = (skin - tip) @ (back - (back @ axis) * axis)
    return np.where(finger, np.clip(1 + (along - end) / 0.006, 0, 1) * np.clip(behind / 0.003 + 0.5, 0, 1), 0.0)
