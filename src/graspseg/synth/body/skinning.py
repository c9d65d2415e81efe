"""Compiled loops of the hand model in `hand.py`: shape, kinematic chain, skinning, subdivision.

The functions are marked `no_type_check` because the tests' shape checks cannot wrap compiled functions.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from numba import njit

N_BONES = 18


@njit(cache=True)
@no_type_check
def shaped(mean, basis, shape):
    """Rest points (v 3) of a shape vector: scale, then one weight for each basis field."""
    points = mean.copy()
    flat = points.reshape(-1)
    for k in range(basis.shape[0]):
        weight, offsets = shape[k + 1], basis[k].reshape(-1)
        for i in range(flat.shape[0]):
            flat[i] += weight * offsets[i]
    return points * shape[0]


@njit(cache=True)
@no_type_check
def twist(rest, angle, forearm):
    """Turn the arm about its axis in place: not at all at the wrist, fully from the elbow on."""
    for v in range(rest.shape[0]):
        share = min(max(-rest[v, 0] / forearm, 0.0), 1.0)
        if share > 0.0:
            c, s = np.cos(share * angle), np.sin(share * angle)
            y, z = rest[v, 1], rest[v, 2]
            rest[v, 1], rest[v, 2] = c * y - s * z, s * y + c * z


@njit(cache=True)
@no_type_check
def turn(axis, angle):
    """Rotation matrix (3 3) about a unit axis."""
    c, s = np.cos(angle), np.sin(angle)
    x, y, z = axis[0], axis[1], axis[2]
    d = 1 - c
    m = np.empty((3, 3), np.float64)
    m[0, 0], m[0, 1], m[0, 2] = c + x * x * d, x * y * d - z * s, x * z * d + y * s
    m[1, 0], m[1, 1], m[1, 2] = y * x * d + z * s, c + y * y * d, y * z * d - x * s
    m[2, 0], m[2, 1], m[2, 2] = z * x * d - y * s, z * y * d + x * s, c + z * z * d
    return m


@njit(cache=True)
@no_type_check
def _product(a, b):
    m = np.empty((3, 3), np.float64)
    for i in range(3):
        for j in range(3):
            m[i, j] = a[i, 0] * b[0, j] + a[i, 1] * b[1, j] + a[i, 2] * b[2, j]
    return m


@njit(cache=True)
@no_type_check
def kinematics(joints, articulation, wrist, elbow, parent, finger_axes, wrist_axes, elbow_axis):
    """Bone transforms (18 3 4) and the posed joints (24 3) of joint angles, a bent wrist and elbow."""
    turns = np.zeros((N_BONES, 3, 3), np.float64)
    turns[0] = np.eye(3)
    turns[1] = _product(turn(wrist_axes[0], wrist[0]), turn(wrist_axes[1], wrist[1]))
    turns[2] = turn(elbow_axis, elbow)
    for f in range(5):
        axes, angle = finger_axes[f], articulation[f]
        turns[3 + 3 * f] = _product(turn(axes[0], angle[0]), turn(axes[1], angle[1]))
        turns[4 + 3 * f] = turn(axes[2], angle[2])
        turns[5 + 3 * f] = turn(axes[3], angle[3])
    world = np.zeros((N_BONES, 3, 3), np.float64)
    moved = joints.astype(np.float64)
    world[0] = turns[0]
    for b in range(1, N_BONES):
        p = parent[b]
        world[b] = _product(world[p], turns[b])
        _carry(moved, joints, world[p], p, b)
    for f in range(5):
        _carry(moved, joints, world[5 + 3 * f], 5 + 3 * f, 18 + f)
    _carry(moved, joints, world[2], 2, 23)
    transforms = np.empty((N_BONES, 3, 4), np.float32)
    for b in range(N_BONES):
        for i in range(3):
            shift = moved[b, i]
            for k in range(3):
                transforms[b, i, k] = world[b, i, k]
                shift -= world[b, i, k] * joints[b, k]
            transforms[b, i, 3] = shift
    return transforms, moved.astype(np.float32)


@njit(cache=True)
@no_type_check
def _carry(moved, joints, rotation, base, end):
    for i in range(3):
        total = moved[base, i]
        for k in range(3):
            total += rotation[i, k] * (joints[end, k] - joints[base, k])
        moved[end, i] = total


@njit(cache=True)
@no_type_check
def skin(rest, bone_index, bone_weight, transforms):
    """Linear blend skinning: rest points (v 3) moved by the weighted transforms (b 3 4) of their bones."""
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
@no_type_check
def refine(coarse, starts, columns, values):
    """Sparse rows times points: the subdivided mesh (fine 3)."""
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


@njit(cache=True)
@no_type_check
def farthest(points, starts, center, tangent, side, back, sectors):
    """Largest distance from the axis (n sectors) of each station's points, toward equal sectors of directions."""
    out = np.zeros((len(starts), sectors))
    for n in range(len(starts)):
        end = starts[n + 1] if n + 1 < len(starts) else len(points)
        for v in range(starts[n], end):
            x = y = square = lengthwise = 0.0
            for i in range(3):
                d = points[v, i] - center[n, i]
                x += d * side[n, i]
                y += d * back[n, i]
                square += d * d
                lengthwise += d * tangent[n, i]
            sector = int(np.round(np.arctan2(y, x) / (2 * np.pi) * sectors)) % sectors
            out[n, sector] = max(out[n, sector], np.sqrt(max(square - lengthwise * lengthwise, 0.0)))
    return out
