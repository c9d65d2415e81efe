"""Colors of finished labels, on pictures worked by hand."""

import cv2
import numpy as np
import pytest

from graspseg.annotate.contrast import weigh_colors
from graspseg.labels import HAND, OBJECT

RED, GREEN = (200, 40, 40), (40, 160, 40)


def lab(color: tuple[int, int, int]) -> np.ndarray:
    return cv2.cvtColor(np.full((1, 1, 3), color, np.float32) / 255, cv2.COLOR_RGB2Lab)[0, 0]


def scene() -> tuple[np.ndarray, np.ndarray]:
    """A hand of 40x40 pixels, red; right beside it an object, green."""
    labels, picture = np.zeros((60, 120), np.uint8), np.zeros((60, 120, 3), np.uint8)
    labels[10:50, 10:50], picture[10:50, 10:50] = HAND, RED
    labels[10:50, 50:90], picture[10:50, 50:90] = OBJECT, GREEN
    return labels, picture


def test_two_even_colors() -> None:
    found = weigh_colors(*scene())
    away = (lab(RED) - lab(GREEN)) * [0.5, 1, 1]
    assert found.contrast == pytest.approx(np.linalg.norm(away), rel=1e-4)
    assert found.border_contrast == pytest.approx(found.contrast)
    assert (found.hand_spread, found.object_spread, found.hand_thin, found.object_thin) == (0, 0, 0, 0)


def test_a_leak_spreads_the_colors_and_ends_the_contrast_at_the_border() -> None:
    labels, picture = scene()
    labels[10:50, 50:60] = HAND  # 400 of now 2000 hand pixels show the object
    found = weigh_colors(labels, picture)
    away = np.hypot(*(lab(RED) - lab(GREEN))[1:])
    assert found.hand_spread == pytest.approx(away * 400 / 2000, rel=1e-4)
    assert found.border_contrast == 0 and found.contrast > 50


def test_thin_parts() -> None:
    labels, picture = scene()
    labels[5:10, 10:50] = HAND  # five rows on top are no part of their own; a bridge of 5 x 20 to nowhere is
    labels[28:33, 90:110] = OBJECT
    found = weigh_colors(labels, picture)
    assert found.hand_thin == 0
    assert found.object_thin == pytest.approx(100 / 1700, abs=0.003)


def test_nothing_to_see() -> None:
    labels, picture = scene()
    blind = weigh_colors(labels, np.zeros_like(picture))
    assert (blind.contrast, blind.border_contrast, blind.hand_spread) == (0, 0, 0)
    assert set(vars(weigh_colors(np.zeros_like(labels), picture)).values()) == {0.0}
