import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.distance import cdist

from graspseg.frame import Intrinsics
from graspseg.labels import HAND, OBJECT
from graspseg.metrics import BoundaryError, Outlines
from graspseg.metrics.boundary_error import outline_errors_mm

CAMERA = Intrinsics(500.0, 510.0, 9.5, 4.5)


def columns(count: int, *, label: int = HAND) -> np.ndarray:
    labels = np.zeros((10, 20), np.uint8)
    labels[:, :count] = label
    return labels


def score(prediction: np.ndarray, target: np.ndarray, depth_m: np.ndarray) -> dict[str, float | int | None]:
    error = BoundaryError()
    error.update(Outlines.of(prediction, target), depth_m.astype(np.float32), CAMERA)
    return error.summary()["hand"]


def test_two_pixels_at_half_a_meter_are_two_millimeters_whatever_lies_behind() -> None:
    depth_m = np.where(columns(8) == HAND, 0.5, 3.0)
    expected = {"mean_mm": 2.0, "median_mm": 2.0, "p95_mm": 2.0, "images": 1, "one_sided": 0}
    assert score(columns(10), columns(8), depth_m) == pytest.approx(expected)
    assert score(columns(6), columns(8), depth_m) == pytest.approx(expected)
    assert score(columns(8), columns(8), depth_m) == expected | {"mean_mm": 0, "median_mm": 0, "p95_mm": 0}


def test_mean_of_both_directions_worked_by_hand() -> None:
    target, prediction = columns(4), columns(4)
    prediction[0, 10] = HAND
    # One of 11 predicted pixels is 7 px = 7 mm away; all 10 true ones lie on the predicted outline.
    found = score(prediction, target, np.full((10, 20), 0.5))
    assert found["mean_mm"] == pytest.approx((7 / 11 + 0) / 2)
    assert found["median_mm"] == 0 and found["p95_mm"] == 0


def test_flying_pixels_and_holes_on_the_outline_have_no_part() -> None:
    depth_m = np.where(columns(8) == HAND, 0.5, 0.0)
    depth_m[:5, 7] = 0  # holes
    depth_m[5:, 7] = 0.9  # between hand and wall
    assert score(columns(10), columns(8), depth_m)["mean_mm"] == pytest.approx(2.0)
    assert score(columns(10), columns(8), np.zeros((10, 20)))["images"] == 0


def test_an_outline_on_one_side_only_is_counted_and_not_measured() -> None:
    error = BoundaryError()
    depth_m = np.full((10, 20), 0.5, np.float32)
    for prediction, target in ((columns(0), columns(5)), (columns(5), columns(0)), (columns(0), columns(0))):
        error.update(Outlines.of(prediction, target), depth_m, CAMERA)
    nothing = {"mean_mm": None, "median_mm": None, "p95_mm": None, "images": 0}
    assert error.summary() == {"hand": nothing | {"one_sided": 2}, "object": nothing | {"one_sided": 0}}


def test_what_is_farther_than_the_histogram_reaches_counts_as_its_end() -> None:
    found = score(columns(19), columns(1), np.full((10, 20), 20.0))
    assert found["mean_mm"] == pytest.approx(18 * 20 / 500 * 1000)
    assert found["median_mm"] == 500.0


def test_agrees_with_all_distances_counted_one_by_one() -> None:
    rng = np.random.default_rng(7)
    slope_m = np.add.outer(np.linspace(0.4, 0.6, 60), np.linspace(0, 0.1, 80)).astype(np.float32)
    whole, halves = BoundaryError(), (BoundaryError(), BoundaryError())
    means, everything = [], []
    for number in range(4):
        fields = ndimage.gaussian_filter(rng.normal(size=(2, 60, 80)), (0, 5, 5))
        masks = fields[0] + 0.5 * fields[1] > 0.02, fields[0] > 0.02
        outlines = Outlines.of(*(mask.astype(np.uint8) * np.uint8(OBJECT) for mask in masks))
        for counter in (whole, halves[number % 2]):
            counter.update(outlines, slope_m, CAMERA)
        pair = outlines.pair(OBJECT)
        assert pair is not None
        predicted, target = np.argwhere(pair.predicted), np.argwhere(pair.target)
        apart = cdist(predicted, target)
        depth = slope_m[pair.box][pair.target]
        expected = (
            apart.min(axis=1) * depth[apart.argmin(axis=1)] / 500 * 1000,
            apart.min(axis=0) * depth / 500 * 1000,
        )
        found = outline_errors_mm(pair, slope_m[pair.box], CAMERA)
        assert found is not None
        for ours, counted in zip(found, expected, strict=True):
            # The depth is the nearest of 3 x 3 pixels, here up to 1 % nearer, and ties are broken otherwise.
            assert ours == pytest.approx(counted, rel=0.03)
        means.append((expected[0].mean() + expected[1].mean()) / 2)
        everything += [*expected[0], *expected[1]]
    found = whole.summary()["object"]
    assert found["mean_mm"] == pytest.approx(np.mean(means), rel=0.02)
    assert found["median_mm"] == pytest.approx(np.median(everything), rel=0.03, abs=0.1)
    assert found["p95_mm"] == pytest.approx(np.quantile(everything, 0.95), rel=0.03, abs=0.1)
    halves[0].merge(halves[1])
    assert halves[0].summary()["object"] == pytest.approx(found)
