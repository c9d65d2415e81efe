"""Morphological filtering of binary masks (paper, section 3, "to reduce noises")."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import UInt8


def clean(mask: UInt8[np.ndarray, "h w"], size_px: int) -> UInt8[np.ndarray, "h w"]:
    """Opening, then closing, with a disk: specks and hair lines go, pinholes and cracks fill.

    Args:
        mask: 255 = inside, 0 = outside.
        size_px: diameter of the disk, odd; 1 changes nothing.
    """
    if size_px <= 1:
        return mask
    disk = _disk(size_px)
    return cv2.morphologyEx(cv2.morphologyEx(mask, cv2.MORPH_OPEN, disk), cv2.MORPH_CLOSE, disk)


@lru_cache
def _disk(size_px: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size_px, size_px))
