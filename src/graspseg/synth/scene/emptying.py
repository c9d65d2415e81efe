"""Scenes without hands, and objects that stand before a recorded background."""

from __future__ import annotations

import numpy as np

from graspseg.labels import BACKGROUND
from graspseg.synth.recipe import Surroundings
from graspseg.synth.render.scene_parts import Mesh, Scene, random_rotation
from graspseg.synth.render.vectors import cross
from graspseg.synth.scene.backgrounds import Background
from graspseg.synth.scene.surroundings import Clutter, scatter

_MOST_THINGS = 7
_STANDING_SHARE, _LYING_SHARE = 0.6, 0.6
_UPRIGHT_SHARE = 0.8


def remove_hands(scene: Scene, *, person: bool, sleeves: bool) -> None:
    """Take hands, and what they hold, out of a scene.

    Args:
        scene: changed in place.
        person: whether bodies stay.
        sleeves: whether empty sleeves stay.
    """
    scene.meshes = [
        mesh
        for mesh in scene.meshes
        if mesh.label == BACKGROUND
        and mesh.kind not in ("ring", "band", "glove", "skin")
        and (sleeves or mesh.kind != "sleeve")
        and (person or mesh.kind not in ("body", "head"))
    ]
    if not person:
        scene.ellipsoids = []


def set_table(rng: np.random.Generator, scene: Scene, clutter: Clutter, most: int, place: np.ndarray) -> None:
    """Put items onto a scene's tables, about where the hands were: a desk that nobody works at is not an empty one.

    Args:
        rng: decides.
        scene: gets the meshes, all BACKGROUND.
        clutter: gives items in meters about their origin.
        most: at most so many on each table.
        place: where the hands were, camera frame, meters.
    """
    for table in [mesh for mesh in scene.meshes if mesh.kind == "table"]:
        middle, sides = _slab(table.vertices)
        normal = sides[2] / np.linalg.norm(sides[2])
        foot = place - normal * float((place - middle - sides[2]) @ normal)
        taken = [mesh.vertices[::11] for mesh in scene.meshes if mesh.kind in ("clutter", "body", "head", "sleeve")]
        occupied = np.concatenate([middle[None] + 2 * sides[2], *taken])
        units = [side / np.linalg.norm(side) for side in sides[:2]]
        recipe = Surroundings(clutter_most=most, box_share=0.2, upright_share=_UPRIGHT_SHARE)
        for mesh in scatter(rng, clutter, occupied, (foot, *units, normal), recipe):
            stands = mesh.vertices.mean(axis=0) - middle
            if all(abs(stands @ side) < side @ side for side in sides[:2]):
                scene.meshes.append(mesh)


def _slab(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Middle of a `box` [8, 3] and its half sides in rows, the shortest last and toward the camera."""
    sides = (corners[[1, 2, 4]] - corners[0]).astype(np.float64) / 2
    sides = sides[np.argsort(-np.linalg.norm(sides, axis=1))]
    middle = corners.mean(axis=0, dtype=np.float64)
    if sides[2] @ middle > 0:
        sides[2] = -sides[2]
    return middle, sides


def add_things(rng: np.random.Generator, scene: Scene, background: Background, clutter: Clutter) -> None:
    """Put things on the largest surface of a recorded background, or anywhere before it, clear of hands.

    Args:
        rng: decides.
        scene: gets the meshes, all BACKGROUND.
        background: what the scene is put into.
        clutter: gives things in meters about their origin.
    """
    surface = background.plane(rng)
    taken = [mesh.vertices[::11] for mesh in scene.meshes if mesh.kind not in ("body", "head")]
    occupied = np.concatenate(taken) if taken else np.zeros((0, 3))
    lens = background.intrinsics
    height, width = background.depth_m.shape
    for _ in range(int(rng.integers(0, _MOST_THINGS + 1))):
        vertices, faces = clutter(rng)
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        behind = float(background.filled_m[int(y), int(x)])
        if not 0.25 < behind < 3.0:
            continue
        ray = np.array([(x - lens.cx) / lens.fx, (y - lens.cy) / lens.fy, 1.0])
        rests = surface is not None and abs(surface.height_m(ray * behind)) < 0.04
        if rests and surface is not None:
            moved = _on(rng, vertices, surface.normal) + ray * behind
        else:
            turned = vertices @ random_rotation(rng).T
            moved = turned + ray * (behind + float(rng.uniform(-1.2, 0.3)) * float(np.ptp(turned[:, 2])))
        if moved[:, 2].min() < 0.15:
            continue
        low, high = moved.min(axis=0) - 0.01, moved.max(axis=0) + 0.01
        if ((occupied > low) & (occupied < high)).all(axis=1).any():
            continue
        scene.meshes.append(Mesh(moved.astype(np.float32), faces, BACKGROUND, "clutter"))


def _on(rng: np.random.Generator, vertices: np.ndarray, up: np.ndarray) -> np.ndarray:
    """An object turned about its vertical, standing or on any side, its lowest point in the plane of the origin."""
    side = cross(up, np.eye(3)[int(np.abs(up).argmin())])
    side = side / np.linalg.norm(side)
    turn = rng.uniform(0, 2 * np.pi)
    first = np.cos(turn) * side + np.sin(turn) * cross(up, side)
    axes = np.column_stack([first, cross(up, first), up])
    own = np.eye(3)
    if rng.uniform() >= _STANDING_SHARE:
        own = own[rng.permutation(3)] if rng.uniform() < _LYING_SHARE else random_rotation(rng)
    moved = vertices @ own.T @ axes.T
    return moved - up * float((moved @ up).min())
