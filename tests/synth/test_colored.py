"""Colored frames: depth and labels as without color, files and calibration of colored data sets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from graspseg.cli.synth import main
from graspseg.datasets.folder import FolderDataset
from graspseg.datasets.shards import ShardDataset
from graspseg.errors import InputError
from graspseg.frame import Intrinsics
from graspseg.synth.color.picture import render_color
from graspseg.synth.colored import ColorMaker, color_settings
from graspseg.synth.generate import HEIGHT, WIDTH, FrameMaker
from graspseg.synth.recipe import RECIPES
from graspseg.synth.scene.floating import SceneMaker


def test_depth_and_labels_are_those_without_color() -> None:
    camera = Intrinsics.default(WIDTH, HEIGHT)
    plain = FrameMaker("val", 4, intrinsics=camera)
    for mode in ("aligned", "rig"):
        colored = ColorMaker(FrameMaker("val", 4, intrinsics=camera), color_settings(mode, 4, error_px=3.0))
        for index in (0, 7):
            made, expected = colored.make(index), plain.make(index)
            np.testing.assert_array_equal(made.depth_m, expected.depth_m)
            np.testing.assert_array_equal(made.labels, expected.labels)
            assert made.intrinsics == expected.intrinsics
            assert made.color.rgb.shape == (HEIGHT, WIDTH, 3)
            assert (made.frame().color is made.color.rgb) == (mode == "aligned")


def test_frames_depend_on_seed_and_index_alone() -> None:
    settings = color_settings("aligned", 2, error_px=0.0)
    one, other = (ColorMaker(FrameMaker("train", 2), settings) for _ in range(2))
    first = one.make(5).color.rgb
    one.make(6)
    np.testing.assert_array_equal(one.make(5).color.rgb, first)
    np.testing.assert_array_equal(other.make(5).color.rgb, first)


def test_frames_of_a_clip_share_materials_and_light_but_no_noise() -> None:
    frames = FrameMaker("val", 2, recipe=RECIPES["wild"], clip_length=2)
    maker = ColorMaker(frames, color_settings("aligned", 2, error_px=0.0), clip_length=2)
    records = [maker.make(index).color.record for index in range(4)]
    assert records[0]["light"] == records[1]["light"] != records[2]["light"] == records[3]["light"]
    scene = SceneMaker("val").make(np.random.default_rng(0))
    first, second = (
        render_color(scene, np.random.default_rng(1), maker.settings, noise_seed=number).rgb.astype(int)
        for number in (0, 1)
    )
    assert 0.05 < np.abs(first - second).mean() < 10


def test_all_frames_of_a_data_set_share_a_rig() -> None:
    rigs = [color_settings("rig", seed, error_px=0.0).rig for seed in (1, 1, 2)]
    assert all(rig is not None for rig in rigs)
    poses = [rig.color_from_depth for rig in rigs if rig is not None]
    np.testing.assert_array_equal(poses[0], poses[1])
    assert (poses[0] != poses[2]).any()
    assert color_settings("aligned", 1, error_px=0.0).rig is None


@pytest.mark.parametrize("mode", ["aligned", "rig"])
def test_command_writes_color_with_its_record(tmp_path: Path, mode: str) -> None:
    options = ["--count", "2", "--seed", "3", "--split", "val", "--workers", "1", "--color", mode]
    assert main(["--out", str(tmp_path), *options]) == 0
    dataset = FolderDataset(tmp_path)
    color = dataset.color(1)
    assert color is not None and color.shape == (HEIGHT, WIDTH, 3)
    record = json.loads((tmp_path / "color" / "val-0000001.json").read_text())
    assert {"skin_tones", "held", "light", "exposure", "residual_px", "intrinsics", "color_from_depth"} <= set(record)
    described = json.loads((tmp_path / "dataset.json").read_text())
    assert ("color" in described) == (mode == "rig") != dataset.description.color_is_aligned
    if mode == "rig":
        assert described["color"] == {key: record[key] for key in ("intrinsics", "color_from_depth")}
    with pytest.raises(InputError, match="another data set"):
        main(["--out", str(tmp_path), *options[:-1], "none"])


def test_an_error_out_of_range_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--color-error-px is -1"):
        main(["--out", str(tmp_path / "set"), "--count", "1", "--color", "rig", "--color-error-px", "-1"])
    assert not (tmp_path / "set").exists()


def test_shards_hold_the_pictures_and_records_of_the_folder(tmp_path: Path) -> None:
    options = ["--count", "2", "--seed", "3", "--split", "val", "--workers", "1", "--color", "rig"]
    for form in ("folder", "shards"):
        assert main(["--out", str(tmp_path / form), *options, "--format", form]) == 0
    dataset, folder = ShardDataset(tmp_path / "shards"), FolderDataset(tmp_path / "folder")
    for index, sample in enumerate(dataset):
        np.testing.assert_array_equal(dataset.color(index), folder.color(index))
        record = json.loads((tmp_path / "folder" / "color" / f"{sample.stem}.json").read_text())
        assert sample.facts["color_record"] == record
    assert not dataset.description.color_is_aligned
    assert dataset.description.content["color"] == folder.description.content["color"]
