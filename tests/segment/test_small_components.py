"""Small pieces apart that the network hardly believes in."""

from __future__ import annotations

import numpy as np

from graspseg.labels import HAND, OBJECT
from graspseg.segment.small_components import drop_small_components

# 100 pixels of hand; 29 and 30 apart, the first below the share of 0.3; and 8 with object in them.
LABELS = np.zeros((24, 40), np.uint8)
LABELS[2:12, 2:12] = HAND
LABELS[2:3, 14:39] = HAND
LABELS[3:4, 14:18] = HAND
LABELS[6:9, 20:30] = HAND
LABELS[20:22, 5:9] = HAND
LABELS[20, 5:9] = OBJECT


def _after(belief: np.ndarray) -> np.ndarray:
    labels = LABELS.copy()
    drop_small_components(labels, belief.astype(np.float32))
    return labels


def test_what_is_believed_stays() -> None:
    assert (_after(np.full(LABELS.shape, 0.8)) == LABELS).all()


def test_small_doubtful_pieces_go_and_the_largest_and_larger_ones_stay() -> None:
    expected = LABELS.copy()
    expected[2:4, 14:] = 0
    expected[20:22] = 0
    assert (_after(np.full(LABELS.shape, 0.6)) == expected).all()


def test_the_mean_over_a_piece_counts() -> None:
    belief = np.full(LABELS.shape, 0.9)
    belief[20, 5:9] = 0.5
    # (0.9 + 0.5) / 2 = 0.7 is below 0.75.
    expected = LABELS.copy()
    expected[20:22] = 0
    assert (_after(belief) == expected).all()
    belief[20, 5:7] = 0.9
    assert (_after(belief) == LABELS).all()


def test_nothing_and_a_single_piece_stay() -> None:
    labels = np.zeros((5, 6), np.uint8)
    drop_small_components(labels, np.zeros((5, 6), np.float32))
    assert not labels.any()
    labels[2, 3] = HAND
    drop_small_components(labels, np.full((5, 6), 0.4, np.float32))
    assert labels[2, 3] == HAND
