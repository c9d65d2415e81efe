"""Where a hand touches an object: hand pixels next to object pixels in 3-D."""

from __future__ import annotations

import math

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from graspseg.errors import InputError
from graspseg.frame import Frame
from graspseg.labels import HAND, OBJECT

LARGEST_MM = 50.0


def contact_pixels(
    frame: Frame, labels: UInt8[np.ndarray, "h w"], *, tolerance_mm: float = 10.0
) -> Bool[np.ndarray, "h w"]:
    """Hand pixels with a point of the object at most so far away in 3-D.

    Only what is seen counts: where a palm hides what it holds, its back is as far from the object as the hand is thick.

    Args:
        frame: the depth image.
        labels: of the frame.
        tolerance_mm: above 0, at most 50; depth cameras err by 2 to 10 mm at the distance of a hand.

    Raises:
        InputError: a tolerance outside that range.
    """
    if not (math.isfinite(tolerance_mm) and 0 < tolerance_mm <= LARGEST_MM):
        raise InputError(
            f"tolerance_mm is {tolerance_mm:g}, expected above 0 and at most {LARGEST_MM:g}: give millimeters."
        )
    tolerance_m = tolerance_mm / 1000
    touched = np.zeros(labels.shape, bool)
    depth_m = frame.depth * np.float32(frame.depth_unit_m)
    hand, held = (labels == HAND) & (depth_m > 0), (labels == OBJECT) & (depth_m > 0)
    if not hand.any() or not held.any():
        return touched
    points, reach = _grid(frame, depth_m), _reach_px(frame, depth_m, hand | held, tolerance_m)
    height, width = labels.shape
    square = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    rows, columns = np.nonzero(hand & (cv2.dilate(held.view(np.uint8), square) > 0))
    own = points[rows, columns]
    for down, across in _offsets(reach):
        y, x = rows + down, columns + across
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        other_y, other_x = y[inside], x[inside]
        near = held[other_y, other_x]
        places = np.flatnonzero(inside)[near]
        gap = points[other_y[near], other_x[near]] - own[places]
        found = places[(gap * gap).sum(axis=1) <= tolerance_m**2]
        touched[rows[found], columns[found]] = True
        if len(found):
            left = ~touched[rows, columns]
            rows, columns, own = rows[left], columns[left], own[left]
            if not len(rows):
                break
    return touched


def _grid(frame: Frame, depth_m: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w 3"]:
    camera, (height, width) = frame.intrinsics_or_default(), depth_m.shape
    across = ((np.arange(width) - camera.cx) / camera.fx).astype(np.float32)[None, :] * depth_m
    down = ((np.arange(height) - camera.cy) / camera.fy).astype(np.float32)[:, None] * depth_m
    return np.stack([across, down, depth_m], axis=2)


def _reach_px(
    frame: Frame, depth_m: Float32[np.ndarray, "h w"], found: Bool[np.ndarray, "h w"], tolerance_m: float
) -> int:
    """Frame pixels within which all neighbors at most `tolerance_m` away are seen.

    Points `p` and `q` with a distance d fall on columns `f |px / pz - qx / qz| <= f d (1 + |px / pz|) / qz` apart.
    """
    camera, (height, width) = frame.intrinsics_or_default(), depth_m.shape
    nearest_m = float(depth_m[found].min())
    slope_x = max(abs(camera.cx), abs(width - 1 - camera.cx)) / camera.fx
    slope_y = max(abs(camera.cy), abs(height - 1 - camera.cy)) / camera.fy
    reach = tolerance_m / nearest_m * max(camera.fx * (1 + slope_x), camera.fy * (1 + slope_y))
    return min(math.ceil(reach), max(height, width))


def _offsets(reach_px: int) -> list[tuple[int, int]]:
    """Rows and columns to neighbors, near ones first: most contacts are found early and need no further look."""
    side = range(-reach_px, reach_px + 1)
    return sorted(((down, across) for down in side for across in side), key=lambda at: at[0] ** 2 + at[1] ** 2)
