"""Frames of which a program has removed the background: hand and object alone, raggedly cut."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from graspseg.frame import Intrinsics
from graspseg.labels import BACKGROUND, HAND, OBJECT
from graspseg.synth.recipe import Cutout


def cut_out(
    rng: np.random.Generator,
    depth_m: Float32[np.ndarray, "h w"],
    labels: UInt8[np.ndarray, "h w"],
    intrinsics: Intrinsics,
    recipe: Cutout,
) -> tuple[Float32[np.ndarray, "h w"], UInt8[np.ndarray, "h w"]]:
    """Remove the background of a measured frame, now and then.

    Args:
        rng: decides; nothing is drawn where the recipe has no cut-outs.
        depth_m: meters, 0 = no measurement.
        labels: labels of its pixels.
        intrinsics: the camera.
        recipe: how often and how.

    Returns:
        The frame as it was, or with 0 and BACKGROUND where nothing is left.
    """
    if not recipe.share or rng.uniform() >= recipe.share:
        return depth_m, labels
    shown = ((labels == HAND) | (labels == OBJECT)).astype(np.uint8)
    inside = cv2.distanceTransform(shown, cv2.DIST_L2, 3) - cv2.distanceTransform(1 - shown, cv2.DIST_L2, 3)
    # A mask from elsewhere: of fewer pixels, too wide here and too narrow there.
    height, width = depth_m.shape
    cell = int(rng.integers(4, 24))
    coarse = rng.normal(0, recipe.ragged_px, (height // cell + 2, width // cell + 2)).astype(np.float32)
    wander = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    kept = inside + wander > rng.normal(-0.5, recipe.ragged_px)
    if rng.uniform() < recipe.ball_share:
        kept &= _in_ball(rng, depth_m, labels, intrinsics, float(rng.uniform(*recipe.ball_m)))
    return np.where(kept, depth_m, np.float32(0)), np.where(kept, labels, np.uint8(BACKGROUND))


def _in_ball(
    rng: np.random.Generator, depth_m: np.ndarray, labels: np.ndarray, intrinsics: Intrinsics, radius_m: float
) -> np.ndarray:
    """Where a pixel's surface lies within a distance of some point of the hand."""
    rows, columns = np.nonzero((labels == HAND) & (depth_m > 0))
    if not len(rows):
        return np.ones(depth_m.shape, bool)
    pick = rng.integers(len(rows))
    z = depth_m[rows[pick], columns[pick]]
    x = (np.arange(depth_m.shape[1]) - intrinsics.cx) / intrinsics.fx
    y = (np.arange(depth_m.shape[0]) - intrinsics.cy) / intrinsics.fy
    away = (x[None] * depth_m - x[columns[pick]] * z) ** 2 + (y[:, None] * depth_m - y[rows[pick]] * z) ** 2
    return away + (depth_m - z) ** 2 < radius_m**2
