"""Measures of meshes that the tests of grasps and interactions share: slow, exact, and none of the product's own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial import KDTree


def _winding(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """How often a mesh goes around each point: sum of solid angles (Van Oosterom and Strackee 1983)."""
    total = np.zeros(len(points))
    for start in range(0, len(points), 64):
        a, b, c = (corners[None, :, i] - points[start : start + 64, None] for i in range(3))
        la, lb, lc = (np.linalg.norm(v, axis=-1) for v in (a, b, c))
        top = (a * np.cross(b, c)).sum(axis=-1)
        bottom = la * lb * lc + (a * b).sum(-1) * lc + (b * c).sum(-1) * la + (c * a).sum(-1) * lb
        total[start : start + 64] = np.arctan2(top, bottom).sum(axis=1) / (2 * np.pi)
    return total


def _spread(vertices: np.ndarray, faces: np.ndarray, spacing_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Points on a mesh, some `spacing_m` apart, and the normals of their faces."""
    a, b, c = (vertices[faces[:, i]].astype(np.float64) for i in range(3))
    across = np.cross(b - a, c - a)
    areas = np.linalg.norm(across, axis=1) / 2
    rng = np.random.default_rng(1)
    face = rng.choice(len(faces), size=int(areas.sum() / spacing_m**2) + 1, p=areas / areas.sum())
    u, v = np.sort(rng.uniform(size=(2, len(face), 1)), axis=0)
    return u * a[face] + (v - u) * b[face] + (1 - v) * c[face], across[face] / (2 * areas[face, None])


def _depth(points: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> float:
    """How far the deepest of the points lies inside a mesh, meters, to half a millimeter."""
    points = points[((points > vertices.min(axis=0)) & (points < vertices.max(axis=0))).all(axis=1)]
    if not len(points):
        return 0.0
    places, normals = _spread(vertices, faces, 0.0012)
    away, nearest = KDTree(places).query(points)
    # Whatever lies deeper has shallower neighbors.
    under = (away > 0.0015) & (away < 0.02) & (((points - places[nearest]) * normals[nearest]).sum(axis=1) < 0)
    points, away = points[under], away[under]
    inside = np.abs(_winding(points, vertices[faces].astype(np.float64))) > 0.5
    return float(away[inside].max(initial=0.0))


@pytest.fixture(scope="session")
def depth_inside() -> Callable[[np.ndarray, np.ndarray, np.ndarray], float]:
    return _depth


@pytest.fixture(scope="session")
def spread() -> Callable[[np.ndarray, np.ndarray, float], tuple[np.ndarray, np.ndarray]]:
    return _spread
