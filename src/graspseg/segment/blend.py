"""Windows that agree: the answers of overlapping windows become one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import Float32, Float64

from graspseg.crop import View, warp
from graspseg.segment.look import Look

TAPER = 0.15
"""Share of a window's side over which its answer gains its full weight, counted from its border."""
SHARPNESS = 2.0
"""A window that resolves the frame k times better than another weighs k to this power as much."""


def blended(look: Look, earlier: Sequence[Look], frame_size: tuple[int, int]) -> Look:
    """A closer window's answer, mixed with what the wider ones say of the same place.

    Each answer weighs the more the better its window resolves the frame and the farther the pixel is from its border;
    at its border a closer window says what the wider ones say, so that nothing ends there. A border at or beyond the
    frame's own is none.

    Args:
        look: the closer window's answer.
        earlier: answers mixed before, the widest first.
        frame_size: width and height of the frame.

    Returns:
        The same window with probabilities that hold for all of `earlier` and itself.
    """
    wide, detail, reach = _composite(look.view, earlier, frame_size)
    taper, own = _taper(look.view, frame_size), _detail(look.view)
    # What the closer answer lacks in weight near its border goes to the wider one, where that reaches.
    share = taper * own / np.maximum(taper * own + reach * (detail + own * (1 - taper)), np.float32(1e-6))
    measured = look.probabilities.sum(axis=0) > 0
    probabilities = wide + (look.probabilities - wide) * share
    return Look(look.view, probabilities * measured)


def _composite(
    view: View, looks: Sequence[Look], frame_size: tuple[int, int]
) -> tuple[Float32[np.ndarray, "3 s s"], Float32[np.ndarray, "s s"], Float32[np.ndarray, "s s"]]:
    """What earlier answers say at the pixels of a window, later ones where they reach.

    Returns:
        Probabilities; how well they resolve the frame; and how far from their border, 0 to 1.
    """
    side = view.side
    probabilities = np.zeros((3, side, side), np.float32)
    detail, reach = np.zeros((2, side, side), np.float32)
    for look in looks:
        inside = _covered(view, look.view)
        if inside is None:
            continue
        channels = (*look.probabilities, _taper(look.view, frame_size))
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        *moved, taper = warp(channels, _between(view, look.view), (side, side), flags=flags)
        for plane, channel in zip(probabilities, moved, strict=True):
            plane[inside] = channel[inside]
        # A closer answer was mixed with the wider ones: it reaches as far as any of them.
        reach[inside] = np.maximum(reach[inside], taper[inside])
        detail[inside] += (_detail(look.view) - detail[inside]) * taper[inside]
    total = probabilities.sum(axis=0)
    reach *= total > 0
    probabilities /= np.maximum(total, np.float32(1e-6))
    return probabilities, detail, reach


def _between(view: View, other: View) -> Float64[np.ndarray, "2 3"]:
    """Affine map from network pixels of one window to those of another."""
    whole = np.vstack([other.matrix(), [0, 0, 1]])
    return (np.linalg.inv(whole) @ np.vstack([view.matrix(), [0, 0, 1]]))[:2]


def _covered(view: View, other: View) -> tuple[slice, slice] | None:
    """Rows and columns of a window that lie in another one (both unrotated)."""
    scale = view.side / view.size_px
    reach = other.size_px / 2
    slices = []
    for center, middle in ((view.center_y, other.center_y), (view.center_x, other.center_x)):
        start = int(np.ceil((middle - reach - center) * scale + (view.side - 1) / 2))
        stop = int(np.floor((middle + reach - center) * scale + (view.side - 1) / 2)) + 1
        start, stop = max(start, 0), min(stop, view.side)
        if start >= stop:
            return None
        slices.append(slice(start, stop))
    return slices[0], slices[1]


def _detail(view: View) -> float:
    """Weight of a window by the network pixels a frame pixel has in it; more than one shows nothing new."""
    return min(view.side / view.size_px, 1.0) ** SHARPNESS


def _taper(view: View, frame_size: tuple[int, int]) -> Float32[np.ndarray, "s s"]:
    """Share of its weight an answer has at each pixel of its window, 0 at borders inside the frame."""
    half = view.size_px / 2

    def along(center: float, length: int) -> Float32[np.ndarray, "s"]:
        return _rise(view.side, bool(center - half > 0), bool(center + half < length - 1))

    width, height = frame_size
    return along(view.center_y, height)[:, None] * along(view.center_x, width)


@lru_cache(maxsize=16)
def _rise(side: int, first: bool, last: bool) -> Float32[np.ndarray, "s"]:
    """Share of the weight along one axis, rising from the first and the last pixel where these are borders."""
    distance = np.clip((np.arange(side) + 0.5) / side / TAPER, 0, 1)
    rise = distance * distance * (3 - 2 * distance)
    return (np.where(first, rise, 1.0) * np.where(last, rise[::-1], 1.0)).astype(np.float32)
