import numpy as np
import pytest

from graspseg.forest.smoothing import absorb_small_pieces, bilateral


def planes(labels: list[list[int]]) -> np.ndarray:
    """Probabilities of 0.8 for these labels, 0.15 for the next class and 0.05 for the last."""
    array = np.array(labels)
    out = np.full((*array.shape, 3), 0.05, np.float32)
    np.put_along_axis(out, array[..., None], 0.8, axis=2)
    np.put_along_axis(out, (array[..., None] + 1) % 3, 0.15, axis=2)
    return out


def test_like_depth_is_averaged_and_other_depth_is_not() -> None:
    depth = np.full((1, 4), 0.5, np.float32)
    depth[0, 2:] = 5.0
    probabilities = planes([[1, 2, 2, 2]])
    out, filled = bilateral(probabilities, depth, np.float32(0.01))
    np.testing.assert_array_equal(filled, depth)
    near = np.exp(-0.5 / 1.5**2)
    expected = (probabilities[0, 0] + near * probabilities[0, 1]) / (1 + near)
    # Depth that differs by 450 times the half-weight difference counts 1/200,000.
    np.testing.assert_allclose(out[0, 0], expected, atol=1e-4)
    np.testing.assert_allclose(out[0, 3], probabilities[0, 3], atol=1e-4)
    np.testing.assert_allclose(out.sum(axis=2), 1, atol=1e-6)


def test_a_neighbor_at_the_half_weight_difference_counts_half() -> None:
    depth = np.array([[0.5, 0.51]], np.float32)
    probabilities = planes([[1, 2]])
    out, _ = bilateral(probabilities, depth, np.float32(0.01))
    share = 0.5 * np.exp(-0.5 / 1.5**2)
    np.testing.assert_allclose(out[0, 0], (probabilities[0, 0] + share * probabilities[0, 1]) / (1 + share), atol=1e-5)


def test_pixels_without_depth_take_their_neighbors_means_and_give_nothing() -> None:
    depth = np.array([[0.5, 0.0, 0.7] + 4 * [0.0]], np.float32)
    probabilities = planes([[1, 0, 1, 0, 0, 0, 0]])
    out, filled = bilateral(probabilities, depth, np.float32(0.01))
    np.testing.assert_allclose(out[0, 0], probabilities[0, 0], atol=1e-3)
    np.testing.assert_allclose(out[0, 1], probabilities[0, 0], atol=1e-6)
    assert filled[0, 1] == pytest.approx(0.6)
    np.testing.assert_array_equal(out[0, 6], [1, 0, 0])
    assert filled[0, 6] == 0


def test_small_pieces_and_holes_take_the_class_around_them() -> None:
    labels = np.zeros((9, 12), int)
    labels[1:8, 1:8] = 1
    labels[3, 3] = 0  # a hole
    labels[5, 4:6] = 2  # an island
    labels[4, 10] = 2  # a speck in the background
    probabilities = planes(labels.tolist())
    found = absorb_small_pieces(probabilities, 4)
    expected = np.zeros((9, 12), int)
    expected[1:8, 1:8] = 1
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(probabilities.argmax(axis=2), expected)
    np.testing.assert_allclose(probabilities.sum(axis=2), 1, atol=1e-6)
    np.testing.assert_allclose(probabilities[3, 3], [0.15, 0.8, 0.05])


def test_pieces_large_enough_stay() -> None:
    labels = [[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 2, 0]]
    before = planes(labels)
    after = before.copy()
    np.testing.assert_array_equal(absorb_small_pieces(after, 1), labels)
    np.testing.assert_array_equal(after, before)


def test_a_region_of_one_small_piece_keeps_its_class() -> None:
    assert (absorb_small_pieces(planes([[2, 2], [2, 2]]), 10) == 2).all()
