"""The table of sensors: legal frames, determinism, and what the named sensors do that the mixture does not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from graspseg.cli.synth import main
from graspseg.frame import Intrinsics
from graspseg.labels import BACKGROUND, HAND
from graspseg.synth.generate import FrameMaker
from graspseg.synth.recipe import RECIPES
from graspseg.synth.sensor import simulate as sensor
from graspseg.synth.sensor.light import mix
from graspseg.synth.sensor.parameters import SensorParameters
from graspseg.synth.sensor.profiles import ALIKE, SENSORS, SensorName, describe_sensors

CAMERA = Intrinsics(100.0, 100.0, 79.5, 59.5)
CLEAN = SensorParameters.clean()


def scene(*, near_m: float = 0.4, far_m: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
    """A hand-labeled square in rows 40-79 and columns 60-99 before a wall; 160x120."""
    depth_m, labels = np.full((120, 160), far_m, np.float32), np.zeros((120, 160), np.uint8)
    depth_m[40:80, 60:100], labels[40:80, 60:100] = near_m, HAND
    return depth_m, labels


def measured(parameters: SensorParameters, of: tuple[np.ndarray, np.ndarray] | None = None, seed: int = 0):
    return sensor.measure(*(of or scene()), CAMERA, np.random.default_rng(seed), parameters)


def test_the_table_lists_every_name() -> None:
    assert tuple(SENSORS) == get_args(SensorName)
    assert [name for name, profile in SENSORS.items() if profile.calibrated] == ["sr305", "zed"]
    for profile in SENSORS.values():
        assert profile.sources or profile.principle == "none"


def test_the_list_says_what_is_uncalibrated() -> None:
    lines = dict(line.split(": ", 1) for line in describe_sensors())
    assert {name for name, words in lines.items() if "uncalibrated" in words} == {
        "d435",
        "kinect1",
        "kinect2",
        "azure",
        "soft",
        "block",
    }


def test_the_help_lists_the_sensors(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    words = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "azure: Azure Kinect" in words
    assert "(time of flight, uncalibrated)" in words


@pytest.mark.parametrize("name", SENSORS)
@pytest.mark.parametrize("seed", range(5))
def test_every_sensor_makes_legal_frames(name: SensorName, seed: int) -> None:
    parameters = SENSORS[name].draw(np.random.default_rng(seed))
    assert parameters == SENSORS[name].draw(np.random.default_rng(seed))
    depth_m, labels = measured(parameters, seed=seed)
    again = measured(parameters, seed=seed)
    assert np.isfinite(depth_m).all()
    assert (depth_m >= 0).all()
    assert not labels[depth_m == 0].any()
    assert set(np.unique(labels)) <= {BACKGROUND, HAND}
    assert (labels == HAND).sum() > 500
    np.testing.assert_array_equal(depth_m, again[0])
    np.testing.assert_array_equal(labels, again[1])


@pytest.mark.parametrize("name", [name for name in SENSORS if name not in ("mixed", "clean")])
def test_units_of_one_sensor_differ(name: SensorName) -> None:
    units = {SENSORS[name].draw(np.random.default_rng(seed)) for seed in range(20)}
    assert len(units) == 20


def test_a_flying_pixel_lies_strictly_between_the_surfaces() -> None:
    depth_m, labels = measured(replace(CLEAN, mixing_px=0.6, jump_m=0.01))
    moved = (depth_m != np.float32(0.4)) & (depth_m != np.float32(0.8))
    flying = (depth_m > 0.41) & (depth_m < 0.79)
    assert 100 < flying.sum() <= moved.sum()
    assert ((depth_m[moved] > 0.4) & (depth_m[moved] < 0.8)).all()
    assert not labels[flying].any()
    # Only pixels within 2 of the outline change.
    inner = np.zeros_like(moved)
    inner[36:84, 56:104], inner[44:76, 64:96] = True, False
    assert not moved[~inner].any()


def test_mixing_weighs_by_returned_light() -> None:
    # A spot much wider than its 5 columns weighs them by 1 / z^2 alone, 6.25 near and 1.5625 far:
    # column 4 sees three near and two far, (3 x 2.5 + 2 x 1.25) / (3 x 6.25 + 2 x 1.5625); column 5 two and three.
    depth_m = np.array([[0.4] * 5 + [0.8] * 5], np.float32)
    labels, lost = np.ones_like(depth_m, np.uint8), np.zeros_like(depth_m, np.uint8)
    out, seen = mix(
        depth_m, labels, np.array([[0, 4, 0, 5]]), lost, np.uint32(3), 1e3, 0.01, 0.0, 9.0, np.ones(256, np.float32)
    )
    np.testing.assert_allclose(out[0, 4:6], [10 / 21.875, 8.75 / 17.1875], rtol=1e-5)
    np.testing.assert_array_equal(out[0, [0, 1, 2, 7, 8, 9]], depth_m[0, [0, 1, 2, 7, 8, 9]])
    assert not seen[0, 4:6].any()


@pytest.mark.parametrize("name", ["kinect2", "azure"])
def test_time_of_flight_interpolates_its_edges(name: SensorName) -> None:
    unit = replace(SENSORS[name].draw(np.random.default_rng(1)), holes=0.0, shot_noise_m=0.0)
    depth_m, labels = measured(replace(unit, mixing_loss=0.0))
    outline = np.zeros_like(labels, bool)
    outline[39:81, 59:101], outline[41:79, 61:99] = True, False
    flying = (depth_m > 0.42) & (depth_m < 0.78)
    assert flying[outline].mean() > 0.25
    assert not labels[flying].any()
    assert (depth_m[outline] > 0).mean() > 0.99
    kept = measured(unit)[0][flying] > 0
    assert abs(1 - kept.mean() - unit.mixing_loss) < 0.2


def test_dark_things_stay_lost_at_edges() -> None:
    # Albedo 0.1 is lost beyond z = sqrt(0.1) x 1 m = 0.32 m, at the square's outline too.
    dark = replace(CLEAN, mixing_px=0.5, jump_m=0.01, reach_m=1.0, hand_albedo=0.1)
    depth_m, _ = measured(dark)
    assert not depth_m[40:80, 60:100].any()
    assert (depth_m > 0).sum() == 160 * 120 - 40 * 40


def test_dropped_flying_pixels_have_no_depth() -> None:
    kept, _ = measured(replace(CLEAN, mixing_px=0.6, jump_m=0.01))
    dropped, labels = measured(replace(CLEAN, mixing_px=0.6, jump_m=0.01, mixing_loss=1.0))
    flying = (np.abs(kept - 0.4) > 0.0101) & (np.abs(kept - 0.8) > 0.0101)
    assert flying.any()
    assert not dropped[flying].any()
    assert not labels[flying].any()


@pytest.mark.parametrize(("depth", "albedo", "expected"), [(0.5, 1.0, 0.0005), (1.0, 1.0, 0.001), (1.0, 0.25, 0.002)])
def test_noise_grows_as_light_falls(depth: float, albedo: float, expected: float) -> None:
    # sigma = 1 mm x z / sqrt(albedo), head-on.
    wall = np.full((120, 160), depth, np.float32), np.zeros((120, 160), np.uint8)
    depth_m, _ = measured(replace(CLEAN, shot_noise_m=0.001, other_albedo=albedo), wall)
    assert (depth_m - depth).std() == pytest.approx(expected, rel=0.05)
    assert abs((depth_m - depth).mean()) < 5e-5


def test_disparity_steps_are_z_squared_over_focal_baseline() -> None:
    # f B = 100 x 0.05 = 5 px m, step 1/32 px: at 0.8 m neighbors lie 0.64 / 5 / 32 = 4 mm apart.
    ramp = np.tile(np.linspace(0.77, 0.83, 160, dtype=np.float32), (120, 1)), np.zeros((120, 160), np.uint8)
    depth_m, _ = measured(replace(CLEAN, baseline_m=0.05, disparity_step_px=1 / 32), ramp)
    steps = np.diff(np.unique(depth_m))
    middle = (np.unique(depth_m)[1:] + np.unique(depth_m)[:-1]) / 2
    np.testing.assert_allclose(steps, middle**2 / (100 * 0.05) / 32, rtol=1e-3)
    assert steps[len(steps) // 2] == pytest.approx(0.004, rel=0.03)


def test_depth_comes_in_whole_steps() -> None:
    ramp = np.tile(np.linspace(0.5, 0.6, 160, dtype=np.float32), (120, 1)), np.zeros((120, 160), np.uint8)
    depth_m, _ = measured(replace(CLEAN, depth_step_m=0.001), ramp)
    np.testing.assert_allclose(depth_m * 1000, np.rint(depth_m * 1000), atol=1e-3)
    np.testing.assert_allclose(depth_m, ramp[0], atol=0.00051)
    assert len(np.unique(depth_m)) == 101


@pytest.mark.parametrize(("name", "side"), [("sr305", "right"), ("zed", "left"), ("d435", "left")])
def test_shadows_fall_on_the_sensor_s_side(name: SensorName, side: str) -> None:
    unit = replace(CLEAN, shadow=True, baseline_m=SENSORS[name].draw(np.random.default_rng(0)).baseline_m)
    gap = np.flatnonzero(measured(unit)[0][60] == 0)
    assert len(gap) >= 1
    assert (gap < 60).all() if side == "left" else (gap >= 100).all()


def test_time_of_flight_casts_no_shadow() -> None:
    for name in ("kinect2", "azure"):
        assert not SENSORS[name].draw(np.random.default_rng(0)).shadow


@pytest.mark.parametrize(("albedo", "seen"), [(0.24, False), (0.26, True)])
def test_plain_surfaces_vanish_at_any_distance(albedo: float, seen: bool) -> None:
    plain = replace(CLEAN, contrast=0.25, other_albedo=albedo)
    for depth in (0.3, 0.9):
        wall = np.full((120, 160), depth, np.float32), np.zeros((120, 160), np.uint8)
        assert (measured(plain, wall)[0] > 0).all() == seen
        assert (measured(plain, wall)[0] > 0).any() == seen


@pytest.mark.parametrize(("slope", "seen"), [(1.5, True), (2.0, False)])
def test_slanted_surfaces_need_more_contrast(slope: float, seen: bool) -> None:
    # Slope s = dz/dx f / z: cos(angle) = 1 / sqrt(1 + s^2), 0.555 and 0.447 about the limit 0.5.
    depth_m = np.full((120, 160), 0.5, np.float32)
    depth_m += (np.arange(160, dtype=np.float32) - 80) * np.float32(slope * 0.5 / 100)
    wall = np.maximum(depth_m, 0), np.zeros((120, 160), np.uint8)
    assert (measured(replace(CLEAN, contrast=0.5), wall)[0][60, 80] > 0) == seen


@pytest.mark.parametrize("side", [1, -1])
def test_the_other_eye_s_border_is_lost(side: int) -> None:
    # f B / z = 100 x 0.05 / 0.5 = 10 px: columns 0-9 lie outside the other image (or the last ten).
    wall = np.full((120, 160), 0.5, np.float32), np.zeros((120, 160), np.uint8)
    depth_m, _ = measured(replace(CLEAN, border=True, baseline_m=0.05 * side), wall)
    lost = np.flatnonzero(depth_m[60] == 0)
    np.testing.assert_array_equal(lost, np.arange(10) if side > 0 else np.arange(150, 160))


def test_islands_fill_voids_with_depths_in_between() -> None:
    shadow = replace(CLEAN, shadow=True, baseline_m=0.2)  # 25 px wide
    empty = measured(shadow)[0] == 0
    depth_m, labels = measured(replace(shadow, islands=1.0, island_cell_px=6))
    filled = empty & (depth_m > 0)
    assert 0.1 < filled.sum() / empty.sum() < 0.8
    assert ((depth_m[filled] > 0.4) & (depth_m[filled] < 0.8)).all()
    assert not labels[filled].any()
    assert (depth_m[~empty] == scene()[0][~empty]).all()


def test_frames_of_a_sensor_are_another_data_set(tmp_path: Path) -> None:
    options = ["--out", str(tmp_path), "--count", "1", "--split", "val", "--workers", "1", "--sensor"]
    assert main([*options, "azure"]) == 0
    described = json.loads((tmp_path / "dataset.json").read_text())
    assert described["recipe"]["sensor"] == "azure"
    assert "sensor azure" in described["provenance"]
    with pytest.raises(ValueError, match="another data set"):
        main([*options, "zed"])


def test_a_sensor_changes_the_measurement_not_the_scene() -> None:
    camera = Intrinsics.default(640, 480)
    names: tuple[SensorName, ...] = ("clean", "kinect2")
    recipes = [replace(RECIPES["exam1"], sensor=name) for name in names]
    clean, kinect = (FrameMaker("val", 3, intrinsics=camera, recipe=recipe).make(0) for recipe in recipes)
    both = (clean.depth_m > 0) & (kinect.depth_m > 0)
    assert both.mean() > 0.02
    assert np.median(np.abs(clean.depth_m - kinect.depth_m)[both]) < 0.005
    assert not np.array_equal(clean.depth_m, kinect.depth_m)


def test_what_measures_before_a_recorded_background_is_of_its_principle_and_frozen() -> None:
    assert ALIKE == {
        "structured light": ("sr305",),
        "active stereo": ("d435",),
        "time of flight": ("kinect2", "azure"),
        "passive stereo": ("zed", "soft"),
    }
    assert all(SENSORS[name].principle == principle for principle, names in ALIKE.items() for name in names)
