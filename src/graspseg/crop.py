"""Square windows of a frame, resampled to the side length a network works at.

Nine of ten pixels of a depth image show neither hand nor object, so a network looks at a window. Training and run time
cut windows with the same functions. Depth and labels are only ever resampled by nearest neighbor: a mean of two
depths is a surface that does not exist.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import Float32, Float64, UInt8

from graspseg.frame import Frame, Intrinsics

CELL_PX = 8
REACH_M = 1.3
SMALLEST_WINDOW_PX = 48.0


@dataclass(frozen=True)
class View:
    """A square window of a frame as a network sees it.

    Attributes:
        center_x, center_y: center of the window in frame pixels (pixel centers at integers).
        size_px: side length of the window in frame pixels.
        side: side length in network pixels.
        angle_rad: rotation of the window, counter-clockwise as seen in the image.
        mirror: whether the window is flipped left to right.
    """

    center_x: float
    center_y: float
    size_px: float
    side: int
    angle_rad: float = 0.0
    mirror: bool = False

    def matrix(self) -> Float64[np.ndarray, "2 3"]:
        """Affine map from network pixels to frame pixels."""
        scale, middle = self.size_px / self.side, (self.side - 1) / 2
        cos, sin = math.cos(self.angle_rad) * scale, math.sin(self.angle_rad) * scale
        right = -1 if self.mirror else 1
        xx, xy, yx, yy = right * cos, sin, -right * sin, cos
        return np.array(
            [
                [xx, xy, self.center_x - (xx * middle + xy * middle)],
                [yx, yy, self.center_y - (yx * middle + yy * middle)],
            ]
        )

    def pixel_angle(self, intrinsics: Intrinsics) -> float:
        """Angle one network pixel covers, in radians: times depth it is the pixel's width in meters."""
        return self.size_px / self.side / intrinsics.fx

    def region(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Frame pixels inside the unrotated window, clipped to the frame: `x0, y0, x1, y1`, ends excluded."""
        half = self.size_px / 2
        x0, y0 = int(np.ceil(self.center_x - half)), int(np.ceil(self.center_y - half))
        x1, y1 = int(np.floor(self.center_x + half)) + 1, int(np.floor(self.center_y + half)) + 1
        return max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)


def crop_depth(depth_m: Float32[np.ndarray, "h w"], view: View) -> Float32[np.ndarray, "s s"]:
    """Depth inside the window in meters; 0 where there is no measurement or the window leaves the frame."""
    return _crop(depth_m, view)


def crop_frame(frame: Frame, view: View) -> Float32[np.ndarray, "s s"]:
    """`crop_depth` of a frame: only the window becomes meters."""
    return _crop(frame.depth, view) * np.float32(frame.depth_unit_m)


def crop_labels(labels: UInt8[np.ndarray, "h w"], view: View) -> UInt8[np.ndarray, "s s"]:
    """Labels inside the window; BACKGROUND where the window leaves the frame."""
    return _crop(labels, view)


def _crop(image: np.ndarray, view: View) -> np.ndarray:
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, view.matrix(), (view.side, view.side), flags=flags)


def paste(
    channels: Float32[np.ndarray, "c s s"], view: View, region: tuple[int, int, int, int]
) -> tuple[Float32[np.ndarray, "h w"], ...]:
    """Resample network-sized channels (1 to 4) bilinearly to the frame pixels of `region` (unrotated windows only)."""
    x0, y0, x1, y1 = region
    to_frame = view.matrix()
    to_frame[:, 2] -= (x0, y0)
    return warp(channels, to_frame, (x1 - x0, y1 - y0))


def warp(
    channels: Sequence[Float32[np.ndarray, "h w"]] | Float32[np.ndarray, "c h w"],
    matrix: Float64[np.ndarray, "2 3"],
    size: tuple[int, int],
    *,
    flags: int = cv2.INTER_LINEAR,
) -> tuple[Float32[np.ndarray, "h2 w2"], ...]:
    """Resample up to four channels at once, which costs half of one by one; beyond the border it goes on as there."""
    moved = cv2.warpAffine(cv2.merge(list(channels)), matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return tuple(np.asarray(channel) for channel in cv2.split(moved))


def whole_view(depth_m: Float32[np.ndarray, "h w"], side: int, *, margin: float = 0.06) -> View:
    """The first look: the smallest window that holds everything measured within reach (1.3 m).

    Cells of 8 x 8 pixels with less than a quarter of valid pixels are specks and do not count. A frame without any
    valid cell is looked at whole.
    """
    within = ((depth_m > 0) & (depth_m < REACH_M)).astype(np.uint8) * np.uint8(255)
    return _view_of(within, side, margin)


def whole_frame_view(frame: Frame, side: int, *, margin: float = 0.06) -> View:
    """`whole_view` of a frame, without its depth in meters."""
    return _view_of(_stored_within(frame, REACH_M, included=False), side, margin)


def anything_within(frame: Frame, limit_m: float) -> bool:
    """Whether something was measured at a distance or nearer."""
    return bool(cv2.hasNonZero(_stored_within(frame, limit_m, included=True)))


def _stored_within(frame: Frame, limit_m: float, *, included: bool) -> UInt8[np.ndarray, "h w"]:
    """255 where something was measured below a distance, or at it, else 0; no float image is made for it."""
    largest = _largest_stored(frame.depth_unit_m, limit_m, included)
    return np.asarray(cv2.inRange(frame.depth, (1,), (largest,)), np.uint8)


@lru_cache(maxsize=16)
def _largest_stored(unit_m: float, limit_m: float, included: bool) -> int:
    """Largest stored depth below a distance, or at it, compared as `Frame.depth_m` would be; 0 for none."""
    depths_m = np.arange(65536, dtype=np.uint16) * np.float32(unit_m)
    return int(np.searchsorted(depths_m, np.float32(limit_m), side="right" if included else "left")) - 1


def _view_of(within: UInt8[np.ndarray, "h w"], side: int, margin: float) -> View:
    height, width = within.shape
    across, down = -(-width // CELL_PX), -(-height // CELL_PX)
    cells = cv2.resize(within, (across, down), interpolation=cv2.INTER_AREA)
    box = _box(cells >= 64)
    if box is None:
        return View((width - 1) / 2, (height - 1) / 2, float(max(width, height)), side)
    # Where a side is no multiple of 8, cells are a little smaller.
    x0, y0, x1, y1 = np.array(box) * np.tile((width / across, height / down), 2) - 0.5
    size_px = min(max(x1 - x0, y1 - y0) * (1 + margin), float(max(width, height)))
    return View((x0 + x1) / 2, (y0 + y1) / 2, max(size_px, SMALLEST_WINDOW_PX), side)


def _box(mask: np.ndarray) -> tuple[int, int, int, int] | None:
    """Bounding box `x0, y0, x1, y1` (ends excluded) of a mask, None when empty."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not len(columns):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
