"""Natural and soft objects that look like fingers, arms or held objects: branches, plants, bundles, cables, cloth."""

from __future__ import annotations

import numpy as np

from graspseg.synth.objects.cast import Cast
from graspseg.synth.objects.solids import Solid, block, curve, ellipsoid, join, lathe, moved, rounded, sheet, tube
from graspseg.synth.render.scene_parts import random_rotation, rotation_of

_Z = np.array([0.0, 0.0, 1.0])


def branch(rng: np.random.Generator, _: Cast) -> Solid:
    """A branch, root or antler that forks two or three times, 15 to 70 cm; upright or lying."""
    parts: list[Solid] = []
    length = rng.uniform(0.06, 0.25)
    _grow(rng, parts, np.zeros(3), _Z, length, rng.uniform(0.05, 0.13) * length, 2 + int(rng.uniform() < 0.3))
    turn = random_rotation(rng) if rng.uniform() < 0.4 else np.eye(3)
    return moved(join(parts), turn)


def _grow(
    rng: np.random.Generator,
    parts: list[Solid],
    start: np.ndarray,
    heading: np.ndarray,
    length: float,
    thick: float,
    forks: int,
) -> None:
    """Add one limb, and the ones that fork from its end."""
    bend = rng.normal(0, 0.25, 3)
    middle = start + length * 0.5 * (rotation_of(bend) @ heading)
    end = middle + length * 0.5 * (rotation_of(-bend) @ heading)
    line = curve([start, middle, end], 5)
    if not forks:
        parts.append(rounded(line, thick, thick * 0.7, sides=8))
        return
    parts.append(tube(line, np.linspace(thick, thick * 0.7, 5), sides=8))
    turn = rng.uniform(0, 6.3)
    side = np.cross(heading, np.eye(3)[np.argmin(np.abs(heading))])
    side /= np.linalg.norm(side)
    count = int(rng.integers(2, 5 if forks == 1 else 4))
    for i in range(count):
        axis = rotation_of(heading * (turn + 2 * np.pi * i / count + rng.normal(0, 0.3))) @ side
        onward = rotation_of(axis * rng.uniform(0.2, 0.9)) @ heading
        share = rng.uniform(0.6, 0.95)
        _grow(rng, parts, end, onward, length * share, thick * rng.uniform(0.5, 0.75), forks - 1)


def bundle(rng: np.random.Generator, _: Cast) -> Solid:
    """Two to seven rods side by side, fanned or in a heap: pens, carrots, bananas, sausages, as thick as fingers."""
    count, thick = int(rng.integers(2, 8)), rng.uniform(0.004, 0.02)
    length = thick * rng.uniform(6, 16)
    bow, fan, taper = rng.normal(0, 0.25) * length, rng.uniform(0, 0.25), rng.uniform(0.3, 1.0)
    joined = rng.uniform() < 0.5
    parts = []
    for i in range(count):
        place = i - (count - 1) / 2
        own = length * rng.uniform(0.75, 1.1)
        rod = rounded(
            curve([[0, 0, 0], [own / 2, 0, bow], [own, 0, rng.normal(0, 0.1) * bow]], 9), thick, thick * taper, sides=12
        )
        turn = rotation_of(np.array([0, rng.normal(0, 0.08), place * fan + rng.normal(0, 0.04)]))
        gap = thick * (rng.uniform(1.4, 2.1) if joined else 2.05)
        parts.append(moved(rod, turn, [rng.normal(0, 0.06) * length, place * gap, 0]))
    if joined and rng.uniform() < 0.5:
        parts.append(ellipsoid([-thick, 0, 0], [thick * 2, thick * count * 0.9, thick * rng.uniform(0.8, 1.6)]))
    if rng.uniform() < 0.15:
        return moved(join(parts), rotation_of(np.array([0, -np.pi / 2, 0])))
    return join(parts)


