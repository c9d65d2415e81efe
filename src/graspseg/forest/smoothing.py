"""What is made of the leaves' answers on the grid: bilateral filter and small pieces."""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from numba import njit

from graspseg.labels import BACKGROUND, HAND, OBJECT

RADIUS = 2
_SIGMA_PX = 1.5
_SPATIAL = np.exp(
    -0.5 * (np.add.outer(np.arange(-RADIUS, RADIUS + 1) ** 2, np.arange(-RADIUS, RADIUS + 1) ** 2)) / _SIGMA_PX**2
).astype(np.float32)


@njit(cache=True, inline="always")
@no_type_check
def depth_weight(difference_m, half_m):
    """Weight of a neighbor by its difference of depth: 1 at none, 1/2 at `half_m`.

    Differs: not a Gaussian, as this needs no exponential and never vanishes entirely.
    """
    ratio = difference_m / half_m
    return np.float32(1.0) / (np.float32(1.0) + ratio * ratio)


@njit(cache=True)
@no_type_check
def bilateral(probabilities, depth_m, half_m, fill=True):
    """Mean of each pixel's probabilities and its neighbors' (5 x 5), near ones of like depth counting most.

    Paper: section "bilateral filtering": class probabilities are smoothed where depth is continuous.

    Args:
        probabilities: `rows columns 3`.
        depth_m: meters, 0 = no measurement. Pixels without depth take part in nothing.
        half_m: see `depth_weight`.
        fill: whether pixels without depth are needed, too; else they are background.

    Returns:
        The filtered probabilities, and depths; with `fill`, pixels without one take means of their neighbors by
        distance alone, and keep 0 and background when none has a depth.
    """
    height, width = depth_m.shape
    out = np.zeros((height, width, 3), np.float32)
    filled = depth_m.copy()
    for y in range(height):
        for x in range(width):
            own = depth_m[y, x]
            if own <= 0 and not fill:
                out[y, x, 0] = 1
                continue
            background = hand = held = total = mean = np.float32(0.0)
            for row in range(max(y - RADIUS, 0), min(y + RADIUS + 1, height)):
                for column in range(max(x - RADIUS, 0), min(x + RADIUS + 1, width)):
                    other = depth_m[row, column]
                    if other <= 0:
                        continue
                    weight = _SPATIAL[row - y + RADIUS, column - x + RADIUS]
                    if own > 0:
                        weight *= depth_weight(other - own, half_m)
                    total += weight
                    mean += weight * other
                    background += weight * probabilities[row, column, 0]
                    hand += weight * probabilities[row, column, 1]
                    held += weight * probabilities[row, column, 2]
            if total <= 0:
                out[y, x, 0] = 1
                continue
            out[y, x, 0], out[y, x, 1], out[y, x, 2] = background / total, hand / total, held / total
            if own <= 0:
                filled[y, x] = mean / total
    return out, filled


@njit(cache=True)
@no_type_check
def absorb_small_pieces(probabilities, smallest):
    """Let pieces of one class with fewer than `smallest` pixels take the class most of their neighbors have.

    Paper: post-processing removes small regions and closes holes; here both are the same rule. The probability of the
    new class changes places with the old one's, in `probabilities` (`rows columns 3`) itself.

    Returns:
        Labels, the classes of largest probability.
    """
    height, width, _ = probabilities.shape
    labels = np.zeros((height, width), np.uint8)
    for y in range(height):
        for x in range(width):
            background, hand, held = probabilities[y, x, 0], probabilities[y, x, 1], probabilities[y, x, 2]
            labels[y, x] = OBJECT if held > max(background, hand) else HAND if hand > background else BACKGROUND
    seen = np.zeros((height, width), np.bool_)
    queue = np.empty((height * width, 2), np.int64)
    for start_y in range(height):
        for start_x in range(width):
            if seen[start_y, start_x]:
                continue
            own = labels[start_y, start_x]
            size = _flood(labels, seen, queue, start_y, start_x)
            if size >= smallest:
                continue
            new = _class_around(labels, queue, size, own)
            for i in range(size):
                y, x = queue[i, 0], queue[i, 1]
                labels[y, x] = new
                kept = probabilities[y, x, new]
                probabilities[y, x, new] = probabilities[y, x, own]
                probabilities[y, x, own] = kept
    return labels


@njit(cache=True)
@no_type_check
def _flood(labels, seen, queue, start_y, start_x):
    """Mark a piece (neighbors share a side) as seen and list its pixels in `queue`; how many there are."""
    height, width = labels.shape
    own = labels[start_y, start_x]
    queue[0, 0], queue[0, 1] = start_y, start_x
    seen[start_y, start_x] = True
    done, size = 0, 1
    while done < size:
        y, x = queue[done, 0], queue[done, 1]
        done += 1
        for row, column in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            inside = 0 <= row < height and 0 <= column < width
            if inside and not seen[row, column] and labels[row, column] == own:
                seen[row, column] = True
                queue[size, 0], queue[size, 1] = row, column
                size += 1
    return size


@njit(cache=True)
@no_type_check
def _class_around(labels, queue, size, own):
    """The class most neighbors of a piece have; its own when it has none."""
    height, width = labels.shape
    votes = np.zeros(3, np.int64)
    for i in range(size):
        y, x = queue[i, 0], queue[i, 1]
        for row, column in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if 0 <= row < height and 0 <= column < width and labels[row, column] != own:
                votes[labels[row, column]] += 1
    return np.argmax(votes) if votes.max() > 0 else own
