"""Signed distances near a mesh on a fine grid, made from the shipped meshes alone (numba and scipy, no libigl).

Only a band around the surface is measured; farther cells hold the band's width with the sign of their side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from scipy import ndimage

BAND_M = 0.004
PITCH_M = 0.001
LEAK_M = 0.0015
MOST_CELLS = 1_500_000


@dataclass(frozen=True)
class SurfaceField:
    """Signed distance (meters, negative inside, cut at `BAND_M`) on a regular grid."""

    grid: np.ndarray
    origin: np.ndarray
    pitch: float

    def gaps(self, points: np.ndarray, pose: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Signed distances [n] of hand-frame points to the scaled, then posed [3, 4] object, and outward normals."""
        out, normals = np.empty(len(points)), np.empty((len(points), 3))
        posed, factors = np.ascontiguousarray(pose, np.float64), np.ascontiguousarray(scale, np.float64)
        points = np.ascontiguousarray(points, np.float64)
        sample(points, self.grid, self.origin, self.pitch, posed, factors, out, normals)
        return out, normals


def surface_field(vertices: np.ndarray, faces: np.ndarray, *, through: int | None = None) -> SurfaceField:
    """Measure a mesh; open meshes count as solid where the outside cannot reach, else as infinitely thin.

    `through` says that lines along this axis meet no hole of the mesh, so that their crossings tell inside from out.
    """
    corners = np.ascontiguousarray(vertices[faces], np.float64)
    lower, upper = vertices.min(axis=0) - BAND_M, vertices.max(axis=0) + BAND_M
    pitch = max(PITCH_M, float((np.prod(upper - lower) / MOST_CELLS) ** (1 / 3)))
    shape = tuple(np.ceil((upper - lower) / pitch).astype(int) + 2)
    origin = lower.astype(np.float64) - 0.37 * pitch
    distance = np.full(shape, BAND_M, np.float32)
    splat(corners, distance, origin, pitch)
    if through is None and watertight(faces):
        through = 0
    inside = _inside_open(distance) if through is None else _inside_closed(corners, shape, origin, pitch, through)
    distance[inside] *= -1
    return SurfaceField(distance, origin, pitch)


