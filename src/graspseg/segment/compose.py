"""From answers for windows to labels of the frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8, UInt16

from graspseg.crop import paste
from graspseg.labels import BACKGROUND, OBJECT
from graspseg.segment.look import Look

Region = tuple[int, int, int, int]
MARGIN_PX = 4
"""Frame pixels around what was found that belong to its box: outlines are judged by what is behind them."""


@dataclass(frozen=True)
class Composed:
    """Labels of a frame, and where there are some.

    Attributes:
        labels: of the frame.
        box: frame pixels that hold all hand and object pixels, `x0, y0, x1, y1`, ends excluded, with a margin inside
            the frame; empty when there are none.
        chosen: at hand and object pixels of the box, the probability of that class; elsewhere meaningless.
        either: likewise the probability of hand or object.
    """

    labels: UInt8[np.ndarray, "h w"]
    box: Region
    chosen: Float32[np.ndarray, "r c"]
    either: Float32[np.ndarray, "r c"]

    @property
    def inside(self) -> tuple[slice, slice]:
        """The box as slices of the frame."""
        x0, y0, x1, y1 = self.box
        return slice(y0, y1), slice(x0, x1)


def compose(looks: Sequence[Look], depth: UInt16[np.ndarray, "h w"]) -> Composed:
    """Labels at the frame's size, later looks over earlier ones, which they have been mixed with.

    Work is only done where a hand or object can come out: between network pixels that are all background, bilinear
    mixing gives background too.

    Args:
        looks: the answers, the widest first.
        depth: stored depth of the frame; pixels without are background.
    """
    height, width = depth.shape
    labels = np.zeros((height, width), np.uint8)
    reach = [look.view.region(width, height) for look in looks]
    regions = [_foreground_region(look, width, height) for look in looks]
    # What a later look covers is not made twice: in most frames all of the first.
    regions = [
        None if region is None or any(_holds(later, region) for later in reach[number + 1 :]) else region
        for number, region in enumerate(regions)
    ]
    box = _around([region for region in regions if region is not None], width, height)
    left, top = box[:2]
    chosen, either = np.zeros((2, box[3] - top, box[2] - left), np.float32)
    for look, (x0, y0, x1, y1), region in zip(looks, reach, regions, strict=True):
        labels[y0:y1, x0:x1] = BACKGROUND
        if region is None:
            continue
        x0, y0, x1, y1 = region
        background, hand, held = paste(look.probabilities, look.view, region)
        likelier, total = np.maximum(hand, held), background + hand + held
        here = (hand > background).view(np.uint8)
        here[held > np.maximum(background, hand)] = OBJECT
        here *= depth[y0:y1, x0:x1] > 0
        labels[y0:y1, x0:x1] = here
        np.maximum(total, np.float32(1e-12), out=total)  # 0 where nothing was measured
        np.divide(likelier, total, out=chosen[y0 - top : y1 - top, x0 - left : x1 - left])
        np.divide(hand + held, total, out=either[y0 - top : y1 - top, x0 - left : x1 - left])
    return Composed(labels, box, chosen, either)


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


def _holds(outer: Region, inner: Region) -> bool:
    return outer[0] <= inner[0] and outer[1] <= inner[1] and outer[2] >= inner[2] and outer[3] >= inner[3]


def _around(regions: Sequence[Region], width: int, height: int) -> Region:
    """The box of all regions with a margin inside the frame."""
    if not regions:
        return 0, 0, 0, 0
    x0, y0, x1, y1 = zip(*regions, strict=True)
    return (
        max(min(x0) - MARGIN_PX, 0),
        max(min(y0) - MARGIN_PX, 0),
        min(max(x1) + MARGIN_PX, width),
        min(max(y1) + MARGIN_PX, height),
    )
