import json
from pathlib import Path

import numpy as np
import pytest

from graspseg.datasets.atomic import write_png
from graspseg.datasets.shard_writer import ShardSample, write_shard
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics
from graspseg.segment.inputs import CameraOptions, find_sources

IMAGE = np.full((4, 6), 500, np.uint16)
CAMERA = {"fx": 470, "fy": 471, "cx": 2, "cy": 1}


def make(folder: Path, *names: str, unit: float | None = None) -> Path:
    for name in names:
        write_png(folder / name, IMAGE)
    if unit:
        (folder / "dataset.json").write_text(json.dumps({"depth_unit_m": unit, "intrinsics": CAMERA}))
    return folder


def test_unit_comes_from_the_option_then_the_data_set_then_millimeters(tmp_path: Path) -> None:
    described = make(tmp_path / "a", "depth/1.png", unit=0.0001)
    plain = make(tmp_path / "b", "2.png")
    sources = find_sources([described, plain], tmp_path / "out")
    nothing, reported = CameraOptions(), CameraOptions(depth_unit_m=0.01)
    assert [source.read(nothing).depth_unit_m for source in sources] == [0.0001, 0.001]
    assert [source.read(reported).depth_unit_m for source in sources] == [0.01, 0.01]


@pytest.mark.parametrize("name", ["depth/1.png", "depth/deep/1.png", "1.png"])
def test_a_single_file_belongs_to_its_data_set(tmp_path: Path, name: str) -> None:
    folder = make(tmp_path / "a", name, unit=0.0001)
    (source,) = find_sources([folder / name], tmp_path / "out")
    frame = source.read(CameraOptions())
    assert source.name == "1"
    assert frame.depth_unit_m == 0.0001
    assert frame.intrinsics == Intrinsics(470.0, 471.0, 2.0, 1.0)


def test_camera_options_win_and_complete_themselves(tmp_path: Path) -> None:
    (source,) = find_sources([make(tmp_path / "a", "1.png", unit=0.001)], tmp_path / "out")
    assert source.read(CameraOptions(fx=300.0)).intrinsics == Intrinsics(300.0, 300.0, 2.5, 1.5)
    assert source.read(CameraOptions(None, 1.0, 2.0, 3.0, 4.0)).intrinsics == Intrinsics(1.0, 2.0, 3.0, 4.0)


@pytest.mark.parametrize("fields", [{"depth_unit_m": 0.0}, {"depth_unit_m": -1.0}, {"cx": 3.0}, {"fx": -1.0}])
def test_impossible_camera_options(fields: dict[str, float]) -> None:
    with pytest.raises(InputError, match=r"expected"):
        CameraOptions(**fields)


def test_names_are_relative_and_in_natural_order(tmp_path: Path) -> None:
    make(tmp_path / "in", "10.png", "9.png", "set/depth/a.000.png", "set/color/a.000.png")
    names = [source.name for source in find_sources([tmp_path / "in"], tmp_path / "out")]
    assert names == ["9", "10", "set/a.000"]


def test_the_same_file_twice_counts_once_and_two_of_one_name_are_refused(tmp_path: Path) -> None:
    first, second = make(tmp_path / "a", "1.png"), make(tmp_path / "b", "1.png")
    assert len(find_sources([first, first / "1.png"], tmp_path / "out")) == 1
    with pytest.raises(InputError, match=r"would both be written as 1\.png"):
        find_sources([first, second], tmp_path / "out")


def test_results_inside_the_input_are_no_input(tmp_path: Path) -> None:
    make(tmp_path, "1.png", "out/labels/1.png", "out/overlays/1.png")
    assert [source.name for source in find_sources([tmp_path], tmp_path / "out")] == ["1"]
    with pytest.raises(InputError, match="outside"):
        find_sources([tmp_path / "out"], tmp_path / "out")


def test_labels_of_a_data_set_are_not_overwritten(tmp_path: Path) -> None:
    make(tmp_path, "depth/1.png", "labels/1.png")
    with pytest.raises(InputError, match="labels of its own"):
        find_sources([tmp_path], tmp_path)


@pytest.mark.parametrize("name", ["take.zip", "shard-000.tar.gz"])
def test_compressed_archives_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(InputError, match="extract its frames first"):
        find_sources([tmp_path / name], tmp_path / "out")


def test_missing_and_empty_inputs(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        find_sources([tmp_path / "none"], tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no depth image"):
        find_sources([tmp_path / "empty"], tmp_path / "out")


def test_an_output_folder_that_is_a_link_to_itself(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    folder = make(tmp_path / "in", "a.png")
    assert [source.name for source in find_sources([folder], tmp_path / "loop")] == ["a"]


def shards(folder: Path) -> Path:
    camera = Intrinsics(470.0, 471.0, 2.0, 1.0)
    samples = [ShardSample(key, Frame(IMAGE, 0.0005, camera)) for key in ("b", "a")]
    write_shard(folder / "s.tar", samples)
    return folder


def test_frames_of_shards(tmp_path: Path) -> None:
    folder = shards(tmp_path / "set")
    for item in (folder, folder / "s.tar"):
        sources = find_sources([item], tmp_path / "out")
        assert [source.name for source in sources] == ["b", "a"]
        assert sources[1].path == folder / "s.tar" / "a.depth.png"
        frame = sources[1].read(CameraOptions())
        assert frame.depth_unit_m == 0.0005 and frame.intrinsics == Intrinsics(470.0, 471.0, 2.0, 1.0)
        reported = sources[1].read(CameraOptions(depth_unit_m=0.01, fx=300.0))
        assert reported.depth_unit_m == 0.01 and reported.intrinsics == Intrinsics(300.0, 300.0, 2.5, 1.5)


def test_shards_and_files_of_one_name_are_refused(tmp_path: Path) -> None:
    folder = shards(tmp_path / "set")
    assert len(find_sources([folder, folder / "s.tar"], tmp_path / "out")) == 2
    with pytest.raises(InputError, match=r"would both be written as a\.png"):
        find_sources([folder, make(tmp_path / "other", "a.png")], tmp_path / "out")


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    (tmp_path / "s.tar").write_bytes(b"half")
    with pytest.raises(InputError, match=r"s\.tar is no whole tar"):
        find_sources([tmp_path / "s.tar"], tmp_path / "out")
    with pytest.raises(InputError, match="does not exist"):
        find_sources([tmp_path / "none.tar"], tmp_path / "out")


def test_what_lies_beside_shards_is_said(tmp_path: Path) -> None:
    folder = shards(tmp_path / "set")
    make(folder, "more/c.png", "out/labels/d.png")
    (folder / "more" / "s.tar").touch()
    (folder / "take.mkv").touch()
    sources = find_sources([folder], folder / "out")
    assert sorted(source.name for source in sources) == ["a", "b", "more/c", "more/s.tar", "take.mkv"]
    for source in sources:
        if "." in source.name or "/" in source.name:
            with pytest.raises(InputError, match=r"lies in .* beside shards"):
                source.read(CameraOptions())
