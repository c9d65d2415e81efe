import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import multiclass_calibration_error

from graspseg.labels import BACKGROUND, HAND, IGNORE, OBJECT
from graspseg.metrics import Calibration


def one_hot_like(labels: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Probabilities that give the labels these confidences, the rest shared by the two other classes."""
    probabilities = np.repeat((1 - confidence)[None] / 2, 3, axis=0)
    np.put_along_axis(probabilities, labels[None].astype(np.intp), confidence[None], axis=0)
    return probabilities.astype(np.float32)


def random_image(rng: np.random.Generator, *, sure: float = 2.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, probabilities and target of 40 x 50 pixels, right about as often as the confidence says."""
    logits = rng.normal(size=(3, 40, 50)) * sure
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=0)
    chance = rng.random((40, 50))
    target = (chance[None] > np.cumsum(probabilities, axis=0)).sum(axis=0).clip(0, 2)
    return probabilities.argmax(axis=0).astype(np.uint8), probabilities.astype(np.float32), target.astype(np.uint8)


def scores(calibration: Calibration, region: str) -> dict:
    summary = calibration.summary()
    assert summary is not None
    return summary[region]


def test_four_pixels_worked_by_hand() -> None:
    prediction = np.array([[HAND, HAND, HAND, OBJECT]], np.uint8)
    target = np.array([[HAND, HAND, OBJECT, OBJECT]], np.uint8)
    probabilities = one_hot_like(prediction, np.array([[0.9, 0.8, 0.7, 0.6]]))
    calibration = Calibration()
    calibration.update(prediction, probabilities, target, np.ones((1, 4), bool))
    found = scores(calibration, "foreground")
    assert found["pixels"] == 4
    assert found["ece"] == pytest.approx((0.1 + 0.2 + 0.7 + 0.4) / 4)
    # No error in the first two, one more between ranks 2 and 3, one in all after that.
    area = (1 - 2 * np.log(3 / 2) + np.log(4 / 3)) / 4
    assert found["aurc"] == pytest.approx(area)
    assert found["excess_aurc"] == pytest.approx(area - (1 - 3 * np.log(4 / 3)) / 4)
    assert found["risk"]["0.50"] == 0
    assert found["risk"]["0.75"] == pytest.approx(1 / 3)
    assert found["risk"]["1.00"] == pytest.approx(1 / 4)
    assert scores(calibration, "measured") == found


def test_which_pixels_are_judged() -> None:
    target = np.array([[BACKGROUND, BACKGROUND, HAND, OBJECT, IGNORE, HAND]], np.uint8)
    prediction = np.array([[BACKGROUND, HAND, BACKGROUND, OBJECT, HAND, HAND]], np.uint8)
    measured = np.array([[True, True, True, True, True, False]])
    calibration = Calibration()
    calibration.update(prediction, one_hot_like(prediction, np.full((1, 6), 0.9)), target, measured)
    assert scores(calibration, "measured")["pixels"] == 4
    assert scores(calibration, "foreground")["pixels"] == 3
    assert scores(calibration, "measured")["ece"] == pytest.approx(0.9 - 0.5)
    assert scores(calibration, "foreground")["ece"] == pytest.approx(0.9 - 1 / 3)


def test_nothing_judged_is_no_score() -> None:
    assert Calibration().summary() is None
    calibration = Calibration()
    nothing = np.zeros((2, 3), np.uint8)
    calibration.update(nothing, one_hot_like(nothing, np.ones((2, 3))), nothing, np.zeros((2, 3), bool))
    assert calibration.summary() is None
    calibration.update(nothing, one_hot_like(nothing, np.ones((2, 3))), nothing, np.ones((2, 3), bool))
    assert scores(calibration, "foreground") == {
        "ece": None,
        "aurc": None,
        "excess_aurc": None,
        "risk": None,
        "pixels": 0,
    }
    found = scores(calibration, "measured")
    assert (found["ece"], found["aurc"], found["excess_aurc"]) == (0, 0, 0)


