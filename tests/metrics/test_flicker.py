import numpy as np
import pytest

from graspseg.labels import BACKGROUND, HAND, IGNORE, OBJECT
from graspseg.metrics import Flicker


def row(*labels: int) -> np.ndarray:
    return np.array([labels], np.uint8)


def at(*depth_m: float) -> np.ndarray:
    return np.array([depth_m], np.float32)


DEPTH_M = at(0.5, 0.5, 0.5, 0.5, 0.5, 0.5)
TARGET = row(HAND, HAND, OBJECT, BACKGROUND, BACKGROUND, BACKGROUND)


def test_rates_worked_by_hand() -> None:
    flicker = Flicker()
    flicker.update(row(1, 1, 2, 0, 0, 0), TARGET, DEPTH_M, follows=False)
    # Pixel 0 flickers; pixel 2 is OBJECT no more in truth, so its change counts for the truth alone; pixel 5 flickers.
    moved = row(HAND, HAND, BACKGROUND, BACKGROUND, BACKGROUND, BACKGROUND)
    flicker.update(row(2, 1, 0, 0, 0, 1), moved, DEPTH_M, follows=True)
    assert flicker.summary() == {
        "rate": pytest.approx(2 / 5),
        "foreground_rate": pytest.approx(1 / 2),
        "truth_change_rate": pytest.approx(1 / 6),
        "pairs": 1,
    }


def test_a_steady_error_does_not_flicker() -> None:
    flicker = Flicker()
    for follows in (False, True, True):
        flicker.update(row(0, 0, 0, 1, 1, 1), TARGET, DEPTH_M, follows=follows)
    summary = flicker.summary()
    assert summary == {"rate": 0.0, "foreground_rate": 0.0, "truth_change_rate": 0.0, "pairs": 2}


def test_pixels_without_depth_ignored_or_with_another_surface_are_not_looked_at() -> None:
    flicker = Flicker()
    flicker.update(row(0, 0, 0, 0, 0, 0), TARGET, at(0.5, 0.5, 0.5, 0.5, 0.0, 0.5), follows=False)
    target = TARGET.copy()
    target[0, 3] = IGNORE
    # Pixel 0 stays (9 mm), pixel 1 moves 11 mm, pixel 2 loses its depth, 3 is ignored, 4 had no depth.
    flicker.update(row(1, 1, 2, 1, 1, 0), target, at(0.509, 0.511, 0.0, 0.5, 0.5, 0.5), follows=True)
    summary = flicker.summary()
    assert summary is not None
    assert (summary["rate"], summary["foreground_rate"]) == (1 / 2, 1.0)


def test_only_frames_that_follow_are_compared() -> None:
    flicker = Flicker()
    assert flicker.summary() is None
    flicker.update(row(0, 0, 0, 0, 0, 0), TARGET, DEPTH_M, follows=True)
    flicker.update(row(1, 1, 1, 1, 1, 1), TARGET, DEPTH_M, follows=False)
    flicker.update(row(1, 1), row(1, 1), at(0.5, 0.5), follows=True)  # of another size
    assert flicker.summary() is None


def test_nothing_still_gives_no_rate() -> None:
    flicker = Flicker()
    for follows in (False, True):
        flicker.update(row(1, 1), row(1, 1), at(0, 0), follows=follows)
    assert flicker.summary() == {"rate": None, "foreground_rate": None, "truth_change_rate": None, "pairs": 1}


def test_agrees_with_differences_over_a_whole_clip_and_merges() -> None:
    rng = np.random.default_rng(11)
    target = rng.choice([0, 1, 2, IGNORE], size=(6, 30, 40), p=[0.6, 0.2, 0.1, 0.1]).astype(np.uint8)
    target[1:] = np.where(rng.random((5, 30, 40)) < 0.9, target[0], target[1:])
    prediction = rng.integers(0, 3, target.shape).astype(np.uint8)
    depth_m = (0.5 + rng.normal(0, 0.006, target.shape)).astype(np.float32)
    depth_m[rng.random(target.shape) < 0.1] = 0
    whole, first, second = Flicker(), Flicker(), Flicker()
    for index in range(6):
        whole.update(prediction[index], target[index], depth_m[index], follows=index % 3 > 0)
        (first if index < 3 else second).update(prediction[index], target[index], depth_m[index], follows=index % 3 > 0)
    judged = (depth_m > 0) & (target != IGNORE)
    looked_at = judged[1:] & judged[:-1] & (np.abs(np.diff(depth_m, axis=0)) <= 0.01)
    looked_at[2] = False  # a new clip begins
    still = looked_at & (target[1:] == target[:-1])
    changed = prediction[1:] != prediction[:-1]
    summary = whole.summary()
    assert summary is not None
    assert summary["rate"] == pytest.approx(changed[still].mean())
    assert summary["foreground_rate"] == pytest.approx(changed[still & (target[1:] > 0)].mean())
    assert summary["truth_change_rate"] == pytest.approx(1 - still.sum() / looked_at.sum())
    first.merge(second)
    assert first.summary() == summary
