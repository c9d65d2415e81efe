"""The sensor: one effect at a time on scenes whose outcome can be worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from graspseg.frame import Intrinsics
from graspseg.labels import BACKGROUND, HAND, OBJECT
from graspseg.synth.sensor import simulate as sensor
from graspseg.synth.sensor.mixture import draw_mixed
from graspseg.synth.sensor.parameters import SensorParameters

WIDTH, HEIGHT = 160, 120
CAMERA = Intrinsics(100.0, 100.0, 79.5, 59.5)
CLEAN = SensorParameters.clean()


def wall(depth_m: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
    return np.full((HEIGHT, WIDTH), depth_m, np.float32), np.zeros((HEIGHT, WIDTH), np.uint8)


def square_before_wall(*, near_m: float = 0.4, far_m: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
    """A hand-labeled square in rows 40-79 and columns 60-99; `far_m` 0 = nothing behind it."""
    depth_m, labels = wall(far_m)
    depth_m[40:80, 60:100], labels[40:80, 60:100] = near_m, HAND
    return depth_m, labels


def measure(scene: tuple[np.ndarray, np.ndarray], profile: SensorParameters, seed: int = 0):
    return sensor.measure(*scene, CAMERA, np.random.default_rng(seed), profile)


def test_clean_sensor_changes_nothing() -> None:
    scene = square_before_wall()
    depth_m, labels = measure(scene, CLEAN)
    np.testing.assert_array_equal(depth_m, scene[0])
    np.testing.assert_array_equal(labels, scene[1])


@pytest.mark.parametrize("seed", range(30))
def test_any_sampled_sensor_keeps_the_contract(seed: int) -> None:
    scene = square_before_wall(far_m=0.8 if seed % 2 else 0.0)
    before = [a.copy() for a in scene]
    profile = draw_mixed(np.random.default_rng(seed))
    depth_m, labels = measure(scene, profile, seed)
    again = measure(scene, profile, seed)
    assert (depth_m.dtype, labels.dtype) == (np.float32, np.uint8)
    assert np.isfinite(depth_m).all()
    assert (depth_m >= 0).all()
    assert not labels[depth_m == 0].any()
    assert set(np.unique(labels)) <= {BACKGROUND, HAND}
    assert (labels == HAND).sum() > 500
    # What is called hand has a hand's depth, up to noise and smoothing.
    assert np.abs(np.median(depth_m[labels == HAND]) - 0.4) < 0.01
    np.testing.assert_array_equal(depth_m, again[0])
    np.testing.assert_array_equal(labels, again[1])
    assert all(np.array_equal(a, b) for a, b in zip(scene, before, strict=True))


def test_sampled_sensors_differ_and_some_are_clean() -> None:
    profiles = [draw_mixed(np.random.default_rng(seed)) for seed in range(200)]
    assert len({p.baseline_m for p in profiles}) > 150
    assert 8 <= sum(p == CLEAN for p in profiles) <= 40
    assert 8 <= sum(p.fatten_px > 0 for p in profiles) <= 60


def test_another_seed_is_another_frame() -> None:
    scene = square_before_wall()
    assert not np.array_equal(measure(scene, SensorParameters(), 1)[0], measure(scene, SensorParameters(), 2)[0])


@pytest.mark.parametrize("side", [1, -1])
def test_shadow_is_as_wide_as_the_disparity_step(side: int) -> None:
    # f B (1 / 0.4 - 1 / 0.8) = 100 x 0.064 x 1.25 = 8 px on the side away from the projector; the last one is half lit.
    depth_m, labels = measure(square_before_wall(), replace(CLEAN, shadow=True, baseline_m=0.064 * side))
    gap = np.flatnonzero(depth_m[60] == 0)
    expected = np.arange(53, 60) if side > 0 else np.arange(100, 107)
    np.testing.assert_array_equal(gap, expected)
    assert (depth_m[20] > 0).all()
    assert (labels == HAND).sum() == 40 * 40


def test_rim_falls_on_the_far_side_only() -> None:
    profile = replace(CLEAN, rim_loss=1.0, rim_near_px=-1.0, rim_far_px=3.0, ragged_px=0.0)
    depth_m, labels = measure(square_before_wall(), profile)
    # A disk of radius 3 around each far pixel beside the square: 4 columns of wall are lost on either side.
    np.testing.assert_array_equal(np.flatnonzero(depth_m[60] == 0), [56, 57, 58, 59, 100, 101, 102, 103])
    np.testing.assert_array_equal(np.flatnonzero(depth_m[:, 80] == 0), [36, 37, 38, 39, 80, 81, 82, 83])
    assert (labels == HAND).sum() == 40 * 40


def test_near_rim_erodes_the_foreground() -> None:
    profile = replace(CLEAN, rim_loss=1.0, rim_near_px=1.0, rim_far_px=0.0, ragged_px=0.0)
    _, labels = measure(square_before_wall(far_m=0.0), profile)
    assert (labels == HAND).sum() == 36 * 36


def test_sr300_leaves_no_jump_between_measured_neighbors() -> None:
    depth_m, _ = measure(square_before_wall(), SensorParameters())
    both = (depth_m[:, 1:] > 0) & (depth_m[:, :-1] > 0)
    assert np.abs(np.diff(depth_m, axis=1))[both].max() < 0.02
    assert 0 < (depth_m == 0).sum() < 1500


def test_flying_pixels_lie_between_the_surfaces_and_are_background() -> None:
    depth_m, labels = measure(square_before_wall(), replace(CLEAN, flying=1.0))
    between = (depth_m > 0.401) & (depth_m < 0.799)
    assert 100 < between.sum() <= 160
    assert not labels[between].any()
    assert (labels == HAND).sum() == 40 * 40


def test_lateral_shift_carries_the_label_with_the_depth() -> None:
    scene = square_before_wall()
    depth_m, labels = measure(scene, replace(CLEAN, lateral_px=0.8))
    np.testing.assert_array_equal(labels == HAND, depth_m == np.float32(0.4))
    changed = (labels != scene[1]).sum()
    assert 30 < changed < 400
    assert not (labels != scene[1])[45:75, 65:95].any()


def test_reach_cuts_off_far_surfaces() -> None:
    reach = replace(CLEAN, reach_m=1.0)
    assert (measure(wall(0.99), reach)[0] > 0).all()
    assert not measure(wall(1.01), reach)[0].any()


def test_dark_objects_vanish_sooner() -> None:
    # albedo 0.2 >= (z / 1)^2 holds up to z = 0.447.
    depth_m, labels = square_before_wall(near_m=0.46, far_m=0.0)
    labels[labels == HAND] = OBJECT
    dark = replace(CLEAN, reach_m=1.0, object_albedo=0.2)
    assert not measure((depth_m, labels), dark)[0].any()
    depth_m[depth_m > 0] = 0.43
    assert (measure((depth_m, labels), dark)[0] > 0).sum() == 40 * 40


def test_grazing_surfaces_vanish() -> None:
    # A wall that recedes by s = dz/dx f / z: cos(angle) = 1 / sqrt(1 + s^2); at z = 0.5, reach 1: limit 0.25, s = 3.87.
    for slope, seen in ((3.5, True), (4.3, False)):
        depth_m, labels = wall(0.5)
        depth_m += (np.arange(WIDTH, dtype=np.float32) - 80) * np.float32(slope * 0.5 / 100.0)
        measured, _ = measure((np.maximum(depth_m, 0), labels), replace(CLEAN, reach_m=1.0))
        assert (measured[60, 80] > 0) == seen


def test_patches_without_depth_grow_with_distance() -> None:
    profile = replace(CLEAN, reach_m=1.0, patchy=0.5)
    lost = [(measure(wall(z), profile)[0] == 0).mean() for z in (0.3, 0.6, 0.9)]
    assert lost[0] < 0.01 < lost[1] < 0.1 < lost[2] < 0.5


def test_smoothing_keeps_edges_and_flattens_small_steps() -> None:
    step_m = 0.004
    depth_m, labels = wall(0.5)
    depth_m[:, 80:] += np.float32(step_m)
    smooth = replace(CLEAN, smoothing=0.5, smoothing_m=0.01)
    measured, _ = measure((depth_m, labels), smooth)
    assert 0 < np.abs(np.diff(measured[60])).max() < 0.5 * step_m
    np.testing.assert_allclose(measured[60, [40, 120]], [0.5, 0.504], atol=1e-6)
    scene = square_before_wall()
    np.testing.assert_array_equal(measure(scene, smooth)[0], scene[0])


def test_axial_noise_follows_nguyen() -> None:
    # z = 0.8: 0.0012 + 0.0019 x 0.16 = 0.001504 m for white noise of unit variance.
    white = replace(CLEAN, axial=1.0, fine=1.0, ripple_px=1)
    noise = measure(wall(0.8), white)[0] - 0.8
    assert abs(noise.mean()) < 1e-4
    assert noise.std() == pytest.approx(0.001504 * np.sqrt(2), rel=0.1)
    rippled = measure(wall(0.8), replace(white, fine=0.0, ripple_px=8))[0] - 0.8
    assert np.corrcoef(rippled[:, 1:].ravel(), rippled[:, :-1].ravel())[0, 1] > 0.9


def test_disparity_is_quantized() -> None:
    depth_m, labels = wall(0.5)
    depth_m += np.linspace(0, 0.1, WIDTH, dtype=np.float32)
    measured, _ = measure((depth_m, labels), replace(CLEAN, baseline_m=0.05, disparity_step_px=1 / 8))
    disparity = 100.0 * 0.05 / measured * 8
    np.testing.assert_allclose(disparity, np.rint(disparity), atol=1e-3)
    assert 5 < len(np.unique(measured)) < 20


def test_fattening_grows_the_foreground_with_its_label() -> None:
    depth_m, labels = measure(square_before_wall(), replace(CLEAN, fatten_px=3.0))
    assert (labels == HAND).sum() > 40 * 40 + 150
    np.testing.assert_array_equal(labels == HAND, depth_m == np.float32(0.4))


def test_holes_and_mismatches_are_background() -> None:
    scene = square_before_wall()
    holes, hole_labels = measure(scene, replace(CLEAN, holes=40.0))
    assert (holes == 0).sum() > 200
    assert not hole_labels[holes == 0].any()
    wrong, wrong_labels = measure(scene, replace(CLEAN, mismatches=20.0))
    differs = wrong != scene[0]
    assert differs.sum() > 100
    assert not wrong_labels[differs].any()


def test_empty_frame_stays_empty() -> None:
    nothing = np.zeros((HEIGHT, WIDTH), np.float32), np.zeros((HEIGHT, WIDTH), np.uint8)
    depth_m, labels = measure(nothing, replace(SensorParameters(), holes=5.0))
    assert not depth_m.any()
    assert not labels.any()


def test_speckle_loses_small_blocks() -> None:
    depth_m, labels = measure(square_before_wall(), replace(CLEAN, speckle_loss=0.01))
    assert 0.005 < (depth_m == 0).mean() < 0.02
    assert not labels[depth_m == 0].any()
