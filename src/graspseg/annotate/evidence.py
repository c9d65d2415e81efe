"""What a frame alone says about the quality of its annotation."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import UInt8

from graspseg.annotate.steps import Steps
from graspseg.labels import HAND, OBJECT

_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
_NEAR = np.ones((5, 5), np.uint8)
_STEP_M = 0.006
_STEP_LEVELS = 20
_EVEN, _UNSURE = 128, 77


@dataclass(frozen=True)
class Evidence:
    """Plain numbers of one frame; shares are of the pixels within the depth range and lie in 0 to 1.

    Attributes:
        hand_px, object_px: pixels of each class.
        hand_x, hand_y: middle of the hand, 0 to 1 of the image; 0.5 when there is none.
        object_x, object_y: middle of the object, likewise.
        nearest_m: distance of the nearest surface, metres; 0 when nothing is measured.
        kept_share: of the whole image that is within the depth range.
        unseen_share: what the color camera does not see.
        flying_share: what was left out as flying pixels.
        unsure_share: seen pixels whose color decides neither way.
        overruled_share: seen pixels whose class is not the one that their color alone has.
        filtered_share: what the contour filter took out of the two masks.
        hand_pieces, object_pieces: connected segments of each class.
        hand_main_share, object_main_share: of each class that lies in its largest segment; 1 when there is none.
        border_px: pixels of the hand beside the object.
        border_on_depth: of these, the share beside a step in depth; 1 when there are none.
        border_on_color: the share beside a step in color; 1 when there are none.
        object_skin: how much the object's color is that of skin: mean of the skin probability over its seen pixels.
        hand_skin: the same over the hand.
        at_border_share: of the image's border that hand and object touch.
    """

    hand_px: float
    object_px: float
    hand_x: float
    hand_y: float
    object_x: float
    object_y: float
    nearest_m: float
    kept_share: float
    unseen_share: float
    flying_share: float
    unsure_share: float
    overruled_share: float
    filtered_share: float
    hand_pieces: float
    object_pieces: float
    hand_main_share: float
    object_main_share: float
    border_px: float
    border_on_depth: float
    border_on_color: float
    object_skin: float
    hand_skin: float
    at_border_share: float


def weigh(steps: Steps, shape: tuple[int, int]) -> Evidence:
    """Gather the evidence of a frame of a shape whose steps are known."""
    kept, hand, thing = steps.kept > 0, steps.labels == HAND, steps.labels == OBJECT
    seen = kept & (steps.seen > 0)
    total = max(int(np.count_nonzero(kept)), 1)
    counts = {
        "unseen_share": kept & ~seen,
        "unsure_share": seen & (np.abs(steps.skin.astype(np.int16) - _EVEN) < _UNSURE),
        "overruled_share": seen & (hand != (steps.skin >= _EVEN)),
        "filtered_share": (steps.hand ^ steps.hand_filtered) | (steps.thing ^ steps.thing_filtered),
    }
    shares = {name: float(np.count_nonzero(mask)) / total for name, mask in counts.items()}
    places: dict[str, float] = {}
    for name, mask in (("hand", hand), ("object", thing)):
        places |= _place(name, mask, steps, shape)
    border = hand & (cv2.dilate(thing.view(np.uint8), _CROSS) > 0)
    return Evidence(
        **places,
        **shares,
        nearest_m=steps.nearest_m,
        kept_share=total / (shape[0] * shape[1]),
        flying_share=steps.flying_px / total,
        border_px=float(np.count_nonzero(border)),
        border_on_depth=_share(border, _depth_steps(steps)),
        border_on_color=_share(border, _color_steps(steps)),
        object_skin=_mean(steps.skin, thing & seen),
        hand_skin=_mean(steps.skin, hand & seen),
        at_border_share=_at_border(steps, shape),
    )


def _place(name: str, mask: np.ndarray, steps: Steps, shape: tuple[int, int]) -> dict[str, float]:
    """Size, middle and pieces of a class."""
    count, number = cv2.connectedComponents(mask.view(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    areas = np.bincount(number.ravel(), minlength=count)[1:]
    total, x, y = int(areas.sum()), 0.5, 0.5
    if total:
        moments = cv2.moments(mask.view(np.uint8), binaryImage=True)
        x = (moments["m10"] / total + steps.box.x0) / shape[1]
        y = (moments["m01"] / total + steps.box.y0) / shape[0]
    return {
        f"{name}_px": float(total),
        f"{name}_x": x,
        f"{name}_y": y,
        f"{name}_pieces": float(len(areas)),
        f"{name}_main_share": float(areas.max() / total) if total else 1.0,
    }


def _depth_steps(steps: Steps) -> np.ndarray:
    """Pixels within two of a step in depth."""
    span = cv2.dilate(steps.depth_m, _NEAR) - cv2.erode(steps.depth_m, _NEAR)
    return span > _STEP_M


def _color_steps(steps: Steps) -> np.ndarray:
    """Pixels within two of a step in color."""
    gray = cv2.cvtColor(steps.color, cv2.COLOR_RGB2GRAY)
    return cv2.subtract(cv2.dilate(gray, _NEAR), cv2.erode(gray, _NEAR)) > _STEP_LEVELS


def _share(mask: np.ndarray, among: np.ndarray) -> float:
    count = np.count_nonzero(mask)
    return float(np.count_nonzero(mask & among)) / count if count else 1.0


def _mean(skin: UInt8[np.ndarray, "h w"], mask: np.ndarray) -> float:
    """Mean probability of skin over a mask; 0 where there is none."""
    return float(cv2.mean(skin, mask.view(np.uint8))[0]) / 255


def _at_border(steps: Steps, shape: tuple[int, int]) -> float:
    """Share of the image's border pixels that are hand or object."""
    (x0, y0, x1, y1), labels = steps.box, steps.labels
    sides = (
        (y0 == 0, labels[0]),
        (x0 == 0, labels[:, 0]),
        (y1 == shape[0], labels[-1]),
        (x1 == shape[1], labels[:, -1]),
    )
    return sum(int(np.count_nonzero(side)) for touches, side in sides if touches) / (2 * (shape[0] + shape[1]))
