"""A person's trunk, neck, head and face as meshes, and where the arms hang on them.

Body frame: meters, origin between the shoulder joints, x to the person's right, y down, z to the front. All of it is
BACKGROUND: the label policy asks for the skin of hand and arm alone.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from jaxtyping import Float32, Float64, Int32

from graspseg.labels import BACKGROUND
from graspseg.synth.body.clothing import tube_faces
from graspseg.synth.render.scene_parts import Mesh
from graspseg.synth.render.vectors import cross

SHOULDER_M = 0.165
TRUNK_CENTER, TRUNK_HALF = np.array([0.0, 0.27, 0.0]), np.array([0.19, 0.33, 0.125])
HEAD_CENTER, HEAD_HALF = np.array([0.0, -0.24, 0.04]), np.array([0.085, 0.13, 0.11])
_AROUND = 56
# Height below the shoulders and half widths across and deep, meters.
_TRUNK = np.array(
    [
        [-0.17, 0.0, 0.0],
        [-0.165, 0.058, 0.062],
        [-0.09, 0.062, 0.064],
        [-0.065, 0.082, 0.072],
        [-0.045, 0.135, 0.078],
        [-0.03, 0.18, 0.08],
        [0.0, 0.2, 0.088],
        [0.04, 0.195, 0.1],
        [0.10, 0.178, 0.115],
        [0.20, 0.168, 0.12],
        [0.32, 0.155, 0.112],
        [0.42, 0.158, 0.115],
        [0.52, 0.175, 0.125],
        [0.62, 0.175, 0.12],
        [0.66, 0.1, 0.08],
        [0.665, 0.0, 0.0],
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
    """A head with nose, brow, eye sockets, ears, chin and hair, about its own center, meters; it faces +z."""
    directions, faces = _sphere()
    radius = np.ones(len(directions))
    for where, width, height in _FEATURES:
        place = np.array(where) / np.linalg.norm(where)
        near = np.exp((directions @ place - 1) / (width * width))
        radius += near * height * rng.uniform(0.75, 1.25)
    hair = rng.uniform(0.0, 0.14) * np.clip((-directions[:, 1] - 0.9 * directions[:, 2] + 0.15) * 4, 0, 1)
    strands = np.sin(directions @ rng.normal(0, 14, 3)) * np.sin(directions @ rng.normal(0, 14, 3))
    radius += hair * (1 + 0.15 * strands)
    size = HEAD_HALF * rng.uniform(0.93, 1.05, 3)
    return (directions * radius[:, None] * size).astype(np.float32), faces


@cache
def _trunk() -> tuple[np.ndarray, ...]:
    """Rings of the trunk: height, half widths across and deep; around them: turn, x and z of the unit outline."""
    height = np.sort(np.concatenate([_TRUNK[:, 0], np.linspace(-0.01, 0.6, 34)]))
    wide, deep = np.interp(height, _TRUNK[:, 0], _TRUNK[:, 1]), np.interp(height, _TRUNK[:, 0], _TRUNK[:, 2])
    turn = np.arange(_AROUND) * (2 * np.pi / _AROUND)
    # Squarer than an ellipse: |cos|^0.8.
    x = np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** 0.8
    z = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** 0.8
    return height, wide, deep, turn, x, z


def trunk_mesh(rng: np.random.Generator) -> tuple[Float32[np.ndarray, "v 3"], Int32[np.ndarray, "f 3"]]:
    """Neck and clothed trunk with folds, body frame, meters."""
    height, wide, deep, turn, x, z = _trunk()
    deep = deep * rng.uniform(0.9, 1.25)
    folds = np.zeros((len(height), _AROUND))
    for _ in range(5):
        angle = height[:, None] * rng.uniform(8, 60) + rng.integers(1, 5) * turn + rng.uniform(0, 6.3)
        folds += rng.uniform(0.2, 1) * np.sin(angle + 0.5 * np.sin(angle))
    folds *= rng.uniform(0.001, 0.005) * np.clip((height + 0.05) / 0.1, 0, 1)[:, None] * (wide > 0.06)[:, None]
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
    meshes = [Mesh(trunk * np.float32(scale), faces, BACKGROUND, "body")]
    if head:
        skull, faces = head_mesh(rng)
        nod, look = rng.normal(0.25, 0.2), rng.normal(0, 0.35)
        a, b = np.cos(nod), np.sin(nod)
        c, d = np.cos(look), np.sin(look)
        turn = np.array([[c, 0, d], [0, 1, 0], [-d, 0, c]]) @ np.array([[1, 0, 0], [0, a, b], [0, -b, a]])
        meshes.append(Mesh(((skull @ turn.T + HEAD_CENTER) * scale).astype(np.float32), faces, BACKGROUND, "head"))
    return meshes


def shoulder_balls(scale: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Ellipsoids that close the sleeves' upper ends, as (center, half axes in columns)."""
    half = np.diag([0.064, 0.066, 0.064]) * scale
    return [(np.array([side * (SHOULDER_M - 0.003), 0.032, 0.0]) * scale, half) for side in (1.0, -1.0)]


