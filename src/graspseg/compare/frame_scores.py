"""What the confusion matrices of single frames say, for comparing entries frame by frame."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int64

from graspseg.metrics.confusion import mean_foreground_iou


def better_share(first: Int64[np.ndarray, "s n 3 3"], second: Int64[np.ndarray, "s n 3 3"]) -> float:
    """Share of frames on which the second has the higher mean IoU, equal ones counted half; 0.5 without any."""
    difference = mean_foreground_iou(second) - mean_foreground_iou(first)
    told = np.sign(difference[np.isfinite(difference)])
    return float((told.mean() + 1) / 2) if told.size else 0.5


def most_different(scores: Float64[np.ndarray, "entries frames"], count: int) -> list[int]:
    """Frames on which entries differ most: standard deviation of their mean IoU, largest first."""
    spread = np.nan_to_num(np.std(scores, axis=0), nan=-1.0)
    return [int(index) for index in np.argsort(-spread, kind="stable")[:count]]
