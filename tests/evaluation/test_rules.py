import numpy as np
import pytest

from graspseg.evaluation.rules import RULES, everything_is_hand, near_is_hand, nearest_component_is_hand
from graspseg.frame import Frame
from graspseg.labels import HAND


def scene(unit_m: float = 0.001) -> tuple[Frame, np.ndarray]:
    """A sloping hand at 0.50-0.59 m, an object 12 cm behind its near end, a wall, a flying pixel; and the hand."""
    depth_m = np.full((60, 80), 1.2)
    depth_m[:, :5] = 0
    depth_m[10:40, 10:40] = np.linspace(0.5, 0.59, 30)
    depth_m[10:40, 45:65] = 0.62
    depth_m[55, 70] = 0.2
    hand = np.zeros((60, 80), bool)
    hand[10:40, 10:40] = True
    return Frame(np.rint(depth_m / unit_m).astype(np.uint16), unit_m), hand


def test_everything_measured_is_hand() -> None:
    frame, _ = scene()
    assert np.array_equal(everything_is_hand(frame) == HAND, frame.depth > 0)


@pytest.mark.parametrize("unit_m", [0.001, 0.0001])
def test_range_counts_from_the_nearest_measurement_in_meters(unit_m: float) -> None:
    frame, hand = scene(unit_m)
    assert (near_is_hand(frame) == HAND).sum() == 1
    frame.depth[55, 70] = 0
    expected = hand.copy()
    expected[10:40, 45:65] = True
    assert np.array_equal(near_is_hand(frame) == HAND, expected)


def test_nearest_component_follows_a_slope_but_jumps_no_step_and_no_speck() -> None:
    frame, hand = scene()
    assert np.array_equal(nearest_component_is_hand(frame) == HAND, hand)


def test_specks_alone_are_no_hand() -> None:
    depth = np.zeros((30, 30), np.uint16)
    depth[::3, ::3] = 500
    assert not nearest_component_is_hand(Frame(depth)).any()


@pytest.mark.parametrize("name", RULES)
def test_a_frame_without_measurement_is_background(name: str) -> None:
    labels = RULES[name].apply(Frame(np.zeros((12, 16), np.uint16)))
    assert labels.shape == (12, 16)
    assert not labels.any()
