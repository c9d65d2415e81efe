from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import bootstrap, t

from graspseg.metrics import Confusion, paired_difference, paired_difference_over_seeds
from graspseg.metrics.paired import student_confidence

HAND_PX, OBJECT_PX = 1000, 400


def judged(missed_hand: np.ndarray, missed_object: np.ndarray) -> np.ndarray:
    """Confusion matrices of frames of which so many pixels of hand and object are called background."""
    missed = np.stack([missed_hand, missed_object], axis=-1)
    matrices = np.zeros((*missed_hand.shape, 3, 3), np.int64)
    matrices[..., 0, 0] = 5000
    matrices[..., 1:, 0] = missed
    matrices[..., 1, 1] = HAND_PX - missed_hand
    matrices[..., 2, 2] = OBJECT_PX - missed_object
    return matrices


def random_frames(rng: np.random.Generator, frames: int, *, seeds: int = 1, spread: float = 0.0) -> np.ndarray:
    """Two segmenters of one quality `[2 seeds frames 3 3]`: frames differ in difficulty, seeds in luck."""
    difficulty = rng.uniform(0.05, 0.5, frames)
    luck = rng.normal(0, spread, (2, seeds, 1))
    share = np.clip(difficulty + luck + rng.normal(0, 0.05, (2, seeds, frames)), 0, 0.9)
    return judged((share * HAND_PX).astype(np.int64), (share * OBJECT_PX).astype(np.int64))


def test_four_frames_worked_by_hand() -> None:
    first = judged(np.array([0, 500]), np.array([0, 0]))
    second = judged(np.array([0, 0]), np.array([0, 200]))
    found = paired_difference(first, second)
    # Hand 75 % against 100 %, object 100 % against 75 %; per image the same.
    assert found.iou_dataset.value == pytest.approx(0)
    assert found.iou_image.value == pytest.approx(0)
    better = paired_difference(first, judged(np.array([0, 0]), np.array([0, 0])))
    assert better.iou_dataset.value == pytest.approx(0.125)
    # Resamples hold the second frame 0, 1 or 2 times: 1/4, 1/2, 1/4 of them.
    assert (better.iou_dataset.low, better.iou_dataset.high) == pytest.approx((0, 0.25))


def test_values_are_those_of_confusion() -> None:
    rng = np.random.default_rng(12)
    counters, matrices = (Confusion(), Confusion()), []
    for _ in range(5):
        target = rng.choice([0, 0, 0, 1, 2], size=(8, 9)).astype(np.uint8)
        target[target == 2] = rng.choice([0, 2])  # some frames have no object
        row = []
        for counter, right in zip(counters, (0.6, 0.8), strict=True):
            guess = rng.choice([0, 1], size=(8, 9))
            prediction = np.where(rng.random((8, 9)) < right, target, guess).astype(np.uint8)
            before = counter.matrix.copy()
            counter.update(prediction, target)
            row.append(counter.matrix - before)
        matrices.append(row)
    found = paired_difference(*np.array(matrices).transpose(1, 0, 2, 3))
    for name in ("iou_dataset", "iou_image"):
        means = [getattr(counter, name)["mean"] for counter in counters]
        interval = getattr(found, name)
        assert interval.value == pytest.approx(means[1] - means[0])
        assert interval.low <= interval.value <= interval.high


def test_interval_agrees_with_scipys_paired_bootstrap() -> None:
    rng = np.random.default_rng(13)
    first, second = random_frames(rng, 80)[:, 0]
    found = paired_difference(first, second, resamples=4000)

    def difference(frames: np.ndarray) -> float:
        means = []
        for matrices in (first, second):
            total = matrices[frames].sum(axis=0)
            either = total.sum(axis=0) + total.sum(axis=1) - np.diag(total)
            means.append((np.diag(total) / either)[1:].mean())
        return float(means[1] - means[0])

    reference = bootstrap(
        (np.arange(80),), difference, vectorized=False, n_resamples=4000, method="percentile", rng=rng
    ).confidence_interval
    width = reference.high - reference.low
    assert found.iou_dataset.low == pytest.approx(reference.low, abs=0.08 * width)
    assert found.iou_dataset.high == pytest.approx(reference.high, abs=0.08 * width)


def test_equal_segmenters_differ_by_nothing_and_draws_repeat() -> None:
    first, second = random_frames(np.random.default_rng(14), 30)[:, 0]
    nothing = {"value": 0, "low": 0, "high": 0}
    assert paired_difference(first, first).summary() == {"iou_dataset": nothing, "iou_image": nothing}
    assert paired_difference(first, second) == paired_difference(first, second)
    assert paired_difference(first, second, seed=1) != paired_difference(first, second)


