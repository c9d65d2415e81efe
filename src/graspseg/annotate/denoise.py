"""Aligned color without its noise, so that dark skin and dark things differ by more than the noise of the sensor."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import UInt8

_SIGMA_PX = 1.5


def denoise(color: UInt8[np.ndarray, "h w 3"], mask: UInt8[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """Gaussian mean of the colors inside a mask; what is outside counts nothing and stays as it is.

    Args:
        color: RGB.
        mask: 255 = inside.
    """
    if not mask.any():
        return color
    weight = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), _SIGMA_PX) / 255
    inside = cv2.bitwise_and(color, color, mask=mask).astype(np.float32)
    mean = cv2.GaussianBlur(inside, (0, 0), _SIGMA_PX) / np.maximum(weight, 1e-3)[..., None]
    return cv2.copyTo(cv2.convertScaleAbs(mean), mask, color.copy())
