"""A forest's answer for one frame: probabilities on a grid, brought to the frame's pixels by their depth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float32, UInt8
from numba import njit

from graspseg.forest.smoothing import depth_weight
from graspseg.labels import HAND, OBJECT


@dataclass(frozen=True, eq=False)
class Answer:
    """What a forest says of the region it found.

    Attributes:
        depth_m: the whole frame, meters, 0 = no measurement.
        probabilities: of background, hand and object at the region's grid pixels.
        grid_depth_m: their depth.
        classes: the largest of their probabilities.
        first: row and column of the frame pixel that is the first grid pixel.
        cell: frame pixels between grid pixels.
        box: frame pixels of the region, `x0, y0, x1, y1`, ends excluded; everything else is background.
        half_m: see `depth_weight`.
    """

    depth_m: Float32[np.ndarray, "h w"]
    probabilities: Float32[np.ndarray, "rows columns 3"]
    grid_depth_m: Float32[np.ndarray, "rows columns"]
    classes: UInt8[np.ndarray, "rows columns"]
    first: tuple[int, int]
    cell: int
    box: tuple[int, int, int, int]
    half_m: float

    def labels(self) -> tuple[UInt8[np.ndarray, "h w"], float | None]:
        """Labels of the frame, and the mean probability of hand and object where they were chosen, None if nowhere."""
        labels, total, count = _label(*self._arrays())
        return labels, float(total / count) if count else None

    view = None

    def add_to(self, planes: Float32[np.ndarray, "3 h w"], *, origin: tuple[int, int] = (0, 0)) -> None:
        """Write the region's probabilities into planes; pixels without depth keep theirs.

        Args:
            planes: of the frame, or of a part of it.
            origin: column and row of the frame that their first pixel is.
        """
        _paint(planes, origin, *self._arrays())

    def _arrays(self) -> tuple:
        grid = (self.probabilities, self.grid_depth_m, self.classes)
        return self.depth_m, *grid, self.first, self.cell, self.box, np.float32(self.half_m)


@njit(cache=True, inline="always")
@no_type_check
def _between(position, first, cell, count):
    """The grid lines before and after a frame pixel, and its distance from the first in cells."""
    place = min(max((position - first) / cell, 0.0), count - 1.0)
    before = int(place)
    return before, min(before + 1, count - 1), np.float32(place - before)


@njit(cache=True, inline="always")
@no_type_check
def _mix(depth, probabilities, grid_depth_m, rows, columns, down, right, half_m):
    """Probabilities of a frame pixel from the four grid pixels around it, by distance and by depth."""
    background = hand = held = total = np.float32(0.0)
    for i in range(2):
        share = down if i else np.float32(1.0) - down
        for j in range(2):
            other = grid_depth_m[rows[i], columns[j]]
            if other <= 0:
                continue
            weight = share * (right if j else np.float32(1.0) - right) + np.float32(1e-3)
            weight *= depth_weight(other - depth, half_m)
            total += weight
            background += weight * probabilities[rows[i], columns[j], 0]
            hand += weight * probabilities[rows[i], columns[j], 1]
            held += weight * probabilities[rows[i], columns[j], 2]
    if total <= 0:
        return np.float32(1.0), np.float32(0.0), np.float32(0.0)
    return background / total, hand / total, held / total


@njit(cache=True)
@no_type_check
def _label(depth_m, probabilities, grid_depth_m, classes, first, cell, box, half_m):
    """Labels, sum of the chosen probabilities over hand and object pixels, and their number.

    Between grid pixels that are all background, mixing gives background too.
    """
    labels = np.zeros(depth_m.shape, np.uint8)
    total, count = 0.0, 0
    for y in range(box[1], box[3]):
        above, below, down = _between(y, first[0], cell, classes.shape[0])
        for x in range(box[0], box[2]):
            depth = depth_m[y, x]
            if depth <= 0:
                continue
            before, after, right = _between(x, first[1], cell, classes.shape[1])
            if not (classes[above, before] | classes[above, after] | classes[below, before] | classes[below, after]):
                continue
            background, hand, held = _mix(
                depth, probabilities, grid_depth_m, (above, below), (before, after), down, right, half_m
            )
            if held > max(background, hand):
                labels[y, x] = OBJECT
                total += held
                count += 1
            elif hand > background:
                labels[y, x] = HAND
                total += hand
                count += 1
    return labels, total, count


@njit(cache=True)
@no_type_check
def _paint(planes, origin, depth_m, probabilities, grid_depth_m, classes, first, cell, box, half_m):
    left, top = origin
    for y in range(max(box[1], top), min(box[3], top + planes.shape[1])):
        above, below, down = _between(y, first[0], cell, classes.shape[0])
        for x in range(max(box[0], left), min(box[2], left + planes.shape[2])):
            if depth_m[y, x] > 0:
                before, after, right = _between(x, first[1], cell, classes.shape[1])
                planes[0, y - top, x - left], planes[1, y - top, x - left], planes[2, y - top, x - left] = _mix(
                    depth_m[y, x], probabilities, grid_depth_m, (above, below), (before, after), down, right, half_m
                )
