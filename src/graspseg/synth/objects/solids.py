"""Simple solids as triangles: boxes, ellipsoids, tubes along a line, sheets. Meters.

A `Solid` is a pair of vertices [n, 3] and faces [m, 3]. Everything here is arithmetic; nothing draws at random.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Float64, Int32
from numba import njit

from graspseg.synth.body.clothing import tube_faces
from graspseg.synth.render.scene_parts import box as _box

Solid = tuple[np.ndarray, Int32[np.ndarray, "_ 3"]]
Point = Sequence[float | int] | np.ndarray
Points = Sequence[Point] | np.ndarray

# Rings of a rounded end: how far from its foot and how wide, in radii.
_ROUND = np.radians([90.0, 62.0, 35.0, 10.0])


def join(parts: Sequence[Solid]) -> Solid:
    """Several solids as one mesh; they may pass through each other."""
    starts = np.cumsum([0, *[len(vertices) for vertices, _ in parts[:-1]]])
    faces = [faces + np.int32(start) for (_, faces), start in zip(parts, starts, strict=True)]
    return np.concatenate([vertices for vertices, _ in parts]), np.concatenate(faces).astype(np.int32)


def moved(part: Solid, rotation: Float[np.ndarray, "3 3"], shift: Point = (0, 0, 0)) -> Solid:
    """The solid turned, then shifted."""
    return part[0] @ rotation.T + np.asarray(shift), part[1]


def settled(part: Solid) -> Solid:
    """The solid with the middle of its bounding box at the origin, float32."""
    vertices = part[0] - (part[0].min(axis=0) + part[0].max(axis=0)) / 2
    return vertices.astype(np.float32), part[1]


def compact(vertices: np.ndarray, faces: np.ndarray) -> Solid:
    """A mesh without the vertices that none of its faces uses."""
    used = np.zeros(len(vertices), bool)
    used[faces] = True
    index = np.cumsum(used, dtype=np.int32) - 1
    return vertices[used], index[faces].astype(np.int32)


def block(size: Point, center: Point = (0, 0, 0)) -> Solid:
    """A box, edges along the axes; `size` holds its three edges."""
    vertices, faces = _box(np.asarray(size))
    return vertices + np.asarray(center), faces


def ellipsoid(center: Point, axes: Point, *, fine: int = 1) -> Solid:
    """A closed ellipsoid; `axes` are half lengths [3], or half axes in columns [3, 3]; `fine` times as many circles."""
    directions, faces = _sphere(14 * fine, 20 * fine)
    axes = np.asarray(axes, float)
    return directions @ (np.diag(axes) if axes.ndim == 1 else axes).T + np.asarray(center), faces


@cache
def _sphere(rings: int, sides: int) -> Solid:
    height, turn = np.linspace(0.02, np.pi - 0.02, rings), np.arange(sides) * (2 * np.pi / sides)
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=-1) * np.sin(height)[:, None, None]
    level = np.repeat(-np.cos(height)[:, None], sides, axis=1)
    points = np.concatenate([ring, level[..., None]], axis=-1).reshape(-1, 3)
    return points, _closed_faces(rings, sides)


@cache
def _closed_faces(rings: int, sides: int) -> Int32[np.ndarray, "f 3"]:
    """Faces of a tube and of both its ends, each a fan from the ring's first vertex."""
    fan = np.stack([np.zeros(sides - 2, int), np.arange(1, sides - 1), np.arange(2, sides)], axis=1)
    last = (rings - 1) * sides + fan
    return np.concatenate([tube_faces(rings, sides), fan[:, ::-1], last]).astype(np.int32)


def tube(
    line: Float[np.ndarray, "n 3"],
    radius: float | np.ndarray,
    *,
    sides: int = 12,
    square: float = 1.0,
    up: Point | None = None,
    closed: bool = True,
) -> Solid:
    """A tube along a line whose cross-section does not twist.

    Args:
        line: middle of each ring, meters.
        radius: of all rings, or [n] of each, or [n, 2] half widths across and along `up`.
        sides: corners of a ring.
        square: outline |cos|^square: 1 is round, 0.3 nearly square.
        up: the first ring's second axis points there as well as it can; None = anywhere.
        closed: whether both ends have a lid.
    """
    line = np.ascontiguousarray(line, np.float64)
    tangents = np.gradient(line, axis=0)
    start = np.eye(3)[np.argmin(np.abs(tangents[0]))] if up is None else np.asarray(up, float)
    side, back = _frames(tangents, start)
    turn = (np.arange(sides) + 0.5) * (2 * np.pi / sides)
    across, along = (np.sign(f) * np.abs(f) ** square for f in (np.cos(turn), np.sin(turn)))
    half = np.asarray(radius, float)
    wide, high = (half[:, 0], half[:, 1]) if half.ndim == 2 else (np.broadcast_to(half, len(line)),) * 2
    ring = (wide[:, None] * across)[..., None] * side[:, None] + (high[:, None] * along)[..., None] * back[:, None]
    faces = _closed_faces(len(line), sides) if closed else tube_faces(len(line), sides).astype(np.int32)
    return (line[:, None] + ring).reshape(-1, 3), faces