def test_pairing_takes_the_difficulty_of_frames_out() -> None:
    rng = np.random.default_rng(15)
    first, second = random_frames(rng, 60)[:, 0]
    paired, shuffled = paired_difference(first, second), paired_difference(first, second[rng.permutation(60)])
    assert paired.iou_image.high - paired.iou_image.low < (shuffled.iou_image.high - shuffled.iou_image.low) / 2


def coverage(
    interval: Callable[[np.ndarray], tuple[float, float]], *, seeds: int = 1, spread: float = 0.0, runs: int = 250
) -> float:
    """How often an interval holds the true difference, 0 because both segmenters are drawn alike."""
    rng = np.random.default_rng(16)
    held = 0
    for _ in range(runs):
        low, high = interval(random_frames(rng, 40, seeds=seeds, spread=spread))
        held += low <= 0 <= high
    return held / runs


def over_frames(pair: np.ndarray) -> tuple[float, float]:
    found = paired_difference(pair[0, 0], pair[1, 0], resamples=200).iou_image
    return found.low, found.high


def over_both(pair: np.ndarray) -> tuple[float, float]:
    found = paired_difference_over_seeds(pair[0], pair[1], resamples=200).iou_image
    return found.low, found.high


def two_way_bootstrap(pair: np.ndarray) -> tuple[float, float]:
    """What resampling seeds as frames are would give."""
    rng = np.random.default_rng(0)
    right = np.diagonal(pair, axis1=-2, axis2=-1)[..., 1:] / (HAND_PX, OBJECT_PX)
    difference = np.diff(right.mean(axis=-1), axis=0)[0]
    seeds, frames = difference.shape
    drawn = difference[rng.integers(seeds, size=(200, seeds, 1)), rng.integers(frames, size=(200, 1, frames))]
    low, high = np.quantile(drawn.mean(axis=(1, 2)), [0.025, 0.975])
    return low, high


def test_intervals_over_frames_hold_19_of_20_times_without_luck() -> None:
    assert 0.91 <= coverage(over_frames) <= 0.98


def test_intervals_over_three_seeds_hold_19_of_20_times_and_plainer_ones_do_not() -> None:
    assert coverage(over_frames, seeds=3, spread=0.02) < 0.7
    assert coverage(two_way_bootstrap, seeds=3, spread=0.02) < 0.9
    assert 0.92 <= coverage(over_both, seeds=3, spread=0.02) <= 0.98


def test_seeds_are_averaged() -> None:
    pair = random_frames(np.random.default_rng(18), 20, seeds=2, spread=0.05)
    alone = [paired_difference(pair[0, k], pair[1, k]).iou_dataset.value for k in range(2)]
    assert paired_difference_over_seeds(pair[0], pair[1]).iou_dataset.value == pytest.approx(np.mean(alone))


def test_what_cannot_be_compared_is_refused() -> None:
    frames = judged(np.zeros(3, np.int64), np.zeros(3, np.int64))
    with pytest.raises(ValueError, match="expected at least 2"):
        paired_difference(frames[:1], frames[:1])
    with pytest.raises(ValueError, match="count no pixel"):
        paired_difference(frames, frames * 0)
    with pytest.raises(ValueError, match="neither hand nor object"):
        paired_difference(frames * np.eye(3, dtype=np.int64)[0], frames * np.eye(3, dtype=np.int64)[0])


def test_one_seed_is_a_difference_over_frames() -> None:
    one, other = random_frames(np.random.default_rng(19), 20)
    assert paired_difference_over_seeds(one, other) == paired_difference(one[0], other[0])


def test_a_difference_that_is_none_is_around_zero() -> None:
    matrices = np.random.default_rng(0).integers(1, 50, (3, 40, 3, 3))
    found = paired_difference_over_seeds(matrices, matrices)
    assert found.iou_dataset.value == found.iou_dataset.low == found.iou_dataset.high == 0


def test_intervals_widen_with_seeds_that_disagree() -> None:
    bad, good = (judged(np.full(10, missed), np.full(10, 0)) for missed in (500, 0))
    base = np.stack([bad, bad])
    one = paired_difference(bad, good).iou_dataset
    pairs = (np.stack([good, good]), np.stack([good, bad]))
    same, wide = (paired_difference_over_seeds(base, pair).iou_dataset for pair in pairs)
    assert one.value == same.value == pytest.approx(0.25)
    assert same.high - same.low == pytest.approx(0)
    # The mean over seeds is half of the difference, and with one degree of freedom t spreads far.
    assert wide.value == pytest.approx(0.125)
    assert wide.low < 0 < wide.high


@pytest.mark.parametrize("freedom", [1, 2, 4, 30])
@pytest.mark.parametrize("bound", [0.0, 0.5, 4.303, 60.0])
def test_student_confidence_is_that_of_scipy(freedom: int, bound: float):
    assert student_confidence(bound, freedom) == pytest.approx(2 * t.cdf(bound, freedom) - 1, abs=1e-5)
