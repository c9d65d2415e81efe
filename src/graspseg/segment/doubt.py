"""Pieces that the network hardly believes in."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from graspseg.labels import BACKGROUND

# Apart from the largest piece, smaller than this share of it and believed less than that: more often a face, hair or
# clutter than a second hand.
SMALLEST_SHARE, BELIEF = 0.3, 0.75


def drop_doubtful(labels: UInt8[np.ndarray, "h w"], belief: Float32[np.ndarray, "h w"]) -> None:
    """Make small pieces background, in place, that are apart from the largest and not believed in.

    Args:
        labels: labels of a frame.
        belief: probability of hand or object where labels say so.
    """
    x, y, width, height = cv2.boundingRect(labels)
    if not width:
        return
    box = np.s_[y : y + height, x : x + width]
    found = (labels[box] != BACKGROUND).astype(np.uint8)
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(found)
    if count <= 2:
        return
    areas = stats[:, cv2.CC_STAT_AREA]
    mean = np.bincount(pieces.ravel(), weights=belief[box].ravel(), minlength=count) / areas
    doubtful = (areas < SMALLEST_SHARE * areas[1:].max()) & (mean < BELIEF)
    doubtful[0] = False
    labels[box][doubtful[pieces]] = BACKGROUND
