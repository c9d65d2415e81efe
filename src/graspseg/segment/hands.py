"""Single hands: which hand pixels belong together, and where each hand is."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from graspseg.frame import Frame
from graspseg.labels import HAND
from graspseg.segment.pieces import number_pieces

SMALLEST_CM2 = 6.0
"""What is smaller is no hand by itself: the back of a hand has 70 cm², two fingers have 20."""
TOUCHING_M = 0.03
"""Pieces nearer than this in 3-D are one hand: an object, or a finger without depth, runs between them."""
SAME_HAND_M, FINGERS_CM2 = 0.1, 30.0
"""A piece no larger than fingers belongs to the nearest one within this distance: they show behind what is held."""
_OUTLINE_POINTS = 200


@dataclass(frozen=True)
class SeenHand:
    """One hand with its arm, as far as it is bare and in view. Hands whose pixels touch are one.

    Attributes:
        box: frame pixels `x0, y0, x1, y1`, ends excluded, that hold all its pixels.
        mask: its pixels, bool of shape (y1 - y0, x1 - x0).
        center_m: median of its points, meters, x right, y down, z forward.
        area_cm2: area of its pixels, as seen from the camera.
        track: number of the hand in a stream, the same from frame to frame; None for a single frame.
    """

    box: tuple[int, int, int, int]
    mask: Bool[np.ndarray, "h w"]
    center_m: tuple[float, float, float]
    area_cm2: float
    track: int | None = None

    def full_mask(self, shape: tuple[int, int]) -> Bool[np.ndarray, "h w"]:
        """Its pixels in a frame of a shape (height, width)."""
        full = np.zeros(shape, bool)
        x0, y0, x1, y1 = self.box
        full[y0:y1, x0:x1] = self.mask
        return full


def find_hands(frame: Frame, labels: UInt8[np.ndarray, "h w"]) -> tuple[SeenHand, ...]:
    """Hands in labels of a frame, largest first; tracks are not known yet.

    Pieces of hand pixels are joined where one hand was cut in two by what it holds; what stays below 6 cm² is left out.

    Args:
        frame: the depth image.
        labels: of the frame; hand pixels without depth do not count.
    """
    x, y, width, height = cv2.boundingRect((labels == HAND).view(np.uint8))
    if not width:
        return ()
    depth_m = frame.depth[y : y + height, x : x + width] * np.float32(frame.depth_unit_m)
    found = (labels[y : y + height, x : x + width] == HAND) & (depth_m > 0)
    count, numbers = number_pieces(found.view(np.uint8))
    if not count:
        return ()
    camera = frame.intrinsics_or_default()
    pixel_cm2 = 1e4 * depth_m**2 / np.float32(camera.fx * camera.fy)
    areas = np.bincount(numbers.ravel(), weights=pixel_cm2.ravel(), minlength=count + 1)
    pieces = [int(piece) for piece in np.argsort(-areas[1:], kind="stable") + 1 if areas[piece] >= 0.5]
    rows, columns = np.arange(y, y + height), np.arange(x, x + width)
    across = ((columns - camera.cx) / camera.fx).astype(np.float32)[None, :] * depth_m
    down = ((rows - camera.cy) / camera.fy).astype(np.float32)[:, None] * depth_m
    points = np.stack([across, down, depth_m], axis=2)
    groups = _joined(pieces, areas, {piece: _outline(numbers == piece, points) for piece in pieces})
    hands = [
        _hand(np.isin(numbers, group), points, float(areas[group].sum()), (x, y))
        for group in groups
        if areas[group].sum() >= SMALLEST_CM2
    ]
    return tuple(sorted(hands, key=lambda hand: -hand.area_cm2))


def _hand(
    mask: Bool[np.ndarray, "h w"], points: Float32[np.ndarray, "h w 3"], area: float, origin: tuple[int, int]
) -> SeenHand:
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    center = np.median(points[mask], axis=0)
    left, top = origin[0] + x, origin[1] + y
    own = np.ascontiguousarray(mask[y : y + height, x : x + width])
    return SeenHand(
        (left, top, left + width, top + height), own, (float(center[0]), float(center[1]), float(center[2])), area
    )


def _outline(mask: Bool[np.ndarray, "h w"], points: Float32[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "n 3"]:
    """Some points of the outline of a piece."""
    inner = cv2.erode(np.pad(mask, 1).astype(np.uint8), np.ones((3, 3), np.uint8))[1:-1, 1:-1]
    outline = points[mask & (inner == 0)]
    return outline[:: max(1, len(outline) // _OUTLINE_POINTS)]


def _joined(pieces: list[int], areas: np.ndarray, outlines: dict[int, np.ndarray]) -> list[list[int]]:
    """Groups of pieces that are one hand each; pieces come largest first."""
    groups: list[list[int]] = []
    for piece in pieces:
        reach = SAME_HAND_M if areas[piece] < FINGERS_CM2 else TOUCHING_M
        gaps = [min(_gap(outlines[piece], outlines[other]) for other in group) for group in groups]
        if gaps and min(gaps) < reach:
            groups[int(np.argmin(gaps))].append(piece)
        else:
            groups.append([piece])
    return groups


def _gap(one: Float32[np.ndarray, "n 3"], other: Float32[np.ndarray, "m 3"]) -> float:
    """Smallest distance of points of two pieces, in meters."""
    return float(np.sqrt(((one[:, None] - other[None]) ** 2).sum(axis=2).min()))
