"""Finding the skin model of a recording: from its first frames, or from clicks on one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import UInt8

from graspseg.annotate.annotator import Annotator, FreedDepths
from graspseg.annotate.denoise import denoise
from graspseg.annotate.settings import AnnotateSettings
from graspseg.annotate.skin_model import SkinModel, to_lab
from graspseg.cameras.rgbd import RgbdFrame
from graspseg.errors import InputError

_RIM = np.ones((7, 7), np.uint8)
_A_FRAME = 1500
_COMMON = 0.6
_CLICK_REACH = (22.0, 7.0, 7.0)  # of L, a and b, from the color at the click
_CLICK_MISS_PX = 12.0
_CELL = (8.0, 4.0, 4.0)  # colors that are one, likewise


Seeds = Callable[[UInt8[np.ndarray, "h w 3"]], UInt8[np.ndarray, "h w"]]
"""255 where a color may be skin."""


class Click(NamedTuple):
    """A place on skin: a pixel of the depth image of one of the frames."""

    x: int
    y: int
    frame: int = 0


def calibrate(
    frames: Sequence[RgbdFrame],
    clicks: Sequence[Click] | None = None,
    *,
    settings: AnnotateSettings | None = None,
    seeds: Seeds | None = None,
    freed: FreedDepths | None = None,
) -> SkinModel:
    """Find how this person's skin looks under this light.

    Without clicks, all that most frames have in common within the depth range counts as skin: show the empty hand,
    from both sides, or hold several things one after the other. With clicks, the patches of like color around them.

    Args:
        frames: of the recording.
        clicks: places on skin.
        settings: depth range and alignment.
        seeds: without clicks, colors outside are no skin; None means that every color may be.
        freed: see `Annotator`.

    Raises:
        InputError: no frame, a click beside the hand, or too little skin.
    """
    if not frames:
        raise InputError("No frame was given to calibrate on, expected at least one: record some.")
    annotator = Annotator((settings or AnnotateSettings()).told_by("hsv"), freed=freed)
    if clicks:
        found = [_clicked(frames[click.frame], click, annotator) for click in _checked(clicks, frames)]
        return _fit(np.concatenate(found))
    shown = [_shown(frame, annotator, seeds) for frame in frames]
    return _fit(_common([colors for colors in shown if len(colors)]))


def _fit(colors: UInt8[np.ndarray, "n 6"]) -> SkinModel:
    """Fit to colors without noise, followed by the same as the camera gave them."""
    return SkinModel.fit(colors[:, :3], np.ascontiguousarray(colors[:, 3:]))


def _checked(clicks: Sequence[Click], frames: Sequence[RgbdFrame]) -> Sequence[Click]:
    for click in clicks:
        if not 0 <= click.frame < len(frames):
            raise InputError(f"A click is on frame {click.frame}, expected 0 to {len(frames) - 1}: correct it.")
        height, width = frames[click.frame].frame.depth.shape
        if not (0 <= click.x < width and 0 <= click.y < height):
            raise InputError(
                f"A click is at ({click.x}, {click.y}), expected a pixel of {width}x{height}: click on skin."
            )
    return clicks


def _shown(frame: RgbdFrame, annotator: Annotator, seeds: Seeds | None) -> UInt8[np.ndarray, "n 6"]:
    """Some colors, without noise and as they are, of what is within the depth range.

    The rim is left out, where they may be those of what is behind.
    """
    steps = annotator.steps(frame)
    if not steps.kept.any():
        return np.zeros((0, 6), np.uint8)
    whole = cv2.bitwise_and(steps.kept, steps.seen)
    color = denoise(steps.color, whole)
    inner = cv2.erode(whole, _RIM)
    if seeds is not None:
        inner = cv2.bitwise_and(inner, seeds(color))
    colors = np.dstack([color, steps.color])[inner > 0]
    return colors[:: max(1, len(colors) // _A_FRAME)]


def _common(shown: list[UInt8[np.ndarray, "_n 6"]]) -> UInt8[np.ndarray, "n 6"]:
    """The colors that most frames show."""
    if not shown:
        return np.zeros((0, 6), np.uint8)
    cells = [
        np.floor(to_lab(colors[None, :, :3])[0] / np.array(_CELL, np.float32)).astype(np.int32) for colors in shown
    ]
    counts: dict[tuple[int, ...], int] = {}
    for own in cells:
        for cell in {(*near,) for near in _around(np.unique(own, axis=0)).tolist()}:
            counts[cell] = counts.get(cell, 0) + 1
    needed = _COMMON * len(shown)
    kept = [
        colors[[counts[(*cell,)] >= needed for cell in own.tolist()]] for colors, own in zip(shown, cells, strict=True)
    ]
    return np.concatenate(kept)


def _around(cells: np.ndarray) -> np.ndarray:
    """Cells and those that share a side with them."""
    steps = np.concatenate([np.zeros((1, 3), np.int32), np.eye(3, dtype=np.int32), -np.eye(3, dtype=np.int32)])
    return (cells[:, None] + steps).reshape(-1, 3)


def _clicked(frame: RgbdFrame, click: Click, annotator: Annotator) -> UInt8[np.ndarray, "n 6"]:
    """Colors, without noise and as they are, of the connected patch of like color around a click."""
    steps = annotator.steps(frame)
    # Depth has holes: the nearest measured pixel a few away is meant.
    near_y, near_x = np.nonzero(cv2.bitwise_and(steps.kept, steps.seen))
    away = np.hypot(near_y + steps.box.y0 - click.y, near_x + steps.box.x0 - click.x)
    if not away.size or away.min() > _CLICK_MISS_PX:
        raise InputError(
            f"The click at ({click.x}, {click.y}) of {frame.name!r} is not on something near that both cameras see, "
            "expected a place on skin: click again."
        )
    x, y = int(near_x[away.argmin()]), int(near_y[away.argmin()])
    color = denoise(steps.color, cv2.bitwise_and(steps.kept, steps.seen))
    blocked = cv2.copyMakeBorder(
        cv2.bitwise_not(cv2.bitwise_and(steps.kept, steps.seen)), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=255
    )
    _, _, mask, _ = cv2.floodFill(
        to_lab(color), np.minimum(blocked, 1), (x, y), (0.0,), _CLICK_REACH, _CLICK_REACH,
        4 | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | (255 << 8),
    )  # fmt: skip
    patch = np.asarray(mask)[1:-1, 1:-1] == 255
    return np.dstack([color, steps.color])[patch]
