"""What the confusion matrices of single frames say, for comparing entries frame by frame."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int64

from graspseg.labels import HAND, OBJECT


def mean_iou(matrices: Float64[np.ndarray, "*n 3 3"] | Int64[np.ndarray, "*n 3 3"]) -> Float64[np.ndarray, "*n"]:
    """Mean IoU of hand and object of confusion matrices; a class in neither truth nor prediction is left out.

    NaN where both are.
    """
    right = np.diagonal(matrices, axis1=-2, axis2=-1)[..., [HAND, OBJECT]]
    union = (matrices.sum(axis=-1) + matrices.sum(axis=-2))[..., [HAND, OBJECT]] - right
    iou = right / np.maximum(union, 1)
    count = (union > 0).sum(axis=-1)
    return np.where(count > 0, iou.sum(axis=-1) / np.maximum(count, 1), np.nan)


def better_share(first: Int64[np.ndarray, "s n 3 3"], second: Int64[np.ndarray, "s n 3 3"]) -> float:
    """Share of frames on which the second has the higher mean IoU, equal ones counted half; 0.5 without any."""
    difference = mean_iou(second) - mean_iou(first)
    told = np.sign(difference[np.isfinite(difference)])
    return float((told.mean() + 1) / 2) if told.size else 0.5


def most_different(scores: Float64[np.ndarray, "entries frames"], count: int) -> list[int]:
    """Frames on which entries differ most: standard deviation of their mean IoU, largest first."""
    spread = np.nan_to_num(np.std(scores, axis=0), nan=-1.0)
    return [int(index) for index in np.argsort(-spread, kind="stable")[:count]]
