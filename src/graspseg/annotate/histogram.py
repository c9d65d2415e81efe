"""Densities of colors in CIELAB, in coarse bins that smooth over noise."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int32, UInt8

_BINS = (16, 64, 64)  # of L, a and b
_BIN_VOLUME = (100 / 16) * 4 * 4


def color_bins(color: UInt8[np.ndarray, "h w 3"], known: Bool[np.ndarray, "h w"]) -> Int32[np.ndarray, " n"]:
    """The bin of each RGB color of a mask, in the order of rows."""
    lab = cv2.cvtColor(color, cv2.COLOR_RGB2Lab)[known].astype(np.int32)
    return ((lab[:, 0] >> 4) * _BINS[1] + (lab[:, 1] >> 2)) * _BINS[2] + (lab[:, 2] >> 2)


def color_histogram(places: Int32[np.ndarray, " n"], weights: Float[np.ndarray, " n"]) -> Float32[np.ndarray, " m"]:
    """Density of colors in CIELAB by bin, smoothed over neighboring bins."""
    counts = np.bincount(places, weights=weights, minlength=int(np.prod(_BINS))).astype(np.float32).reshape(_BINS)
    for level in counts:
        if level.any():
            cv2.GaussianBlur(level, (0, 0), 1.0, dst=level)
    smooth = counts.copy()
    smooth[1:] += 0.5 * counts[:-1]
    smooth[:-1] += 0.5 * counts[1:]
    return (smooth / ((smooth.sum() + 1e-9) * _BIN_VOLUME)).ravel()
