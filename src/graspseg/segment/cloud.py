"""Points of a depth image in the camera's axes, their normals, and the file they are written to."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
from jaxtyping import Bool, Float32

from graspseg.frame import Frame

_STEP_M, _STEP_SHARE = 0.01, 0.02
"""Neighbors whose depths differ by more, absolutely or by a share of the depth, lie on different surfaces."""


def cloud(frame: Frame, mask: Bool[np.ndarray, "h w"]) -> Float32[np.ndarray, "n 3"]:
    """Points of the masked pixels that have a depth: x right, y down, z forward, in meters."""
    rows, columns = np.nonzero(mask & (frame.depth > 0))
    return _points(frame, rows, columns, frame.depth[rows, columns].astype(np.float64)).astype(np.float32)


def normals(frame: Frame, mask: Bool[np.ndarray, "h w"]) -> Float32[np.ndarray, "n 3"]:
    """Unit normals of the points of `cloud`, in its order, toward the camera.

    They are the cross product of the differences to the neighbors two pixels away in the mask, on both sides where both
    lie on the same surface. A point without neighbors on its surface has the direction to the camera.
    """
    height, width = frame.depth.shape
    rows, columns = np.nonzero(mask & (frame.depth > 0))
    center = _points(frame, rows, columns, frame.depth[rows, columns].astype(np.float64))
    gate = np.maximum(_STEP_M, _STEP_SHARE * center[:, 2])
    slopes = []
    for down, across in ((0, 2), (2, 0)):
        ends, known = [], []
        for sign in (1, -1):
            y, x = rows + sign * down, columns + sign * across
            inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            y, x = np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)
            point = _points(frame, y, x, frame.depth[y, x].astype(np.float64))
            same = inside & mask[y, x] & (frame.depth[y, x] > 0) & (np.abs(point[:, 2] - center[:, 2]) < gate)
            ends.append(np.where(same[:, None], point, center))
            known.append(same)
        slopes.append(np.where((known[0] | known[1])[:, None], ends[0] - ends[1], 0))
    found = np.cross(slopes[0], slopes[1])
    length = np.linalg.norm(found, axis=1, keepdims=True)
    to_camera = -center / np.maximum(np.linalg.norm(center, axis=1, keepdims=True), 1e-12)
    found = np.where(length > 0, found / np.maximum(length, 1e-30), to_camera)
    found *= np.where((found * to_camera).sum(axis=1, keepdims=True) < 0, -1, 1)
    return found.astype(np.float32)


def ply(frame: Frame, mask: Bool[np.ndarray, "h w"]) -> bytes:
    """The masked points with their normals as binary little-endian PLY: floats `x y z nx ny nz`, meters, camera axes.

    Comments of its head say the unit and the camera, and whether that is assumed.
    """
    camera, assumed = frame.intrinsics_or_default(), frame.intrinsics is None
    values = " ".join(f"{name} {value:.9g}" for name, value in asdict(camera).items())
    rows = np.concatenate([cloud(frame, mask), normals(frame, mask)], axis=1)
    header = "ply\nformat binary_little_endian 1.0\ncomment metres; x right, y down, z forward\n"
    header += f"comment camera {values}{' assumed' if assumed else ''}\nelement vertex {len(rows)}\n"
    header += "".join(f"property float {name}\n" for name in ("x", "y", "z", "nx", "ny", "nz")) + "end_header\n"
    return header.encode() + rows.astype("<f4").tobytes()


def _points(frame: Frame, rows: np.ndarray, columns: np.ndarray, stored: np.ndarray) -> np.ndarray:
    """Points of pixels with stored depths, float64 of shape (n, 3)."""
    camera = frame.intrinsics_or_default()
    z = stored * np.float64(frame.depth_unit_m)
    return np.stack([(columns - camera.cx) / camera.fx * z, (rows - camera.cy) / camera.fy * z, z], axis=1)
