"""Depth differences: the only thing a tree asks for.

Depths are whole tenths of a millimeter everywhere in the trees, in training and afterwards, so that both compute the
very same differences. Missing depth, and what is outside the image, is very far.
"""

from __future__ import annotations

import math
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float32, Int8, Int32, UInt8, UInt16
from numba import njit

from graspseg.forest.settings import ForestSettings
from graspseg.frame import Intrinsics

UNIT_M = 1e-4
FAR = 40_000
OFFSETS = 127  # an offset counts parts of the reach

_LARGEST_DIFFERENCE = 4000
_LARGEST_SIDE = 400
# Dense where fingers and thin objects differ from what is beside them: 0.4 mm apart at 0, 26 mm at the ends.
EDGES: Int32[np.ndarray, "edges"] = np.rint(
    np.sign(np.arange(-31, 32)) * _LARGEST_DIFFERENCE * (np.arange(-31, 32) / 31) ** 2
).astype(np.int32)
BINS = len(EDGES) + 1
# Bin of every difference: the number of edges that are not above it.
BIN_OF: UInt8[np.ndarray, "differences"] = np.searchsorted(
    EDGES, np.arange(-_LARGEST_DIFFERENCE, _LARGEST_DIFFERENCE + 1), side="right"
).astype(np.uint8)


class Grid(NamedTuple):
    """A frame reduced for the trees.

    Attributes:
        surface: depth in tenths of a millimeter, `FAR` where there is none.
        step: frame pixels between neighbors.
        first_x, first_y: frame pixel of the first one.
        fx, fy: focal lengths in grid pixels.
    """

    surface: UInt16[np.ndarray, "gh gw"]
    step: int
    first_x: int
    first_y: int
    fx: float
    fy: float

    @property
    def measured(self) -> np.ndarray:
        """Pixels with a depth that is not too far for the trees."""
        return self.surface < FAR


def reduce_frame(depth_m: Float32[np.ndarray, "h w"], intrinsics: Intrinsics, settings: ForestSettings) -> Grid:
    """Take every so many pixels of a frame, as the camera's resolution asks for.

    Args:
        depth_m: meters, 0 = no measurement.
        intrinsics: the camera.
        settings: say how fine the grid is.
    """
    height, width = depth_m.shape
    step = max(1, round(settings.pixel_angle * intrinsics.fx), -(-max(height, width) // _LARGEST_SIDE))
    first_y, first_x = min(step // 2, (height - 1) // 2), min(step // 2, (width - 1) // 2)
    picked = depth_m[first_y::step, first_x::step]
    surface = np.where(picked > 0, np.clip(picked / np.float32(UNIT_M) + np.float32(0.5), 1, FAR), FAR)
    return Grid(surface.astype(np.uint16), step, first_x, first_y, intrinsics.fx / step, intrinsics.fy / step)


def draw_offsets(rng: np.random.Generator, count: int) -> Int8[np.ndarray, "count 4"]:
    """Random pairs of places `u_x, u_y, v_x, v_y` in parts of the reach (1/127); half of the `v` are the pixel itself.

    Differs: places near the pixel are drawn more often than with uniform offsets, as fingers are thin.
    """
    radius = OFFSETS * rng.random((count, 2)) ** 1.5
    angle = 2 * np.pi * rng.random((count, 2))
    places = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=2)
    places[rng.random(count) < 0.5, 1] = 0
    return np.rint(places).astype(np.int8).reshape(count, 4)


@njit(cache=True, inline="always")
@no_type_check
def probe(surface, start, height, width, y, x):
    """Depth at a pixel of an image that begins at `start` of a flat array; `FAR` outside."""
    if y < 0 or x < 0 or y >= height or x >= width:
        return FAR
    return np.int32(surface[start + y * width + x])


@njit(cache=True, inline="always")
@no_type_check
def difference(surface, start, height, width, y, x, u_x, u_y, v_x, v_y, scale_x, scale_y):
    """Depth at `u` minus depth at `v`, both given relative to a pixel.

    Paper: f(x) = d(x + u / d(x)) - d(x + v / d(x)). Differs: offsets are meters times the focal length, so that one
    forest serves all cameras.

    `u` and `v` come in parts of the reach, `scale` is grid pixels in one part at the pixel's depth; the image is that
    of `probe`.
    """
    far_y, far_x = y + math.floor(u_y * scale_y + 0.5), x + math.floor(u_x * scale_x + 0.5)
    near_y, near_x = y + math.floor(v_y * scale_y + 0.5), x + math.floor(v_x * scale_x + 0.5)
    return probe(surface, start, height, width, far_y, far_x) - probe(surface, start, height, width, near_y, near_x)


@njit(cache=True, inline="always")
@no_type_check
def offset_scale(depth, focal, reach_m):
    """Grid pixels in one part of the reach, for a pixel of this depth (tenths of a millimeter)."""
    return reach_m / OFFSETS * focal / (depth * UNIT_M)
