import numpy as np
from scipy import ndimage

from graspseg.labels import HAND, IGNORE, OBJECT
from graspseg.metrics.outlines import BAND_PX, Outlines, box_of, outline


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


def test_ignored_pixels_make_no_outline() -> None:
    target = square(4, 4, 10)
    target[:, 9:] = IGNORE
    assert outline(target == HAND, target != IGNORE).sum() == 10 + 4 + 4


def test_outlines_agree_with_scipy_whatever_is_cut_off() -> None:
    rng = np.random.default_rng(6)
    cross = ndimage.generate_binary_structure(2, 1)
    for _ in range(5):
        fields = ndimage.gaussian_filter(rng.normal(size=(2, 90, 120)), (0, 4, 4))
        fields[:, :30] = 0
        labels = [np.select([f > 0.08, f < -0.08], [HAND, OBJECT], 0).astype(np.uint8) for f in fields]
        outlines = Outlines.of(*labels)
        for label in (HAND, OBJECT):
            pair = outlines.pair(label)
            assert pair is not None
            for found, image in ((pair.predicted, labels[0]), (pair.target, labels[1])):
                mask = image == label
                # border_value=1: what lies beyond the image does not erode the mask.
                rim = mask & ~np.asarray(ndimage.binary_erosion(mask, cross, border_value=1), bool)
                assert np.array_equal(found, rim[pair.box])
                assert found.sum() == rim.sum()


def test_distances_are_exact_inside_the_box() -> None:
    pair = Outlines.of(square(6, 9, 7), square(5, 6, 8)).pair(HAND)
    assert pair is not None and not pair.one_sided
    y, x = pair.box
    assert (y.start, x.start) == (5 - BAND_PX, 6 - BAND_PX)
    everywhere = np.zeros((24, 24), bool)
    everywhere[pair.box] = pair.target
    expected = np.asarray(ndimage.distance_transform_edt(~everywhere))[pair.box]
    assert np.allclose(pair.to_target_px, expected, atol=1e-4)


def test_a_class_in_one_image_only_is_one_sided_and_in_none_is_nothing() -> None:
    outlines = Outlines.of(square(0, 0, 0), square(5, 6, 8))
    hand = outlines.pair(HAND)
    assert hand is not None and hand.one_sided
    assert hand.to_predicted_px.min() > 1000
    assert outlines.pair(OBJECT) is None
    empty = Outlines.of(square(0, 0, 0), square(0, 0, 0))
    assert empty.box is None and empty.pair(HAND) is None


def test_box_is_cut_at_the_image() -> None:
    assert box_of(square(0, 20, 4) > 0, margin_px=2) == (slice(0, 6), slice(18, 24))
    assert box_of(np.zeros((3, 4), bool)) is None
