"""How well the outlines of hand and object lie, within a few pixels."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

from graspseg.labels import CLASS_NAMES, HAND, IGNORE, OBJECT


class BoundaryScore:
    """Streaming boundary F-score of hand and object, averaged over images.

    An image counts for a class whose outline its target or its prediction holds. A class with no outline in both is
    left out; with an outline in one only, the image counts 0.

    Paper: not in it; Csurka et al., "What is a good evaluation measure for semantic segmentation?", BMVC 2013.
    Differs: fixed 1, 2, 3 px instead of 0.75 % of the diagonal, which is 6 px here and too lax for fingers.
    """

    def __init__(self, tolerances_px: Sequence[int] = (1, 2, 3)) -> None:
        self.tolerances_px = tuple(tolerances_px)
        self._sum = {c: np.zeros(len(self.tolerances_px)) for c in (HAND, OBJECT)}
        self._count = {HAND: 0, OBJECT: 0}

    def update(self, prediction: UInt8[np.ndarray, "h w"], target: UInt8[np.ndarray, "h w"]) -> None:
        """Judge one image; pixels whose target is IGNORE neither are outline nor make one."""
        judged = target != IGNORE
        for label in (HAND, OBJECT):
            score = boundary_f(
                outline(prediction == label, judged), outline(target == label, judged), self.tolerances_px
            )
            if score is not None:
                self._sum[label] += score
                self._count[label] += 1

    def merge(self, other: BoundaryScore) -> None:
        """Add what another counter saw, as if this one had seen it too."""
        if other.tolerances_px != self.tolerances_px:
            raise ValueError(f"tolerances differ: {self.tolerances_px} and {other.tolerances_px} px")
        for label in (HAND, OBJECT):
            self._sum[label] += other._sum[label]
            self._count[label] += other._count[label]

    def summary(self) -> dict[str, dict[str, float | None]]:
        """F-score of each class by tolerance: `{"hand": {"1px": ..., ...}, "object": {...}, "mean": {...}}`."""
        scores: dict[str, dict[str, float | None]] = {CLASS_NAMES[HAND]: {}, CLASS_NAMES[OBJECT]: {}, "mean": {}}
        for i, tolerance in enumerate(self.tolerances_px):
            counted = []
            for label in (HAND, OBJECT):
                count = self._count[label]
                value = float(self._sum[label][i] / count) if count else None
                scores[CLASS_NAMES[label]][f"{tolerance}px"] = value
                counted += [value] if value is not None else []
            scores["mean"][f"{tolerance}px"] = sum(counted) / len(counted) if counted else None
        return scores


def outline(mask: Bool[np.ndarray, "h w"], judged: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Pixels of the mask that touch a judged pixel outside it above, below, left or right.

    The image border makes no outline. Pixels that are not judged neither are outline nor make one.
    """
    outside = judged & ~mask
    touches = np.zeros_like(mask)
    touches[1:] |= outside[:-1]
    touches[:-1] |= outside[1:]
    touches[:, 1:] |= outside[:, :-1]
    touches[:, :-1] |= outside[:, 1:]
    return touches & mask & judged


def boundary_f(
    predicted: Bool[np.ndarray, "h w"], target: Bool[np.ndarray, "h w"], tolerances_px: Sequence[int]
) -> np.ndarray | None:
    """F-score of two outlines at each tolerance: harmonic mean of precision and recall.

    Precision is the share of predicted outline pixels at most `tolerance` px (Euclidean) from a target outline pixel;
    recall is the reverse.

    Returns:
        One value in [0, 1] a tolerance; zeros if one outline is empty; None if both are.
    """
    if not predicted.any() and not target.any():
        return None
    if not predicted.any() or not target.any():
        return np.zeros(len(tolerances_px))
    # No distance depends on anything beyond the box that holds both outlines.
    x, y, width, height = cv2.boundingRect((predicted | target).astype(np.uint8))
    box = np.s_[y : y + height, x : x + width]
    predicted, target = predicted[box], target[box]
    to_target = _distance_px(target)[predicted]
    to_predicted = _distance_px(predicted)[target]
    precision = np.array([(to_target <= t + 1e-3).mean() for t in tolerances_px])
    recall = np.array([(to_predicted <= t + 1e-3).mean() for t in tolerances_px])
    both = precision + recall
    return np.where(both > 0, 2 * precision * recall / np.maximum(both, 1e-12), 0.0)


def _distance_px(outline_mask: np.ndarray) -> np.ndarray:
    return cv2.distanceTransform((~outline_mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
