import numpy as np
import pytest
from scipy import ndimage

from graspseg.labels import HAND, IGNORE, OBJECT
from graspseg.metrics import BoundaryIoU, BoundaryScore, Outlines
from graspseg.metrics.boundary import line_f


def square(top: int, left: int, side: int, *, label: int = HAND, size: int = 24) -> np.ndarray:
    image = np.zeros((size, size), np.uint8)
    image[top : top + side, left : left + side] = label
    return image


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
        near_target = np.asarray(ndimage.distance_transform_edt(~rims[1]))[rims[0]]
        near_predicted = np.asarray(ndimage.distance_transform_edt(~rims[0]))[rims[1]]
        expected = []
        for tolerance in (1, 2, 3):
            precision, recall = (near_target <= tolerance).mean(), (near_predicted <= tolerance).mean()
            expected.append(2 * precision * recall / (precision + recall))
        assert line_f(rims[0], rims[1], (1, 2, 3)) == pytest.approx(expected)


def test_bands_of_a_shifted_square_worked_by_hand() -> None:
    iou = BoundaryIoU((1, 2))
    iou.update(Outlines.of(square(5, 7, 10), square(5, 6, 10)))
    # Rims of 36 px share 9 px of the top and of the bottom row. Rings of 2 px have 100 - 36 = 64 px; the squares share
    # 90 px, of which 6 rows by 7 columns are in the hole of either.
    expected = {"1px": 18 / (72 - 18), "2px": 48 / (128 - 48)}
    assert iou.summary()["dataset"]["hand"] == pytest.approx(expected)
    assert iou.summary()["image"]["hand"] == pytest.approx(expected)
    assert iou.summary()["image"]["object"] == {"1px": None, "2px": None}
    assert iou.summary()["dataset"]["mean"] == pytest.approx(expected)


def test_bands_are_pooled_over_the_data_set_and_averaged_over_images() -> None:
    iou = BoundaryIoU((1,))
    iou.update(Outlines.of(square(5, 5, 4), square(5, 5, 4)))
    iou.update(Outlines.of(square(5, 5, 0), square(5, 5, 10)))
    assert iou.summary()["dataset"]["hand"] == pytest.approx({"1px": 12 / (12 + 36)})
    assert iou.summary()["image"]["hand"] == pytest.approx({"1px": 0.5})


def test_bands_reach_inwards_where_the_class_leaves_the_image() -> None:
    target = np.zeros((20, 12), np.uint8)
    target[8:] = HAND
    prediction = np.zeros_like(target)
    prediction[9:] = HAND
    iou = BoundaryIoU()
    iou.update(Outlines.of(prediction, target))
    # Bands are rows 8, 8-9, 8-10 and 9, 9-10, 9-11: the lower image border adds none.
    assert iou.summary()["dataset"]["hand"] == pytest.approx({"1px": 0, "2px": 1 / 3, "3px": 2 / 4})


def test_bands_agree_with_scipy_on_random_blobs() -> None:
    rng = np.random.default_rng(5)
    cross = ndimage.generate_binary_structure(2, 1)
    whole, halves = BoundaryIoU(), (BoundaryIoU(), BoundaryIoU())
    common, either = np.zeros((2, 3))
    for number in range(4):
        fields = ndimage.gaussian_filter(rng.normal(size=(2, 60, 80)), (0, 5, 5))
        masks = fields[0] + 0.6 * fields[1] > 0.02, fields[0] > 0.02
        for counter in (whole, halves[number % 2]):
            counter.update(Outlines.of(*(mask.astype(np.uint8) * np.uint8(OBJECT) for mask in masks)))
        for index in range(3):
            bands = []
            for mask in masks:
                rim = mask & ~np.asarray(ndimage.binary_erosion(mask, cross, border_value=1), bool)
                bands.append(mask & (np.asarray(ndimage.distance_transform_edt(~rim)) <= index))
            common[index] += (bands[0] & bands[1]).sum()
            either[index] += (bands[0] | bands[1]).sum()
    found = whole.summary()["dataset"]["object"]
    assert list(found.values()) == pytest.approx(common / either)
    halves[0].merge(halves[1])
    assert halves[0].summary()["dataset"] == whole.summary()["dataset"]
    assert halves[0].summary()["image"]["object"] == pytest.approx(whole.summary()["image"]["object"])


def test_bands_have_bounds() -> None:
    with pytest.raises(ValueError, match="expected 1 to 3"):
        BoundaryIoU((1, 4))
    with pytest.raises(ValueError, match="tolerances differ"):
        BoundaryIoU((1,)).merge(BoundaryIoU((2,)))
