import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from graspseg.datasets.folder import FolderDataset, FolderWriter, list_frames, read_description
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics


def small_frame(value: int = 500, **fields) -> Frame:
    return Frame(np.full((4, 6), value, np.uint16), **fields)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    camera = {"fx": 470.0, "fy": 471.0, "cx": 2.5, "cy": 1.5}
    writer = FolderWriter(tmp_path, {"depth_unit_m": 0.0001, "intrinsics": camera, "licence": "CC0-1.0"})
    labels = np.array([[0, 1, 2, 255, 0, 1]] * 4, np.uint8)
    color = np.random.default_rng(1).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    writer.write("a", small_frame(7000, depth_unit_m=0.0001), labels, color=color)
    writer.write("b", small_frame(8000, depth_unit_m=0.0001))
    dataset = FolderDataset(tmp_path)
    first, second = dataset
    assert (first.stem, second.stem) == ("a", "b")
    np.testing.assert_allclose(first.frame.depth_m(), 0.7, rtol=1e-6)
    assert first.frame.intrinsics == Intrinsics(**camera)
    assert first.labels is not None
    np.testing.assert_array_equal(first.labels, labels)
    np.testing.assert_array_equal(dataset.color(0), color)
    assert second.labels is None
    assert dataset.color(1) is None
    assert not list(tmp_path.rglob(".*"))


def test_frames_of_another_unit_are_converted(tmp_path: Path) -> None:
    writer = FolderWriter(tmp_path, {"depth_unit_m": 0.001})
    writer.write("a", small_frame(5004, depth_unit_m=0.0001))
    assert FolderDataset(tmp_path)[0].frame.depth[0, 0] == 500
    with pytest.raises(InputError, match=r"131\.1 m, too far"):
        writer.write("b", small_frame(65535, depth_unit_m=0.002))


def test_order_is_natural(tmp_path: Path) -> None:
    writer = FolderWriter(tmp_path, {})
    for stem in ("10", "2", "b/1", "a10/1", "a9/2", "a9/10"):
        writer.write(stem, small_frame())
    assert FolderDataset(tmp_path).stems == ["2", "10", "a9/2", "a9/10", "a10/1", "b/1"]


def test_dots_in_stems_are_kept(tmp_path: Path) -> None:
    FolderWriter(tmp_path, {}).write("pour_1740.000", small_frame(), np.zeros((4, 6), np.uint8))
    sample = FolderDataset(tmp_path)[0]
    assert sample.stem == "pour_1740.000"
    assert sample.labels is not None


def test_unit_and_camera_given_win_over_the_file(tmp_path: Path) -> None:
    FolderWriter(tmp_path, {"depth_unit_m": 0.0001}).write("a", small_frame(depth_unit_m=0.0001))
    camera = Intrinsics(1.0, 1.0, 0.0, 0.0)
    frame = FolderDataset(tmp_path, depth_unit_m=0.01, intrinsics=camera)[0].frame
    assert frame.depth_unit_m == 0.01
    assert frame.intrinsics is camera


def test_without_description_the_unit_is_millimeters(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.full((2, 2), 500, np.uint16))
    dataset = FolderDataset(tmp_path)
    assert dataset[0].frame.depth_unit_m == 0.001
    assert dataset[0].frame.intrinsics is None


def test_depth_folder_is_meant_at_every_level(tmp_path: Path) -> None:
    for name in ("one/depth/1.png", "one/color/1.png", "one/labels/1.png", "two/x.png", "two/.hidden.png", "note.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "one" / "dataset.json").write_text("{}")
    found = list_frames(tmp_path)
    assert [(stem, home.name) for stem, _, home in found] == [("one/1", "one"), ("two/x", tmp_path.name)]


def test_splits(tmp_path: Path) -> None:
    writer = FolderWriter(tmp_path, {"splits": {"val": ["b"], "gone": ["c"]}})
    for stem in ("a", "b"):
        writer.write(stem, small_frame())
    assert FolderDataset(tmp_path, split="val").stems == ["b"]
    with pytest.raises(InputError, match="no split 'test'"):
        FolderDataset(tmp_path, split="test")
    with pytest.raises(InputError, match="lacks 1 frames of split 'gone', the first is 'c'"):
        FolderDataset(tmp_path, split="gone")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{", "no readable JSON"),
        ("[1]", "holds a list"),
        ('{"depth_unit_m": 0}', "depth_unit_m 0"),
        ('{"depth_unit_m": "mm"}', "depth_unit_m 'mm'"),
        ('{"depth_unit_m": true}', "depth_unit_m True"),
        ('{"depth_unit_m": NaN}', "depth_unit_m nan"),
        ('{"intrinsics": {"fx": 1}}', "intrinsics"),
        ('{"intrinsics": {"fx": 0, "fy": 1, "cx": 0, "cy": 0}}', "fx=0"),
        ('{"splits": ["a"]}', "splits"),
    ],
)
def test_unusable_descriptions(tmp_path: Path, text: str, found: str) -> None:
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(InputError, match=found):
        read_description(tmp_path)


