"""Objects built from primitives with manifold3d: watertight, seeded, in millimeters until `recipes` returns them."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
import trimesh
from manifold3d import CrossSection, Manifold, Mesh

from object_recipe import Recipe
from solids import Random, Shape, pill, rod, rounded_box, slab, turned, union
from vessels import bottle, bowl, can, dish, funnel, glass, jar, mug, pan, scoop, spray_bottle

SEED = 20240
BOX_LIKE = ((0.6, 1.5),) * 3
THIN = ((0.7, 1.4), (0.7, 1.4), (0.7, 2.0))


def superquadric(rng: Random) -> Shape:
    ball = trimesh.creation.icosphere(subdivisions=3)
    size, power = rng.uniform((30, 20, 14), (75, 42, 32)), rng.uniform(0.25, 1.5, size=2)
    x, y, z = ball.vertices.T
    level = np.hypot(x, y)
    azimuth = np.arctan2(y, x)

    def bent(value: np.ndarray, exponent: float) -> np.ndarray:
        return np.sign(value) * np.abs(value) ** exponent

    points = np.stack(
        [
            bent(level, power[0]) * bent(np.cos(azimuth), power[1]),
            bent(level, power[0]) * bent(np.sin(azimuth), power[1]),
            bent(z, power[0]),
        ],
        axis=1,
    )
    return Shape(Manifold.hull_points(points * size) if power.max() <= 1 else _from_mesh(points * size, ball.faces))


def _from_mesh(points: np.ndarray, faces: np.ndarray) -> Manifold:
    return Manifold(Mesh(points.astype(np.float32), faces.astype(np.uint32)))


def box(rng: Random) -> Shape:
    x, y, z = rng.uniform((60, 35, 18), (170, 85, 60))
    body = Manifold.cube((x, y, z), center=True) if rng.uniform() < 0.5 else rounded_box(x, y, z, rng.uniform(2, 8))
    return Shape(body, scale=BOX_LIKE)


def card(rng: Random) -> Shape:
    x, y, z = rng.uniform((70, 45, 0.8), (150, 105, 3))
    corner = CrossSection.square((x - 8, y - 8), center=True).offset(4, circular_segments=24)
    return Shape(corner.extrude(z), "plate", (-x / 2 + 18, 0, z / 2), (0, 1, 0), THIN)


def cone(rng: Random) -> Shape:
    body = Manifold.cylinder(rng.uniform(80, 160), rng.uniform(24, 42), rng.uniform(0.5, 10), 28)
    return Shape(body, axis=(0, 0, 1), scale=((0.7, 1.3),) * 3)


def capsule(rng: Random) -> Shape:
    return Shape(pill(rng.uniform(70, 190), rng.uniform(11, 30)), scale=((0.7, 1.4),) * 3)


def pen(rng: Random) -> Shape:
    length, radius = rng.uniform(125, 160), rng.uniform(3.2, 7)
    body = rod(length * 0.9, radius, segments=12)
    tip = rod(length * 0.1, radius, 0.8, 12).translate((length * 0.5, 0, 0))
    clip = Manifold.cube((length * 0.25, 2, radius * 0.8), center=True).translate((-length * 0.32, 0, radius * 1.15))
    return Shape(union(body, tip, clip), "pinch", (length * 0.32, 0, 0), (1, 0, 0))


def sphere(rng: Random) -> Shape:
    return Shape(Manifold.sphere(rng.uniform(15, 45), 32), scale=((0.9, 1.1),) * 3)


def ring(rng: Random) -> Shape:
    tube, reach = rng.uniform(5, 13), rng.uniform(28, 55)
    body = CrossSection.circle(tube, 14).translate((reach + tube, 0)).revolve(36)
    return Shape(body, "handle", (-reach - tube, 0, 0), (0, 1, 0))


def hammer(rng: Random) -> Shape:
    length, radius = rng.uniform(190, 300), rng.uniform(11, 16)
    handle = pill(length, radius).scale((1, 1, 0.8))
    head_length, head_radius = rng.uniform(80, 120), rng.uniform(12, 20)
    if rng.uniform() < 0.5:
        head = rod(head_length, head_radius).rotate((0, 0, 90))
    else:
        head = rounded_box(head_radius * 2, head_length, head_radius * 1.8, 3)
    head = head.translate((length / 2 - head_radius, rng.uniform(-10, 10), 0))
    return Shape(union(handle, head), "handle", (-length * 0.25, 0, 0), (1, 0, 0))


def screwdriver(rng: Random) -> Shape:
    grip, radius, shaft = rng.uniform(80, 110), rng.uniform(11, 17), rng.uniform(60, 140)
    handle = pill(grip, radius) - union(
        *[rod(grip * 0.7, radius * 0.25, segments=8).translate((0, *offset)) for offset in _circle(6, radius * 1.1)]
    )
    blade = rod(shaft + 20, rng.uniform(2.5, 4), segments=10).translate(((grip + shaft - 20) / 2, 0, 0))
    return Shape(union(handle, blade), "handle", (0, 0, 0), (1, 0, 0))


def _circle(count: int, radius: float) -> list[tuple[float, float]]:
    angles = np.arange(count) * 2 * np.pi / count
    return [(float(radius * np.cos(a)), float(radius * np.sin(a))) for a in angles]


def knife(rng: Random) -> Shape:
    grip, blade, height = rng.uniform(95, 120), rng.uniform(90, 180), rng.uniform(18, 40)
    edge = slab([(0, height / 2), (0, -height / 2), (blade * 0.8, -height / 2), (blade, height / 2)], 2.2)
    handle = rounded_box(grip, rng.uniform(20, 28), rng.uniform(12, 18), 5).translate((-grip / 2 + 5, 4, 0))
    return Shape(union(handle, edge), "handle", (-grip / 2, 4, 0), (1, 0, 0))


def brush(rng: Random) -> Shape:
    length, width = rng.uniform(150, 240), rng.uniform(28, 60)
    handle = pill(length, rng.uniform(7, 11))
    head = rounded_box(length * 0.35, width, 14, 4).translate((length * 0.35, 0, 0))
    bristles = Manifold.cube((length * 0.32, width * 0.85, 22), center=True).translate((length * 0.35, 0, -12))
    return Shape(union(handle, head, bristles), "handle", (-length * 0.22, 0, 0), (1, 0, 0))


def book(rng: Random) -> Shape:
    x, y, z = rng.uniform((150, 105, 10), (240, 165, 38))
    cover = Manifold.cube((x, y, z), center=True)
    pages = Manifold.cube((x, y, z - 5), center=True).translate((0, y - 4, 0))
    sides = [Manifold.cube((x, y, z - 5), center=True).translate((s * (x - 4), 8, 0)) for s in (-1, 1)]
    return Shape(cover - union(pages, *sides), "plate", (0, -y / 2 + 30, 0), (1, 0, 0), ((0.7, 1.3),) * 3, cover)


def phone(rng: Random) -> Shape:
    x, y, z = rng.uniform((130, 64, 7), (168, 80, 11))
    body = CrossSection.square((x - 16, y - 16), center=True).offset(8, circular_segments=24).extrude(z)
    bump = rounded_box(28, 28, 4, 1.5).translate((x / 2 - 22, -y / 2 + 22, 0))
    return Shape(union(body, bump), "plate", (0, 0, z / 2), (1, 0, 0), ((0.85, 1.15),) * 3)


def _part(rng: Random, length: float) -> Manifold:
    """One arm of a composite: a box, cylinder or capsule along x."""
    width = rng.uniform(22, 40)
    kind = rng.integers(3)
    if kind == 0:
        return rounded_box(length, width, rng.uniform(18, 36), 3)
    return rod(length, width / 2, width / 2 * rng.uniform(0.7, 1)) if kind == 1 else pill(length, width / 2)


def corner_piece(rng: Random) -> Shape:
    long, short = rng.uniform(90, 180), rng.uniform(60, 110)
    arm = _part(rng, short).rotate((0, 0, 90)).translate((long / 2 - 15, short / 2 - 10, 0))
    return Shape(union(_part(rng, long), arm), "handle", (-long * 0.2, 0, 0), (1, 0, 0))


def tee_piece(rng: Random) -> Shape:
    long, across = rng.uniform(90, 180), rng.uniform(70, 130)
    arm = _part(rng, across).rotate((0, 0, 90)).translate((long / 2 - 10, 0, 0))
    return Shape(union(_part(rng, long), arm), "handle", (-long * 0.2, 0, 0), (1, 0, 0))


def cross_piece(rng: Random) -> Shape:
    long, across = rng.uniform(110, 190), rng.uniform(70, 130)
    arm = _part(rng, across).rotate((0, 0, 90)).translate((long * rng.uniform(0.05, 0.25), 0, 0))
    return Shape(union(_part(rng, long), arm), "handle", (-long * 0.3, 0, 0), (1, 0, 0))


def cluster(rng: Random) -> Shape:
    parts = [_part(rng, rng.uniform(60, 110))]
    for _ in range(rng.integers(2, 4)):
        piece = Manifold.sphere(rng.uniform(16, 30), 24) if rng.uniform() < 0.4 else _part(rng, rng.uniform(45, 90))
        turn, shift = rng.uniform(0, 180, 3), rng.uniform(-26, 26, 3)
        parts.append(piece.rotate(tuple(turn)).translate(tuple(shift)))
    return Shape(union(*parts))


def flashlight(rng: Random) -> Shape:
    length, radius = rng.uniform(90, 170), rng.uniform(11, 17)
    outline = [(0, 0), (radius, 0), (radius, length), (radius * 1.7, length + 25), (radius * 1.7, length + 45)]
    return Shape(turned([*outline, (0, length + 45)]), "handle", (0, 0, length * 0.45), (0, 0, 1))


def wrench(rng: Random) -> Shape:
    length, jaw = rng.uniform(120, 220), rng.uniform(16, 26)
    bar = CrossSection.square((length, jaw * 0.9), center=True)
    ends = [CrossSection.circle(jaw, 28).translate((s * length / 2, 0)) for s in (-1, 1)]
    gap = CrossSection.square((jaw * 1.6, jaw * 0.9), center=True).translate((length / 2 + jaw * 0.6, 0))
    hole = CrossSection.circle(jaw * 0.55, 6).translate((-length / 2, 0))
    outline = bar + ends[0] + ends[1] - gap - hole
    return Shape(outline.extrude(rng.uniform(5, 9)), "handle", (-length * 0.1, 0, 3.5), (1, 0, 0))


def dumbbell(rng: Random) -> Shape:
    length, radius = rng.uniform(150, 220), rng.uniform(24, 40)
    ends = [
        rod(length * 0.22, radius, segments=6 + 14 * int(rng.integers(2))).translate((s * length * 0.39, 0, 0))
        for s in (-1, 1)
    ]
    return Shape(union(rod(length * 0.8, rng.uniform(12, 16)), *ends), "body")


def prism(rng: Random) -> Shape:
    sides, radius, height = int(rng.integers(3, 7)), rng.uniform(24, 42), rng.uniform(60, 150)
    body = Manifold.cylinder(height, radius, radius * rng.uniform(0.6, 1), sides)
    return Shape(body, axis=(0, 0, 1), scale=((0.7, 1.4),) * 3)


def paddle(rng: Random) -> Shape:
    length, radius = rng.uniform(95, 115), rng.uniform(65, 80)
    blade = Manifold.cylinder(8, radius, radius, 36, center=True).scale((1.08, 1, 1))
    handle = rounded_box(length, 28, 22, 6).translate((-radius - length * 0.42, 0, 0))
    return Shape(union(blade, handle), "handle", (-radius - length * 0.45, 0, 0), (1, 0, 0))


# Maker -> how many objects of each split; a maker of the unseen split serves no other one.
COUNTS: dict[Callable[[Random], Shape], tuple[int, int, int]] = {
    bottle: (6, 2, 0), glass: (4, 1, 0), mug: (5, 1, 0), superquadric: (8, 2, 0), box: (8, 2, 0), card: (3, 1, 0),
    dish: (2, 0, 0), can: (5, 1, 0), cone: (2, 1, 0), capsule: (3, 1, 0), pen: (3, 1, 0), sphere: (5, 1, 0),
    ring: (2, 1, 0), hammer: (3, 1, 0), screwdriver: (2, 1, 0), knife: (2, 0, 0), brush: (2, 1, 0), pan: (2, 0, 0),
    jar: (2, 0, 0), book: (2, 1, 0), phone: (3, 1, 0), corner_piece: (3, 1, 0), tee_piece: (3, 1, 0),
    cross_piece: (3, 0, 0), bowl: (0, 0, 2), cluster: (0, 0, 4), spray_bottle: (0, 0, 3), flashlight: (0, 0, 2),
    wrench: (0, 0, 2), dumbbell: (0, 0, 2), prism: (0, 0, 3), funnel: (0, 0, 1), paddle: (0, 0, 2), scoop: (0, 0, 2),
}  # fmt: skip


def recipes() -> list[Recipe]:
    """All procedural objects; the same on every run."""
    found: list[Recipe] = []
    for make, counts in COUNTS.items():
        category = make.__name__.replace("_", "-")
        splits = [s for s, n in zip(("train", "val", "unseen"), counts, strict=True) for _ in range(n)]
        for i, split in enumerate(splits):
            rng = np.random.default_rng([SEED, zlib.crc32(category.encode()), i])
            found.append(_recipe(f"{category}_{i:02d}", category, split, make(rng)))
    return found


def _recipe(name: str, category: str, split: str, shape: Shape) -> Recipe:
    mesh = _metric(shape.body)
    center = mesh.bounds.mean(axis=0) if shape.center is None else np.asarray(shape.center) / 1000
    return Recipe(
        name=name,
        category=category,
        split=split,
        kind="procedural",
        mesh=mesh,
        grip=shape.grip,
        grip_center=center,
        grip_axis=None if shape.axis is None else np.asarray(shape.axis, dtype=float),
        scale=shape.scale,
        solid=None if shape.solid is None else _metric(shape.solid),
    )


def _metric(body: Manifold) -> trimesh.Trimesh:
    mesh = body.simplify(0.02).to_mesh()
    return trimesh.Trimesh(mesh.vert_properties[:, :3] / 1000.0, mesh.tri_verts, process=False)
