"""Products of vectors are NumPy's own, to the bit."""

from __future__ import annotations

import numpy as np
import pytest

from graspseg.synth.render.vectors import cross


@pytest.mark.parametrize("shapes", [((3,), (3,)), ((7, 3), (7, 3)), ((7, 3), (3,)), ((3,), (7, 3))])
def test_cross_product_is_that_of_numpy_to_the_bit(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        a, b = (rng.normal(size=shape) for shape in shapes)
        np.testing.assert_array_equal(cross(a, b), np.cross(a, b))
