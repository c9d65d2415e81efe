"""Is it a hand at all? A calibrated probability for each group of hand and object, and for the frame.

A network that is sure of every pixel can be sure of a chair leg. What tells hands from such finds is coarser: how
large the skin is in square centimeters, whether the wide and the closer window agree, whether depth jumps at the
outline. A logistic regression weighs these facts; its coefficients are fitted for each network and travel in its file.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32, UInt8, UInt16

from graspseg.frame import Intrinsics
from graspseg.labels import BACKGROUND, HAND
from graspseg.models.presence import FEATURES, Presence
from graspseg.segment.look import Look
from graspseg.segment.pieces import number_pieces

GAP_M = 0.08
"""An object this near to a hand, in the image plane, may be held by it, a piece of skin belong to it."""
_JOIN_PX = 5
_STEP_M = 0.02  # depth that jumps by more at an outline
_SAMPLES = 1500
_OUTLINE_SIDE = 96


@dataclass(frozen=True)
class Groups:
    """Connected hand and object pixels of a frame; pieces a few pixels apart are one group.

    Attributes:
        box: where they are, `x, y, width, height` in frame pixels.
        numbers: number of the group of each pixel of the box, 0 for background.
        count: number of groups.
    """

    box: tuple[int, int, int, int]
    numbers: UInt16[np.ndarray, "h w"] | Int32[np.ndarray, "h w"]
    count: int

    @property
    def region(self) -> tuple[slice, slice]:
        """The box as slices of the frame."""
        x, y, width, height = self.box
        return slice(y, y + height), slice(x, x + width)


def find_groups(labels: UInt8[np.ndarray, "h w"]) -> Groups:
    """Groups of hand and object in labels of a frame."""
    x, y, width, height = box = cv2.boundingRect(labels)
    if not width:
        return Groups((0, 0, 0, 0), np.zeros((0, 0), np.uint16), 0)
    found = (labels[y : y + height, x : x + width] != BACKGROUND).view(np.uint8)
    count, numbers = number_pieces(np.asarray(cv2.dilate(found, np.ones((_JOIN_PX, _JOIN_PX), np.uint8)), np.uint8))
    return Groups((box[0], box[1], box[2], box[3]), numbers * found, count)


def group_features(
    groups: Groups,
    labels: UInt8[np.ndarray, "h w"],
    chosen: Float32[np.ndarray, "h w"],
    depth_m: Float32[np.ndarray, "h w"],
    intrinsics: Intrinsics,
    looks: Sequence[Look],
    *,
    origin: tuple[int, int] = (0, 0),
) -> Float64[np.ndarray, "n f"]:
    """`FEATURES` of every group; NaN for groups without a hand pixel.

    Args:
        groups: of these labels.
        labels: labels of the frame, or of a part of it that reaches some pixels beyond all groups.
        chosen: probability of the class that `labels` say.
        depth_m: meters, 0 = no measurement.
        intrinsics: the camera.
        looks: the answers, the full pass first.
        origin: column and row of the frame where the part begins.
    """
    features = np.full((groups.count, len(FEATURES)), np.nan)
    rows, columns = groups.region
    is_hand = labels[groups.region] == HAND
    for number in range(1, groups.count + 1):
        group = groups.numbers == number
        places = np.flatnonzero(group & is_hand)
        hand_px = len(places)
        if not hand_px:
            continue
        hy, hx = np.divmod(places[:: max(1, hand_px // _SAMPLES)], group.shape[1])
        hy, hx = hy + rows.start, hx + columns.start
        z = depth_m[hy, hx].astype(np.float64)
        area = float((z**2).mean() * hand_px / (intrinsics.fx * intrinsics.fy) * 1e4)
        believed = chosen[hy, hx]
        full_hand, full_object = _full_pass(looks, hx + origin[0], hy + origin[1])
        log_area = math.log10(max(area, 1e-2))
        x, y, width, height = cv2.boundingRect(group.view(np.uint8))
        box = (x + columns.start, y + rows.start, width, height)
        features[number - 1] = (
            float(believed.mean()),
            _high(believed),
            full_hand,
            full_hand + full_object,
            log_area,
            log_area**2,
            _before_farther(labels, depth_m, box),
            math.log10(max(1e3 * _relief(hx, hy, z), 0.1)),
        )
    return features


def _high(values: Float32[np.ndarray, "n"]) -> float:
    """The 0.9 quantile, interpolated; numpy's own takes ten times as long."""
    place = 0.9 * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    ordered = np.partition(values, (below, above))
    return float(ordered[below]) + (place - below) * float(ordered[above] - ordered[below])


