"""Background elimination (paper, section 3): a fixed depth range behind the nearest surface is kept."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import UInt8, UInt16

_FARTHEST = 65535
_CROSS = np.ones((3, 3), np.uint8)
_BEYOND = 16  # a surface goes on where so thin a part of the range before its end meets as much behind it
_CROSSING = 0.02  # of the image's width and height together
_MUCH = 0.3  # of the image


class Box(NamedTuple):
    """A rectangle of pixels: rows `y0` to `y1` and columns `x0` to `x1`, ends excluded."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def region(self) -> tuple[slice, slice]:
        """What cuts it out of an image."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)


def nearest_surface(depth: UInt16[np.ndarray, "h w"]) -> int:
    """Depth of the nearest surface, in stored units; 0 when nothing is measured.

    A surface is a patch of 5 x 5 pixels, every other one of which is measured: single wrong pixels and flying pixels
    in front of the hand are none. What has no such patch is judged by its nearest pixel.
    """
    # One less wraps around: no measurement is farthest.
    nearness = depth[::2, ::2] - np.uint16(1)
    patches = cv2.dilate(nearness, _CROSS, borderType=cv2.BORDER_CONSTANT, borderValue=_FARTHEST)
    nearest = int(patches.min())
    if nearest == _FARTHEST:
        nearest = int((depth - np.uint16(1)).min())
    return 0 if nearest == _FARTHEST else nearest + 1


def keep_range(
    depth: UInt16[np.ndarray, "h w"], nearest: int, depth_range: int
) -> tuple[UInt8[np.ndarray, "h w"], Box | None]:
    """The nearest part of a depth image.

    Args:
        depth: stored depth, 0 = no measurement.
        nearest: depth of the nearest surface, see `nearest_surface`.
        depth_range: what is kept behind it, same unit.

    Returns:
        255 where kept, else 0, and the box around all that is more than specks: None when nothing is kept.
    """
    if nearest == 0:
        return np.zeros(depth.shape, np.uint8), None
    kept = cv2.inRange(depth, 1, min(nearest + depth_range, _FARTHEST))
    x, y, width, height = cv2.boundingRect(cv2.erode(kept, _CROSS))
    if width == 0:
        return np.zeros(depth.shape, np.uint8), None
    bottom, right = depth.shape
    return kept, Box(max(x - 2, 0), max(y - 2, 0), min(x + width + 2, right), min(y + height + 2, bottom))


def runs_on(depth: UInt16[np.ndarray, "h w"], nearest: int, depth_range: int) -> bool:
    """Whether something goes on beyond the depth range, or fills much of the image within it: a table does.

    Args:
        depth: stored depth, 0 = no measurement.
        nearest: depth of the nearest surface.
        depth_range: what is looked at behind it, same unit.
    """
    if nearest == 0:
        return False
    end = min(nearest + depth_range, _FARTHEST)
    thin = max(depth_range // _BEYOND, 1)
    coarse = depth[::2, ::2]
    beyond = cv2.dilate(cv2.inRange(coarse, end + 1, min(end + thin, _FARTHEST)), _CROSS)
    crossing = np.count_nonzero(cv2.bitwise_and(cv2.inRange(coarse, max(end - thin, 1), end), beyond))
    inside = np.count_nonzero(cv2.inRange(coarse, 1, end))
    return bool(crossing > _CROSSING * sum(coarse.shape) or inside > _MUCH * coarse.size)


def drop_flying(
    depth: UInt16[np.ndarray, "h w"], kept: UInt8[np.ndarray, "h w"], step: int, *, fellows: int = 3
) -> UInt8[np.ndarray, "h w"]:
    """Leave out flying pixels: measurements between two surfaces that belong to neither.

    Args:
        depth: stored depth.
        kept: 255 where kept.
        step: neighbors of one surface differ by less, same unit as the depth.
        fellows: of its eight neighbors so many lie on the surface of a pixel that does not fly.
    """
    padded = cv2.copyMakeBorder(depth, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    height, width = depth.shape
    count = np.zeros(depth.shape, np.uint8)
    for dy in range(3):
        for dx in range(3):
            if (dy, dx) != (1, 1):
                gap = cv2.absdiff(depth, padded[dy : dy + height, dx : dx + width])
                count += gap < step
    return np.where(count >= fellows, kept, np.uint8(0))
