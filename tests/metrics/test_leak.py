import numpy as np
import pytest
from scipy.stats import bootstrap

from graspseg.labels import BACKGROUND, HAND, OBJECT
from graspseg.metrics import HandLeak


def frame(hand_px: int, leaked_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Prediction and target with so many hand pixels, so many of them called object."""
    prediction, target = np.zeros((2, 10, 30), np.uint8)
    target.flat[:hand_px] = HAND
    prediction.flat[:hand_px] = HAND
    prediction.flat[:leaked_px] = OBJECT
    return prediction, target


def test_rate_is_pooled_over_hand_pixels() -> None:
    leak = HandLeak()
    leak.update(*frame(100, 10))
    leak.update(*frame(20, 5))
    assert leak.rate == pytest.approx(15 / 120)


def test_hand_called_background_and_object_called_hand_are_no_leak() -> None:
    leak = HandLeak()
    prediction, target = frame(50, 0)
    prediction[target == HAND] = BACKGROUND
    target[9] = OBJECT
    prediction[9] = HAND
    leak.update(prediction, target)
    assert leak.rate == 0


def test_frames_without_hand_change_nothing() -> None:
    leak = HandLeak()
    image = np.full((4, 4), OBJECT, np.uint8)
    leak.update(image, image)
    assert leak.summary() == {"rate": None, "interval_95": None, "frames": 0}
    leak.update(*frame(10, 1))
    assert leak.interval_95 is None


def test_interval_agrees_with_scipys_bootstrap_over_frames() -> None:
    rng = np.random.default_rng(5)
    hand = rng.integers(20, 300, 200)
    leaked = (hand * rng.beta(1, 12, 200)).astype(int)
    leak = HandLeak(resamples=4000)
    for hand_px, leaked_px in zip(hand, leaked, strict=True):
        leak.update(*frame(int(hand_px), int(leaked_px)))
    reference = bootstrap(
        (leaked, hand),
        lambda part, whole: part.sum() / whole.sum(),
        paired=True,
        vectorized=False,
        n_resamples=4000,
        method="percentile",
        rng=rng,
    ).confidence_interval
    assert leak.interval_95 is not None
    low, high = leak.interval_95
    assert low < leaked.sum() / hand.sum() < high
    width = reference.high - reference.low
    assert low == pytest.approx(reference.low, abs=0.1 * width)
    assert high == pytest.approx(reference.high, abs=0.1 * width)


def test_equal_runs_give_equal_intervals() -> None:
    summaries = []
    for _ in range(2):
        leak = HandLeak()
        for leaked_px in (0, 5, 10, 30):
            leak.update(*frame(100, leaked_px))
        summaries.append(leak.summary())
    assert summaries[0] == summaries[1]