def test_a_ranking_with_every_error_last_has_no_excess() -> None:
    labels = np.full((1, 100), HAND, np.uint8)
    target = labels.copy()
    target[0, 80:] = OBJECT
    calibration = Calibration()
    calibration.update(labels, one_hot_like(labels, np.linspace(0.99, 0.5, 100)[None]), target, target > 0)
    assert scores(calibration, "measured")["excess_aurc"] == pytest.approx(0, abs=1e-12)
    assert scores(calibration, "measured")["aurc"] == pytest.approx(0.2 + 0.8 * np.log(0.8))


def test_expected_calibration_error_agrees_with_torchmetrics() -> None:
    rng = np.random.default_rng(8)
    calibration = Calibration()
    kept = []
    for _ in range(3):
        prediction, probabilities, target = random_image(rng)
        target[rng.random(target.shape) < 0.1] = IGNORE
        measured = rng.random(target.shape) < 0.8
        calibration.update(prediction, probabilities, target, measured)
        judged = measured & (target != IGNORE)
        kept.append((probabilities[:, judged].T, target[judged], prediction[judged]))
    probabilities, target, prediction = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    for region, chosen in (("measured", target >= 0), ("foreground", (target > 0) | (prediction > 0))):
        reference = multiclass_calibration_error(
            torch.from_numpy(probabilities[chosen]), torch.from_numpy(target[chosen]).long(), 3, n_bins=15, norm="l1"
        )
        assert scores(calibration, region)["ece"] == pytest.approx(float(reference), abs=1e-5)


def test_risk_and_area_agree_with_sorting_every_pixel() -> None:
    rng = np.random.default_rng(9)
    calibration = Calibration()
    confidences, wrong = [], []
    for _ in range(3):
        prediction, probabilities, target = random_image(rng, sure=4.0)
        calibration.update(prediction, probabilities, target, np.ones(target.shape, bool))
        confidences.append(probabilities.max(axis=0).ravel())
        wrong.append((prediction != target).ravel())
    order = np.argsort(-np.concatenate(confidences), kind="stable")
    errors = np.cumsum(np.concatenate(wrong)[order])
    ranks = np.arange(1, len(errors) + 1)
    found = scores(calibration, "measured")
    assert found["aurc"] == pytest.approx((errors / ranks).mean(), rel=0.01)
    for coverage, risk in found["risk"].items():
        rank = round(float(coverage) * len(errors))
        assert risk == pytest.approx(errors[rank - 1] / rank, abs=0.001)
    best = np.maximum(0, ranks - (len(errors) - errors[-1])) / ranks
    assert found["excess_aurc"] == pytest.approx((errors / ranks - best).mean(), rel=0.02)


def test_doubt_is_resolved_far_below_a_percent() -> None:
    # Wrong pixels are a little less certain than right ones, at 99.999 %.
    labels = np.full((1, 10), HAND, np.uint8)
    target = labels.copy()
    target[0, 5:] = OBJECT
    uncertainty = np.where(target == HAND, 1e-5, 2e-5)
    calibration = Calibration()
    calibration.update(labels, one_hot_like(labels, 1 - uncertainty), target, target > 0)
    assert scores(calibration, "measured")["risk"]["0.50"] == 0


def test_merging_equals_one_pass() -> None:
    rng = np.random.default_rng(10)
    whole, first, second = Calibration(), Calibration(), Calibration()
    for counter in (first, second, second):
        prediction, probabilities, target = random_image(rng)
        for one in (whole, counter):
            one.update(prediction, probabilities, target, np.ones(target.shape, bool))
    first.merge(second)
    for region in ("measured", "foreground"):
        assert scores(first, region).pop("risk") == pytest.approx(scores(whole, region).pop("risk"))
        assert scores(first, region)["ece"] == pytest.approx(scores(whole, region)["ece"])
