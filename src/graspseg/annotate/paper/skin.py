"""Skin by linear thresholds in HSV space (paper, section 3, "Segmentation")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float64, UInt8

from graspseg.errors import InputError

_GAMMA = 2.2
_SHADES = 6  # of gray: the norm whose mean is the light (Finlayson and Trezzi 2004)
_DARK, _BLOWN = 0.05, 0.97
_EVERY = 4


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


def illuminant(pictures: Sequence[UInt8[np.ndarray, "_h _w 3"]]) -> Float64[np.ndarray, "3"]:
    """Color of the light of a recording, linear RGB whose largest channel is 1, by the shades of gray.

    Args:
        pictures: RGB of whole frames.
    """
    total = np.zeros(3)
    for picture in pictures:
        colors = picture[::_EVERY, ::_EVERY].reshape(-1, 3) / 255
        largest = colors.max(axis=1)
        colors = colors[(largest > _DARK) & (largest < _BLOWN)]
        total += (colors ** (_GAMMA * _SHADES)).sum(axis=0)
    light = total ** (1 / _SHADES)
    return light / light.max() if light.min() > 0 else np.ones(3)


def balanced(color: UInt8[np.ndarray, "h w 3"], light: Float64[np.ndarray, "3"]) -> UInt8[np.ndarray, "h w 3"]:
    """RGB as it would be under white light: the weakest gain is 1, and what grows beyond white is white."""
    gain = light.max() / light
    tables = np.clip((np.arange(256) / 255) * (gain[:, None] / gain.min()) ** (1 / _GAMMA), 0, 1) * 255
    return np.dstack([cv2.LUT(color[..., channel], tables[channel].astype(np.uint8)) for channel in range(3)])
