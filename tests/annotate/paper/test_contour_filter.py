"""Equation 1 on shapes worked by hand: area in pixels, perimeter in boundary pixels, squared perimeter over area."""

from __future__ import annotations

import numpy as np
import pytest

from graspseg.annotate.paper.contour_filter import contour_filter, segments


def mask(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    """White boxes (y, x, height, width) in an image of 40 x 60."""
    image = np.zeros((40, 60), np.uint8)
    for y, x, height, width in boxes:
        image[y : y + height, x : x + width] = 255
    return image


@pytest.mark.parametrize(
    ("box", "area", "perimeter"),
    [
        ((5, 5, 10, 10), 100, 36),  # a square of 10: 4 x 10 - 4 boundary pixels
        ((5, 5, 1, 30), 30, 30),  # a line: all of it is boundary
        ((5, 5, 3, 30), 90, 62),  # a band of 3: all but 1 x 28
        ((0, 0, 10, 10), 100, 36),  # beyond the image is outside
        ((7, 7, 1, 1), 1, 1),
    ],
)
def test_area_and_perimeter_by_hand(box: tuple[int, int, int, int], area: int, perimeter: int) -> None:
    found = segments(mask(box))
    assert found.area_px.tolist() == [0, area]
    assert found.perimeter_px.tolist() == [0, perimeter]


def test_the_rim_of_a_hole_is_boundary() -> None:
    """A square of 12 with a hole of 4: 144 - 16 pixels; 44 boundary pixels outside and 16 beside the hole."""
    image = mask((5, 5, 12, 12))
    image[9:13, 9:13] = 0
    found = segments(image)
    assert found.area_px[1] == 128 and found.perimeter_px[1] == 44 + 16


def test_theta_is_a_number_of_pixels_that_must_be_exceeded() -> None:
    image = mask((5, 5, 10, 10), (25, 25, 9, 11))
    assert np.count_nonzero(contour_filter(image, theta=98.0, phi=1e9)) == 100 + 99
    assert np.count_nonzero(contour_filter(image, theta=99.0, phi=1e9)) == 100
    assert np.count_nonzero(contour_filter(image, theta=100.0, phi=1e9)) == 0


def test_phi_is_what_squared_perimeter_over_area_must_stay_below() -> None:
    """36^2 / 100 = 12.96 for the square, 62^2 / 90 = 42.7 for the band: figure 2's band on top of fingers."""
    image = mask((5, 5, 10, 10), (25, 5, 3, 30))
    assert np.count_nonzero(contour_filter(image, theta=0.0, phi=42.8)) == 190
    square = contour_filter(image, theta=0.0, phi=42.7)
    np.testing.assert_array_equal(square, mask((5, 5, 10, 10)))
    assert not contour_filter(image, theta=0.0, phi=12.96).any()


def test_pieces_that_touch_at_a_corner_are_one_segment() -> None:
    image = mask((5, 5, 4, 4), (9, 9, 4, 4))
    assert segments(image).area_px.tolist() == [0, 32]


def test_an_empty_mask_stays_empty() -> None:
    assert not contour_filter(np.zeros((20, 20), np.uint8), theta=0.0, phi=100.0).any()
