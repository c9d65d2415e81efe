"""How far bodies keep from each other: nearest points, and an arm as a chain of balls.

The functions are marked `no_type_check` because the tests' shape checks cannot wrap compiled functions.
"""

from __future__ import annotations

from functools import cache
from typing import no_type_check

import numpy as np
from jaxtyping import Float32, Float64
from numba import njit

from graspseg.synth.body.hand import HandModel, HandName

BALL_STEP_M = 0.035


@njit(cache=True)
@no_type_check
def nearest_gap(points, others):
    """Smallest distance between two sets of points [n, 3] and [m, 3], meters, and the index of each end."""
    best, first, second = np.float32(1e12), 0, 0
    for i in range(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        for j in range(others.shape[0]):
            dx, dy, dz = others[j, 0] - x, others[j, 1] - y, others[j, 2] - z
            d = dx * dx + dy * dy + dz * dz
            if d < best:
                best, first, second = d, i, j
    return np.sqrt(best), first, second


@njit(cache=True)
@no_type_check
def deepest(points, skin, normals):
    """How far the deepest of the points lies below the plane of its nearest skin vertex, 0 when all are outside."""
    depth = np.float32(0)
    for i in range(points.shape[0]):
        best, nearest = np.float32(1e12), 0
        for j in range(skin.shape[0]):
            dx, dy, dz = points[i, 0] - skin[j, 0], points[i, 1] - skin[j, 1], points[i, 2] - skin[j, 2]
            d = dx * dx + dy * dy + dz * dz
            if d < best:
                best, nearest = d, j
        along = np.float32(0)
        for k in range(3):
            along += (points[i, k] - skin[nearest, k]) * normals[nearest, k]
        if -along > 0.6 * np.sqrt(best) and -along > depth:
            depth = -along
    return depth


def vertex_normals(vertices: Float32[np.ndarray, "v 3"], faces: np.ndarray) -> Float32[np.ndarray, "v 3"]:
    """Unit normals, weighted by the areas of the faces around; outward where faces run counter-clockwise."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    across = np.cross(b - a, c - a)
    sums = [np.bincount(faces.ravel(), np.repeat(across[:, i], 3), len(vertices)) for i in range(3)]
    normals = np.stack(sums, axis=1)
    return (normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)).astype(np.float32)


@cache
def _rings(hand_name: HandName) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices of the arm, stretch by stretch from the wrist up; where each stretch begins; how many it has."""
    hand = HandModel.load(hand_name)
    rest = hand.vertices(hand.mean_shape(), np.zeros((5, 4), np.float32))
    along = np.where(hand.part == 0, -rest[:, 0], -1.0)
    ends = np.arange(0.0, along.max(), BALL_STEP_M)
    rings = [np.flatnonzero((along >= end) & (along < end + BALL_STEP_M)) for end in ends]
    rings = [ring for ring in rings if len(ring) > 2]
    counts = np.array([len(ring) for ring in rings])
    return np.concatenate(rings), np.cumsum(counts) - counts, counts


def arm_balls(hand_name: HandName, vertices: Float32[np.ndarray, "v 3"]) -> Float64[np.ndarray, "n 4"]:
    """An arm as balls: center and radius (mean distance of the skin or cloth from the center), meters."""
    order, starts, counts = _rings(hand_name)
    points = vertices[order].astype(np.float64)
    centers = np.add.reduceat(points, starts) / counts[:, None]
    away = points - np.repeat(centers, counts, axis=0)
    radii = np.add.reduceat(np.sqrt((away * away).sum(axis=1)), starts) / counts
    return np.column_stack([centers, radii])


def ball_depth(balls: Float64[np.ndarray, "n 4"], points: Float32[np.ndarray, "m 3"]) -> float:
    """How far the deepest point lies inside a ball; negative when all are outside."""
    return float(_ball_depth(balls, points)) if len(points) else -1.0


@njit(cache=True)
@no_type_check
def _ball_depth(balls, points):
    depth = -np.inf
    for n in range(balls.shape[0]):
        best = np.inf
        for i in range(points.shape[0]):
            x, y, z = points[i, 0] - balls[n, 0], points[i, 1] - balls[n, 1], points[i, 2] - balls[n, 2]
            best = min(best, x * x + y * y + z * z)
        depth = max(depth, balls[n, 3] - np.sqrt(best))
    return depth


def chain_depth(balls: Float64[np.ndarray, "n 4"], others: Float64[np.ndarray, "m 4"]) -> float:
    """How far two chains of balls sink into each other; negative when they keep apart."""
    away = np.linalg.norm(balls[:, None, :3] - others[None, :, :3], axis=2)
    return float((balls[:, None, 3] + others[None, :, 3] - away).max())
