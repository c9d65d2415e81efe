"""Things shaped like people and their parts that are none: gloves, dolls, busts, feet and shoes. Meters, z up."""

from __future__ import annotations

import numpy as np

from graspseg.synth.body.clearance import vertex_normals
from graspseg.synth.body.person import HEAD_CENTER, SHOULDER_M, body_meshes, head_mesh, trunk_mesh
from graspseg.synth.objects.cast import Cast
from graspseg.synth.objects.solids import Solid, capsule, compact, ellipsoid, join, rounded, tube
from graspseg.synth.render.scene_parts import rotation_of

# From the body frame (y down, z to the front) to z up.
_UPRIGHT = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
# Along a foot from heel to toes: share of its length, half width, height of the instep, both in lengths.
_FOOT = np.array(
    [
        [0.0, 0.05, 0.06],
        [0.03, 0.1, 0.17],
        [0.12, 0.125, 0.25],
        [0.28, 0.12, 0.27],
        [0.45, 0.135, 0.22],
        [0.62, 0.165, 0.16],
        [0.76, 0.185, 0.115],
        [0.88, 0.17, 0.085],
        [0.96, 0.12, 0.07],
        [1.0, 0.05, 0.05],
    ]
)


def glove(rng: np.random.Generator, cast: Cast) -> Solid:
    """An empty glove that lies flat: the hand of the split, thickened, flattened along the palm's normal, creased."""
    hand = cast.hand
    shape = hand.sample_shape(rng, child=rng.uniform() < 0.15)
    pose = ("relaxed", "spread", "count")[rng.integers(3)]
    flat = hand.sample_articulation(rng, pose)
    # Fingers lie open, but for some that are turned in.
    flat[:, [0, 2, 3]] *= np.where(rng.uniform(size=(5, 1)) < 0.12, 1.0, rng.uniform(0.0, 0.35, (5, 1)))
    vertices = hand.coarse_vertices(shape, flat.astype(np.float32))
    # The arm runs along -x.
    cut = vertices[hand.coarse_faces][..., 0].min(axis=1) > -rng.uniform(0.0, 0.14)
    vertices, faces = compact(vertices, hand.coarse_faces[cut])
    vertices = vertices + vertex_normals(vertices, faces) * np.float32(rng.uniform(0.0005, 0.006))
    x, y, z = vertices.astype(np.float64).T
    flare = 1 + rng.uniform(0.0, 0.5) * np.clip(-x / 0.1, 0, 1)
    creases = sum(
        rng.normal(0, 0.002) * np.sin(x * rng.normal(0, 60) + y * rng.normal(0, 60) + rng.uniform(0, 6.3))
        for _ in range(4)
    )
    drape = rng.normal(0, 1.2) * (x - 0.05) ** 2 + rng.normal(0, 1.0) * y**2 if rng.uniform() < 0.4 else 0.0
    lying = np.stack([x, y * flare, z * rng.uniform(0.08, 0.3) + creases + drape], axis=1)
    return lying * rng.choice([-1.0, 1.0], 3), faces


def bust(rng: np.random.Generator, _: Cast) -> Solid:
    """A head, alone or on its neck and part of the chest; from a small statue to life size."""
    head, faces = head_mesh(rng)
    parts: list[Solid] = [(head.astype(np.float64), faces)]
    if rng.uniform() < 0.6:
        trunk, faces = trunk_mesh(rng)
        keep = trunk[faces][..., 1].max(axis=1) < rng.uniform(-0.03, 0.3)
        trunk, faces = compact(trunk.astype(np.float64), faces[keep])
        parts.append((trunk - HEAD_CENTER, faces))
    vertices, faces = join(parts)
    scale = rng.uniform(0.9, 1.1) if rng.uniform() < 0.6 else rng.uniform(0.15, 0.7)
    return vertices @ _UPRIGHT.T * scale, faces


def figure(rng: np.random.Generator, _: Cast) -> Solid:
    """A doll or statue of a person, 10 to 35 cm, whose arms end in mittens."""
    head_size = rng.uniform(0.9, 2.2)
    trunk, *skull = body_meshes(rng, 1.0, head=True)
    parts: list[Solid] = [(trunk.vertices.astype(np.float64), trunk.faces)]
    parts += [((m.vertices - HEAD_CENTER) * head_size + HEAD_CENTER * head_size**0.7, m.faces) for m in skull]
    thick = rng.uniform(0.8, 1.7)
    seated = rng.uniform() < 0.35
    for side in (-1.0, 1.0):
        shoulder = np.array([side * (SHOULDER_M + 0.02), 0.03, 0.0])
        away = rotation_of(rng.normal(0, 0.7, 3)) @ np.array([side * 0.5, 0.8, 0.2])
        elbow = shoulder + away / np.linalg.norm(away) * 0.27
        away = rotation_of(rng.normal(0, 0.6, 3)) @ away
        wrist = elbow + away / np.linalg.norm(away) * 0.24
        arm = np.stack([shoulder, elbow, wrist])
        parts.append(rounded(arm, np.array([0.055, 0.045, 0.035]) * thick))
        parts.append(ellipsoid(wrist + away * 0.06, np.array([0.035, 0.06, 0.045]) * thick))
        hip = np.array([side * 0.09, 0.6, 0.0])
        spread = side * rng.uniform(0.0, 0.15)
        knee = hip + (np.array([spread, 0.02, 0.42]) if seated else np.array([spread, 0.42, rng.normal(0, 0.06)]))
        bend = rng.uniform(0, 0.42) if seated else 0.41
        foot = knee + np.array([spread, bend, np.sqrt(0.43**2 - bend**2)])
        parts.append(rounded(np.stack([hip, knee, foot]), np.array([0.085, 0.065, 0.05]) * thick))
        parts.append(ellipsoid(foot + np.array([0, 0.03, 0.06]), np.array([0.05, 0.04, 0.12]) * thick))
    vertices, faces = join(parts)
    tall = np.ptp(vertices[:, 1])
    return vertices @ _UPRIGHT.T * (rng.uniform(0.1, 0.35) / tall), faces


