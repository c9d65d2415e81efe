"""Where closer windows go: one for each hand, with what it holds, or one for those near each other."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

from graspseg.crop import SMALLEST_WINDOW_PX, View
from graspseg.labels import BACKGROUND
from graspseg.segment.look import Look
from graspseg.segment.pieces import number_type

FOREGROUND_GAIN = 1.7
"""The full pass misses more than it invents; what it half suspects decides where closer windows go."""
FOCUS_MARGIN, CONTACT_MARGIN = 0.3, 0.9
SMALLEST_PIECE = 0.1
"""Pieces of less than this share of the largest one get no window."""
SMALLEST_CONTACT = 0.7
"""Frame pixels a network pixel covers at least around an object."""


def focus_views(look: Look, side: int, *, most: int = 1) -> list[View]:
    """Windows around the groups of hand and object found in the full pass, largest group first.

    Args:
        look: the full pass.
        side: side of the closer windows in network pixels.
        most: at most so many windows; with 1 all groups share it.

    Returns:
        Windows that resolve more than the full pass; none when there is nothing to look at, or it is seen well enough.
    """
    view = look.view
    background, hand, held = look.probabilities
    boxes = _pieces(np.maximum(hand, held) * np.float32(FOREGROUND_GAIN) > background)
    groups = _grouped(boxes, smallest_px=SMALLEST_WINDOW_PX * view.side / view.size_px, most=most)
    finest = view.size_px * side / view.side
    views = (_around(box, view, side, margin=FOCUS_MARGIN, smallest_px=SMALLEST_WINDOW_PX) for box in groups)
    return [closer for closer in views if closer.size_px < finest]


def follow_boxes(labels: UInt8[np.ndarray, "h w"], *, most: int = 1) -> list[np.ndarray]:
    """Boxes of the groups of hand and object in labels of a frame, largest group first.

    Args:
        labels: of a frame.
        most: at most so many boxes; with 1 all groups share it.

    Returns:
        Frame pixels `x0, y0, x1, y1`, ends excluded. Specks, and pieces below a tenth of the largest one, are left out.
    """
    x, y, width, height = cv2.boundingRect(labels)
    if not width:
        return []
    boxes = _pieces(labels[y : y + height, x : x + width] != BACKGROUND)
    return _grouped([box + np.array([x, y, x, y]) for box in boxes], smallest_px=SMALLEST_WINDOW_PX, most=most)


def follow_view(box: np.ndarray, side: int) -> View:
    """The window in which a group is looked for that had this box (`x0, y0, x1, y1`) a moment ago."""
    frame = View((side - 1) / 2, (side - 1) / 2, float(side), side)  # its network pixels are those of the frame
    return _around(box, frame, side, margin=FOCUS_MARGIN, smallest_px=SMALLEST_WINDOW_PX)


def contact_view(look: Look) -> View | None:
    """A window around the object found in a closer window and the hand on it, without the arm.

    Hands and objects are mistaken for each other where they touch; there the network sees them as large as it can.

    Returns:
        The window; None when no object was found, or the window would not be smaller.
    """
    view = look.view
    background, hand, held = look.probabilities
    boxes = _pieces((held > background) & (held > hand))
    if not boxes:
        return None
    box = _grouped(boxes, smallest_px=0.0, most=1)[0]
    closer = _around(box, view, view.side, margin=CONTACT_MARGIN, smallest_px=SMALLEST_CONTACT * view.side)
    return closer if closer.size_px < view.size_px else None


def _pieces(found: Bool[np.ndarray, "h w"]) -> list[np.ndarray]:
    """Boxes `x0, y0, x1, y1` (ends excluded) of connected pieces, largest piece first.

    Specks, and pieces below a tenth of the largest one, are left out.
    """
    block = np.ones((2, 2), np.uint8)
    solid = cv2.dilate(cv2.erode(found.astype(np.uint8), block), block, anchor=(0, 0))
    _, _, stats, _ = cv2.connectedComponentsWithStats(solid, ltype=number_type(*solid.shape))
    areas = stats[1:, cv2.CC_STAT_AREA]
    if not len(areas):
        return []
    order = [i for i in np.argsort(-areas, kind="stable") if areas[i] >= SMALLEST_PIECE * areas.max()]
    boxes = stats[1:, :4][order]
    return [np.array([x, y, x + width, y + height]) for x, y, width, height in boxes]


def _grouped(boxes: list[np.ndarray], *, smallest_px: float, most: int) -> list[np.ndarray]:
    """Boxes that near ones were joined into, at most `most`.

    Two are near when the window of one would cut the other: a window shows a group as a whole or not at all.
    """
    groups = list(boxes)
    while len(groups) > 1:
        pairs = [(_growth(a, b, smallest_px), i, j) for i, a in enumerate(groups) for j, b in enumerate(groups[:i])]
        growth, i, j = min(pairs)
        if growth > 0 and len(groups) <= most:
            break
        groups[j] = _joined(groups[i], groups[j])
        del groups[i]
    return groups


def _joined(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.concatenate([np.minimum(a[:2], b[:2]), np.maximum(a[2:], b[2:])])


def _growth(a: np.ndarray, b: np.ndarray, smallest_px: float) -> float:
    """Network pixels between a box and the window of another one, below 0 where they overlap."""

    def gap(box: np.ndarray, other: np.ndarray) -> float:
        reach = max(float((other[2:] - other[:2]).max()) * (1 + FOCUS_MARGIN), smallest_px) / 2
        middle = (other[:2] + other[2:]) / 2
        return float(np.maximum(box[:2] - middle, middle - box[2:]).max() - reach)

    return min(gap(a, b), gap(b, a))


def _around(box: np.ndarray, view: View, side: int, *, margin: float, smallest_px: float) -> View:
    """A window around a box of network pixels of another one."""
    x0, y0, x1, y1 = box - 0.5
    size_px = max(x1 - x0, y1 - y0) * view.size_px / view.side * (1 + margin)
    center_x, center_y = view.matrix() @ np.array([(x0 + x1) / 2, (y0 + y1) / 2, 1.0])
    return View(float(center_x), float(center_y), float(max(size_px, smallest_px)), side)
