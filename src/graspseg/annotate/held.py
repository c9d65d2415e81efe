"""What a hand holds, of all that is near: an object touches a hand, other objects do not (beyond the paper).

Things are parted where depth steps, because a stereo camera joins in the picture what is apart in space.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Int32, UInt8

from graspseg.labels import BACKGROUND, HAND, OBJECT

_HAND_SHARE = 0.1  # of the largest piece: smaller ones are no hand
_GAP_M, _GAP_PX = 0.01, 3  # between hand and object, where outlines have no depth
_APART_M = 0.04  # in depth
_TOUCH_PX = 10
_STEP_M = 0.012
_CROSS = np.ones((3, 3), np.uint8)


def keep_held(
    labels: UInt8[np.ndarray, "h w"], depth_m: Float32[np.ndarray, "h w"], focal_px: float
) -> UInt8[np.ndarray, "h w"]:
    """Labels with background where no hand is, and where a thing touches none.

    Args:
        labels: 0 background, 1 hand, 2 object.
        depth_m: meters.
        focal_px: of the depth camera.
    """
    hand = _hands(labels == HAND)
    held = np.where(hand, np.uint8(HAND), np.uint8(BACKGROUND))
    if not hand.any() or not (labels == OBJECT).any():
        return held
    gap = max(_GAP_PX, round(_GAP_M * focal_px / float(np.median(depth_m[hand]))))
    distance, found = cv2.distanceTransformWithLabels(
        (~hand).view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    nearest = np.asarray(found, np.int32)
    depths = np.concatenate([np.zeros(1, np.float32), depth_m[hand]])
    number = _surfaces(labels == OBJECT, depth_m)
    touches = (number > 0) & (distance <= gap) & (np.abs(depth_m - depths[nearest]) < _APART_M)
    touching = np.bincount(number[touches], minlength=int(number.max()) + 1) >= _TOUCH_PX
    touching[0] = False
    held[touching[number]] = OBJECT
    return held


def _hands(mask: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """The largest piece and those that are not much smaller."""
    _, number, facts, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    areas = facts[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    return (areas >= max(_HAND_SHARE * areas.max(), 1))[np.asarray(number, np.int32)]


def _surfaces(mask: Bool[np.ndarray, "h w"], depth_m: Float32[np.ndarray, "h w"]) -> Int32[np.ndarray, "h w"]:
    """Numbers, from 1, of the parts of a mask between steps in depth; pixels on a step go to the nearest part."""
    far = np.where(mask, depth_m, np.float32(np.inf))
    span = cv2.dilate(np.where(mask, depth_m, np.float32(0)), _CROSS) - cv2.erode(far, _CROSS)
    smooth = (mask & (span < _STEP_M)).view(np.uint8)
    if not smooth.any():
        return mask.astype(np.int32)
    _, number = cv2.connectedComponents(smooth, connectivity=4, ltype=cv2.CV_32S)
    _, nearest = cv2.distanceTransformWithLabels(1 - smooth, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
    numbers = np.concatenate([np.zeros(1, np.int32), number[smooth > 0]])
    return np.where(mask, numbers[np.asarray(nearest, np.int32)], 0).astype(np.int32)
