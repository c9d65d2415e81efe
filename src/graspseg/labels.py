"""The three classes, their colors, and pictures of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import UInt8, UInt16

BACKGROUND = 0
HAND = 1
OBJECT = 2
IGNORE = 255

CLASS_NAMES = ("background", "hand", "object")
# Orange, blue and purple of Okabe and Ito's set: told apart by people with any kind of color blindness.
PALETTE: dict[int, tuple[int, int, int]] = {
    BACKGROUND: (0, 0, 0),
    HAND: (230, 159, 0),
    OBJECT: (0, 114, 178),
    IGNORE: (204, 121, 167),
}
_GRAYS = (40, 255)


def colorize(labels: UInt8[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """Labels as RGB colors of `PALETTE`; values that are no label are black."""
    table = np.zeros((256, 3), np.uint8)
    for label, color in PALETTE.items():
        table[label] = color
    return table[labels]


def shade_depth(depth: UInt16[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """Depth as a gray RGB picture: near is bright, no measurement is black.

    The grays are spread over inverse depth between the 1st and 99th percentile, so that a hand in front of a far wall
    keeps its relief.
    """
    gray_of = np.zeros(1 << 16, np.uint8)
    sample = depth[depth > 0][:: max(1, depth.size // 20_000)]
    if sample.size:
        inverse = 1.0 / np.arange(1, 1 << 16, dtype=np.float32)
        low, high = np.percentile(inverse[sample - 1], (1, 99))
        spread = np.clip((inverse - low) / max(high - low, 1e-9), 0, 1)
        gray_of[1:] = _GRAYS[0] + spread * (_GRAYS[1] - _GRAYS[0])
    return cv2.cvtColor(gray_of[depth], cv2.COLOR_GRAY2RGB)


def overlay(
    depth: UInt16[np.ndarray, "h w"], labels: UInt8[np.ndarray, "h w"], *, alpha: float = 0.55
) -> UInt8[np.ndarray, "h w 3"]:
    """The shaded depth with hand and object tinted, RGB.

    Args:
        depth: stored depth of any unit, 0 = no measurement.
        labels: labels of the same size.
        alpha: share of the class color, 0 to 1.
    """
    picture = shade_depth(depth)
    blended = cv2.addWeighted(picture, 1 - alpha, colorize(labels), alpha, 0)
    return cv2.copyTo(picture, (labels == BACKGROUND).view(np.uint8), blended)


def outline(picture: UInt8[np.ndarray, "h w 3"], labels: UInt8[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """An RGB picture with a line of one pixel, in the class's color, along the inner edge of hand and object."""
    drawn = picture.copy()
    for label in (HAND, OBJECT):
        mask = (labels == label).astype(np.uint8)
        edge = mask - cv2.erode(mask, np.ones((3, 3), np.uint8))
        drawn[edge > 0] = PALETTE[label]
    return drawn


def contact_sheet(
    images: Sequence[UInt8[np.ndarray, "_h _w 3"]], columns: int, *, gap_px: int = 4
) -> UInt8[np.ndarray, "_sh _sw 3"]:
    """Pictures side by side, row by row, in cells of the largest one's size.

    Raises:
        ValueError: there is no picture, or no column.
    """
    if not images or columns < 1:
        raise ValueError(f"A contact sheet needs pictures and columns, got {len(images)} and {columns}.")
    columns = min(columns, len(images))
    rows = math.ceil(len(images) / columns)
    cell_h = max(image.shape[0] for image in images) + gap_px
    cell_w = max(image.shape[1] for image in images) + gap_px
    sheet = np.full((rows * cell_h - gap_px, columns * cell_w - gap_px, 3), 24, np.uint8)
    for index, image in enumerate(images):
        y, x = index // columns * cell_h, index % columns * cell_w
        sheet[y : y + image.shape[0], x : x + image.shape[1]] = image
    return sheet
