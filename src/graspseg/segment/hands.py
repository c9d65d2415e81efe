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
_SPECK_CM2 = 0.5
_OUTLINE_POINTS, _MIDDLE_POINTS = 150, 1000


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
    stored = frame.depth[y : y + height, x : x + width]
    found = ((labels[y : y + height, x : x + width] == HAND) & (stored > 0)).view(np.uint8)
    count, numbers = number_pieces(found)
    if not count:
        return ()
    camera, unit = frame.intrinsics_or_default(), frame.depth_unit_m
    places = np.flatnonzero(found)
    z, piece_of = stored.ravel()[places] * unit, numbers.ravel()[places]
    areas = np.bincount(piece_of, weights=1e4 * z**2 / (camera.fx * camera.fy), minlength=count + 1)
    pieces = [int(piece) for piece in np.argsort(-areas[1:], kind="stable") + 1 if areas[piece] >= _SPECK_CM2]
    # Pieces do not touch, so that all their outlines are found at once.
    outline = np.flatnonzero(found - cv2.erode(found, np.ones((3, 3), np.uint8), borderValue=0))
    outline_of = numbers.ravel()[outline]
    outlines = {piece: _some(outline[outline_of == piece], _OUTLINE_POINTS) for piece in pieces}
    points = {piece: _points(frame, at, (x, y, width)) for piece, at in outlines.items()}
    hands = []
    for group in _joined(pieces, areas, points):
        area = float(areas[group].sum())
        if area >= SMALLEST_CM2:
            mask = numbers == group[0] if len(group) == 1 else np.isin(numbers, group)
            center = np.median(_points(frame, _some(np.flatnonzero(mask), _MIDDLE_POINTS), (x, y, width)), axis=0)
            left, top, across, down = cv2.boundingRect(mask.view(np.uint8))
            own = np.ascontiguousarray(mask[top : top + down, left : left + across])
            box = (x + left, y + top, x + left + across, y + top + down)
            hands.append(SeenHand(box, own, (float(center[0]), float(center[1]), float(center[2])), area))
    return tuple(sorted(hands, key=lambda hand: -hand.area_cm2))


def _some(places: np.ndarray, most: int) -> np.ndarray:
    """At most so many of some places, evenly."""
    return places[:: max(1, -(-len(places) // most))]


def _points(frame: Frame, places: np.ndarray, part: tuple[int, int, int]) -> Float32[np.ndarray, "n 3"]:
    """Points of places in a part of the frame, given by its first column and row and its width."""
    camera, (left, top, width) = frame.intrinsics_or_default(), part
    rows, columns = np.divmod(places, width)
    rows, columns = rows + top, columns + left
    z = frame.depth[rows, columns] * frame.depth_unit_m
    points = np.stack([(columns - camera.cx) / camera.fx * z, (rows - camera.cy) / camera.fy * z, z], axis=1)
    return points.astype(np.float32)


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
