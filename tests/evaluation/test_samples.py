from pathlib import Path

import numpy as np
import pytest

from graspseg.datasets.convert import Conversion
from graspseg.datasets.folder import FolderDataset, FolderWriter
from graspseg.datasets.sequences import clips_of
from graspseg.errors import InputError
from graspseg.evaluation.samples import open_samples
from graspseg.frame import Frame, Intrinsics
from graspseg.segment.inputs import CameraOptions


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    writer = FolderWriter(tmp_path / "set", {"depth_unit_m": 0.0005, "splits": {"val": ["1", "3"]}})
    for i in range(5):
        depth = np.full((4, 6), 1000 + i, np.uint16)
        writer.write(str(i), Frame(depth, 0.0005), np.zeros((4, 6), np.uint8))
    return tmp_path / "set"


def test_folder_with_skip_and_limit(folder: Path) -> None:
    samples = open_samples(str(folder), skip=1, limit=3)
    assert [samples[i].stem for i in range(len(samples))] == ["1", "2", "3"]
    assert samples[0].frame.depth_unit_m == 0.0005
    assert len(open_samples(str(folder), limit=100)) == 5


def test_split_and_unit(folder: Path) -> None:
    samples = open_samples(str(folder), split="val", camera=CameraOptions(depth_unit_m=0.002))
    assert [samples[i].stem for i in range(len(samples))] == ["1", "3"]
    assert samples[1].frame.depth_unit_m == 0.002


def test_the_camera_the_user_names_comes_before_the_folders(folder: Path) -> None:
    assert open_samples(str(folder))[2].frame.intrinsics is None
    sample = open_samples(str(folder), skip=2, camera=CameraOptions(fx=300.0))[0]
    assert sample.frame.intrinsics == Intrinsics(300.0, 300.0, 2.5, 1.5)
    assert sample.stem == "2"
    assert sample.frame.depth_unit_m == 0.0005


@pytest.mark.parametrize("camera", [CameraOptions(fx=300.0), CameraOptions(depth_unit_m=0.001)])
def test_the_exam_has_a_camera_of_its_own(camera: CameraOptions) -> None:
    with pytest.raises(InputError, match="synth:val:2 has a unit and camera of its own"):
        open_samples("synth:val:2", camera=camera)


def test_shards_give_the_same_samples(folder: Path, tmp_path: Path) -> None:
    Conversion(FolderDataset(folder), tmp_path / "shards", "shards", shard_size=2).run()
    samples = open_samples(str(tmp_path / "shards"), split="val", limit=1)
    assert [samples[i].stem for i in range(len(samples))] == ["1"]
    assert samples[0].frame.depth_unit_m == 0.0005 and samples[0].frame.depth[0, 0] == 1001


def test_clips_stay_together_under_skip_and_limit(tmp_path: Path) -> None:
    writer = FolderWriter(tmp_path / "clips", {"depth_unit_m": 0.001, "rate_hz": 30.0})
    for clip in range(3):
        for number in range(3):
            image = np.zeros((4, 6), np.uint8)
            writer.write(f"val-clip-{clip:05d}-frame-{number:05d}", Frame(image.astype(np.uint16)), image)
    Conversion(FolderDataset(tmp_path / "clips"), tmp_path / "shards", "shards", shard_size=4).run()
    for stored in ("clips", "shards"):
        assert clips_of(open_samples(str(tmp_path / stored))) == [range(3), range(3, 6), range(6, 9)]
        assert clips_of(open_samples(str(tmp_path / stored), skip=4, limit=3)) == [range(2), range(2, 3)]


def test_frames_that_are_no_clips_have_no_sequences(folder: Path) -> None:
    assert clips_of(open_samples(str(folder))) == []
    assert clips_of(open_samples("synth:val:2")) == []


@pytest.mark.parametrize(("skip", "limit"), [(5, None), (0, 0), (9, 2)])
def test_nothing_left_is_an_error(folder: Path, skip: int, limit: int | None) -> None:
    with pytest.raises(InputError, match="has 5 frames, expected at least one"):
        open_samples(str(folder), skip=skip, limit=limit)


@pytest.mark.parametrize(
    "name", ["synth:train:10", "synth:val", "synth:val:0", "synth:val:-3", "synth:val:many", "synth:tame/val:3"]
)
def test_names_that_are_no_exam(name: str) -> None:
    with pytest.raises(InputError, match="names no exam, expected synth:val:COUNT"):
        open_samples(name)


@pytest.mark.parametrize(("name", "preset"), [("synth:val:3", "exam1"), ("synth:wild/val:3", "wild")])
def test_exam_frames_are_those_of_the_frozen_seed(name: str, preset: str) -> None:
    pytest.importorskip("numba")
    from graspseg.synth.generate import FrameMaker
    from graspseg.synth.preset_names import EXAM_SEED
    from graspseg.synth.recipe import Recipe

    samples = open_samples(name, skip=1)
    assert len(samples) == 2
    sample = samples[0]
    made = FrameMaker("val", EXAM_SEED, recipe=Recipe.preset(preset)).make(1)
    assert sample.stem == "val-00001"
    assert sample.labels is not None
    assert np.array_equal(sample.labels, made.labels)
    assert np.array_equal(sample.frame.depth, made.frame().depth)
    assert sample.frame.depth_unit_m == 0.0001 and sample.facts == made.facts
    assert sample.frame.intrinsics == made.intrinsics
