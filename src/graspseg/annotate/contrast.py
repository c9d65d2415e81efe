"""What colors say of finished labels: a class of one object has few, and others than the class beside it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from graspseg.labels import BACKGROUND, HAND, OBJECT

_BESIDE = np.ones((9, 9), np.uint8)
_THIN = np.ones((9, 9), np.uint8)
_FEW = 20  # pixels of which no usual color is taken
_MOST = 4000
_LIGHTNESS = np.float32(0.5)  # shading changes it more than the object does


@dataclass(frozen=True)
class Contrast:
    """Colors are compared in CIELAB, lightness counting half.

    Attributes:
        hand_spread, object_spread: mean distance of a class's a and b from their medians; 0 when it has no color.
        contrast: distance between the median colors of hand and object; 0 when one has none.
        border_contrast: the same within 4 pixels of their common border.
        hand_thin, object_thin: share of a class in parts thinner than 9 pixels.
    """

    hand_spread: float
    object_spread: float
    contrast: float
    border_contrast: float
    hand_thin: float
    object_thin: float


def weigh_colors(labels: UInt8[np.ndarray, "h w"], picture: UInt8[np.ndarray, "h w 3"]) -> Contrast:
    """Compare the colors of hand and object.

    Args:
        labels: of a frame.
        picture: RGB, aligned; black where the color camera does not see.
    """
    x, y, width, height = cv2.boundingRect((labels != BACKGROUND).view(np.uint8))
    region = slice(y, y + height), slice(x, x + width)
    labels, picture = labels[region], picture[region]
    if not labels.size:
        return Contrast(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    lab = cv2.cvtColor(picture.astype(np.float32) * np.float32(1 / 255), cv2.COLOR_RGB2Lab)
    lab[..., 0] *= _LIGHTNESS
    seen = picture.any(axis=2)
    hand, held = labels == HAND, labels == OBJECT
    at_hand, at_held = (hand & _near(held), held & _near(hand))
    return Contrast(
        _spread(_colors(lab, hand & seen)),
        _spread(_colors(lab, held & seen)),
        _distance(_colors(lab, hand & seen), _colors(lab, held & seen)),
        _distance(_colors(lab, at_hand & seen), _colors(lab, at_held & seen)),
        _thin(hand),
        _thin(held),
    )


def _near(mask: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    return cv2.dilate(mask.view(np.uint8), _BESIDE) > 0


def _colors(lab: Float32[np.ndarray, "h w 3"], mask: Bool[np.ndarray, "h w"]) -> Float32[np.ndarray, "n 3"]:
    """Colors of a mask; of many, an even choice."""
    colors = lab[mask]
    return colors[:: len(colors) // _MOST + 1]


def _spread(colors: Float32[np.ndarray, "n 3"]) -> float:
    if len(colors) < _FEW:
        return 0.0
    away = colors[:, 1:] - np.median(colors[:, 1:], axis=0)
    return float(np.hypot(away[:, 0], away[:, 1]).mean())


def _distance(one: Float32[np.ndarray, "n 3"], other: Float32[np.ndarray, "m 3"]) -> float:
    if min(len(one), len(other)) < _FEW:
        return 0.0
    return float(np.linalg.norm(np.median(one, axis=0) - np.median(other, axis=0)))


def _thin(mask: Bool[np.ndarray, "h w"]) -> float:
    area = np.count_nonzero(mask)
    thick = np.count_nonzero(cv2.morphologyEx(mask.view(np.uint8), cv2.MORPH_OPEN, _THIN))
    return 1 - thick / area if area else 0.0
