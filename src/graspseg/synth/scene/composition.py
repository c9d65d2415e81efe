"""A rendering put into a recorded frame by depth: what is nearer shows, and the sensor's rims and shadows lie between.

In: a clean rendering and a `Background`. Out: measured depth and labels, as one camera would have seen both.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from graspseg.labels import BACKGROUND
from graspseg.synth.scene.backgrounds import Background
from graspseg.synth.sensor.parameters import SensorParameters
from graspseg.synth.sensor.simulate import measure

RECORDED = 3
_REACH_PX = 14


def in_front(depth_m: Float32[np.ndarray, "h w"], background: Background) -> Bool[np.ndarray, "h w"]:
    """Where a rendering (0 = nothing) hides what was recorded."""
    behind = background.filled_m
    return (depth_m > 0) & ((depth_m < behind) | (behind <= 0))


def compose(
    depth_m: Float32[np.ndarray, "h w"],
    labels: UInt8[np.ndarray, "h w"],
    background: Background,
    rng: np.random.Generator,
    sensor: SensorParameters,
) -> tuple[Float32[np.ndarray, "h w"], UInt8[np.ndarray, "h w"]]:
    """Measure a clean rendering in front of a recorded frame.

    Args:
        depth_m: rendered depth in meters, 0 = nothing there.
        labels: exact labels.
        background: what was recorded, with its own noise, which stays as it is.
        rng: decides everything that is random.
        sensor: measures what is rendered, and loses what it hides.

    Returns:
        Depth in meters (0 = no measurement) and labels, both of the background's size.
    """
    shown = in_front(depth_m, background)
    both = np.where(shown, depth_m, background.filled_m)
    known = np.where(shown, labels, np.uint8(RECORDED))
    measured, seen = measure(both, known, background.intrinsics, rng, sensor)
    reach = cv2.dilate(shown.astype(np.uint8), np.ones((2 * _REACH_PX + 1, 2 * _REACH_PX + 1), np.uint8)) > 0
    rendered = (measured > 0) & ((seen != RECORDED) | shown)
    lost = (measured <= 0) & (reach | shown)
    depth = np.where(rendered, measured, np.where(lost, np.float32(0), background.depth_m))
    seen = np.where(rendered & (seen != RECORDED), seen, np.uint8(BACKGROUND))
    if background.cell_px >= 1.5:
        depth, seen = _coarse(depth, background.cell_px), _coarse(seen, background.cell_px)
    return depth, seen


def _coarse(image: np.ndarray, cell_px: float) -> np.ndarray:
    """Every cell gets one of its pixels, as a sensor with fewer pixels would have it."""
    height, width = image.shape
    rows, columns = (
        np.minimum((np.floor(np.arange(n) / cell_px) * cell_px + cell_px / 2).astype(int), n - 1)
        for n in (height, width)
    )
    return np.ascontiguousarray(image[rows[:, None], columns])