def animal(rng: np.random.Generator, _: Cast) -> Solid:
    """A toy animal on four legs, with ears and a tail, 6 to 35 cm large."""
    fat, legs = rng.uniform(0.22, 0.45), rng.uniform(0.3, 0.9)
    parts = [ellipsoid([0, 0, 0], [0.5, fat, fat * rng.uniform(0.85, 1.2)])]
    for x in (-0.33, 0.33):
        for y in (-1.0, 1.0):
            foot = [x + rng.normal(0, 0.08), y * fat * rng.uniform(0.5, 1.1), -fat - legs * rng.uniform(0.85, 1)]
            parts.append(
                capsule([x, y * fat * 0.55, -fat * 0.3], foot, rng.uniform(0.1, 0.15), rng.uniform(0.07, 0.13))
            )
    head = np.array([rng.uniform(0.5, 0.75), 0.0, rng.uniform(0.25, 0.6)])
    size = rng.uniform(0.2, 0.4)
    parts.append(capsule([0.35, 0, 0.1], head, fat * 0.7, size * 0.6))
    parts.append(ellipsoid(head, np.array([1.15, 0.95, 1.0]) * size))
    parts.append(ellipsoid(head + size * np.array([0.9, 0, -0.25]), np.array([0.55, 0.45, 0.4]) * size))
    long = rng.uniform(0.3, 1.6)
    for y in (-1.0, 1.0):
        tip = head + size * np.array([-0.2, y * rng.uniform(0.7, 1.1), 0.8 + long])
        parts.append(capsule(head + size * np.array([0, y * 0.55, 0.6]), tip, size * 0.3, size * 0.18))
    parts.append(capsule([-0.45, 0, 0.05], [-0.7, rng.normal(0, 0.2), rng.uniform(-0.3, 0.5)], 0.09, 0.05))
    vertices, faces = join(parts)
    return vertices * (rng.uniform(0.06, 0.35) / np.ptp(vertices, axis=0).max()), faces


def foot(rng: np.random.Generator, _: Cast) -> Solid:
    """A foot with toes, or a shoe, 14 to 31 cm long, and often the lower leg."""
    length, shod = rng.uniform(0.14, 0.3), rng.uniform() < 0.6
    share = np.linspace(0, 1, 22)
    wide, high = (np.interp(share, _FOOT[:, 0], column) * length for column in _FOOT[:, 1:].T)
    if shod:
        wide, high = wide * 1.1 + 0.004, high * rng.uniform(1.05, 1.3) + 0.008
    lean = rng.normal(0, 0.05) * length
    line = np.stack([share * length, lean * share**2, high / 2], axis=1)
    square = rng.uniform(0.5, 0.8)
    parts = [tube(line, np.stack([wide, high / 2], axis=1), sides=24, square=square, up=[0, 0, 1])]
    if shod and rng.uniform() < 0.7:
        sole = rng.uniform(0.01, 0.035)
        ground = np.stack([share * length, lean * share**2, np.full(22, -sole / 2)], axis=1)
        half = np.stack([wide * 1.06, np.full(22, sole / 2)], axis=1)
        parts.append(tube(ground, half, sides=24, square=0.3, up=[0, 0, 1]))
    if not shod:
        for i, place in enumerate(np.linspace(0.8, -0.8, 5)):
            start = np.array([(0.9 - 0.035 * i) * length, place * 0.17 * length, 0.045 * length])
            long, thick = (0.14, 0.055) if i == 0 else (0.1, 0.036)
            parts.append(capsule(start, start + length * np.array([long, 0, -0.012]), thick * length))
    if rng.uniform() < 0.7:
        ankle = np.array([0.2, 0.0, 0.2]) * length
        knee = ankle + length * rng.uniform(0.3, 1.6) * (rotation_of(rng.normal(0, 0.25, 3)) @ [0.0, 0.0, 1.0])
        line = np.linspace(ankle, knee, 8)
        swell = np.array([0.15, 0.145, 0.15, 0.165, 0.185, 0.205, 0.215, 0.21]) * length * rng.uniform(0.9, 1.25)
        parts.append(tube(line, swell, sides=20, closed=not shod))
    vertices, faces = join(parts)
    return vertices * [1.0, rng.choice([-1.0, 1.0]), 1.0], faces