def jar_of_rods(rng: np.random.Generator, _: Cast) -> Solid:
    """A cup from which pens, brushes or spoons stand out."""
    wide, tall = rng.uniform(0.03, 0.06), rng.uniform(0.07, 0.14)
    profile = np.array([[wide * 0.9, 0], [wide, tall], [wide * 0.93, tall], [wide * 0.85, 0.01]])
    parts = [lathe(profile)]
    for _i in range(int(rng.integers(2, 9))):
        foot = np.append(rng.uniform(-0.5, 0.5, 2) * wide, 0.01)
        lean = np.append(rng.normal(0, 0.25, 2), 1.0)
        tip = foot + lean / np.linalg.norm(lean) * rng.uniform(0.12, 0.26)
        parts.append(rounded(np.stack([foot, tip]), rng.uniform(0.003, 0.009)))
        if rng.uniform() < 0.4:
            parts.append(ellipsoid(tip, rng.uniform([0.006, 0.01, 0.015], [0.02, 0.03, 0.04])))
    return join(parts)


def _leaf(rng: np.random.Generator, length: float, wide: float) -> np.ndarray:
    """A grid [m, n, 3] of a pointed leaf along +x that bends down toward its tip."""
    u, v = np.meshgrid(np.linspace(0, 1, 10), np.linspace(-1, 1, 5), indexing="ij")
    half = wide * np.sin(np.pi * u**0.8) ** rng.uniform(0.6, 1.2)
    droop, fold, wave = rng.uniform(0.0, 0.9), rng.uniform(-0.3, 0.8), rng.normal(0, 0.06)
    angle = droop * u
    lift = fold * np.abs(v) * half + wave * length * np.sin(7 * u) * v**2
    return np.stack([length * u * np.cos(angle * 0.6), half * v, lift - length * u * np.sin(angle) * 0.6], axis=-1)


def plant(rng: np.random.Generator, _: Cast) -> Solid:
    """A plant in a pot, or without: a rosette of leaves, or leaves on stems."""
    parts: list[Solid] = []
    base = 0.0
    if rng.uniform() < 0.7:
        wide, base = rng.uniform(0.03, 0.1), rng.uniform(0.05, 0.16)
        parts.append(lathe(np.array([[wide * 0.7, 0], [wide, base], [wide * 0.9, base], [wide * 0.85, base * 0.9]])))
        base *= 0.9
    length, slim = rng.uniform(0.05, 0.22), rng.uniform(0.06, 0.4)
    stems, count = rng.uniform() < 0.6, int(rng.integers(4, 15))
    for i in range(count):
        own = length * rng.uniform(0.6, 1.15)
        points = _leaf(rng, own, own * slim / 2)
        turn = rotation_of(_Z * (i * 2.4 + rng.normal(0, 0.2))) @ rotation_of(
            np.array([0, -rng.uniform(-0.2, 1.35), 0])
        )
        foot = np.array([0, 0, base])
        if stems:
            tip = foot + np.append(rng.normal(0, 0.06, 2), rng.uniform(0.02, 0.25))
            middle = (foot + tip) / 2 + np.append(rng.normal(0, 0.01, 2), 0.02)
            parts.append(tube(curve([foot, middle, tip], 6), rng.uniform(0.001, 0.004), sides=6))
            foot = tip
        parts.append(sheet(points @ turn.T + foot))
    return join(parts)


def cables(rng: np.random.Generator, _: Cast) -> Solid:
    """One to three cables that wind over a surface or lie in a coil, some with a plug."""
    parts: list[Solid] = []
    for _i in range(int(rng.integers(1, 4))):
        thick, reach = rng.uniform(0.0015, 0.006), rng.uniform(0.06, 0.3)
        if rng.uniform() < 0.35:
            turn = np.linspace(0, rng.uniform(2, 5) * 2 * np.pi, 90)
            wide = rng.uniform(0.03, 0.1) * (1 + 0.1 * np.sin(turn * 0.37))
            line = np.stack([wide * np.cos(turn), wide * rng.uniform(0.6, 1) * np.sin(turn), thick * turn / 4], axis=1)
        else:
            knots = np.cumsum(rng.normal(0, reach / 2, (7, 3)), axis=0) * [1, 1, 0.06]
            line = curve(knots - knots.mean(axis=0), 60)
        line[:, 2] += thick - line[:, 2].min()
        parts.append(tube(line, thick, sides=8))
        if rng.uniform() < 0.5:
            turn = rotation_of(_Z * rng.uniform(0, 6.3))
            parts.append(moved(block(rng.uniform([0.02, 0.01, 0.008], [0.06, 0.035, 0.03])), turn, line[-1]))
    return join(parts)


