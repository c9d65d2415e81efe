import numpy as np
import pytest

from graspseg.forest.answer import Answer


def answer(depth_m: np.ndarray, **changes: object) -> Answer:
    """Two grid pixels, 4 frame pixels apart: hand at 0.5 m on the left, object at 0.6 m on the right."""
    values = {
        "depth_m": depth_m.astype(np.float32),
        "probabilities": np.array([[[0.1, 0.9, 0.0], [0.1, 0.0, 0.9]]], np.float32),
        "grid_depth_m": np.array([[0.5, 0.6]], np.float32),
        "classes": np.array([[1, 2]], np.uint8),
        "first": (1, 2),
        "cell": 4,
        "box": (0, 0, depth_m.shape[1], depth_m.shape[0]),
        "half_m": 0.01,
    }
    return Answer(**(values | changes))  # pyright: ignore[reportArgumentType]


def test_edges_follow_depth_not_distance() -> None:
    depth = np.full((3, 9), 0.5)
    depth[:, 5:] = 0.6
    labels, confidence = answer(depth).labels()
    # The middle between the grid pixels is column 4; the step in depth is at 5.
    np.testing.assert_array_equal(labels[1], [1, 1, 1, 1, 1, 2, 2, 2, 2])
    assert confidence is not None and 0.8 < confidence <= 0.9


def test_a_weight_worked_by_hand() -> None:
    depth = np.full((3, 9), 0.55)
    planes = np.zeros((3, 3, 9), np.float32)
    answer(depth).add_to(planes)
    # Column 3 is a quarter of the way; both grid pixels are 5 cm off and count 1/26. Both rows of grid are the same.
    left, right = 0.75 + 2e-3, 0.25 + 2e-3
    np.testing.assert_allclose(planes[1, 1, 3], 0.9 * left / (left + right), atol=1e-5)
    np.testing.assert_allclose(planes.sum(axis=0), 1, atol=1e-5)


def test_labels_are_the_largest_probabilities_and_nothing_is_said_outside_the_box() -> None:
    depth = np.linspace(0.45, 0.65, 27).reshape(3, 9)
    depth[1, 4] = 0
    planes = np.zeros((3, 3, 9), np.float32)
    planes[0] = 1
    given = answer(depth, box=(1, 0, 8, 2))
    given.add_to(planes)
    labels, _ = given.labels()
    np.testing.assert_array_equal(labels, planes.argmax(axis=0))
    np.testing.assert_array_equal(planes[:, 1, 4], [1, 0, 0])
    assert not labels[2].any() and not labels[:, 0].any() and not labels[:, 8].any()


def test_background_has_no_confidence() -> None:
    background = np.tile(np.array([1, 0, 0], np.float32), (1, 2, 1))
    labels, confidence = answer(
        np.full((3, 9), 0.5), probabilities=background, classes=np.zeros((1, 2), np.uint8)
    ).labels()
    assert not labels.any() and confidence is None


@pytest.mark.parametrize("depth", [0.5, 9.0])
def test_grid_pixels_without_depth_count_nothing(depth: float) -> None:
    labels, _ = answer(np.full((3, 9), depth), grid_depth_m=np.array([[0.0, 0.6]], np.float32)).labels()
    assert (labels == 2).all()
