from __future__ import annotations

import numpy as np
import pytest

from graspseg.review.server.shapes import fill_polygon, fill_runs


def drawn(points: list[tuple[float, float]], height: int = 4, width: int = 5) -> list[str]:
    inside = fill_polygon(np.array(points, np.float64), height, width)
    return ["".join(".#"[int(pixel)] for pixel in row) for row in inside]


def test_polygons_drawn_by_hand() -> None:
    """A pixel belongs to a polygon when its center does: x = 0.5 is inside from 0.4, not from 0.6."""
    assert drawn([(0.4, 0), (3, 0), (3, 2), (0.4, 2)]) == ["###..", "###..", ".....", "....."]
    assert drawn([(0.6, 0), (3, 0), (3, 2), (0.6, 2)]) == [".##..", ".##..", ".....", "....."]
    assert drawn([(0, 0), (4, 4), (0, 4)]) == [".....", "#....", "##...", "###.."]  # centers on the edge are outside
    bow = [(0.0, 0.0), (5.0, 4.0), (5.0, 0.0), (0.0, 4.0)]
    assert drawn(bow) == ["#...#", "##.##", "##.##", "#...#"]


def test_polygons_beyond_the_image() -> None:
    assert drawn([(-9e300, 1), (9e300, 1), (9e300, 2), (-9e300, 2)]) == [".....", "#####", ".....", "....."]
    assert drawn([(9, 9), (12, 9), (12, 12)]) == ["....."] * 4
    assert drawn([(-3, -3), (-1, -3), (-1, 9)]) == ["....."] * 4


@pytest.mark.parametrize("points", [[(0, 0), (1, 1)], [(0, 0), (1, 1), (np.nan, 0)], [(0, 0), (1, 1), (np.inf, 0)]])
def test_polygons_that_are_none(points: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError, match="at least 3 points"):
        fill_polygon(np.array(points, np.float64), 4, 4)


def test_runs_row_by_row() -> None:
    np.testing.assert_array_equal(fill_runs([1, 3, 2], 2, 3), [[False, True, True], [True, False, False]])
    for runs in ([], [5], [7], [-1, 7], [3, -3, 6]):
        with pytest.raises(ValueError, match="expected 6"):
            fill_runs(runs, 2, 3)
