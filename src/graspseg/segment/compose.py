"""From answers for windows to labels of the frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from graspseg.crop import paste
from graspseg.labels import BACKGROUND, HAND, OBJECT
from graspseg.segment.look import Look

Region = tuple[int, int, int, int]


def compose(
    looks: Sequence[Look], measured: Bool[np.ndarray, "h w"]
) -> tuple[UInt8[np.ndarray, "h w"], Float32[np.ndarray, "h w"], Float32[np.ndarray, "h w"]]:
    """Labels at the frame's size, later looks over earlier ones, which they have been mixed with.

    Work is only done where a hand or object can come out: between network pixels that are all background, bilinear
    mixing gives background too.

    Args:
        looks: the answers, the widest first.
        measured: pixels that have a depth; the others are background.

    Returns:
        Labels; and where they are hand or object the probability of that class, and that of either.
    """
    height, width = measured.shape
    labels = np.zeros((height, width), np.uint8)
    chosen = np.zeros((height, width), np.float32)
    either = np.zeros((height, width), np.float32)
    for look in looks:
        x0, y0, x1, y1 = look.view.region(width, height)
        labels[y0:y1, x0:x1] = BACKGROUND
        region = _foreground_region(look, width, height)
        if region is None:
            continue
        x0, y0, x1, y1 = region
        background, hand, held = (paste(channel, look.view, region) for channel in look.probabilities)
        here = (hand > background) * np.uint8(HAND)
        here[held > np.maximum(background, hand)] = OBJECT
        here *= measured[y0:y1, x0:x1]
        labels[y0:y1, x0:x1] = here
        total = background + hand + held
        np.divide(np.maximum(hand, held), total, out=chosen[y0:y1, x0:x1], where=here > 0)
        np.divide(hand + held, total, out=either[y0:y1, x0:x1], where=here > 0)
    return labels, chosen, either


def _foreground_region(look: Look, width: int, height: int) -> Region | None:
    """Frame pixels that a network pixel of hand or object has a part in; None when there is none."""
    background, hand, held = look.probabilities
    found = np.maximum(hand, held) > background
    columns, rows = np.flatnonzero(found.any(axis=0)), np.flatnonzero(found.any(axis=1))
    if not len(columns):
        return None
    scale = look.view.size_px / look.view.side
    left, top = look.view.matrix()[:, 2]
    x0, y0, x1, y1 = look.view.region(width, height)
    x0 = max(x0, int(left + (columns[0] - 1) * scale))
    y0 = max(y0, int(top + (rows[0] - 1) * scale))
    x1 = min(x1, int(left + (columns[-1] + 1) * scale) + 2)
    y1 = min(y1, int(top + (rows[-1] + 1) * scale) + 2)
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None