def capsule(
    start: Point,
    end: Point,
    radius: float,
    end_radius: float | None = None,
    *,
    sides: int = 12,
) -> Solid:
    """A rod with rounded ends that reach over `start` and `end`; it may taper."""
    return rounded(np.stack([np.asarray(start, float), np.asarray(end, float)]), radius, end_radius, sides=sides)


def rounded(
    line: Float[np.ndarray, "n 3"],
    radius: float | np.ndarray,
    end_radius: float | None = None,
    *,
    sides: int = 12,
    flat: float = 1.0,
    up: Point | None = None,
) -> Solid:
    """A tube with rounded ends; `radius` of each point [n], or of the first one, tapering to `end_radius`.

    `flat` is the ratio of its height along `up` to its width.
    """
    n = len(line)
    if np.ndim(radius) == 0:
        radius = np.linspace(float(radius), float(radius if end_radius is None else end_radius), n)
    radius = np.asarray(radius, float)
    first, last = line[0] - line[1], line[-1] - line[-2]
    first, last = first / np.linalg.norm(first), last / np.linalg.norm(last)
    beyond, width = np.sin(_ROUND), np.cos(_ROUND) + 0.02
    head = line[0] + (beyond * radius[0])[:, None] * first
    tail = line[-1] + (beyond[::-1] * radius[-1])[:, None] * last
    wide = np.concatenate([width * radius[0], radius, width[::-1] * radius[-1]])
    return tube(np.concatenate([head, line, tail]), np.stack([wide, wide * flat], axis=1), sides=sides, up=up)


def lathe(profile: Float[np.ndarray, "n 2"], *, sides: int = 28, closed: bool = True) -> Solid:
    """A solid of revolution about z; `profile` holds radius and height from the bottom up."""
    turn = np.arange(sides) * (2 * np.pi / sides)
    ring = profile[:, :1] * np.cos(turn), profile[:, :1] * np.sin(turn)
    points = np.stack([*ring, np.repeat(profile[:, 1:], sides, axis=1)], axis=-1).reshape(-1, 3)
    return points, _closed_faces(len(profile), sides) if closed else tube_faces(len(profile), sides).astype(np.int32)


def sheet(points: Float[np.ndarray, "m n 3"]) -> Solid:
    """Triangles over a grid of points."""
    rows, columns = points.shape[:2]
    return points.reshape(-1, 3), _grid_faces(rows, columns)


@cache
def _grid_faces(rows: int, columns: int) -> Int32[np.ndarray, "f 3"]:
    index = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    a, b, c, d = (q.ravel() for q in (index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]))
    return np.concatenate([np.column_stack([a, b, d]), np.column_stack([a, d, c])]).astype(np.int32)


def curve(points: Points, count: int) -> Float64[np.ndarray, "count 3"]:
    """Points evenly spread over a smooth line that starts, ends and bends where the given ones do (B-spline)."""
    given = np.asarray(points, float)
    padded = np.concatenate([2 * given[:1] - given[1:2], given, 2 * given[-1:] - given[-2:-1]])
    place = np.linspace(0, len(given) - 1, count)
    cell = np.minimum(place.astype(int), len(given) - 2)
    t = (place - cell)[:, None]
    p, q, r, s = (padded[cell + i] for i in range(4))
    return ((1 - t) ** 3 * p + (3 * t**3 - 6 * t**2 + 4) * q + (-3 * t**3 + 3 * t**2 + 3 * t + 1) * r + t**3 * s) / 6


def parallel_frames(
    tangents: Float64[np.ndarray, "n 3"], normal: Float64[np.ndarray, "3"]
) -> Float64[np.ndarray, "n 3"]:
    """Unit normals along a line that starts near the given one and turns no more than it must."""
    return _frames(np.ascontiguousarray(tangents), normal)[1]


@njit(cache=True)
@no_type_check
def _frames(tangents, start):
    """Two unit normals of each tangent (n 3) that turn as little as possible from one to the next."""
    side, back = np.empty_like(tangents), np.empty_like(tangents)
    normal = start.astype(np.float64)
    for i in range(len(tangents)):
        t = tangents[i] / max(np.sqrt((tangents[i] ** 2).sum()), 1e-12)
        normal = normal - (normal * t).sum() * t
        size = np.sqrt((normal**2).sum())
        if size < 1e-6:
            normal = np.zeros(3)
            normal[np.argmin(np.abs(t))] = 1.0
            normal = normal - (normal * t).sum() * t
            size = np.sqrt((normal**2).sum())
        normal = normal / size
        back[i] = normal
        side[i, 0] = normal[1] * t[2] - normal[2] * t[1]
        side[i, 1] = normal[2] * t[0] - normal[0] * t[2]
        side[i, 2] = normal[0] * t[1] - normal[1] * t[0]
    return side, back
