"""Labels as other programs write them: named classes, runs of pixels, polygons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, UInt8

from graspseg.labels import CLASS_NAMES, HAND, IGNORE, OBJECT

NAMES: dict[int, str] = {HAND: CLASS_NAMES[HAND], OBJECT: CLASS_NAMES[OBJECT], IGNORE: "ignore"}
VALUES = {name: value for value, name in NAMES.items()}
_FAR = 1e6  # beyond every image, and not so far that numbers run over


class LabelledImage(NamedTuple):
    """Labels of an image that another program wrote.

    Attributes:
        name: its file name there.
        labels: 0/1/2/255; None when the image has no shape at all.
        tells_ignore: whether pixels to ignore can be told from background there.
    """

    name: str
    labels: UInt8[np.ndarray, "_h _w"] | None
    tells_ignore: bool = True


def fill_runs(runs: Sequence[int], height: int, width: int) -> Bool[np.ndarray, "h w"]:
    """Pixels row by row from the lengths of runs outside and inside in turn, beginning outside.

    Raises:
        ValueError: they do not fill the size exactly.
    """
    if min(runs, default=0) < 0 or sum(runs) != height * width:
        raise ValueError(f"runs of {sum(runs)} pixels, expected {height * width}")
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(height, width)


def fill_polygon(points: Float64[np.ndarray, "n 2"], height: int, width: int) -> Bool[np.ndarray, "h w"]:
    """Pixels whose center is inside, by the even-odd rule; pixel (0, 0) reaches from 0 to 1.

    Args:
        points: x and y of the corners; they may lie outside the image.
        height: of the image.
        width: of the image.

    Raises:
        ValueError: fewer than 3 points, or one that is no number.
    """
    if len(points) < 3 or not np.isfinite(points).all():
        raise ValueError(f"a polygon of {points.size} coordinates, expected at least 3 points of numbers")
    starts = np.clip(points, -_FAR, _FAR)
    ends = np.roll(starts, -1, axis=0)
    crossed = np.zeros((height, width + 1), bool)
    for (x0, y0), (x1, y1) in zip(starts, ends, strict=True):
        first, last = (np.clip(np.ceil(y - 0.5), 0, height) for y in sorted((y0, y1)))
        rows = np.arange(int(first), int(last))
        if rows.size:
            x = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
            crossed[rows, np.clip(np.ceil(x - 0.5), 0, width).astype(int)] ^= True
    return np.logical_xor.accumulate(crossed, axis=1)[:, :width]
