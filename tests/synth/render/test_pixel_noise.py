"""Coarse noise is linear between the hashes at the corners of its cells."""

from __future__ import annotations

import numpy as np
import pytest

from graspseg.synth.render.pixel_noise import gauss, interpolate_row, lattice


@pytest.mark.parametrize("cell", [1, 3, 8])
def test_a_row_lies_between_the_corners_around_it(cell: int) -> None:
    height, width, seed = 11, 20, np.uint32(5)
    corners = lattice(seed, 7, height, width, cell)
    row, between = np.empty(width, np.float32), np.empty(width + 2, np.float32)
    for y in range(height):
        interpolate_row(corners, y, cell, between, row)
        for x in range(width):
            j, i, t, s = y // cell, x // cell, (y % cell) / cell, (x % cell) / cell
            at = [[gauss(seed, j + b, i + a, 7) for a in (0, 1)] for b in (0, 1)]
            left, right = (1 - t) * at[0][0] + t * at[1][0], (1 - t) * at[0][1] + t * at[1][1]
            assert row[x] == pytest.approx((1 - s) * left + s * right, abs=1e-6)