def watertight(faces: np.ndarray) -> bool:
    """Whether every directed edge is met by exactly one edge the other way."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
    there, back = edges[:, 0] << 32 | edges[:, 1], edges[:, 1] << 32 | edges[:, 0]
    return len(np.unique(there)) == len(there) and np.array_equal(np.sort(there), np.sort(back))


def _inside_closed(
    corners: np.ndarray, shape: tuple[int, ...], origin: np.ndarray, pitch: float, axis: int
) -> np.ndarray:
    """Cells whose line along an axis has entered more often than left: signed, so overlapping shells count too."""
    order = np.roll(np.arange(3), -axis)
    crossings = np.zeros([shape[i] for i in order], np.int16)
    count_crossings(np.ascontiguousarray(corners[:, :, order]), crossings, origin[order], pitch)
    return (np.cumsum(crossings, axis=0) > 0).transpose(np.argsort(order))


def _inside_open(distance: np.ndarray) -> np.ndarray:
    regions, _ = ndimage.label(distance > LEAK_M)
    return (regions > 0) & (regions != regions[0, 0, 0])


@numba.njit(cache=True)
def count_crossings(corners, crossings, origin, pitch):
    """Add +1 at the first cell behind a surface entered along +x, -1 behind one left."""
    nx, ny, nz = crossings.shape
    for t in range(corners.shape[0]):
        a, b, c = corners[t, 0], corners[t, 1], corners[t, 2]
        area = (b[1] - a[1]) * (c[2] - a[2]) - (b[2] - a[2]) * (c[1] - a[1])
        if area == 0.0:
            continue
        y0 = max(int(np.ceil((min(a[1], b[1], c[1]) - origin[1]) / pitch)), 0)
        y1 = min(int(np.floor((max(a[1], b[1], c[1]) - origin[1]) / pitch)), ny - 1)
        z0 = max(int(np.ceil((min(a[2], b[2], c[2]) - origin[2]) / pitch)), 0)
        z1 = min(int(np.floor((max(a[2], b[2], c[2]) - origin[2]) / pitch)), nz - 1)
        for j in range(y0, y1 + 1):
            y = origin[1] + j * pitch
            for k in range(z0, z1 + 1):
                z = origin[2] + k * pitch
                u = ((b[1] - y) * (c[2] - z) - (b[2] - z) * (c[1] - y)) / area
                v = ((c[1] - y) * (a[2] - z) - (c[2] - z) * (a[1] - y)) / area
                w = 1.0 - u - v
                if u >= 0.0 and v >= 0.0 and w >= 0.0:
                    x = u * a[0] + v * b[0] + w * c[0]
                    i = int(np.ceil((x - origin[0]) / pitch))
                    if i < nx:
                        crossings[max(i, 0), j, k] += -1 if area > 0.0 else 1


@numba.njit(cache=True)
def splat(corners, distance, origin, pitch):
    """Lower the cells around each triangle to their distance from it."""
    band = distance[0, 0, 0]
    shape = distance.shape
    low, high = np.empty(3, np.int64), np.empty(3, np.int64)
    for t in range(corners.shape[0]):
        a, b, c = corners[t, 0], corners[t, 1], corners[t, 2]
        for i in range(3):
            low[i] = max(int((min(a[i], b[i], c[i]) - band - origin[i]) / pitch), 0)
            high[i] = min(int((max(a[i], b[i], c[i]) + band - origin[i]) / pitch) + 1, shape[i] - 1)
        corner = (a[0], a[1], a[2])
        ab, ac = (b[0] - a[0], b[1] - a[1], b[2] - a[2]), (c[0] - a[0], c[1] - a[1], c[2] - a[2])
        for x in range(low[0], high[0] + 1):
            px = origin[0] + x * pitch - corner[0]
            for y in range(low[1], high[1] + 1):
                py = origin[1] + y * pitch - corner[1]
                for z in range(low[2], high[2] + 1):
                    d = to_triangle((px, py, origin[2] + z * pitch - corner[2]), ab, ac)
                    if d < distance[x, y, z]:
                        distance[x, y, z] = d


@numba.njit(cache=True, inline="always")
def dot(u, v):
    return u[0] * v[0] + u[1] * v[1] + u[2] * v[2]


@numba.njit(cache=True, inline="always")
def left_over(p, ab, ac, v, w):
    """Length of p - v ab - w ac."""
    x, y, z = (
        p[0] - v * ab[0] - w * ac[0],
        p[1] - v * ab[1] - w * ac[1],
        p[2] - v * ab[2] - w * ac[2],
    )
    return np.sqrt(x * x + y * y + z * z)


@numba.njit(cache=True)
def to_triangle(p, ab, ac):
    """Distance of a point to a triangle with one corner at 0 (Ericson, Real-Time Collision Detection, 5.1.5)."""
    d1, d2 = dot(ab, p), dot(ac, p)
    if d1 <= 0.0 and d2 <= 0.0:
        return left_over(p, ab, ac, 0.0, 0.0)
    bb, bc, cc = dot(ab, ab), dot(ab, ac), dot(ac, ac)
    d3, d4 = d1 - bb, d2 - bc
    if d3 >= 0.0 and d4 <= d3:
        return left_over(p, ab, ac, 1.0, 0.0)
    vc = d1 * d4 - d3 * d2
    if vc <= 0.0 and d1 >= 0.0 and d3 <= 0.0:
        return left_over(p, ab, ac, d1 / bb if bb > 0.0 else 0.0, 0.0)
    d5, d6 = d1 - bc, d2 - cc
    if d6 >= 0.0 and d5 <= d6:
        return left_over(p, ab, ac, 0.0, 1.0)
    vb = d5 * d2 - d1 * d6
    if vb <= 0.0 and d2 >= 0.0 and d6 <= 0.0:
        return left_over(p, ab, ac, 0.0, d2 / cc if cc > 0.0 else 0.0)
    va = d3 * d6 - d5 * d4
    if va <= 0.0 and d4 - d3 >= 0.0 and d5 - d6 >= 0.0:
        along = d4 - d3 + d5 - d6
        w = (d4 - d3) / along if along > 0.0 else 0.0
        return left_over(p, ab, ac, 1.0 - w, w)
    total = va + vb + vc
    return left_over(p, ab, ac, vb / total, vc / total)


@numba.njit(cache=True)
def sample(points, grid, origin, pitch, pose, scale, out, normals):
    """Trilinear distance of posed points, stretched by the scale along its own direction (exact for a plane)."""
    band = np.abs(grid[0, 0, 0])
    g, local, slope = np.empty(3), np.empty(3), np.empty(3)
    for i in range(points.shape[0]):
        dx, dy, dz = points[i, 0] - pose[0, 3], points[i, 1] - pose[1, 3], points[i, 2] - pose[2, 3]
        outside = False
        for a in range(3):
            local[a] = (pose[0, a] * dx + pose[1, a] * dy + pose[2, a] * dz) / scale[a]
            g[a] = (local[a] - origin[a]) / pitch
            outside = outside or g[a] < 0.0 or g[a] > grid.shape[a] - 1.001
        if outside:
            out[i] = band
            normals[i] = 0.0
            continue
        x, y, z = int(g[0]), int(g[1]), int(g[2])
        fx, fy, fz = g[0] - x, g[1] - y, g[2] - z
        value = 0.0
        slope[:] = 0.0
        for cx in range(2):
            wx = fx if cx else 1 - fx
            for cy in range(2):
                wy = fy if cy else 1 - fy
                for cz in range(2):
                    wz = fz if cz else 1 - fz
                    cell = grid[x + cx, y + cy, z + cz]
                    value += wx * wy * wz * cell
                    slope[0] += (1 if cx else -1) * wy * wz * cell
                    slope[1] += wx * (1 if cy else -1) * wz * cell
                    slope[2] += wx * wy * (1 if cz else -1) * cell
        steep = np.sqrt(slope[0] ** 2 + slope[1] ** 2 + slope[2] ** 2)
        slope /= scale
        stretched = max(np.sqrt(slope[0] ** 2 + slope[1] ** 2 + slope[2] ** 2), 1e-12)
        out[i] = value * steep / stretched if steep > 1e-6 and abs(value) < 0.95 * band else value
        for a in range(3):
            normals[i, a] = (pose[a, 0] * slope[0] + pose[a, 1] * slope[1] + pose[a, 2] * slope[2]) / stretched
