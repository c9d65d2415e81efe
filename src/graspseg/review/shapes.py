"""Labels as other programs write them: named classes, runs of pixels, polygons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, UInt8
from pycocotools import mask as rle

from graspseg.labels import CLASS_NAMES, HAND, IGNORE, OBJECT

NAMES: dict[int, str] = {HAND: CLASS_NAMES[HAND], OBJECT: CLASS_NAMES[OBJECT], IGNORE: "ignore"}
VALUES = {name: value for value, name in NAMES.items()}


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


def fill_polygons(polygons: Sequence[Sequence[float]], height: int, width: int) -> Bool[np.ndarray, "h w"]:
    """Pixels whose center is in a polygon; its points x, y, x, y, ... are cut to the image.

    Raises:
        ValueError: a polygon has fewer than 3 points, or one that is no number.
    """
    inside = np.zeros((height, width), bool)
    for polygon in polygons:
        points = np.array(polygon, np.float64)
        if points.ndim != 1 or points.size < 6 or points.size % 2 or not np.isfinite(points).all():
            raise ValueError(f"a polygon of {points.size} coordinates, expected at least 3 points x,y")
        # The library walks along every edge, however far out it is.
        points = np.clip(points.reshape(-1, 2), 0, (width, height)).ravel()
        inside |= rle.decode(rle.frPyObjects([points.tolist()], height, width))[..., 0].astype(bool)
    return inside
