"""How much better one segmenter is than another on the same frames, and how sure that is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from graspseg.labels import HAND, OBJECT
from graspseg.metrics.confusion import intersection_over_union, mean_of_present

RESAMPLES = 2000
_CHUNK = 250
_LUCK = 20  # draws of Student's t for each resample: its tails are long for few seeds, and frames cost more
_FOREGROUND = [HAND, OBJECT]


@dataclass(frozen=True)
class Interval:
    """A difference and the 95 % interval around it, in fractions of 1.

    Attributes:
        value: On the frames as they are.
        low, high: What 2.5 % of the resampled differences lie below, and above.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class PairedDifference:
    """Second minus first, of the mean IoU of hand and object in both ways of averaging; see `Confusion`."""

    iou_dataset: Interval
    iou_image: Interval

    def summary(self) -> dict[str, Any]:
        """Both as plain JSON values."""
        return asdict(self)


def paired_difference(
    first: Int64[np.ndarray, "n 3 3"],
    second: Int64[np.ndarray, "n 3 3"],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> PairedDifference:
    """Difference of two segmenters on the same frames: a paired bootstrap over frames.

    Each resample draws n of the frames with replacement, the same ones for both, so that frames which are hard for
    both widen nothing. Says what other frames of the same kind would change, nothing of other trainings.

    Args:
        first: Confusion matrix of every frame, such as `FrameScore.matrix`.
        second: The same of the other segmenter, frames in the same order.
        resamples: Number of resamples.
        seed: Of the draws.

    Raises:
        ValueError: The two have not the same frames, or there are fewer than two, or no hand and object in any.
    """
    return paired_difference_over_seeds(first[None], second[None], resamples=resamples, seed=seed)


def paired_difference_over_seeds(
    first: Int64[np.ndarray, "s n 3 3"],
    second: Int64[np.ndarray, "s n 3 3"],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> PairedDifference:
    """Difference of two recipes, each trained with one or several seeds and judged on the same frames.

    The value is the mean over seeds. Each resample draws frames as in `paired_difference`, the same ones for all seeds,
    and adds what other seeds might change: draws of Student's t with s - 1 degrees of freedom times the standard
    error of the mean over seeds (standard deviation of their differences / sqrt s). Seed k of one is paired with seed
    k of the other. One seed says nothing of others: then it is `paired_difference`.

    Differs: seeds are not resampled as frames are (a two-way bootstrap, Owen 2007), because three seeds
    show too little of their spread that way: 95 % intervals hold 84 of 100 times where these hold 95, see
    tests/metrics/test_paired.py.

    Args:
        first: Confusion matrix of every seed and frame.
        second: The same of the other recipe.
        resamples: Number of resamples.
        seed: Of the draws.

    Raises:
        ValueError: As `paired_difference`.
    """
    _check(first, second)
    return _paired(first, second, resamples=resamples, seed=seed)


def student_confidence(t: float, freedom: int) -> float:
    """Probability that Student's t lies between -t and t.

    With t = sqrt(freedom) tan(a), its density is that of cos(a) to the power of freedom - 1 between -pi/2 and pi/2.

    Args:
        t: at least 0.
        freedom: degrees of freedom, at least 1.
    """
    shares = np.linspace(0.0, 1.0, 2001)
    within, whole = (
        end * np.trapezoid(np.cos(end * shares) ** (freedom - 1), shares)
        for end in (np.arctan(t / np.sqrt(freedom)), np.pi / 2)
    )
    return float(within / whole)


def _check(first: np.ndarray, second: np.ndarray) -> None:
    if first.shape != second.shape:
        raise ValueError(f"matrices are {first.shape} and {second.shape}: both must be of the same frames")
    if first.shape[-3] < 2:
        raise ValueError(f"{first.shape[-3]} frames were given: expected at least 2")
    if not (first.sum() and second.sum()):
        raise ValueError("the matrices count no pixel: expected judged frames")


def _paired(first: np.ndarray, second: np.ndarray, *, resamples: int, seed: int) -> PairedDifference:
    """Both intervals from the same draws; matrices are `[s n 3 3]`."""
    rng = np.random.default_rng(seed)
    seeds, frames = first.shape[:2]
    columns = np.stack([_columns(first), _columns(second)])  # [2 s n 13]
    flat = columns.transpose(2, 0, 1, 3).reshape(frames, -1)
    whole = _differences(flat.sum(axis=0, keepdims=True), seeds)[0]  # [2 s]
    if np.isnan(whole).any():
        raise ValueError("the matrices count neither hand nor object: expected frames with some")
    drawn = []
    for start in range(0, resamples, _CHUNK):
        count = min(_CHUNK, resamples - start)
        times = rng.multinomial(frames, np.full(frames, 1 / frames), size=count).astype(float)
        drawn.append(_differences(times @ flat, seeds).mean(axis=2))
    found = np.concatenate(drawn)  # [resamples 2]
    if seeds > 1:
        error = whole.std(axis=1, ddof=1) / np.sqrt(seeds)
        luck = rng.standard_t(seeds - 1, size=(len(found), _LUCK, 1)) * error
        found = (found[:, None] + luck).reshape(-1, 2)
    lows, highs = np.nanquantile(found, [0.025, 0.975], axis=0)
    values = whole.mean(axis=1)
    return PairedDifference(*(Interval(*map(float, row)) for row in zip(values, lows, highs, strict=True)))


def _columns(matrices: np.ndarray) -> Float64[np.ndarray, "s n 13"]:
    """What is summed over frames: the matrix, the IoU of hand and object, and whether the frame counts for them."""
    iou, present = intersection_over_union(matrices)
    flat = matrices.reshape(*matrices.shape[:2], -1)
    return np.concatenate([flat, iou[..., _FOREGROUND], present[..., _FOREGROUND]], axis=-1).astype(float)


def _differences(sums: np.ndarray, seeds: int) -> Float64[np.ndarray, "r both=2 s"]:
    """Data-set and per-image mean IoU of the second minus the first, for each row of summed columns and each seed."""
    sums = sums.reshape(len(sums), 2, seeds, -1)
    iou, present = intersection_over_union(sums[..., :9].reshape(*sums.shape[:-1], 3, 3))
    dataset = mean_of_present(iou[..., _FOREGROUND], present[..., _FOREGROUND])
    counts = sums[..., 11:]
    image = mean_of_present(sums[..., 9:11] / np.maximum(counts, 1), counts > 0)
    both = np.stack([dataset, image], axis=1)  # [r 2 2 s]: average, segmenter, seed
    return both[:, :, 1] - both[:, :, 0]
