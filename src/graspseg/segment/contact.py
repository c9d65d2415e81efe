"""Where a hand touches an object: hand pixels next to object pixels in 3-D."""

from __future__ import annotations

import math

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

from graspseg.errors import InputError
from graspseg.frame import Frame
from graspseg.labels import HAND, OBJECT
from graspseg.segment.cloud import cloud

LARGEST_MM = 50.0
_SINGLE_TREE = 4


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
    measured = frame.depth > 0
    hand, held = (labels == HAND) & measured, (labels == OBJECT) & measured
    if not hand.any() or not held.any():
        return touched
    reach = _reach_px(frame, hand | held, tolerance_m)
    hand, held = hand & _within(held, reach), held & _within(hand, reach)
    if not hand.any():
        return touched
    # A single k-d tree answers exactly, unlike the others of FLANN.
    tree = cv2.flann.Index(cloud(frame, held), {"algorithm": _SINGLE_TREE, "leaf_max_size": 10})
    _, squared = tree.knnSearch(cloud(frame, hand), 1, params={"checks": -1})
    touched[hand] = np.asarray(squared)[:, 0] <= tolerance_m**2
    return touched


def _within(mask: Bool[np.ndarray, "h w"], reach_px: int) -> Bool[np.ndarray, "h w"]:
    """Pixels at most so far from a mask that rows and columns both are."""
    side = 2 * reach_px + 1
    return np.asarray(cv2.dilate(mask.view(np.uint8), np.ones((side, side), np.uint8))) > 0


def _reach_px(frame: Frame, found: Bool[np.ndarray, "h w"], tolerance_m: float) -> int:
    """Frame pixels within which all neighbors at most `tolerance_m` away are seen.

    Points `p` and `q` with a distance d fall on columns `f |px / pz - qx / qz| <= f d (1 + |px / pz|) / qz` apart.
    """
    camera, (height, width) = frame.intrinsics_or_default(), found.shape
    nearest_m = float(frame.depth[found].min()) * frame.depth_unit_m
    slope_x = max(abs(camera.cx), abs(width - 1 - camera.cx)) / camera.fx
    slope_y = max(abs(camera.cy), abs(height - 1 - camera.cy)) / camera.fy
    reach = tolerance_m / nearest_m * max(camera.fx * (1 + slope_x), camera.fy * (1 + slope_y))
    return min(math.ceil(reach), max(height, width))
