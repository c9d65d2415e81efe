"""What lies close to the skin of a hand: rings and gloves."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Int32

from graspseg.synth.body.clothing import tube_faces


def ring_mesh(
    base: np.ndarray, tip: np.ndarray, skin: np.ndarray, *, width_m: float, thick_m: float
) -> tuple[Float32[np.ndarray, "v 3"], Int32[np.ndarray, "f 3"]]:
    """A ring in the middle of a finger's first bone.

    Args:
        base: The bone's joint at the knuckle, meters.
        tip: Its other joint.
        skin: [n, 3] the finger's skin.
        width_m: Of the metal along the finger.
        thick_m: Of the metal away from it.
    """
    direction = (tip - base) / np.linalg.norm(tip - base)
    at = (skin - base) @ direction
    length = float(np.linalg.norm(tip - base))
    near = skin[np.abs(at - 0.55 * length) < 0.008]
    near = near if len(near) > 6 else skin[np.argsort(np.abs(at - 0.55 * length))[:12]]
    middle = (near.max(axis=0) + near.min(axis=0)) / 2
    offset = near - middle
    offset = offset - np.outer(offset @ direction, direction)
    radius = float(np.linalg.norm(offset, axis=1).mean())
    side = np.cross(direction, np.eye(3)[np.abs(direction).argmin()])
    side /= np.linalg.norm(side)
    theta = np.arange(24) * (2 * np.pi / 24)
    across = np.outer(np.cos(theta), side) + np.outer(np.sin(theta), np.cross(direction, side))
    rows = [(-0.5, 0.0), (-0.5, 1.0), (0.0, 1.25), (0.5, 1.0), (0.5, 0.0)]
    vertices = np.concatenate(
        [middle + direction * (x * width_m) + across * (radius + 0.0004 + y * thick_m) for x, y in rows]
    )
    return vertices.astype(np.float32), tube_faces(len(rows), 24)


def inflate(
    vertices: Float32[np.ndarray, "v 3"], faces: Int32[np.ndarray, "f 3"], by_m: np.ndarray
) -> Float32[np.ndarray, "v 3"]:
    """Vertices moved outward along their normals by `by_m` [v] meters: skin under a glove."""
    corners = vertices[faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.stack([np.bincount(faces.ravel(), np.repeat(normal[:, i], 3), len(vertices)) for i in range(3)], axis=1)
    total /= np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
    return (vertices + total * by_m[:, None]).astype(np.float32)