def leg_meshes(rng: np.random.Generator, scale: float, *, seated: bool) -> list[Mesh]:
    """Two trousered legs, body frame, meters."""
    spread, bend = rng.uniform(0.02, 0.09), rng.uniform(-0.08, 0.08)
    knee = np.array([0.09 + spread, 0.62, 0.42]) if seated else np.array([0.1, 1.03, 0.03 + abs(bend)])
    foot = knee + (np.array([0.0, 0.42, bend]) if seated else np.array([0.0, 0.42, -0.04]))
    hip = np.array([0.09, 0.6, 0.02])
    share = np.linspace(0, 1, 13)[:, None]
    path = np.concatenate([hip + (knee - hip) * share[:-1], knee + (foot - knee) * share])
    path[1:-1] = (path[:-2] + 2 * path[1:-1] + path[2:]) / 4
    radius = np.interp(np.arange(len(path)), [0, 11, 14, 24], [0.092, 0.072, 0.066, 0.048])
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    back = cross(tangent, np.array([1.0, 0.0, 0.0]))
    back /= np.linalg.norm(back, axis=1, keepdims=True)
    side = cross(back, tangent)
    turn = np.arange(28) * (2 * np.pi / 28)
    wave = 1 + 0.05 * np.sin(np.arange(len(path))[:, None] * rng.uniform(0.5, 2.0) + 2 * turn + rng.uniform(0, 6.3))
    across = side[:, None] * np.cos(turn)[:, None] + back[:, None] * np.sin(turn)[:, None]
    right = (path[:, None] + (radius[:, None] * wave)[..., None] * across).reshape(-1, 3)
    faces = tube_faces(len(path), len(turn))
    left = right * [-1.0, 1.0, 1.0]
    return [Mesh((points * scale).astype(np.float32), faces, BACKGROUND, "body") for points in (right, left)]


def may_sit(points: np.ndarray, scale: float) -> bool:
    """Whether no point [n, 3] of the body frame, meters, lies where the thighs of somebody who sits would be."""
    x, y, z = np.abs(points.T / scale)
    lap = (x < 0.28) & (y > 0.5) & (z < 0.55) & (points[:, 1] > 0) & (points[:, 2] > 0)
    return not lap.any()


def inside_body(points: np.ndarray, scale: float, *, margin: float = 1.0) -> np.ndarray:
    """Which points [n, 3] of the body frame lie in trunk or head, both ellipsoids and `margin` times as large."""
    inside = np.zeros(len(points), bool)
    for center, half in ((TRUNK_CENTER, TRUNK_HALF), (HEAD_CENTER, HEAD_HALF)):
        inside |= (((points / scale - center) / (half * margin)) ** 2).sum(axis=1) < 1
    return inside
