"""What a frame alone says about the quality of its annotation."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from graspseg.annotate.steps import Steps
from graspseg.labels import HAND, OBJECT

_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
_NEAR = np.ones((5, 5), np.uint8)
_STEP_M = 0.006
_STEP_LEVELS = 20
_EVEN, _UNSURE = 128, 77
_END_M = 0.003
_FEW_PX = 25  # so that a few wrong pixels of a small class do not count as all of it
_APART = np.ones((9, 9), np.uint8)


@dataclass(frozen=True)
class Evidence:
    """Plain numbers of one frame; shares are of the pixels within the depth range and lie in 0 to 1.

    Attributes:
        hand_px, object_px: pixels of each class.
        hand_x, hand_y: middle of the hand, 0 to 1 of the image; 0.5 when there is none.
        object_x, object_y: middle of the object, likewise.
        hand_cm2, object_cm2: what is seen of each class, as if it faced the camera.
        nearest_m: distance of the nearest surface, meters; 0 when nothing is measured.
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
        expected_hand_iou, expected_object_iou: IoU with the truth to be expected if each pixel were hand or object with
            the probability that decided its label; 1 when there is none. Thresholds only know 0 and 1.
        at_end_share: of each class within 3 mm of the end of the depth range, mean of both: there the range cuts an arm
            a little too early or too late, or begins to hold what is behind.
        object_apart_share: of the object that is apart from the largest piece of hand and object together.
    """

    hand_px: float
    object_px: float
    hand_x: float
    hand_y: float
    object_x: float
    object_y: float
    hand_cm2: float
    object_cm2: float
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
    expected_hand_iou: float
    expected_object_iou: float
    at_end_share: float
    object_apart_share: float


def weigh(steps: Steps, shape: tuple[int, int], focal_px: float) -> Evidence:
    """Gather the evidence of a frame of a shape, from a camera of a focal length, whose steps are known."""
    kept, hand, held = steps.kept > 0, steps.labels == HAND, steps.labels == OBJECT
    seen = kept & (steps.seen > 0)
    total = max(int(np.count_nonzero(kept)), 1)
    counts = {
        "unseen_share": kept & ~seen,
        "unsure_share": seen & (np.abs(steps.skin.astype(np.int16) - _EVEN) < _UNSURE),
        "overruled_share": seen & (hand != (steps.skin >= _EVEN)),
        "filtered_share": (steps.hand ^ steps.hand_filtered) | (steps.held ^ steps.held_filtered),
    }
    shares = {name: float(np.count_nonzero(mask)) / total for name, mask in counts.items()}
    places: dict[str, float] = {}
    for name, mask in (("hand", hand), ("object", held)):
        places |= _place(name, mask, steps, shape)
    border = hand & (cv2.dilate(held.view(np.uint8), _CROSS) > 0)
    return Evidence(
        **places,
        **shares,
        hand_cm2=_area_cm2(hand, steps, focal_px),
        object_cm2=_area_cm2(held, steps, focal_px),
        nearest_m=steps.nearest_m,
        kept_share=total / (shape[0] * shape[1]),
        flying_share=steps.flying_px / total,
        border_px=float(np.count_nonzero(border)),
        border_on_depth=_share(border, _depth_steps(steps)),
        border_on_color=_share(border, _color_steps(steps)),
        object_skin=_mean(steps.skin, held & seen),
        hand_skin=_mean(steps.skin, hand & seen),
        at_border_share=_at_border(steps, shape),
        expected_hand_iou=_expected_iou(hand, held, steps.hand_probability),
        expected_object_iou=_expected_iou(held, hand, 1 - steps.hand_probability),
        at_end_share=_at_end(hand, held, steps),
        object_apart_share=_apart(held, hand | held),
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


def _area_cm2(mask: Bool[np.ndarray, "h w"], steps: Steps, focal_px: float) -> float:
    return float((steps.depth_m[mask].astype(np.float64) ** 2).sum()) * 1e4 / focal_px**2


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


def _expected_iou(
    mask: Bool[np.ndarray, "h w"], other: Bool[np.ndarray, "h w"], probability: Float32[np.ndarray, "h w"]
) -> float:
    """Expected intersection over expected union of a class with the truth, were pixels independent of each other.

    Args:
        mask: the class.
        other: the other class, whose pixels may in truth be of this one.
        probability: of this class against the other.
    """
    if not mask.any():
        return 1.0
    right, missed = (float(probability[where].sum(dtype=np.float64)) for where in (mask, other))
    return right / (int(np.count_nonzero(mask)) + missed)


def _at_end(hand: Bool[np.ndarray, "h w"], held: Bool[np.ndarray, "h w"], steps: Steps) -> float:
    end = steps.depth_m > steps.farthest_m - _END_M
    sizes = [(int(np.count_nonzero(mask & end)), int(np.count_nonzero(mask))) for mask in (hand, held)]
    return sum(at_end / (size + _FEW_PX) for at_end, size in sizes) / len(sizes)


def _apart(held: Bool[np.ndarray, "h w"], both: Bool[np.ndarray, "h w"]) -> float:
    """Gaps of up to 8 pixels, as flying pixels leave them, do not part."""
    size = int(np.count_nonzero(held))
    if size == 0:
        return 0.0
    count, number = cv2.connectedComponents(cv2.dilate(both.view(np.uint8), _APART), connectivity=8, ltype=cv2.CV_32S)
    areas = np.bincount(number[both], minlength=count)
    return 1 - int(np.count_nonzero(held & (number == areas.argmax()))) / size
