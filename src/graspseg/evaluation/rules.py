"""What no learning at all reaches: rules that a score must be read against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import UInt8

from graspseg.frame import Frame
from graspseg.labels import HAND

DEPTH_RANGE_M = 0.16
STEP_M = 0.01
SMALLEST_COMPONENT_PX = 400


def everything_is_hand(frame: Frame) -> UInt8[np.ndarray, "h w"]:
    """Every pixel with a measurement is hand."""
    return np.where(frame.depth > 0, HAND, 0).astype(np.uint8)


def near_is_hand(frame: Frame) -> UInt8[np.ndarray, "h w"]:
    """Everything at most 16 cm behind the nearest measurement is hand.

    Paper: section 3, background elimination.
    """
    measured = frame.depth > 0
    if not measured.any():
        return np.zeros(frame.depth.shape, np.uint8)
    farthest = frame.depth[measured].min() + DEPTH_RANGE_M / frame.depth_unit_m
    return np.where(measured & (frame.depth <= farthest), HAND, 0).astype(np.uint8)


def nearest_component_is_hand(frame: Frame) -> UInt8[np.ndarray, "h w"]:
    """The nearest surface is hand: pixels joined by 4-neighbor steps of at most 1 cm in depth.

    Surfaces of fewer than 400 pixels are passed over, since single flying pixels are often the nearest.
    """
    depth_m = frame.depth_m()
    height, width = depth_m.shape
    left = np.where(depth_m > 0, depth_m, np.float32(np.inf))
    # floodFill marks into a mask with a border of one pixel, and never enters marked pixels.
    mask = np.zeros((height + 2, width + 2), np.uint8)
    mask[1:-1, 1:-1] = depth_m <= 0
    while np.isfinite(left).any():
        y, x = np.unravel_index(int(left.argmin()), left.shape)
        flags = 4 | cv2.FLOODFILL_MASK_ONLY | (2 << 8)
        area, *_ = cv2.floodFill(depth_m, mask, (int(x), int(y)), 0, STEP_M, STEP_M, flags)
        component = mask[1:-1, 1:-1] == 2
        if area >= SMALLEST_COMPONENT_PX:
            return component.astype(np.uint8) * np.uint8(HAND)
        left[component] = np.inf
        mask[1:-1, 1:-1][component] = 1
    return np.zeros((height, width), np.uint8)


@dataclass(frozen=True)
class Rule:
    """A rule and how reports call it."""

    title: str
    apply: Callable[[Frame], UInt8[np.ndarray, "h w"]]


RULES = {
    "everything": Rule("everything measured is hand", everything_is_hand),
    "within_16cm": Rule("everything within 16 cm of the nearest surface is hand", near_is_hand),
    "nearest_component": Rule("the nearest connected surface is hand", nearest_component_is_hand),
}
