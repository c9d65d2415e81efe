"""The background elimination against values worked by hand."""

from __future__ import annotations

import numpy as np

from graspseg.labels import HAND, IGNORE, OBJECT
from graspseg.synth.elimination import keep_near


def test_what_lies_farther_behind_the_nearest_surface_goes() -> None:
    depth = np.array([[0.2, 0.5, 0.6], [0.65, 0.0, 0.9]], np.float32)
    labels = np.array([[0, HAND, OBJECT], [HAND, 0, IGNORE]], np.uint8)
    near, seen = keep_near(depth, labels, 0.125)
    np.testing.assert_array_equal(near, np.array([[0.2, 0.5, 0.6], [0, 0, 0]], np.float32))
    np.testing.assert_array_equal(seen, [[0, HAND, OBJECT], [0, 0, 0]])
    # What lies exactly that far away goes, too.
    assert keep_near(depth, labels, float(np.float32(0.6) - np.float32(0.5)))[0][0, 2] == 0


def test_without_hand_and_object_everything_stays() -> None:
    depth, labels = np.full((2, 3), 0.7, np.float32), np.full((2, 3), IGNORE, np.uint8)
    near, seen = keep_near(depth, labels, 0.1)
    np.testing.assert_array_equal(near, depth)
    np.testing.assert_array_equal(seen, labels)
    assert near is not depth