def _full_pass(looks: Sequence[Look], xs: np.ndarray, ys: np.ndarray) -> tuple[float, float]:
    """Mean probability of hand and of object that the full pass gives some pixels.

    Where windows follow a hand without one, the first window that holds a pixel stands for it.
    """
    hand, held, known = np.zeros((3, len(xs)), np.float32)
    unseen = np.ones(len(xs), bool)
    for number, look in enumerate(looks):
        matrix, side = look.view.matrix(), look.probabilities.shape[-1]
        column = np.rint((xs - matrix[0, 2]) / matrix[0, 0]).astype(int)
        row = np.rint((ys - matrix[1, 2]) / matrix[1, 1]).astype(int)
        inside = (column >= 0) & (column < side) & (row >= 0) & (row < side)
        here = unseen & inside if number < len(looks) - 1 else unseen
        column, row = np.clip(column, 0, side - 1), np.clip(row, 0, side - 1)
        background, hand[here], held[here] = look.probabilities[:, row[here], column[here]]
        known[here] = background + hand[here] + held[here]
        unseen &= ~here
        if not unseen.any():
            break
    count = np.count_nonzero(known) or 1
    return float(hand.sum() / count), float(held.sum() / count)


def _relief(xs: np.ndarray, ys: np.ndarray, z: np.ndarray) -> float:
    """Root mean square distance of depths from the plane through them, in meters."""
    if len(z) < 8:
        return 0.0
    design = np.column_stack([xs - xs.mean(), ys - ys.mean(), np.ones(len(z))]).astype(np.float64)
    normal = design.T @ design + 1e-6 * np.eye(3)
    residual = z - design @ np.linalg.solve(normal, design.T @ z)
    return float(np.sqrt(np.minimum(residual**2, 0.1**2).mean()))


def _before_farther(
    labels: UInt8[np.ndarray, "h w"], depth_m: Float32[np.ndarray, "h w"], box: tuple[int, int, int, int]
) -> float:
    """Share of the outline of a group in a box (`x, y, width, height`) with something farther behind."""
    (height, width), (x, y, across, down) = labels.shape, box
    x0, x1, y0, y1 = max(x - 3, 0), min(x + across + 3, width), max(y - 3, 0), min(y + down + 3, height)
    step = max(1, max(x1 - x0, y1 - y0) // _OUTLINE_SIDE)
    window = np.s_[y0:y1:step, x0:x1:step]
    found, depth = (labels[window] != BACKGROUND).astype(np.uint8), np.ascontiguousarray(depth_m[window])
    edge = (found > 0) & (cv2.erode(np.pad(found, 1), np.ones((3, 3), np.uint8))[1:-1, 1:-1] == 0)
    length = int(np.count_nonzero(edge))
    if not length:
        return 0.0
    outside = (found == 0) & (cv2.dilate(found, np.ones((5, 5), np.uint8)) > 0)
    farthest = cv2.dilate(np.where(outside, depth, np.float32(0)), np.ones((5, 5), np.uint8))
    return float(np.count_nonzero(edge & (farthest > depth + np.float32(_STEP_M)))) / length


def keep_hands(
    labels: UInt8[np.ndarray, "h w"],
    chosen: Float32[np.ndarray, "h w"],
    depth_m: Float32[np.ndarray, "h w"],
    intrinsics: Intrinsics,
    looks: Sequence[Look],
    presence: Presence,
    *,
    origin: tuple[int, int] = (0, 0),
) -> float:
    """Make groups background, in place, that are no hand and that no hand is near.

    Args:
        labels: labels of the frame, or of a part of it that reaches some pixels beyond all groups.
        chosen: probability of the class that `labels` say.
        depth_m: meters, 0 = no measurement.
        intrinsics: the camera.
        looks: the answers, the full pass first.
        presence: what turns features of groups into probabilities.
        origin: column and row of the frame where the part begins.

    Returns:
        Probability that the frame has a hand; below the threshold nothing is left in `labels`.
    """
    groups = find_groups(labels)
    features = group_features(groups, labels, chosen, depth_m, intrinsics, looks, origin=origin)
    with_hand = np.isfinite(features).all(axis=1)
    logits = np.full(groups.count, -np.inf)
    logits[with_hand] = presence.logits(features[with_hand])
    frame = presence.of_frame(logits[with_hand])
    if frame < presence.threshold:
        labels[groups.region] = BACKGROUND
        return frame
    kept = logits >= math.log(presence.threshold / (1 - presence.threshold))
    kept[logits.argmax()] = True
    if not kept.all():
        # Fingers behind a rim without depth are pieces of their own, hardly hands by themselves.
        here = depth_m[groups.region][np.concatenate([[False], kept])[groups.numbers]]
        nearest_m = float(here[here > 0].min())
        kept |= _near(groups, kept, GAP_M * intrinsics.fx / nearest_m)
    if not kept.all():
        labels[groups.region][np.concatenate([[False], ~kept])[groups.numbers]] = BACKGROUND
    return frame


def _near(groups: Groups, kept: Bool[np.ndarray, "n"], gap_px: float) -> Bool[np.ndarray, "n"]:
    """Groups of which a pixel is at most `gap_px` from a kept one."""
    hands = np.concatenate([[False], kept])[groups.numbers]
    distance = cv2.distanceTransform((~hands).view(np.uint8), cv2.DIST_L2, 3)
    near = np.zeros(groups.count + 1, bool)
    near[np.unique(groups.numbers[distance <= gap_px])] = True
    return near[1:]
