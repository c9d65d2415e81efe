"""What stands around people on a stage: table, floor, walls, furniture, and objects that reach in before the hand.

World: meters, y down, z to the first person's front. Nothing is placed where hands, arms or the camera are.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from graspseg.labels import BACKGROUND
from graspseg.synth.recipe import Stage, Surroundings
from graspseg.synth.render.scene_parts import Mesh, box, random_rotation, rotation_of
from graspseg.synth.scene.clutter import ClutterMaker
from graspseg.synth.scene.stage import StagedArm, Staging
from graspseg.synth.scene.surroundings import Clutter, scatter
from graspseg.synth.scene.viewpoint import HEIGHT, WIDTH

_UP = np.array([0.0, -1.0, 0.0])
_X, _Y, _Z = np.eye(3)
# From a model's axes (z up) to the world's (y down).
_STANDING = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])


def furnish(
    rng: np.random.Generator,
    staging: Staging,
    stage: Stage,
    clutter: ClutterMaker,
    occupied: np.ndarray,
    *,
    seated: bool,
) -> None:
    """Put a room around a staging.

    Args:
        rng: Decides.
        staging: Gets the meshes and planes.
        stage: How often what.
        clutter: Gives things.
        occupied: World points [n, 3] of arms and held objects, over the whole clip.
        seated: whether the first person's thighs are before the trunk.
    """
    camera = staging.camera.position
    staging.arms = [_with_stands(staging, arm, occupied) for arm in staging.arms]
    lap = 0.5 * staging.arms[0].person.scale if seated else 0.9
    if rng.uniform() < stage.table_share:
        _table(rng, staging, stage, clutter, occupied, lap)
    floor = (1.04 if seated else 1.44) * staging.arms[0].person.scale
    if rng.uniform() < stage.floor_share and camera[1] < floor - 0.1:
        _plane(staging, np.array([0.0, floor, 0.5]), _X, _Z, (3.0, 3.0))
    if rng.uniform() < stage.wall_share:
        _walls(rng, staging, occupied)
    if rng.uniform() < stage.furniture_share:
        for _ in range(rng.integers(1, 4)):
            _furniture(rng, staging, clutter, occupied, floor)
    if rng.uniform() < stage.distractor_share:
        _distractor(rng, staging, clutter, occupied)


def _plane(
    staging: Staging, center: np.ndarray, u: np.ndarray, v: np.ndarray, half: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    staging.planes.append((center, u * half[0], v * half[1]))
    return staging.planes[-1]


def _with_stands(staging: Staging, arm: StagedArm, occupied: np.ndarray) -> StagedArm:
    """Put a block under a thing that rests before or after it is held; where none fits, it is held all the time."""
    if arm.held is None or arm.motion is None:
        return arm
    stands = []
    for rest_s in (arm.motion.grab_s, arm.motion.release_s):
        if np.isfinite(rest_s):
            thing = arm.thing(rest_s)
            low, high = thing.min(axis=0), thing.max(axis=0)
            size = np.maximum(0.7 * (high - low), 0.04)
            size[1] = 0.4
            vertices, faces = box(size)
            stand = vertices + np.array([(low[0] + high[0]) / 2, high[1] + 0.001 + size[1] / 2, (low[2] + high[2]) / 2])
            if not _clear(stand, staging, occupied, 0.0):
                return replace(arm, motion=replace(arm.motion, grab_s=-np.inf, release_s=np.inf))
            stands.append(Mesh(stand.astype(np.float32), faces, BACKGROUND, "table"))
    staging.meshes += stands
    return arm


def _table(
    rng: np.random.Generator, staging: Staging, stage: Stage, clutter: Clutter, occupied: np.ndarray, lap: float
) -> None:
    """A table before the first person with objects on it, unless it would be in the way."""
    edge = 0.14 + rng.uniform(0.0, 0.15)
    over = occupied[occupied[:, 2] > edge - 0.02]
    if len(over) < 20:
        return
    gap = 0.0 if rng.uniform() < stage.touching_share else rng.uniform(*stage.table_gap_m)
    lowest = float(over[:, 1].max()) + 0.001
    height = min(max(lowest + gap, 0.12), max(lowest, lap - 0.06))
    if height > lap - 0.06:
        return
    half = np.array([rng.choice([0.4, 0.7, 1.2]) * rng.uniform(0.7, 1.2), rng.uniform(0.25, 0.6)])
    middle = np.array([rng.normal(0, 0.15) + over[:, 0].mean(), height, edge + half[1]])
    half[0] = max(half[0], float(np.abs(over[:, 0] - middle[0]).max()) + 0.02)
    half[1] = max(half[1], float((over[:, 2].max() + 0.02 - edge) / 2))
    middle[2] = edge + half[1]
    if staging.camera.position[1] > height - 0.06:
        return
    # A slab, so that its edge shows from the side.
    slab, faces = box(np.array([2 * half[0], rng.uniform(0.015, 0.05), 2 * half[1]]))
    slab = slab + middle + np.array([0.0, slab[:, 1].max(), 0.0])
    staging.meshes.append(Mesh(slab.astype(np.float32), faces, BACKGROUND, "table"))
    foot = np.array([over[:, 0].mean(), height, over[:, 2].mean()])
    recipe = Surroundings(clutter_most=stage.clutter_most, upright_share=stage.upright_share)
    for mesh in scatter(rng, clutter, occupied[::3], (foot, _X, _Z, _UP), recipe):
        low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
        on_table = (np.abs((low + high)[[0, 2]] / 2 - middle[[0, 2]]) < half).all() and low[2] > edge
        if on_table and _clear(mesh.vertices, staging, occupied, 0.01):
            staging.meshes.append(mesh)


def _walls(rng: np.random.Generator, staging: Staging, occupied: np.ndarray) -> None:
    """Up to three walls behind everything that stands there."""
    meshes = [m.vertices for m in staging.meshes] + [occupied, staging.camera.position[None]]
    low = np.min([m.min(axis=0) for m in meshes], axis=0)
    high = np.max([m.max(axis=0) for m in meshes], axis=0)
    for axis, side in ((2, -1), (2, 1), (0, -1), (0, 1)):
        if rng.uniform() < 0.6:
            bound = high[axis] if side > 0 else low[axis]
            center = np.zeros(3)
            center[axis] = bound + side * (0.05 + rng.gamma(1.5, 0.35))
            _plane(staging, center, _Y, _X if axis == 2 else _Z, (2.0, 3.0))


def _furniture(
    rng: np.random.Generator, staging: Staging, clutter: ClutterMaker, occupied: np.ndarray, floor: float
) -> None:
    """A piece of furniture, or a box as large as a chair, a crate or a cupboard, on the floor."""
    modeled = clutter.furniture(rng)
    if modeled is None:
        size = rng.uniform([0.2, 0.3, 0.05], [0.8, 1.9, 0.6])
        corners, faces = box(size)
    else:
        vertices, faces = modeled
        corners = vertices @ _STANDING
        size = np.ptp(corners, axis=0)
    turn = rotation_of(np.array([0.0, rng.uniform(-np.pi, np.pi), 0.0]))
    away, distance = rng.uniform(-np.pi, np.pi), rng.uniform(0.35, 1.4)
    spot = np.array([np.sin(away) * distance, floor - size[1] / 2, np.cos(away) * distance])
    trunk = np.hypot(spot[0], spot[2]) < 0.24 + np.hypot(size[0], size[2]) / 2
    points = np.concatenate([occupied, *[m.vertices[::9] for m in staging.meshes]])
    inside = (np.abs((points - spot) @ turn) < size / 2 + 0.03).all(axis=1).any()
    eye, target = staging.camera.position, np.median(occupied, axis=0)
    sight = eye + np.linspace(0, 0.95, 30)[:, None] * (target - eye)
    hides = (np.abs((sight - spot) @ turn) < size / 2 + 0.12).all(axis=1).any()
    if not (trunk or inside or hides):
        staging.meshes.append(Mesh((corners @ turn.T + spot).astype(np.float32), faces, BACKGROUND))


def _distractor(rng: np.random.Generator, staging: Staging, clutter: Clutter, occupied: np.ndarray) -> None:
    """Something larger and nearer than the hand that reaches in over the image's border."""
    seen = staging.camera.see(occupied)
    depth = float(np.median(seen[:, 2])) * rng.uniform(0.45, 0.85)
    if rng.uniform() < 0.5:
        vertices, faces = box(rng.uniform(0.08, 0.3, 3))
    else:
        vertices, faces = clutter(rng)
        vertices = vertices * rng.uniform(1.2, 2.5)
    vertices = vertices @ random_rotation(rng).T
    radius = float(np.linalg.norm(vertices, axis=1).max())
    lens, place = staging.intrinsics, rng.uniform(-0.5, 0.5, 2)
    # On a random side of the border.
    place[rng.integers(2)] = rng.choice([-0.5, 0.5])
    pixel = place * (WIDTH, HEIGHT)
    center = np.array([pixel[0] / lens.fx, pixel[1] / lens.fy, 1.0]) * depth
    center[:2] += np.sign(place) * (np.abs(place) == 0.5) * radius * rng.uniform(0.1, 0.6)
    if center[2] - radius < 0.12 or np.linalg.norm(seen - center, axis=1).min() < radius + 0.01:
        return
    camera = staging.camera
    world = (vertices + center) @ camera.rotation + camera.position
    if _clear(world, staging, occupied, 0.01) and not (world[:, 1] > _lowest(staging)).any():
        staging.meshes.append(Mesh(world.astype(np.float32), faces, BACKGROUND))


def _lowest(staging: Staging) -> float:
    """Height of the highest level plane or slab under the scene (y down)."""
    levels = [float(origin[1]) for origin, u, v in staging.planes if u[1] == v[1] == 0]
    return min(levels, default=np.inf)


def _clear(vertices: np.ndarray, staging: Staging, occupied: np.ndarray, gap_m: float) -> bool:
    """Whether an object's bounding box keeps off arms, hands, held objects, and the camera."""
    low, high = vertices.min(axis=0) - gap_m, vertices.max(axis=0) + gap_m
    if ((occupied > low) & (occupied < high)).all(axis=1).any():
        return False
    eye = staging.camera.position
    return not ((eye > low - 0.1) & (eye < high + 0.1)).all()
