"""Long things that bend or not, 25 to 60 cm: what they look like along the line that a hand holds. Meters.

Lines start at the hand: its point, the direction in which they leave, and a normal that tells their turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import get_args

import numpy as np
from jaxtyping import Float64

from graspseg.synth.objects.solids import Solid, ellipsoid, join, lathe, moved, parallel_frames, rounded, sheet, tube
from graspseg.synth.render.scene_parts import LongKind, rotation_of
from graspseg.synth.render.vectors import cross

LONG_KINDS: tuple[LongKind, ...] = get_args(LongKind)

STEP_M = 0.008
# Half of a fist's width: nothing bends inside it.
GRIP_M = 0.045
_RADIUS_M: dict[LongKind, tuple[float, float]] = {
    "foam_tube": (0.009, 0.026),
    "stick": (0.004, 0.017),
    "rope": (0.003, 0.009),
    "hose": (0.008, 0.02),
    "bag": (0.004, 0.01),
}
# Scatter of the curvature along the line, 1/m.
_BEND: dict[LongKind, float] = {"foam_tube": 3.0, "stick": 0.0, "rope": 9.0, "hose": 5.0}


@dataclass(frozen=True)
class Line:
    """A line with its turn: points, unit tangents and unit normals, each [n, 3]."""

    points: Float64[np.ndarray, "n 3"]
    tangents: Float64[np.ndarray, "n 3"]
    normals: Float64[np.ndarray, "n 3"]


def radius_m(rng: np.random.Generator, kind: LongKind) -> float:
    """How thick what the fist closes around is."""
    return float(rng.uniform(*_RADIUS_M[kind]))


def bend_scale(kind: LongKind) -> float:
    """Scatter of the curvature along an object of a kind, 1/m."""
    return _BEND[kind]


def wander(
    rng: np.random.Generator, start: np.ndarray, out: np.ndarray, length: float, bend: float, *, straight: float
) -> Float64[np.ndarray, "n 3"]:
    """A line that leaves the hand along `out`, straight at first, then bent about axes that change slowly."""
    count = max(3, int(length / STEP_M) + 1)
    axis = rng.normal(0, bend, 3)
    heading, point, points = out, start, [start]
    for i in range(1, count):
        if i * STEP_M > straight:
            axis = 0.95 * axis + rng.normal(0, 0.25 * bend, 3)
            heading = heading + cross(axis, heading) * STEP_M
            heading = heading / np.linalg.norm(heading)
        point = point + heading * STEP_M
        points.append(point)
    return np.array(points)


def arc(
    rng: np.random.Generator,
    start: np.ndarray,
    out: np.ndarray,
    normal: np.ndarray,
    length: float,
    *,
    straight: float,
    flat: bool = False,
) -> Line:
    """A line from one hand to another: straight at both, between them bent, now and then as an S.

    It bends in the plane of `out` and `normal` alone where a flat object follows it, else in any.
    """
    count = max(12, int(length / STEP_M) + 1)
    place = np.linspace(0, length, count)
    share = np.clip((place - straight) / max(length - 2 * straight, 1e-6), 0, 1)
    turn = rng.normal(0, 1.1) * share + rng.normal(0, 0.5) * np.sin(2 * np.pi * share) / 2
    sag = (0.0 if flat else rng.normal(0, 0.25)) * np.sin(np.pi * share) ** 2
    plane = normal if flat else rotation_of(out * rng.uniform(0, 2 * np.pi)) @ normal
    heading = np.cos(turn)[:, None] * out + np.sin(turn)[:, None] * plane + sag[:, None] * cross(out, plane)
    heading /= np.linalg.norm(heading, axis=1, keepdims=True)
    step = place[1] - place[0]
    middle = (heading[1:] + heading[:-1]) / 2
    points = start + np.concatenate([np.zeros((1, 3)), np.cumsum(middle, axis=0) * step])
    return Line(points, heading, parallel_frames(heading, normal))


def round_thing(
    rng: np.random.Generator, kind: LongKind, line: Float64[np.ndarray, "n 3"], radius: float, *, slim: float
) -> Solid:
    """A tube, rod, rope or hose along a whole line; as thin as `radius` over its first `slim` meters."""
    count = len(line)
    place = np.arange(count) * STEP_M
    match kind:
        case "rope":
            strands = 1 + 0.12 * np.sin(place * (2 * np.pi / (radius * 3)))
            return tube(line, radius * strands, sides=10)
        case "hose":
            ribs = 1 + rng.uniform(0.05, 0.2) * (np.arange(count) % 2)
            return tube(line, radius * ribs, sides=14)
        case "stick":
            return _stick(rng, line, radius, slim)
        case _:
            # Foam tubes are hollow; one sees into their ends.
            wall = tube(line, radius, sides=20, closed=False)
            inner = tube(line, radius * rng.uniform(0.35, 0.75), sides=20, closed=False)
            rings = [_ring(wall[0], inner[0], 0, 20), _ring(wall[0], inner[0], (count - 1) * 20, 20)]
            return join([wall, inner, *rings]) if rng.uniform() < 0.7 else tube(line, radius, sides=20)


def _ring(outer: np.ndarray, inner: np.ndarray, start: int, sides: int) -> Solid:
    """The flat end of a hollow tube."""
    rows = np.stack([outer[start : start + sides], inner[start : start + sides]])
    return sheet(np.concatenate([rows, rows[:, :1]], axis=1))


def _stick(rng: np.random.Generator, line: np.ndarray, radius: float, slim: float) -> Solid:
    """A straight stick: plain, a flat ruler or slat, a ladle or brush, a folded umbrella, a long box on a handle."""
    start, end = line[0], line[-1]
    length = float(np.linalg.norm(end - start))
    axis = (end - start) / length
    across = cross(axis, np.eye(3)[np.argmin(np.abs(axis))])
    across /= np.linalg.norm(across)
    frame = np.stack([axis, across, cross(axis, across)], axis=1) @ rotation_of(np.array([rng.uniform(0, 6.3), 0, 0]))
    rod = tube(line, radius, sides=14)
    room = length - max(slim, 0.3 * length)
    match rng.integers(5 if room > 0.08 else 3):
        case 0:
            return rounded(line, radius, radius * rng.uniform(0.7, 1.0), sides=16)
        case 1:
            flat = np.full((len(line), 2), [radius, radius * rng.uniform(0.15, 0.6)])
            return tube(line, flat, square=0.3, up=frame[:, 2])
        case 2:
            head = rng.uniform([0.02, 0.02, 0.004], [0.07, 0.05, 0.03])
            return join([rod, ellipsoid(end + axis * head[0], frame * head)])
        case 3:
            wide = radius + rng.uniform(0.008, 0.02)
            cone = lathe(np.array([[wide, 0.0], [wide * 0.9, 0.5 * room], [0.004, room + 0.02]]), sides=14)
            upright = np.stack([frame[:, 1], frame[:, 2], frame[:, 0]], axis=1)
            return join([rod, moved(cone, upright, end - axis * room)])
        case _:
            half = rng.uniform([0.015, 0.01], [0.045, 0.03])
            box = tube(line[-int(room / STEP_M) :], half * np.ones((int(room / STEP_M), 1)), square=0.2, up=frame[:, 2])
            return join([rod, box])


def bag(rng: np.random.Generator, point: np.ndarray, out: np.ndarray, down: np.ndarray, radius: float) -> Solid:
    """A bag that hangs from two handles held in a fist."""
    down = down - (down @ out) * out
    down /= np.linalg.norm(down)
    side = cross(out, down)
    wide, tall, deep = rng.uniform([0.18, 0.2, 0.05], [0.38, 0.4, 0.16])
    drop = rng.uniform(0.1, 0.2)
    u = np.linspace(0, 2 * np.pi, 41)
    v = np.linspace(0, 1, 24)[:, None]
    swell = np.sin(np.pi * np.clip(v * 0.8 + 0.12, 0, 1)) ** 0.5
    folds = 0.004 * np.sin(u * rng.integers(4, 9) + 4 * v) + 0.003 * np.sin(u * 13 + 7 * v * rng.uniform(0.5, 2))
    x = (wide / 2) * np.cos(u) * (0.9 + 0.1 * swell) + folds * np.cos(u)
    y = (deep / 2) * np.sin(u) * swell + folds * np.sin(u) + 0.008 * np.sin(3 * u)
    body = point + x[..., None] * out + y[..., None] * side + (drop + tall * v)[..., None] * down
    floor = np.stack([body[-1], np.broadcast_to(body[-1].mean(axis=0), body[-1].shape)])
    parts = [sheet(body), sheet(floor)]
    for at in (-1.0, 1.0):
        rim = deep / 2 * 0.6 * at * side + drop * down
        spots = [-wide * 0.28 * out + rim, -GRIP_M * 1.1 * out, GRIP_M * 1.1 * out, wide * 0.28 * out + rim]
        path = np.concatenate([np.linspace(a, b, 7)[:-1] for a, b in pairwise(spots)] + [[spots[-1]]])
        parts.append(tube(point + path + 0.3 * radius * at * side, radius * 0.7, sides=8))
    return join(parts)


def board(rng: np.random.Generator, line: Line, *, below: float, above: float) -> Solid:
    """A sheet of paper or cardboard, bent along a line: from `below` to `above` across it, 0.3 to 5 mm thick."""
    side = cross(line.tangents, line.normals)
    thick = rng.uniform(0.0003, 0.005)
    rows = np.linspace(-below, above, 9)[:, None, None]
    faces = [line.points + rows * side + half * thick * line.normals for half in (-0.5, 0.5)]
    rims = []
    for cut in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        rims.append(sheet(np.stack([faces[0][cut], faces[1][cut]])))
    return join([sheet(faces[0]), sheet(faces[1]), *rims])
