"""What every source of objects hands to `bake_objects.py`, and the convention that all of them end up in."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import trimesh

LONGEST_M = 0.320


@dataclass(frozen=True)
class Recipe:
    """One object on its way into the library; meters, any orientation until `canonical`.

    `solid` is the mesh whose distance field hands close against, where that is not `mesh` itself: a glass is
    drawn hollow but grasped as if it were full.
    """

    name: str
    category: str
    split: str
    kind: str
    mesh: trimesh.Trimesh
    grip: str = "body"
    grip_center: np.ndarray = field(default_factory=lambda: np.zeros(3))
    grip_axis: np.ndarray | None = None
    scale: tuple[tuple[float, float], ...] = ((0.85, 1.2),) * 3
    solid: trimesh.Trimesh | None = None
    licence: str = "Apache-2.0"
    author: str = "The graspseg authors"
    source: str = ""


def canonical(recipe: Recipe) -> Recipe:
    """Center the bounding box, turn the longest axis to x and the thinnest to z, and put a handle at negative x.

    `scale` is given in the final axes (longest first), everything else in the axes of the mesh.
    """
    lower, upper = recipe.mesh.bounds
    order = np.argsort(-(upper - lower), kind="stable")
    turn = np.eye(3)[order]
    if np.linalg.det(turn) < 0:
        turn[2] *= -1
    center = (lower + upper) / 2
    axis = np.array([1.0, 0.0, 0.0]) if recipe.grip_axis is None else turn @ recipe.grip_axis
    grip_center = turn @ (recipe.grip_center - center)
    if recipe.grip == "handle" and grip_center[0] > 0:
        half_turn = np.diag([-1.0, -1.0, 1.0])
        turn, axis, grip_center = half_turn @ turn, half_turn @ axis, half_turn @ grip_center
    longest = float((upper - lower).max())
    scale = tuple((low, max(low, min(high, LONGEST_M / longest))) for low, high in recipe.scale)
    return replace(
        recipe,
        mesh=_moved(recipe.mesh, turn, center),
        solid=None if recipe.solid is None else _moved(recipe.solid, turn, center),
        grip_center=grip_center,
        grip_axis=axis / np.linalg.norm(axis),
        scale=scale,
    )


def _moved(mesh: trimesh.Trimesh, turn: np.ndarray, center: np.ndarray) -> trimesh.Trimesh:
    return trimesh.Trimesh((mesh.vertices - center) @ turn.T, mesh.faces, process=False)
