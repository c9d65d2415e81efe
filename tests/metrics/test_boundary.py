import numpy as np
import pytest
from scipy import ndimage

from graspseg.labels import HAND, IGNORE, OBJECT
from graspseg.metrics import BoundaryIoU, BoundaryScore, Outlines
from graspseg.metrics.boundary import line_f
from graspseg.metrics.outlines import outline


def square(top: int, left: int, side: int, *, label: int = HAND, size: int = 24) -> np.ndarray:
    image = np.zeros((size, size), np.uint8)
    image[top : top + side, left : left + side] = label
    return image


def test_outline_of_a_square_is_its_rim() -> None:
    mask = square(5, 6, 4) == HAND
    rim = outline(mask, np.ones_like(mask))
    assert rim.sum() == 12
    assert not rim[6:8, 7:9].any()


def test_image_border_makes_no_outline() -> None:
    mask = np.zeros((4, 6), bool)
    mask[:, :3] = True
    rim = outline(mask, np.ones_like(mask))
    assert np.argwhere(rim).tolist() == [[0, 2], [1, 2], [2, 2], [3, 2]]
    assert not outline(np.ones((4, 6), bool), np.ones((4, 6), bool)).any()


def test_a_straight_edge_shifted_by_two_pixels_is_right_from_two_pixels_on() -> None:
    prediction, target = np.zeros((2, 10, 20), np.uint8)
    target[:, :8] = HAND
    prediction[:, :10] = HAND
    score = BoundaryScore()
    score.update(Outlines.of(prediction, target))
    assert score.summary()["hand"] == {"1px": 0.0, "2px": 1.0, "3px": 1.0}
    assert score.summary()["object"] == {"1px": None, "2px": None, "3px": None}
    assert score.summary()["mean"] == score.summary()["hand"]


def test_precision_and_recall_worked_by_hand() -> None:
    target, predicted = np.zeros((2, 1, 30), bool)
    target[0, [5, 6, 7, 8]] = True
    predicted[0, [5, 10]] = True
    # Within 1 px: precision 1/2, recall 2/4. Within 2 px: precision 1, recall 4/4.
    found = line_f(predicted, target, (1, 2))
    assert found == pytest.approx([2 * 0.5 * 0.5 / (0.5 + 0.5), 1.0])


def test_diagonal_distance_is_euclidean() -> None:
    target, predicted = np.zeros((2, 8, 8), bool)
    target[2, 2] = predicted[3, 3] = True
    assert line_f(predicted, target, (1, 2)) == pytest.approx([0, 1])


def test_empty_cases() -> None:
    score = BoundaryScore()
    nothing = np.zeros((24, 24), np.uint8)
    score.update(Outlines.of(nothing, nothing))
    assert score.summary()["mean"] == {"1px": None, "2px": None, "3px": None}
    score.update(Outlines.of(square(5, 5, 6), square(5, 5, 6)))
    score.update(Outlines.of(square(5, 5, 6), nothing))
    score.update(Outlines.of(nothing, square(5, 5, 6)))
    assert score.summary()["hand"] == pytest.approx({"1px": 1 / 3, "2px": 1 / 3, "3px": 1 / 3})


def test_ignored_pixels_neither_are_outline_nor_make_one() -> None:
    target = square(4, 4, 10)
    target[:, 9:] = IGNORE
    prediction = square(4, 4, 16)
    score = BoundaryScore()
    score.update(Outlines.of(prediction, target))
    rim = outline(target == HAND, target != IGNORE)
    assert rim.sum() == 10 + 4 + 4
    # Left of column 9 the two masks differ only below row 13.
    assert 0 < score.summary()["hand"]["1px"] < 1  # type: ignore[operator]


def test_merging_equals_one_pass() -> None:
    whole, first, second = BoundaryScore(), BoundaryScore(), BoundaryScore()
    for shift, counter in ((0, first), (1, first), (2, second)):
        pair = square(6, 6 + shift, 8, label=OBJECT), square(6, 6, 8, label=OBJECT)
        whole.update(Outlines.of(*pair))
        counter.update(Outlines.of(*pair))
    first.merge(second)
    assert first.summary() == whole.summary()
    with pytest.raises(ValueError, match="tolerances differ"):
        first.merge(BoundaryScore((1,)))


def test_agrees_with_scipy_on_random_blobs() -> None:
    rng = np.random.default_rng(4)
    cross = ndimage.generate_binary_structure(2, 1)
    for _ in range(5):
        fields = ndimage.gaussian_filter(rng.normal(size=(2, 60, 80)), (0, 5, 5))
        target = fields[0] > 0.02
        predicted = fields[0] + 0.6 * fields[1] > 0.02
        rims = []
        for mask in (predicted, target):
            # border_value=1: what lies beyond the image does not erode the mask.
            rims.append(mask & ~np.asarray(ndimage.binary_erosion(mask, cross, border_value=1), bool))
        everywhere = np.ones((60, 80), bool)
        assert np.array_equal(outline(predicted, everywhere), rims[0])
        assert np.array_equal(outline(target, everywhere), rims[1])
        near_target = np.asarray(ndimage.distance_transform_edt(~rims[1]))[rims[0]]
        near_predicted = np.asarray(ndimage.distance_transform_edt(~rims[0]))[rims[1]]
        expected = []
        for tolerance in (1, 2, 3):
            precision, recall = (near_target <= tolerance).mean(), (near_predicted <= tolerance).mean()
            expected.append(2 * precision * recall / (precision + recall))
        assert line_f(rims[0], rims[1], (1, 2, 3)) == pytest.approx(expected)
