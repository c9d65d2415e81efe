"""The distance field of an object as the grasp solver asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numba
import numpy as np


@numba.njit(cache=True)
def distance(points, grid, origin, pitch, pose, scale, out):
    """Signed distance (meters, negative inside) of hand-frame points to a posed, scaled object."""
    nx, ny, nz = grid.shape
    shrink = min(scale[0], scale[1], scale[2])
    for i in range(points.shape[0]):
        dx, dy, dz = points[i, 0] - pose[0, 3], points[i, 1] - pose[1, 3], points[i, 2] - pose[2, 3]
        beyond = 0.0
        index = np.empty(3)
        for a in range(3):
            local = (pose[0, a] * dx + pose[1, a] * dy + pose[2, a] * dz) / scale[a]
            g = (local - origin[a]) / pitch
            top = grid.shape[a] - 1.001
            inside = min(max(g, 0.0), top)
            beyond += ((g - inside) * pitch * scale[a]) ** 2
            index[a] = inside
        x, y, z = int(index[0]), int(index[1]), int(index[2])
        fx, fy, fz = index[0] - x, index[1] - y, index[2] - z
        value = 0.0
        for cx in range(2):
            for cy in range(2):
                for cz in range(2):
                    weight = (fx if cx else 1 - fx) * (fy if cy else 1 - fy) * (fz if cz else 1 - fz)
                    value += weight * grid[min(x + cx, nx - 1), min(y + cy, ny - 1), min(z + cz, nz - 1)]
        out[i] = value * shrink + np.sqrt(beyond)


@dataclass(frozen=True)
class Field:
    """Distance field of one object."""

    grid: np.ndarray
    origin: np.ndarray
    pitch: float

    @classmethod
    def read(cls, packed: Mapping[str, np.ndarray], name: str) -> Field:
        """The field of one object out of the file that `bake_objects.py --sdf` writes."""
        grid, origin = (packed[f"{name}.{key}"].astype(np.float64) for key in ("grid", "origin"))
        return cls(grid, origin, float(packed[f"{name}.pitch"]))

    def __call__(self, points: np.ndarray, pose: np.ndarray, scale: np.ndarray) -> np.ndarray:
        out = np.empty(len(points))
        distance(np.ascontiguousarray(points, np.float64), self.grid, self.origin, self.pitch, pose, scale, out)
        return out
