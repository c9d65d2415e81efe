"""Where hand and object are in a label image, and how large: what should change little from one frame to the next."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import UInt8

from graspseg.labels import HAND, OBJECT


@dataclass(frozen=True)
class Place:
    """Number of pixels and their mean position, 0 where there are none.

    Attributes:
        hand_px, object_px: pixels.
        hand_x_px, hand_y_px, object_x_px, object_y_px: mean column and row.
    """

    hand_px: float
    hand_x_px: float
    hand_y_px: float
    object_px: float
    object_x_px: float
    object_y_px: float


def locate(labels: UInt8[np.ndarray, "h w"]) -> Place:
    """Place of hand and object in a label image."""
    return Place(*_moments(labels == HAND), *_moments(labels == OBJECT))


def _moments(mask: np.ndarray) -> tuple[float, float, float]:
    found = cv2.moments(mask.view(np.uint8), binaryImage=True)
    area = found["m00"]
    return (area, found["m10"] / area, found["m01"] / area) if area else (0.0, 0.0, 0.0)
