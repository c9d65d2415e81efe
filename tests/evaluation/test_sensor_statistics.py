"""Statistics of depth frames, worked by hand on drawn ones."""

from __future__ import annotations

import numpy as np
import pytest

from graspseg.evaluation.sensor_statistics import (
    Settings,
    autocorrelation,
    between,
    crossings,
    holes,
    quantization_step,
    raggedness,
    smooth_patches,
    surfaces,
    without_depth,
)
from graspseg.evaluation.sensor_summary import SensorSummary, weighted_quantile

SETTINGS = Settings(noise_bins_m=(0.4, 0.6, 0.9))


def frame() -> np.ndarray:
    """A near block at 0.5 m in columns 40-79, a void of 4 px left and 10 px right of it, a wall at 0.8 m."""
    depth_m = np.full((100, 120), 0.8, np.float32)
    depth_m[:, 36:90] = 0
    depth_m[:, 40:80] = 0.5
    return depth_m


def found_in(depth_m: np.ndarray):
    return crossings(depth_m, surfaces(depth_m, jump_m=SETTINGS.jump_m, smallest_px=SETTINGS.smallest_px), SETTINGS)


def test_surfaces_end_at_jumps_and_leave_out_what_is_small() -> None:
    depth_m = np.full((40, 40), 0.5, np.float32)
    depth_m[:, 20:] = 0.52
    depth_m[5:10, 5:10] = 0.7
    assert surfaces(depth_m, jump_m=0.012, smallest_px=300).sum() == 1600 - 25
    # 780 pixels left of the jump, 800 right of it.
    assert surfaces(depth_m, jump_m=0.012, smallest_px=790).sum() == 800
    assert surfaces(depth_m, jump_m=0.03, smallest_px=1500).sum() == 1600 - 25


def test_crossings_know_side_and_width() -> None:
    found = found_in(frame())
    left, right = found.only(found.step == -1), found.only(found.step == 1)
    assert len(left.line) == len(right.line) == 100
    assert set(left.void_px) == {4}
    assert set(right.void_px) == {10}
    assert set(right.near) == {79}
    np.testing.assert_allclose(right.disparity_step, 1 / 0.5 - 1 / 0.8, rtol=1e-6)


def test_losses_are_counted_from_the_last_near_pixel() -> None:
    depth_m = frame()
    depth_m[:50, 77] = 0  # two pixels inside the near block, in half of the rows
    found = found_in(depth_m)
    right = found.only(found.step == 1)
    assert [without_depth(depth_m, right, d).mean() for d in (1, 10, 11)] == [1, 1, 0]
    assert [without_depth(depth_m, right, -d).mean() for d in (1, 2, 3)] == [0, 0.5, 0]
    assert not without_depth(depth_m, right, 1000).any()


def test_pixels_between_two_surfaces_are_counted() -> None:
    depth_m = frame()
    depth_m[:25, 84:86] = 0.65
    depth_m[25:50, 84] = 0.505  # within the margin
    found = found_in(depth_m)
    counts = between(depth_m, found.only(found.step == 1), margin_m=0.012)
    assert counts.sum() == 50
    assert set(counts[:25]) == {2}


def test_raggedness_of_straight_and_of_toothed_outlines() -> None:
    line = np.arange(40)
    assert raggedness(line, 2 * line).max() < 1e-9
    toothed = raggedness(line, 10 + line % 2)
    # +-0.5 px teeth over 9 lines: variance 20/81, little of which a line explains.
    np.testing.assert_allclose(toothed, np.sqrt(20 / 81), rtol=0.02)
    assert len(raggedness(line, 10 * line)) == 0


def test_noise_and_its_correlation() -> None:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:200, :200]
    curved = (0.5 + 1e-6 * (x - 100) ** 2 + 1e-4 * y).astype(np.float32)
    everywhere = np.ones_like(curved, bool)
    assert smooth_patches(curved, everywhere, SETTINGS).rms_m.max() < 1e-6
    white = rng.normal(0, 0.001, curved.shape).astype(np.float32)
    patches = smooth_patches(curved + white, everywhere, SETTINGS)
    # Six of 81 degrees of freedom go to the surface.
    assert np.sqrt((patches.rest_m**2).mean()) == pytest.approx(0.001 * np.sqrt(75 / 81), rel=0.03)
    assert abs(autocorrelation(patches.rest_m, lag_px=1)) < 0.1
    blocks = np.repeat(np.repeat(white[:100, :100], 2, axis=0), 2, axis=1)
    assert autocorrelation(smooth_patches(curved + blocks, everywhere, SETTINGS).rest_m, lag_px=1) > 0.3


def test_holes_are_the_share_of_the_near_region() -> None:
    depth_m = np.full((60, 60), 0.5, np.float32)
    depth_m[30:35, 30:35] = 0
    everything = surfaces(depth_m, jump_m=0.012, smallest_px=300)
    assert holes(depth_m, everything, SETTINGS) == pytest.approx(25 / 3600)
    assert holes(np.zeros_like(depth_m), np.zeros_like(everything), SETTINGS) == 0


def test_quantization_step_is_found() -> None:
    depth_m = np.repeat(np.arange(500, 600) * 0.001, 5)
    assert quantization_step(depth_m, least=5) == pytest.approx(0.001)
    assert quantization_step(depth_m, least=6) == 0


def test_quantiles_are_weighted_and_continuous() -> None:
    assert weighted_quantile(np.array([3, 3, 3]), np.ones(3), 0.5) == pytest.approx(3)
    assert weighted_quantile(np.array([1, 5]), np.array([1.0, 3.0]), 0.125) == pytest.approx(1)
    assert weighted_quantile(np.array([1, 5]), np.array([1.0, 3.0]), 0.625) == pytest.approx(5)


def test_a_summary_weights_crossings_like_another() -> None:
    wide = frame()
    wide[wide == np.float32(0.8)] = 1.2
    wide[:, 70:80] = 0  # a void of 20 px before the farther wall
    both, far = SensorSummary([frame(), wide], SETTINGS), SensorSummary([wide], SETTINGS)
    name = "void right, 50% quantile, px"
    assert far.table()[name] == pytest.approx(20)
    assert both.table(like=far)[name] == pytest.approx(20)
    assert both.table()["void right, 25% quantile, px"] == pytest.approx(10)
    assert both.table()["void right, 75% quantile, px"] == pytest.approx(20)
    table = both.table()
    assert table["invalid 1 px far"] == 1
    assert table["pixels between two surfaces"] == 0
    assert table["raggedness near, px"] == 0
    assert np.isnan(table["void vertical, 50% quantile, px"])


def test_frames_without_edges_say_so() -> None:
    with pytest.raises(ValueError, match="no edge"):
        SensorSummary([np.full((50, 50), 0.5, np.float32)], SETTINGS).table()
