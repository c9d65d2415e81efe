"""The contour filter (paper, eq. 1): segments that are large enough and compact enough stay."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Int32, Int64, UInt8

_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


class Segments(NamedTuple):
    """The connected segments of a mask, T(M); segment 0 is what is outside the mask.

    Attributes:
        number: of the segment each pixel belongs to.
        area_px: N(s), pixels of each segment.
        perimeter_px: boundary pixels of each segment: those with an outside pixel above, below, left or right of them;
            beyond the image is outside.
    """

    number: Int32[np.ndarray, "h w"]
    area_px: Int64[np.ndarray, " n"]
    perimeter_px: Int64[np.ndarray, " n"]


def segments(mask: UInt8[np.ndarray, "h w"]) -> Segments:
    """Find the segments of a mask; pixels that touch at a corner are connected.

    Args:
        mask: 255 = inside, 0 = outside.
    """
    count, number = cv2.connectedComponents(mask, connectivity=8, ltype=cv2.CV_32S)
    inner = cv2.erode(mask, _CROSS, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    boundary = number[(mask ^ inner) > 0]
    perimeter = np.bincount(boundary, minlength=count).astype(np.int64)
    area = np.bincount(number.ravel(), minlength=count).astype(np.int64)
    area[0] = perimeter[0] = 0
    return Segments(number, area, perimeter)


def contour_filter(mask: UInt8[np.ndarray, "h w"], *, theta: float, phi: float) -> UInt8[np.ndarray, "h w"]:
    """M_o of eq. 1: the union of segments s of M_i with N(s) > theta and perimeter(s)^2 / N(s) < phi.

    Counted so, a disk has perimeter^2 / area near 10, and a band one pixel wide and n long has n: thin bands along
    fingers, which an alignment that is not perfect leaves, exceed phi.

    Args:
        mask: M_i, 255 = inside, 0 = outside.
        theta: pixels a segment has more of.
        phi: what squared perimeter over area is below.
    """
    number, area, perimeter = segments(mask)
    good = (area > theta) & (perimeter**2 < phi * area)
    return np.where(good, np.uint8(255), np.uint8(0))[number]
