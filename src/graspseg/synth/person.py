"""A person's trunk, neck, head and face as meshes, and where the arms hang on them.

Body frame: metres, origin between the shoulder joints, x to the person's right, y down, z to the front. All of it is
BACKGROUND: the label policy asks for the skin of hand and arm alone.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from jaxtyping import Float32, Float64, Int32

from graspseg.labels import BACKGROUND
from graspseg.synth.clothing import tube_faces
from graspseg.synth.scene_parts import Mesh

SHOULDER_M = 0.165
TRUNK_CENTER, TRUNK_HALF = np.array([0.0, 0.27, 0.0]), np.array([0.19, 0.33, 0.125])
HEAD_CENTER, HEAD_HALF = np.array([0.0, -0.27, 0.035]), np.array([0.085, 0.13, 0.11])
_AROUND = 56
# Height below the shoulders and half widths across and deep, metres.
_TRUNK = np.array(
    [
        [-0.175, 0.055, 0.058],
        [-0.10, 0.055, 0.058],
        [-0.06, 0.075, 0.068],
        [-0.04, 0.125, 0.078],
        [-0.02, 0.168, 0.085],
        [0.02, 0.192, 0.098],
        [0.10, 0.182, 0.115],
        [0.20, 0.168, 0.12],
        [0.32, 0.155, 0.112],
        [0.42, 0.158, 0.115],
        [0.52, 0.175, 0.125],
        [0.62, 0.18, 0.12],
    ]
)
# Direction, width and height of what stands out of the head's ellipsoid (or sinks in), in head radii.
_FEATURES = (
    ((0.0, 0.22, 1.0), 0.11, 0.2),
    ((0.0, 0.05, 1.0), 0.1, 0.1),
    ((0.36, -0.06, 0.93), 0.17, -0.07),
    ((-0.36, -0.06, 0.93), 0.17, -0.07),
    ((0.3, -0.26, 0.92), 0.17, 0.035),
    ((-0.3, -0.26, 0.92), 0.17, 0.035),
    ((0.0, 0.5, 0.9), 0.09, 0.04),
    ((0.0, 0.8, 0.62), 0.22, 0.1),
    ((1.0, 0.05, -0.05), 0.15, 0.22),
    ((-1.0, 0.05, -0.05), 0.15, 0.22),
    ((0.75, 0.55, 0.5), 0.3, -0.06),
    ((-0.75, 0.55, 0.5), 0.3, -0.06),
)


@cache
def _sphere() -> tuple[Float64[np.ndarray, "v 3"], Int32[np.ndarray, "f 3"]]:
    """Unit directions on circles of latitude about y."""
    height = np.linspace(0.01, np.pi - 0.01, 44)
    turn = np.arange(_AROUND) * (2 * np.pi / _AROUND)
    points = np.stack(
        [
            np.sin(height)[:, None] * np.sin(turn),
            np.repeat(-np.cos(height)[:, None], _AROUND, axis=1),
            np.sin(height)[:, None] * np.cos(turn),
        ],
        axis=-1,
    )
    return points.reshape(-1, 3), tube_faces(len(height), _AROUND)


def head_mesh(rng: np.random.Generator) -> tuple[Float32[np.ndarray, "v 3"], Int32[np.ndarray, "f 3"]]:
    """A head with nose, brow, eye sockets, ears, chin and hair, about its own center, metres; it faces +z."""
    directions, faces = _sphere()
    radius = np.ones(len(directions))
    for where, width, height in _FEATURES:
        place = np.array(where) / np.linalg.norm(where)
        near = np.exp((directions @ place - 1) / (width * width))
        radius += near * height * rng.uniform(0.75, 1.25)
    hair = rng.uniform(0.0, 0.22) * np.clip((-directions[:, 1] - 0.9 * directions[:, 2] + 0.15) * 4, 0, 1)
    strands = np.sin(directions @ rng.normal(0, 14, 3)) * np.sin(directions @ rng.normal(0, 14, 3))
    radius += hair * (1 + 0.25 * strands)
    size = HEAD_HALF * rng.uniform(0.93, 1.05, 3)
    return (directions * radius[:, None] * size).astype(np.float32), faces


def trunk_mesh(rng: np.random.Generator) -> tuple[Float32[np.ndarray, "v 3"], Int32[np.ndarray, "f 3"]]:
    """Neck and clothed trunk with folds, body frame, metres."""
    height = np.linspace(_TRUNK[0, 0], _TRUNK[-1, 0], 46)
    wide = np.interp(height, _TRUNK[:, 0], _TRUNK[:, 1])
    deep = np.interp(height, _TRUNK[:, 0], _TRUNK[:, 2]) * rng.uniform(0.9, 1.25)
    turn = np.arange(_AROUND) * (2 * np.pi / _AROUND)
    folds = np.zeros((len(height), _AROUND))
    for _ in range(5):
        angle = height[:, None] * rng.uniform(8, 60) + rng.integers(1, 5) * turn + rng.uniform(0, 6.3)
        folds += rng.uniform(0.2, 1) * (1 - 2 * np.abs(np.sin(angle / 2)))
    folds *= rng.uniform(0.001, 0.005) * np.clip((height + 0.05) / 0.1, 0, 1)[:, None]
    # Squarer than an ellipse: |cos|^0.8.
    x = np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** 0.8
    z = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** 0.8
    lean = np.where(height < -0.05, 0.1 * (-0.05 - height), 0.0)
    points = np.stack(
        [
            (wide[:, None] + folds) * x,
            np.repeat(height[:, None], _AROUND, axis=1),
            (deep[:, None] + folds) * z + lean[:, None],
        ],
        axis=-1,
    )
    return points.reshape(-1, 3).astype(np.float32), tube_faces(len(height), _AROUND)


def body_meshes(rng: np.random.Generator, scale: float, *, head: bool) -> list[Mesh]:
    """Trunk and, unless the camera is worn on it, head of a person of a size (1 = the mean adult), body frame."""
    trunk, faces = trunk_mesh(rng)
    meshes = [Mesh(trunk * np.float32(scale), faces, BACKGROUND)]
    if head:
        skull, faces = head_mesh(rng)
        nod, look = rng.normal(0.25, 0.2), rng.normal(0, 0.35)
        a, b = np.cos(nod), np.sin(nod)
        c, d = np.cos(look), np.sin(look)
        turn = np.array([[c, 0, d], [0, 1, 0], [-d, 0, c]]) @ np.array([[1, 0, 0], [0, a, b], [0, -b, a]])
        meshes.append(Mesh(((skull @ turn.T + HEAD_CENTER) * scale).astype(np.float32), faces, BACKGROUND))
    return meshes


def shoulder_balls(scale: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Ellipsoids that close the sleeves' upper ends, as (center, half axes in columns)."""
    half = np.diag([0.07, 0.075, 0.07]) * scale
    return [(np.array([side * (SHOULDER_M + 0.005), 0.03, 0.0]) * scale, half) for side in (1.0, -1.0)]


def thighs(rng: np.random.Generator, scale: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """The thighs of a person who sits, as ellipsoids."""
    spread = rng.uniform(0.08, 0.16)
    half = np.array([0.085, 0.08, 0.3])
    return [(np.array([side * spread, 0.58, 0.22]) * scale, np.diag(half) * scale) for side in (1.0, -1.0)]


def inside_body(points: np.ndarray, scale: float, *, margin: float = 1.0) -> np.ndarray:
    """Which points [n, 3] of the body frame lie within trunk or head, both taken as ellipsoids `margin` times as large."""
    inside = np.zeros(len(points), bool)
    for center, half in ((TRUNK_CENTER, TRUNK_HALF), (HEAD_CENTER, HEAD_HALF)):
        inside |= (((points / scale - center) / (half * margin)) ** 2).sum(axis=1) < 1
    return inside
