"""The color camera: gamma, white balance and noise against values worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from graspseg.synth.color.camera import Exposure, neutral_balance, photograph
from graspseg.synth.color.light import light_color


def flat(color: np.ndarray | float, side: int = 64) -> np.ndarray:
    return np.broadcast_to(np.asarray(color, np.float32), (side, side, 3)).copy()


@pytest.mark.parametrize(("linear", "code"), [(0.0, 0), (0.001, 3), (0.2140, 127), (0.5, 188), (1.0, 255), (4.0, 255)])
def test_gamma_by_hand(linear: float, code: int) -> None:
    """0.001 is on the straight part: 12.92 x 0.001 x 255 = 3.3; 1.055 x 0.5^(1/2.4) - 0.055 = 0.7354 = 187.5 / 255."""
    picture = photograph(flat(linear), Exposure(), seed=0)
    assert abs(int(picture[0, 0, 0]) - code) <= 1
    assert (picture == picture[0, 0, 0]).all()


@pytest.mark.parametrize("kelvin", [2700.0, 4000.0, 6500.0, 7500.0])
def test_gray_in_any_light_is_gray_after_its_own_balance(kelvin: float) -> None:
    seen = flat(0.3 * light_color(kelvin))
    balanced = photograph(seen, Exposure(white_balance=neutral_balance(light_color(kelvin))), seed=0)
    assert np.ptp(balanced[0, 0].astype(int)) <= 1
    if kelvin < 5000:
        assert np.ptp(photograph(seen, Exposure(), seed=0)[0, 0].astype(int)) > 30


def test_exposure_is_a_factor_on_light() -> None:
    np.testing.assert_array_equal(
        photograph(flat(0.1), Exposure(gain=2.0), seed=0), photograph(flat(0.2), Exposure(), seed=0)
    )


def test_noise_has_the_variance_of_its_model() -> None:
    """At signal 0.25 the slope of the sRGB curve is 1.055 / 2.4 x 0.25^(1 / 2.4 - 1) = 0.9868."""
    exposure = Exposure(shot=0.001, read=0.00005)
    picture = photograph(flat(0.25, 256), exposure, seed=3).astype(float)
    expected = np.sqrt(0.001 * 0.25 + 0.00005) * 0.9868 * 255
    assert picture.std() == pytest.approx(expected, rel=0.05)
    assert (photograph(flat(0.25, 256), exposure, seed=4) != picture).any()


def test_blur_spreads_a_step() -> None:
    step = flat(0.0)
    step[:, 32:] = 1.0
    sharp, soft = (photograph(step, Exposure(blur_px=blur), seed=0)[5, 28:36, 0] for blur in (0.0, 0.8))
    assert set(sharp.tolist()) == {0, 255}
    assert 0 < soft[3] < soft[4] < 255
