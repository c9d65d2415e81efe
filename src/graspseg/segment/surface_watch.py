"""Notices that something came near where nobody looks: a second hand, say."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float32

from graspseg.crop import REACH_M, View
from graspseg.frame import Frame

CELL_PX = 8
NEARER_M = 0.05
"""A surface this much before what was there is new; people sway by less."""
SMALLEST_CM2 = 20.0
"""Half the area of a fist; holes of a sensor that come and go are smaller once single cells are left out."""


class SurfaceWatch:
    """Compares depth on a coarse grid with that of the last full pass, outside of the windows that are looked at.

    A camera that moves shows new surfaces all the time: whoever asks should not act on every answer.
    """

    def __init__(self) -> None:
        self._known_m: Float32[np.ndarray, "r c"] | None = None

    def learn(self, frame: Frame) -> None:
        """Take all that a frame shows as known."""
        self._known_m = _grid(frame)

    def forget(self) -> None:
        """Know nothing; then nothing is new."""
        self._known_m = None

    def has_new(self, frame: Frame, views: Sequence[View]) -> bool:
        """Whether a surface of at least 20 cm² came within reach (1.3 m), 5 cm nearer than what was there.

        Args:
            frame: of the size and unit of the one that was learned; another one shows nothing new.
            views: windows that are looked at anyway.
        """
        now_m = _grid(frame)
        known_m = self._known_m
        if known_m is None or known_m.shape != now_m.shape:
            return False
        nearer = (now_m > 0) & (now_m < REACH_M) & ((known_m == 0) | (now_m < known_m - NEARER_M))
        height, width = frame.depth.shape
        for view in views:
            x0, y0, x1, y1 = view.region(width, height)
            nearer[y0 // CELL_PX : -(-y1 // CELL_PX), x0 // CELL_PX : -(-x1 // CELL_PX)] = False
        if not nearer.any():
            return False
        solid = cv2.morphologyEx(nearer.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
        count, pieces = cv2.connectedComponents(solid, connectivity=4)
        camera = frame.intrinsics_or_default()
        cell_cm2 = (100 * CELL_PX * now_m) ** 2 / (camera.fx * camera.fy)
        areas = np.bincount(pieces.ravel(), weights=cell_cm2.ravel(), minlength=count)
        return bool((areas[1:] >= SMALLEST_CM2).any())


def _grid(frame: Frame) -> Float32[np.ndarray, "r c"]:
    """Depth in meters at every eighth pixel."""
    half = CELL_PX // 2
    return frame.depth[half::CELL_PX, half::CELL_PX] * np.float32(frame.depth_unit_m)
