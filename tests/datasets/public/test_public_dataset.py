import numpy as np
import pytest

from graspseg.datasets.public.dataset import Card, Source, label_hand_only
from graspseg.datasets.public.registry import DATASETS


def test_hand_only_labels_without_a_hand_are_background() -> None:
    depth_m = np.full((2, 3), 0.5, np.float32)
    np.testing.assert_array_equal(label_hand_only(np.zeros((2, 3), bool), depth_m), np.zeros((2, 3)))


def test_a_hand_without_measurement_ignores_nothing() -> None:
    hand = np.array([[True, False]])
    np.testing.assert_array_equal(label_hand_only(hand, np.array([[0.0, 0.5]], np.float32)), [[1, 0]])


def test_reach_is_counted_from_the_hands_own_depths() -> None:
    depth_m = np.array([[0.30, 0.41, 0.5, 0.6, 0.69, 0.71, 0.0]], np.float32)
    hand = np.array([[False, False, True, True, False, False, False]])
    np.testing.assert_array_equal(label_hand_only(hand, depth_m, near_m=0.1), [[0, 255, 1, 1, 255, 0, 0]])


@pytest.mark.parametrize("official", [True, False])
def test_one_official_source_verifies_a_fact(official: bool) -> None:
    card = DATASETS["dexycb"].card
    sources = (*(each for each in card.sources if each.fact != "licence"), Source("licence", "page", official))
    changed = Card(**{**vars(card), "sources": sources})
    assert changed.verified == official and changed.unverified == (() if official else ("licence",))
