"""Thresholds in HSV space, and opening and closing."""

from __future__ import annotations

import numpy as np
import pytest

from graspseg.annotate.denoise import denoise
from graspseg.annotate.paper.morphology import clean
from graspseg.annotate.paper.skin import HsvThresholds, hsv_skin
from graspseg.annotate.settings import AnnotateSettings, Cleaning
from graspseg.errors import InputError

COLORS = np.array([[(200, 150, 120), (200, 120, 130), (60, 120, 200), (120, 120, 120), (20, 12, 10)]], np.uint8)


def test_thresholds_hold_hues_on_both_sides_of_red() -> None:
    """By hand: (200, 150, 120) has hue 22.5, saturation 102, value 200; (200, 120, 130) has hue -7.5."""
    both = hsv_skin(COLORS, HsvThresholds((-20.0, 40.0), (50.0, 150.0), (50.0, 255.0)))
    assert both.tolist() == [[255, 255, 0, 0, 0]]
    above = hsv_skin(COLORS, HsvThresholds((0.0, 40.0), (50.0, 150.0), (50.0, 255.0)))
    assert above.tolist() == [[255, 0, 0, 0, 0]]


def test_thresholds_around_colors_hold_them_and_little_else() -> None:
    rng = np.random.default_rng(0)
    skin = np.clip(np.array([200, 130, 125]) + rng.normal(0, 6, (500, 3)), 0, 255).astype(np.uint8)
    found = hsv_skin(np.concatenate([skin, COLORS[0]])[None], HsvThresholds.around(skin))[0]
    assert np.count_nonzero(found[:500]) > 420
    assert found[502:].tolist() == [0, 0, 0]


def test_an_empty_range_is_refused() -> None:
    with pytest.raises(InputError, match="saturation"):
        HsvThresholds(saturation=(90.0, 20.0))


def test_opening_removes_specks_and_closing_fills_pinholes() -> None:
    image = np.zeros((40, 40), np.uint8)
    image[10:30, 10:30] = 255
    image[20, 20], image[3, 3] = 0, 255
    found = clean(image, 3)
    assert found[20, 20] == 255 and found[3, 3] == 0
    np.testing.assert_array_equal(clean(image, 1), image)


def test_denoising_takes_no_color_from_outside() -> None:
    color = np.zeros((20, 20, 3), np.uint8)
    color[:, :10], color[:, 10:] = (100, 50, 20), (0, 255, 255)
    mask = np.zeros((20, 20), np.uint8)
    mask[:, :10] = 255
    np.testing.assert_allclose(denoise(color, mask).astype(int), color.astype(int), atol=1)
    noisy = color.astype(np.int64) + np.random.default_rng(0).integers(-20, 21, color.shape)
    smooth = denoise(np.clip(noisy, 0, 255).astype(np.uint8), mask)
    assert smooth[:, :10, 0].std() < 5 < np.clip(noisy, 0, 255)[:, :10, 0].std()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AnnotateSettings(depth_range_m=0.0), "depth range"),
        (lambda: AnnotateSettings(flying_m=0.0), "flying_m"),
        (lambda: Cleaning(4, 10.0, 100.0), "odd"),
        (lambda: Cleaning(3, 10.0, 0.0), "phi"),
    ],
)
def test_thresholds_out_of_range_are_refused(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(InputError, match=message):
        make()
