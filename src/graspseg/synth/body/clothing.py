"""Cloth around an arm, as meshes that follow the posed skin: sleeves, glove cuffs, watches, bracelets.

A piece is a tube around the arm's axis. Its radius is the skin's own, smoothed, plus what the cloth stands off, plus
folds; the open end is folded inward, so that a camera sees a hollow cuff with an edge around the skin.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64

from graspseg.synth.body.skinning import farthest
from graspseg.synth.recipe import Fabric
from graspseg.synth.render.vectors import cross

ACROSS = 44
_STATIONS = 17
_SECTORS = 12
_EASE_M: dict[Fabric, tuple[float, float]] = {"knit": (0.002, 0.006), "shirt": (0.006, 0.016), "coat": (0.012, 0.03)}
_FOLD_M: dict[Fabric, tuple[float, float]] = {
    "knit": (0.0007, 0.002),
    "shirt": (0.002, 0.0055),
    "coat": (0.003, 0.009),
}
_THICK_M: dict[Fabric, tuple[float, float]] = {
    "knit": (0.0015, 0.003),
    "shirt": (0.001, 0.002),
    "coat": (0.003, 0.007),
}


@dataclass(frozen=True)
class Tube:
    """One piece of cloth around the arm; lengths in meters along it, from the wrist toward the shoulder.

    Attributes:
        start, end: the stretch it covers.
        ease: how far it stands off the skin.
        flare: how much farther at the open end (`start`).
        thick: thickness of the cloth at its edges.
        fold: height of the folds.
        wrinkle: height of the wrinkles in a bent elbow's crook.
        roll, roll_width: extra thickness of a rolled-up end, and its width.
        dial: height of a watch's case on the back of the arm.
        shoulder: radius to which it narrows at `end`, 0 = it does not.
        closed_end: whether `end`, too, is an edge (watches) instead of going on under other cloth.
        waves: [n, 5] folds: waves along the arm per meter, turns around it, phase, weight, place (see `_folds`).
        rings: rows of the mesh.
    """

    start: float
    end: float
    ease: float
    flare: float = 0.0
    thick: float = 0.002
    fold: float = 0.0
    wrinkle: float = 0.0
    roll: float = 0.0
    roll_width: float = 0.04
    dial: float = 0.0
    shoulder: float = 0.0
    closed_end: bool = False
    waves: tuple[tuple[float, ...], ...] = ()
    rings: int = 48


def sample_sleeve(rng: np.random.Generator, fabric: Fabric, start: float, *, scale: float, rolled: bool) -> Tube:
    """A sleeve of random fit from `start` to the shoulder of an arm of a size (1 = the mean adult's)."""
    end = 0.495 * scale
    ease = float(rng.uniform(*_EASE_M[fabric]))
    fold = float(rng.uniform(*_FOLD_M[fabric]))
    waves = tuple(
        (
            float(1 / rng.uniform(0.025, 0.15)),
            float(rng.choice((-3, -2, -1, 0, 1, 2, 3))),
            float(rng.uniform(0, 2 * np.pi)),
            float(rng.uniform(0.3, 1.0)),
            float(rng.uniform(start, end)),
        )
        for _ in range(6)
    )
    cuff = rng.uniform()
    # Shirts and knits close about the wrist, wide sleeves gape.
    flare = float(rng.uniform(-0.5, 0.3) * ease if cuff < 0.4 else rng.uniform(0.002, 0.018))
    return Tube(
        start=start,
        end=end,
        ease=ease,
        flare=flare,
        thick=float(rng.uniform(*_THICK_M[fabric])),
        fold=fold,
        wrinkle=float(rng.uniform(0.6, 1.6)) * fold + 0.002,
        roll=float(rng.uniform(0.004, 0.014)) if rolled else 0.0,
        roll_width=float(rng.uniform(0.025, 0.06)),
        shoulder=0.052 * scale,
        waves=waves,
    )


@dataclass(frozen=True, eq=False)
class Stations:
    """Which vertices of a hand model lie about which place along the arm.

    Attributes:
        order: the arm's vertices from the wrist up.
        starts: where in `order` each station's vertices begin.
        at: meters behind the wrist of each station.
    """

    order: Int64[np.ndarray, " k"]
    starts: Int64[np.ndarray, " n"]
    at: Float64[np.ndarray, " n"]

    @classmethod
    def of(cls, along: Float32[np.ndarray, " v"]) -> Stations:
        """Stations of a model whose vertices lie `along` meters behind the wrist, at most 0 on the hand."""
        order = np.argsort(along, kind="stable")
        order = order[np.searchsorted(along[order], 1e-6) :]
        place = along[order].astype(np.float64)
        edges = np.searchsorted(place, np.linspace(0, place[-1], _STATIONS + 1)[:-1])
        keep = np.flatnonzero(np.diff(np.append(edges, len(place))) >= 8)
        starts = edges[keep]
        at = np.add.reduceat(place, starts) / np.diff(np.append(starts, len(place)))
        return cls(order.astype(np.int64), starts.astype(np.int64), at)


@dataclass(frozen=True, eq=False)
class ArmAxis:
    """The posed arm as a bent tube: centers, directions and skin radii at stations along it.

    Attributes:
        at: [n] meters behind the wrist.
        center, tangent, side, back: [n, 3]; `back` is the back of the hand's side at the wrist.
        radius: [n, a] largest skin radius toward `a` directions, meters.
    """

    at: Float64[np.ndarray, " n"]
    center: Float64[np.ndarray, "n 3"]
    tangent: Float64[np.ndarray, "n 3"]
    side: Float64[np.ndarray, "n 3"]
    back: Float64[np.ndarray, "n 3"]
    radius: Float64[np.ndarray, "n a"]

    @classmethod
    def of(cls, vertices: Float32[np.ndarray, "v 3"], stations: Stations, scale: float) -> ArmAxis:
        """Measure a posed arm of a size (1 = the one the stations were made for)."""
        points = vertices[stations.order].astype(np.float64)
        starts = stations.starts
        center = (np.maximum.reduceat(points, starts) + np.minimum.reduceat(points, starts)) / 2
        center[1:-1] = (center[:-2] + 2 * center[1:-1] + center[2:]) / 4
        at = stations.at * scale
        tangent = np.gradient(center, at, axis=0)
        tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
        hinge = cross(tangent[0], tangent[-1])
        # A nearly straight arm has no plane: any direction across it will do.
        hinge = hinge if np.linalg.norm(hinge) > 0.1 else np.array([0.0, 1.0, 0.0])
        side = hinge - tangent * (tangent @ hinge)[:, None]
        side /= np.linalg.norm(side, axis=1, keepdims=True)
        back = cross(tangent, side)
        radius = farthest(points, starts, center, tangent, side, back, _SECTORS)
        radius = np.maximum(radius, 0.8 * radius.max(axis=1, keepdims=True))
        radius = np.maximum(radius, (np.roll(radius, 1, axis=1) + np.roll(radius, -1, axis=1)) / 2)
        radius[1:-1] = np.maximum(radius[1:-1], (radius[2:] + radius[:-2]) / 2)
        return cls(at, center, tangent, side, back, radius)

    def interpolate(self, values: np.ndarray, where: np.ndarray) -> np.ndarray:
        """Per-station `values` [n, k] at places `where` [m], going on straight before the first and after the last."""
        i = np.minimum(np.maximum(np.searchsorted(self.at, where) - 1, 0), len(self.at) - 2)
        share = ((where - self.at[i]) / (self.at[i + 1] - self.at[i]))[:, None]
        return values[i] * (1 - share) + values[i + 1] * share


def tube_mesh(axis: ArmAxis, tube: Tube) -> tuple[Float32[np.ndarray, "v 3"], Int32[np.ndarray, "f 3"]]:
    """The tube around a posed arm, meters, in the frame of the axis."""
    where = np.linspace(tube.start, tube.end, tube.rings)
    theta = np.arange(ACROSS) * (2 * np.pi / ACROSS)
    inside = np.clip(where, axis.at[0], axis.at[-1])
    skin = axis.interpolate(axis.radius, inside)
    sectors = skin.shape[1]
    place = theta / (2 * np.pi) * sectors
    low = place.astype(int)
    share = place - low
    radius = skin[:, low] * (1 - share) + skin[:, (low + 1) % sectors] * share
    from_cuff = (where - tube.start)[:, None]
    radius = radius + tube.ease + tube.flare * np.exp(-((from_cuff / 0.035) ** 2))
    radius = radius + np.maximum(tube.fold * _folds(tube, where, theta), 0.002 - tube.ease)
    if tube.wrinkle:
        radius = radius + tube.wrinkle * _crook(axis, where, theta)
    if tube.roll:
        end = np.clip((tube.roll_width - from_cuff) / 0.006, 0, 1)
        radius = radius + tube.roll * end * np.sqrt(np.clip(1 - (2 * from_cuff / tube.roll_width - 1) ** 2, 0.15, 1))
    if tube.dial:
        back_of_hand = np.arctan2(-axis.back[0, 2], -axis.side[0, 2])
        away = (theta - back_of_hand + np.pi) % (2 * np.pi) - np.pi
        radius = radius + tube.dial * (np.abs(away) < 0.55)
    if tube.shoulder:
        open_part = np.sqrt(np.clip((tube.end - where) / (0.6 * tube.shoulder), 0, 1))[:, None]
        radius = tube.shoulder + (radius - tube.shoulder) * open_part
    rows = [(where[min(8, tube.rings - 1)], radius[0] - tube.thick), (where[0], radius[0] - tube.thick)]
    rows += list(zip(where, radius, strict=True))
    if tube.closed_end:
        rows += [(where[-1], radius[-1] - tube.thick), (where[0], radius[-1] - tube.thick)]
    return _surface(axis, np.array([row[0] for row in rows]), np.array([row[1] for row in rows]), theta)


def _surface(
    axis: ArmAxis, where: np.ndarray, radius: np.ndarray, theta: np.ndarray
) -> tuple[Float32[np.ndarray, "v 3"], Int32[np.ndarray, "f 3"]]:
    frame = axis.interpolate(np.concatenate([axis.center, axis.side, axis.back], axis=1), where)
    center, side, back = frame[:, :3], frame[:, 3:6], frame[:, 6:]
    across = side[:, None] * np.cos(theta)[:, None] + back[:, None] * np.sin(theta)[:, None]
    vertices = center[:, None] + radius[..., None] * across
    return vertices.reshape(-1, 3).astype(np.float32), tube_faces(len(where), len(theta))


@cache
def tube_faces(rows: int, columns: int) -> Int32[np.ndarray, "f 3"]:
    """Triangles of a grid of `rows` rings of `columns` points, each ring closed."""
    a = (np.arange(rows - 1)[:, None] * columns + np.arange(columns)).ravel()
    b = (np.arange(rows - 1)[:, None] * columns + (np.arange(columns) + 1) % columns).ravel()
    faces = np.concatenate([np.stack([a, b, b + columns], axis=1), np.stack([a, b + columns, a + columns], axis=1)])
    faces = faces.astype(np.int32)
    faces.setflags(write=False)
    return faces


def _folds(tube: Tube, where: np.ndarray, theta: np.ndarray) -> Float64[np.ndarray, "r a"]:
    """Sharp-crested waves across the arm, each strongest about its own place and on one side; mostly within -1..1."""
    total = np.zeros((len(where), len(theta)))
    for rate, turns, phase, weight, place in tube.waves:
        near = weight * (0.3 + 0.7 * np.exp(-(((where - place) / 0.08) ** 2)))
        one_side = 0.55 + 0.45 * np.cos(theta - 3 * phase)
        angle = 2 * np.pi * rate * where[:, None] + (turns * theta + phase + 0.8 * np.sin(theta + phase))
        total += near[:, None] * one_side * (1 - 2 * np.abs(np.sin(angle / 2)))
    return total / 1.5


def _crook(axis: ArmAxis, where: np.ndarray, theta: np.ndarray) -> Float64[np.ndarray, "r a"]:
    """Rings pressed together where the elbow bends, about its inner side."""
    turning = np.linalg.norm(np.gradient(axis.tangent, axis.at, axis=0), axis=1)
    elbow = float(axis.at[turning.argmax()])
    bend = float(np.arccos(np.clip(axis.tangent[0] @ axis.tangent[-1], -1, 1)))
    near = np.exp(-(((where - elbow) / 0.05) ** 2))[:, None]
    # The inner side is the one the tangent turns toward.
    inner = 0.5 + 0.5 * np.sin(theta) * np.sign(axis.tangent[-1] @ axis.back[0] or 1.0)
    rings = 1 - 2 * np.abs(np.sin(np.pi * where[:, None] / 0.022 + 0.7 * np.cos(theta)))
    return near * (0.35 + inner) * rings * min(bend, 1.6)


def thin_sleeve(rng: np.random.Generator, vertices: np.ndarray, along: np.ndarray, thick_m: float) -> np.ndarray:
    """Arm vertices moved away from the arm's axis by the cloth's thickness, with folds along the arm."""
    on_arm = along > 0
    order = np.argsort(along[on_arm])
    points = vertices[on_arm][order]
    bins = np.linspace(0, len(points), 13).astype(int)
    axis = np.array([points[a:b].mean(axis=0) for a, b in pairwise(bins)])
    at = np.array([along[on_arm][order][a:b].mean() for a, b in pairwise(bins)])
    center = np.column_stack([np.interp(along, at, axis[:, i]) for i in range(3)])
    radial = vertices - center
    radial /= np.maximum(np.linalg.norm(radial, axis=1, keepdims=True), 1e-6)
    waves = np.zeros(len(along))
    for _ in range(3):
        along_arm = along * 2 * np.pi / rng.uniform(0.02, 0.12)
        waves += np.sin(along_arm + radial @ rng.normal(0, 2.5, 3) + rng.uniform(0, 6.3))
    return (vertices + radial * (thick_m * (1 + 0.25 * waves))[:, None]).astype(np.float32)