def _ridges(rng: np.random.Generator, points: np.ndarray, waves: int, rate: float) -> np.ndarray:
    """Sharp folds at places [..., d]: the sum of some waves with creased crests, about -1..1."""
    total = np.zeros(points.shape[:-1])
    for i in range(waves):
        along = rng.normal(0, rate * (1 + 0.5 * i), points.shape[-1])
        total += (1 - 2 * np.abs(np.sin(points @ along + rng.uniform(0, 6.3)))) / (1 + 0.4 * i)
    return total / np.sqrt(waves)


def cloth_heap(rng: np.random.Generator, _: Cast) -> Solid:
    """Cloth, a towel or a garment that lies in folds on a surface, 12 to 60 cm wide."""
    size = rng.uniform(0.12, 0.6, 2) * [1, rng.uniform(0.4, 1)]
    high = rng.uniform(0.01, 0.09)
    u, v = np.meshgrid(np.linspace(-1, 1, 40), np.linspace(-1, 1, 40), indexing="ij")
    flat = np.stack([u, v], axis=-1)
    # The outline is no rectangle: borders swing in and out.
    turn = np.arctan2(v, u)
    swing = 1 + 0.16 * np.sin(turn * rng.integers(2, 6) + rng.uniform(0, 6.3)) + 0.1 * _ridges(rng, flat, 2, 2.0)
    edge = np.clip(1.25 - np.maximum(np.abs(u), np.abs(v)), 0, 1)
    folds = 0.5 + 0.5 * _ridges(rng, flat, 4, rng.uniform(1.2, 4.0))
    z = high * np.maximum(folds, 0.02) * (0.25 + edge)
    drift = 0.1 * np.stack([_ridges(rng, flat, 2, 3.0), _ridges(rng, flat, 2, 3.0)], axis=-1)
    xy = (flat * swing[..., None] + drift) * size / 2
    return sheet(np.concatenate([xy, z[..., None]], axis=-1))


def paper_ball(rng: np.random.Generator, _: Cast) -> Solid:
    """Crumpled paper, foil or a bag: a rough lump of 4 to 22 cm."""
    points, faces = ellipsoid([0, 0, 0], [1, 1, 1], fine=3)
    rate = rng.uniform(1.0, 3.0)
    rough = 1 + rng.uniform(0.1, 0.3) * _ridges(rng, points, 5, rate)
    size = rng.uniform(0.02, 0.11) * rng.uniform(0.55, 1.1, 3)
    return points * rough[:, None] * size, faces


def garment(rng: np.random.Generator, _: Cast) -> Solid:
    """An empty sleeve, sock, trouser leg or rolled towel: a soft flattened tube of 15 to 60 cm with folds."""
    length, wide = rng.uniform(0.15, 0.6), rng.uniform(0.025, 0.09)
    thin = rng.uniform(0.12, 1.0)
    bow = rng.normal(0, 0.2, 2) * length
    line = curve([[0, 0, 0], [length * 0.4, bow[0], 0], [length * 0.7, bow[1], 0], [length, bow.sum() / 2, 0]], 40)
    share = np.linspace(0, 1, 40)
    half = wide * (1 + rng.uniform(-0.35, 0.35) * share + 0.05 * np.sin(share * rng.uniform(15, 60)))
    half = np.stack([half, half * thin], axis=1)
    vertices, faces = tube(line, half, sides=22, up=_Z, closed=rng.uniform() < 0.5)
    folds = _ridges(rng, vertices / wide, 4, 0.8)
    vertices[:, 2] += folds * wide * rng.uniform(0.03, 0.25)
    return vertices, faces
