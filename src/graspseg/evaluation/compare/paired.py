"""How much better one entry is than another on the same frames, and how sure that is.

Stands in for `graspseg.metrics.paired`, whose functions have the same names and arguments.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from graspseg.evaluation.compare.frame_scores import mean_iou

RESAMPLES = 2000


@dataclass(frozen=True)
class Interval:
    """A difference and the 95 % interval around it, in fractions of 1."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class PairedDifference:
    """Second minus first, of the mean IoU of hand and object over all pixels."""

    iou_dataset: Interval


def paired_difference(first: Int64[np.ndarray, "n 3 3"], second: Int64[np.ndarray, "n 3 3"]) -> PairedDifference:
    """Bootstrap over frames, drawn for both alike; says nothing of other trainings.

    Args:
        first: confusion matrix of every frame, rows = truth.
        second: the same of the other entry, frames in the same order.
    """
    return paired_difference_over_seeds(first[None], second[None])


def paired_difference_over_seeds(
    first: Int64[np.ndarray, "s n 3 3"], second: Int64[np.ndarray, "s n 3 3"]
) -> PairedDifference:
    """Bootstrap over frames, and a draw of Student's t times the standard error of the mean over seeds.

    Args:
        first: confusion matrix of every seed and frame; seed k is paired with seed k of the other.
        second: the same of the other entry.
    """
    seeds, frames = first.shape[:2]
    rng = np.random.default_rng(0)
    both = np.stack([first, second]).astype(np.float64)
    times = rng.multinomial(frames, np.full(frames, 1 / frames), RESAMPLES).astype(np.float64)
    totals = np.tensordot(times, both, axes=(1, 2))
    found = (mean_iou(totals[:, 1]) - mean_iou(totals[:, 0])).mean(axis=1)
    whole = mean_iou(both[1].sum(axis=1)) - mean_iou(both[0].sum(axis=1))
    if seeds > 1:
        found = found + rng.standard_t(seeds - 1, RESAMPLES) * whole.std(ddof=1) / np.sqrt(seeds)
    low, high = np.nanquantile(found, [0.025, 0.975])
    return PairedDifference(Interval(float(whole.mean()), float(low), float(high)))
