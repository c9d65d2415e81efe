"""What stands behind a hand: table with clutter, wall, a person's body; placed in the camera frame, all BACKGROUND.

Placed from what is visible, so that nothing cuts through the hand.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from graspseg.labels import BACKGROUND
from graspseg.synth.recipe import Surroundings
from graspseg.synth.render.scene_parts import Mesh, Scene, box, random_rotation, tilt
from graspseg.synth.render.vectors import cross

Clutter = Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]


def surround(rng: np.random.Generator, scene: Scene, clutter: Clutter, recipe: Surroundings) -> None:
    """Put a table with clutter, a wall and a person's body behind what is visible, each now and then."""
    visible = np.concatenate([m.vertices[::3] for m in scene.meshes])
    visible = visible[(visible[:, 2] > 0.15) & (np.abs(visible[:, :2]) < 0.75 * visible[:, 2:]).all(axis=1)]
    if not len(visible):
        return
    table, body = rng.uniform() < recipe.table_share, rng.uniform() < recipe.body_share
    if table:
        _table(rng, scene, clutter, visible, recipe)
    if body:
        _body(rng, scene, visible, recipe.limb_share)
    if rng.uniform() < recipe.wall_share or not (table or body):
        normal = np.array([rng.normal(0, 0.25), rng.normal(0, 0.25), -1.0])
        _plane(rng, scene, normal / np.linalg.norm(normal), visible, gap_m=rng.uniform(*recipe.wall_gap_m), half_m=2.5)


def _plane(
    rng: np.random.Generator, scene: Scene, normal: np.ndarray, visible: np.ndarray, *, gap_m: float, half_m: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Add a rectangle facing `normal`, `gap_m` behind everything visible; returns a point on it and its unit sides."""
    under = visible[np.argmin(visible @ normal)]
    foot = visible.mean(axis=0)
    foot = foot + normal * ((under - foot) @ normal - gap_m)
    u = cross(normal, rng.normal(size=3))
    u /= np.linalg.norm(u)
    v = cross(normal, u)
    half_u, half_v = half_m * rng.uniform(0.5, 1.5), half_m * rng.uniform(0.5, 1.5)
    offset = u * rng.uniform(-0.7, 0.7) * half_u + v * rng.uniform(-0.7, 0.7) * half_v
    scene.planes.append((foot + offset, u * half_u, v * half_v))
    return foot, u, v


def _table(rng: np.random.Generator, scene: Scene, clutter: Clutter, visible: np.ndarray, recipe: Surroundings) -> None:
    while True:
        normal = rng.normal(size=3)
        normal /= np.linalg.norm(normal)
        if normal[2] < -0.2:
            break
    gap = 0.0 if rng.uniform() < recipe.touching_share else rng.uniform(*recipe.table_gap_m)
    foot, u, v = _plane(rng, scene, normal, visible, gap_m=gap + 0.001, half_m=rng.choice(recipe.table_half_m))
    scene.meshes += scatter(rng, clutter, visible, (foot, u, v, normal), recipe)


def scatter(
    rng: np.random.Generator,
    clutter: Clutter,
    visible: np.ndarray,
    ground: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    recipe: Surroundings,
) -> list[Mesh]:
    """Things that stand or lie on a plane near its foot, clear of what is visible and of each other.

    Args:
        rng: Decides everything.
        clutter: Gives things of the split.
        visible: Points [n, 3] to keep clear of, meters.
        ground: A point of the plane, its two unit sides and its unit normal.
        recipe: How many and of what kind.
    """
    foot, u, v, normal = ground
    meshes = []
    taken = visible - ((visible - foot) @ normal)[:, None] * normal
    for _ in range(rng.integers(0, recipe.clutter_most + 1)):
        if rng.uniform() < recipe.box_share:
            size = rng.uniform(*recipe.box_m, 3) * [1, 1, rng.uniform(0.1, 1)]
            vertices, faces = box(size)
        else:
            vertices, faces = clutter(rng)
        if recipe.upright_share and rng.uniform() < recipe.upright_share:
            turn = np.eye(3)
        else:
            turn = random_rotation(rng) if rng.uniform() < recipe.tumbled_share else np.eye(3)[rng.permutation(3)]
        spin = rng.uniform(0, 2 * np.pi)
        a, b = np.cos(spin) * u + np.sin(spin) * v, np.cos(spin) * v - np.sin(spin) * u
        moved = vertices @ turn.T @ np.column_stack([a, b, normal]).T
        radius = float(np.linalg.norm(moved - np.outer(moved @ normal, normal), axis=1).max())
        spot = foot + u * rng.normal(0, 0.25) + v * rng.normal(0, 0.25)
        if np.linalg.norm(taken - spot, axis=1).min() < radius + 0.01:
            continue
        moved = moved + spot - normal * (moved @ normal).min()
        if moved[:, 2].min() > 0.12:
            meshes.append(Mesh(moved.astype(np.float32), faces, BACKGROUND))
            taken = np.vstack([taken, spot[None]])
    return meshes


def _body(rng: np.random.Generator, scene: Scene, visible: np.ndarray, limb_share: float) -> None:
    """Torso, head and sometimes the other (clothed) arm or a leg behind the hand, as rough ellipsoids."""
    back = visible[:, 2].max() if rng.uniform() < 0.5 else np.median(visible[:, 2])
    middle = np.median(visible, axis=0)
    half = np.array([rng.uniform(0.15, 0.23), rng.uniform(0.28, 0.4), rng.uniform(0.09, 0.14)])
    center = np.array(
        [middle[0] + rng.normal(0, 0.15), middle[1] + rng.normal(0.05, 0.15), back + half[2] + rng.uniform(0.02, 0.35)]
    )
    roll = random_rotation(rng) if rng.uniform() < 0.15 else tilt(rng, 0.25)
    inside = np.linalg.norm((visible - center) @ roll / half, axis=1)
    center[2] += max(0.0, (1.05 - inside.min()) * half[2] * 2)
    scene.ellipsoids.append((center, roll * half))
    head = center + roll @ np.array([rng.normal(0, 0.03), -half[1] - 0.13, rng.normal(-0.02, 0.03)])
    scene.ellipsoids.append((head, tilt(rng, 0.2) * np.array([0.075, 0.11, 0.095]) * rng.uniform(0.9, 1.1)))
    for side in (-1, 1):
        if rng.uniform() < limb_share:
            shoulder = center + roll @ np.array([side * half[0] * 1.05, -half[1] * 0.5 + 0.12, 0.0])
            scene.ellipsoids.append((shoulder, roll @ tilt(rng, 0.3) * np.array([0.055, 0.2, 0.06])))