def test_missing_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no folder"):
        FolderDataset(tmp_path / "none")
    (tmp_path / "labels").mkdir()
    with pytest.raises(InputError, match=r"has labels/ but no depth/, expected both"):
        FolderDataset(tmp_path)
    (tmp_path / "labels").rename(tmp_path / "depth")
    with pytest.raises(InputError, match="holds no depth image"):
        FolderDataset(tmp_path)


def test_two_files_of_one_stem(tmp_path: Path) -> None:
    for name in ("a.png", "a.npy"):
        (tmp_path / name).touch()
    with pytest.raises(InputError, match="share the stem 'a'"):
        FolderDataset(tmp_path)


def test_sizes_must_match(tmp_path: Path) -> None:
    writer = FolderWriter(tmp_path, {})
    with pytest.raises(InputError, match="Labels of 'a'"):
        writer.write("a", small_frame(), np.zeros((5, 6), np.uint8))
    assert not (tmp_path / "depth").exists()
    writer.write("a", small_frame())
    FolderWriter(tmp_path / "other", {}).write("a", Frame(np.ones((2, 2), np.uint16)), np.zeros((2, 2), np.uint8))
    (tmp_path / "other" / "labels").rename(tmp_path / "labels")
    with pytest.raises(InputError, match="2x2 pixels, expected 6x4"):
        FolderDataset(tmp_path)[0]


def test_whole_numbers_in_the_description_are_fine(tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text('{"depth_unit_m": 1, "intrinsics": {"fx": 4, "fy": 5, "cx": 0, "cy": 0}}')
    description = read_description(tmp_path)
    assert description.depth_unit_m == 1.0
    assert description.intrinsics == Intrinsics(4.0, 5.0, 0.0, 0.0)


@pytest.mark.parametrize("stem", ["", "/etc/x", "../x", "a/../../x"])
def test_stems_stay_inside_the_folder(tmp_path: Path, stem: str) -> None:
    with pytest.raises(InputError, match="leaves"):
        FolderWriter(tmp_path, {}).write(stem, small_frame())


def test_description_is_kept_whole(tmp_path: Path) -> None:
    content = {"licence": "CC0-1.0", "provenance": "made for a test", "splits": {"val": ["a"]}}
    FolderWriter(tmp_path, content)
    assert json.loads((tmp_path / "dataset.json").read_text()) == {"depth_unit_m": 0.001, **content}


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"depth_unit_m": 1' + "0" * 400 + "}",
        '{"depth_unit_m": 1e300}',
        '{"intrinsics": {"fx": 0, "fy": 1, "cx": 1, "cy": 1}}',
        '{"intrinsics": {"fx": 1' + "0" * 400 + ', "fy": 1, "cx": 1, "cy": 1}}',
    ],
)
def test_extreme_descriptions_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(InputError, match=r"dataset\.json.* expected "):
        read_description(tmp_path)


def test_links_that_lead_nowhere_are_frames_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "lost.png").symlink_to("gone.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    os.mkfifo(tmp_path / "pipe.png")
    dataset = FolderDataset(tmp_path)
    assert dataset.stems == ["loop", "lost", "pipe"]
    for index, name in enumerate(dataset.stems):
        with pytest.raises(InputError, match=rf"{name}\.png could not be read"):
            dataset[index]


def test_unit_zero_is_an_error_not_the_default(tmp_path: Path) -> None:
    (tmp_path / "depth").mkdir()
    cv2.imwrite(str(tmp_path / "depth" / "a.png"), np.ones((2, 2), np.uint16))
    with pytest.raises(InputError, match=r"a\.png: The depth unit is 0"):
        FolderDataset(tmp_path, depth_unit_m=0.0)[0]


@pytest.mark.parametrize("name", ["a.PNG", "a.png"])
def test_color_is_found_whatever_the_case_of_its_suffix(tmp_path: Path, make_sample, name: str) -> None:
    sample = make_sample(1, colored=True)
    FolderWriter(tmp_path, {}).write("a", sample.frame, color=sample.color)
    (tmp_path / "color" / "a.png").rename(tmp_path / "color" / name)
    np.testing.assert_array_equal(FolderDataset(tmp_path).color(0), sample.color)
