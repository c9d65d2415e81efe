"""Square windows of a frame, resampled to the side length a network works at.

Nine of ten pixels of a depth image show neither hand nor object, so a network looks at a window. Training and run time
cut windows with the same functions. Depth and labels are only ever resampled by nearest neighbour: a mean of two
depths is a surface that does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, Float64, UInt8

from graspseg.frame import Intrinsics

CELL_PX = 8
REACH_M = 1.3
SMALLEST_WINDOW_PX = 48.0


@dataclass(frozen=True)
class View:
    """A square window of a frame as a network sees it.

    Attributes:
        center_x, center_y: centre of the window in frame pixels (pixel centres at integers).
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
        scale = self.size_px / self.side
        cos, sin = np.cos(self.angle_rad) * scale, np.sin(self.angle_rad) * scale
        linear = np.array([[cos, sin], [-sin, cos]])
        if self.mirror:
            linear[:, 0] *= -1
        middle = np.full(2, (self.side - 1) / 2)
        return np.column_stack([linear, np.array([self.center_x, self.center_y]) - linear @ middle])

    def pixel_angle(self, intrinsics: Intrinsics) -> float:
        """Angle one network pixel covers, in radians: times depth it is the pixel's width in metres."""
        return self.size_px / self.side / intrinsics.fx

    def region(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Frame pixels inside the unrotated window, clipped to the frame: `x0, y0, x1, y1`, ends excluded."""
        half = self.size_px / 2
        x0, y0 = int(np.ceil(self.center_x - half)), int(np.ceil(self.center_y - half))
        x1, y1 = int(np.floor(self.center_x + half)) + 1, int(np.floor(self.center_y + half)) + 1
        return max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)


def crop_depth(depth_m: Float32[np.ndarray, "h w"], view: View) -> Float32[np.ndarray, "s s"]:
    """Depth inside the window in metres; 0 where there is no measurement or the window leaves the frame."""
    return _crop(depth_m, view)


def crop_labels(labels: UInt8[np.ndarray, "h w"], view: View) -> UInt8[np.ndarray, "s s"]:
    """Labels inside the window; BACKGROUND where the window leaves the frame."""
    return _crop(labels, view)


def _crop(image: np.ndarray, view: View) -> np.ndarray:
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, view.matrix(), (view.side, view.side), flags=flags)


def paste(
    channel: Float32[np.ndarray, "s s"], view: View, region: tuple[int, int, int, int]
) -> Float32[np.ndarray, "h w"]:
    """Resample one network-sized channel bilinearly to the frame pixels of `region` (unrotated windows only)."""
    x0, y0, x1, y1 = region
    to_frame = view.matrix()
    to_frame[:, 2] -= (x0, y0)
    return cv2.warpAffine(
        channel, to_frame, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def whole_view(depth_m: Float32[np.ndarray, "h w"], side: int, *, margin: float = 0.06) -> View:
    """The first look: the smallest window that holds everything measured within reach (1.3 m).

    Cells of 8 x 8 pixels with less than a quarter of valid pixels are specks and do not count. A frame without any
    valid cell is looked at whole.
    """
    height, width = depth_m.shape
    within = ((depth_m > 0) & (depth_m < REACH_M)).astype(np.uint8)
    across, down = -(-width // CELL_PX), -(-height // CELL_PX)
    cells = cv2.resize(within * np.uint8(255), (across, down), interpolation=cv2.INTER_AREA)
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
