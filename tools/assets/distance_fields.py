"""Signed distance grids of the baked objects, for closing hands around them offline."""

from __future__ import annotations

from pathlib import Path

import igl
import numpy as np
import trimesh
from scipy import ndimage

from object_recipe import Recipe

CELLS = 60**3
PADDING_M = 0.015
FINEST_PITCH_M = 0.0008


def write_distance_fields(path: Path, recipes: list[Recipe]) -> None:
    """Write `<name>.grid` (float16 meters, negative inside), `<name>.origin` (of cell 0 0 0) and `<name>.pitch`."""
    arrays: dict[str, np.ndarray] = {}
    for recipe in recipes:
        grid, origin, pitch = distance_grid(recipe.solid or recipe.mesh)
        arrays[f"{recipe.name}.grid"] = grid
        arrays[f"{recipe.name}.origin"] = origin.astype(np.float32)
        arrays[f"{recipe.name}.pitch"] = np.float32(pitch)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)


def distance_grid(mesh: trimesh.Trimesh) -> tuple[np.ndarray, np.ndarray, float]:
    """Signed distance on a grid of about `CELLS` points that covers the mesh and `PADDING_M` around it."""
    lower, upper = mesh.bounds[0] - PADDING_M, mesh.bounds[1] + PADDING_M
    pitch = max(float((np.prod(upper - lower) / CELLS) ** (1 / 3)), FINEST_PITCH_M)
    shape = np.ceil((upper - lower) / pitch).astype(int) + 1
    origin = (lower + upper) / 2 - (shape - 1) * pitch / 2
    points = np.stack(np.meshgrid(*[origin[i] + pitch * np.arange(shape[i]) for i in range(3)], indexing="ij"), axis=-1)
    signed = _signed(mesh, points.reshape(-1, 3)) if mesh.is_watertight else _filled(mesh, points, pitch).ravel()
    # A sheet thinner than the grid would be stepped over: give it enough body to be felt.
    signed = signed - max(0.0, float(signed.min()) + 0.6 * pitch)
    return signed.reshape(shape).astype(np.float16), origin, pitch


def _signed(mesh: trimesh.Trimesh, points: np.ndarray) -> np.ndarray:
    faces = np.asarray(mesh.faces, dtype=np.int64)
    kind = igl.SIGNED_DISTANCE_TYPE_FAST_WINDING_NUMBER
    return igl.signed_distance(points, np.asarray(mesh.vertices), faces, sign_type=kind)[0]


def _filled(mesh: trimesh.Trimesh, points: np.ndarray, pitch: float) -> np.ndarray:
    """Distance field of an open mesh: cells the outside cannot reach count as inside, single sheets get some body."""
    kind = igl.SIGNED_DISTANCE_TYPE_UNSIGNED
    faces = np.asarray(mesh.faces, dtype=np.int64)
    distance = igl.signed_distance(points.reshape(-1, 3), np.asarray(mesh.vertices), faces, sign_type=kind)[0]
    distance = distance.reshape(points.shape[:3])
    regions, _ = ndimage.label(distance > 0.9 * pitch)
    inside = regions != regions[0, 0, 0]
    inside &= ndimage.binary_erosion(inside)
    depth = ndimage.distance_transform_edt(inside) * pitch
    return np.where(inside, -np.maximum(depth - 0.5 * pitch, 0), distance) - 0.6 * pitch
