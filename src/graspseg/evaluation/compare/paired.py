"""Differences between two entries on the same frames, with intervals over frames and seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from graspseg.labels import HAND, OBJECT

RESAMPLES = 2000


@dataclass(frozen=True)
class Difference:
    """Mean IoU of hand and object over all pixels, entry minus reference; shares of 1.

    Attributes:
        mean: over seeds.
        low, high: the middle 95 % of the resampled differences.
        frames, seeds: what they were resampled over.
        better_share: share of frames on which the entry's mean IoU is higher, equal ones counted half.
    """

    mean: float
    low: float
    high: float
    frames: int
    seeds: int
    better_share: float


def paired_difference(
    entry: Int64[np.ndarray, "seeds frames 3 3"],
    reference: Int64[np.ndarray, "seeds frames 3 3"],
    *,
    resamples: int = RESAMPLES,
    rng_seed: int = 0,
) -> Difference:
    """Bootstrap of the difference: frames are drawn for both alike, seeds in pairs.

    Equal seeds saw the same frames in the same order, which is why they are paired. Three seeds say little about the
    spread over seeds, and a percentile interval over so few is too narrow; it is stated beside the number of seeds.

    Args:
        entry: confusion matrices (rows = truth) of every seed and frame.
        reference: those of the reference, the same seeds and frames.
        resamples: number of draws.
        rng_seed: of the draws.
    """
    seeds, frames = entry.shape[:2]
    assert reference.shape == entry.shape, f"{reference.shape} and {entry.shape}"
    rng = np.random.default_rng(rng_seed)
    both = np.stack([entry, reference]).astype(np.float64)
    times = rng.multinomial(frames, np.full(frames, 1 / frames), resamples).astype(np.float64)
    totals = np.tensordot(times, both, axes=(1, 2))
    by_seed = mean_iou(totals[:, 0]) - mean_iou(totals[:, 1])
    chosen = rng.multinomial(seeds, np.full(seeds, 1 / seeds), resamples) / seeds
    low, high = np.nanquantile((by_seed * chosen).sum(axis=1), [0.025, 0.975])
    mean = mean_iou(both[0].sum(axis=1)) - mean_iou(both[1].sum(axis=1))
    frame_difference = mean_iou(both[0]) - mean_iou(both[1])
    told = frame_difference[np.isfinite(frame_difference)]
    better = float((np.sign(told) + 1).mean() / 2) if told.size else 0.5
    return Difference(float(mean.mean()), float(low), float(high), frames, seeds, better)


def mean_iou(matrices: Float64[np.ndarray, "*n 3 3"]) -> Float64[np.ndarray, "*n"]:
    """Mean IoU of hand and object of confusion matrices; a class in neither truth nor prediction is left out.

    NaN where both are.
    """
    right = np.diagonal(matrices, axis1=-2, axis2=-1)[..., [HAND, OBJECT]]
    union = (matrices.sum(axis=-1) + matrices.sum(axis=-2))[..., [HAND, OBJECT]] - right
    there = union > 0
    iou = np.where(there, right / np.maximum(union, 1), 0.0)
    count = there.sum(axis=-1)
    return np.where(count > 0, iou.sum(axis=-1) / np.maximum(count, 1), np.nan)
