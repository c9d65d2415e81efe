"""Skin by linear thresholds in HSV space (paper, section 3, "Segmentation")."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import UInt8

from graspseg.frame import InputError


@dataclass(frozen=True)
class HsvThresholds:
    """A box in HSV space, bounds included.

    Attributes:
        hue_deg: lowest and highest hue; hues from 330 are written as -30 to 0.
        saturation: lowest and highest, 0 to 255.
        value: lowest and highest, 0 to 255.

    Raises:
        InputError: a range is empty.
    """

    hue_deg: tuple[float, float] = (-20.0, 50.0)
    saturation: tuple[float, float] = (25.0, 190.0)
    value: tuple[float, float] = (30.0, 255.0)

    def __post_init__(self) -> None:
        for name in ("hue_deg", "saturation", "value"):
            low, high = getattr(self, name)
            if not low < high:
                raise InputError(
                    f"HSV threshold {name} is {low:g} to {high:g}, expected two rising numbers: correct it."
                )

    @classmethod
    def around(cls, colors: UInt8[np.ndarray, "n 3"], *, left_out: float = 0.02) -> HsvThresholds:
        """The box around colors (RGB) of skin, without the given share at each end of each axis."""
        hue, saturation, value = cv2.cvtColor(colors[None], cv2.COLOR_RGB2HSV)[0].astype(np.float64).T
        # Hues of skin lie about red, where the circle of hues begins and ends.
        degrees = (2 * hue + 120) % 360 - 120
        ends = (left_out, 1 - left_out)
        h, s, v = (np.quantile(axis, ends) for axis in (degrees, saturation, value))
        return cls(
            (float(h[0]) - 2, float(h[1]) + 2), (float(s[0]) - 1, float(s[1]) + 1), (float(v[0]) - 1, float(v[1]) + 1)
        )


def hsv_skin(color: UInt8[np.ndarray, "h w 3"], thresholds: HsvThresholds) -> UInt8[np.ndarray, "h w"]:
    """255 where a color lies within the thresholds, else 0.

    Args:
        color: RGB.
        thresholds: of skin under the light of the recording.
    """
    hsv = cv2.cvtColor(color, cv2.COLOR_RGB2HSV)
    low, high = (round(degrees / 2) for degrees in thresholds.hue_deg)
    (s0, s1), (v0, v1) = thresholds.saturation, thresholds.value
    skin = cv2.inRange(hsv, np.array([max(low, 0), s0, v0]), np.array([high, s1, v1]))
    if low < 0:
        skin = cv2.bitwise_or(skin, cv2.inRange(hsv, np.array([180 + low, s0, v0]), np.array([180.0, s1, v1])))
    return skin
