"""Pieces that the network hardly believes in."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, UInt8

from graspseg.labels import BACKGROUND
from graspseg.segment.pieces import number_pieces

# Apart from the largest piece, smaller than this share of it and believed less than that: more often a face, hair or
# clutter than a second hand.
SMALLEST_SHARE, BELIEF = 0.3, 0.75


def drop_small_components(labels: UInt8[np.ndarray, "h w"], belief: Float32[np.ndarray, "h w"]) -> None:
    """Make small pieces background, in place, that are apart from the largest and not believed in.

    Args:
        labels: labels of a frame, or of a part that holds all hand and object.
        belief: probability of hand or object where labels say so.
    """
    count, pieces = number_pieces(labels)
    if count < 2:
        return
    found = np.flatnonzero(labels != BACKGROUND)
    numbers = pieces.ravel()[found]
    areas = np.bincount(numbers, minlength=count + 1)
    small = areas < SMALLEST_SHARE * areas.max()
    small[0] = False
    if not small.any():
        return
    total = np.bincount(numbers, weights=belief.ravel()[found], minlength=count + 1)
    uncertain = small & (total < BELIEF * areas)
    if uncertain.any():
        labels[uncertain[pieces]] = BACKGROUND
