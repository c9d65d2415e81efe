import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from graspseg.cli.main import main
from graspseg.datasets.folder import FolderWriter
from graspseg.datasets.manifest import write_manifest
from graspseg.datasets.shard_writer import ShardSample, write_shard
from graspseg.frame import Frame


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    writer = FolderWriter(tmp_path / "set", {})
    for index in range(5):
        labels = np.full((30, 40), index % 3, np.uint8) if index < 3 else None
        writer.write(str(index), Frame(np.full((30, 40), 500, np.uint16)), labels)
    return tmp_path / "set"


def test_sheet_of_a_folder(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "sheet.png"
    assert (
        main(["dataset", "sheet", str(folder), "--out", str(out), "--count", "4", "--columns", "2", "--width", "80"])
        == 0
    )
    sheet = cv2.imread(str(out))
    assert sheet is not None
    assert sheet.shape == (2 * (60 + 14) + 4, 2 * 80 + 4, 3)
    hand, background = sheet[30, 80 + 4 + 40].astype(int), sheet[30, 40].astype(int)
    assert hand[2] > hand[0] + 50  # orange
    assert background[0] == background[2]


@pytest.mark.parametrize("aligned", [True, False])
def test_sheet_in_color_outlines_labels_only_where_they_fit(
    tmp_path: Path, aligned: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    writer = FolderWriter(tmp_path / "set", {} if aligned else {"color": {}})
    labels = np.zeros((30, 40), np.uint8)
    labels[10:20, 10:20] = 1
    gray = np.full((30, 40, 3), 90, np.uint8)
    writer.write("0", Frame(np.full((30, 40), 500, np.uint16)), labels, color=gray)
    writer.write("1", Frame(np.full((30, 40), 500, np.uint16)), labels)
    options = ["--out", str(tmp_path / "s.png"), "--width", "40", "--color"]
    assert main(["dataset", "sheet", str(tmp_path / "set"), *options]) == 1
    told = capsys.readouterr().err
    assert "1 of 2 frames drawn" in told and told.count("1 of " + str(tmp_path / "set") + " has no color") == 1
    assert ("is of a camera beside the depth camera" in told) != aligned
    sheet = cv2.imread(str(tmp_path / "s.png"))
    assert sheet is not None and sheet.shape == (44, 40, 3)
    line = np.zeros((30, 40), bool)
    line[10:20, 10:20] = aligned
    line[11:19, 11:19] = False
    np.testing.assert_array_equal((sheet[:30] != 90).any(axis=2), line)


def test_bad_frames_are_left_out(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "depth" / "1.png").write_bytes(b"")
    assert main(["dataset", "sheet", str(folder), "--out", str(tmp_path / "s.png")]) == 1
    error = capsys.readouterr().err
    assert "1.png is an empty file" in error
    assert "4 of 5 frames drawn" in error


@pytest.mark.parametrize("arguments", [["--out", "a.jpg"], ["--out", "a.png", "--columns", "0"]])
def test_impossible_options(folder: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dataset", "sheet", str(folder), *arguments]) == 2
    assert "correct the options" in capsys.readouterr().err


def test_stats_as_table_and_json(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dataset", "stats", str(folder), "--json", str(tmp_path / "s.json")]) == 0
    assert "resolution          40x30 (5)" in capsys.readouterr().out
    figures = json.loads((tmp_path / "s.json").read_text())
    assert figures["frames"] == 5 and figures["labelled"] == 3 and figures["hand_px"]["median"] == 1200


def test_stats_of_frames_that_cannot_be_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "depth" / "1.png").write_bytes(b"")
    assert main(["dataset", "stats", str(folder)]) == 1
    captured = capsys.readouterr()
    assert "1.png is an empty file" in captured.err and "frames              4" in captured.out


def test_check_says_what_is_wrong(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dataset", "check", str(folder)]) == 1
    captured = capsys.readouterr()
    assert "has 2 frames without labels (the first is 3)" in captured.err
    assert f"5 frames of {folder} can be used, 1 faults" in captured.out
    for index in (3, 4):
        (folder / "depth" / f"{index}.png").unlink()
    assert main(["dataset", "check", str(folder)]) == 0
    assert "note: no pixel is labeled hand (2)" in capsys.readouterr().out
    assert main(["dataset", "check", str(tmp_path / "none")]) == 2


def test_many_faults_are_counted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(25):
        (folder / "depth" / f"x{number}.png").write_bytes(b"")
    assert main(["dataset", "check", str(folder)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 21 and "graspseg: 6 more like these" in error


def test_convert_to_shards_which_every_command_reads(
    folder: Path, tmp_path: Path, depth_rule_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shards = tmp_path / "shards"
    assert main(["dataset", "convert", str(folder), "--out", str(shards), "--to", "shards", "--shard-size", "2"]) == 0
    assert len(list(shards.glob("*.tar"))) == 3
    assert main(["dataset", "check", str(shards)]) == 1  # two frames have no labels, as in the folder
    assert main(["dataset", "sheet", str(shards), "--out", str(tmp_path / "s.png")]) == 0
    model = ["--model", str(depth_rule_model)]
    out = tmp_path / "out"
    assert main(["segment", str(shards), "--out", str(out), *model]) == 0
    assert sorted(path.name for path in (out / "labels").iterdir()) == [f"{index}.png" for index in range(5)]
    assert main(["segment", str(shards / "frames-000002.tar"), "--out", str(tmp_path / "one"), *model]) == 0
    assert [path.name for path in (tmp_path / "one" / "labels").iterdir()] == ["4.png"]
    capsys.readouterr()
    assert main(["evaluate", str(shards), *model]) == 1
    assert "3 frames judged, 2 could not be used" in capsys.readouterr().out


def test_convert_refuses_what_is_taken(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dataset", "convert", str(folder), "--out", str(folder), "--to", "coco"]) == 2
    assert "is inside" in capsys.readouterr().err
    assert main(["dataset", "convert", str(folder), "--out", "x", "--to", "shards", "--shard-size", "0"]) == 2
    assert main(["dataset", "stats", str(folder), "--threads", "0"]) == 2


def test_list_of_public_data_sets(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dataset", "list", "--json"]) == 0
    described = json.loads(capsys.readouterr().out)
    assert {"dexycb", "ho3d"} <= {record["name"] for record in described}
    assert main(["dataset", "list"]) == 0
    table = capsys.readouterr().out
    for record in described:
        assert record["name"] in table and record["where"] in table
    assert max(map(len, table.splitlines())) <= 100


@pytest.mark.parametrize("manifest", [True, False])
def test_what_looks_like_depth_beside_shards_is_counted_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, manifest: bool
) -> None:
    shards = tmp_path / "set"
    row = write_shard(shards / "a-000000.tar", [ShardSample("f", Frame(np.full((8, 9), 500, np.uint16)))])
    (shards / "later.tar.gz").write_bytes(b"x")
    (shards / "video.mkv").write_bytes(b"x")
    (shards / "notes.txt").write_text("x")
    if manifest:
        write_manifest(shards, {"depth_unit_m": 0.001}, [row])
        (shards / "extra.png").write_bytes(b"x")
        shutil.copy(shards / "a-000000.tar", shards / "b-000000.tar")
    names = {"later.tar.gz", "video.mkv"} | ({"extra.png", "b-000000.tar"} if manifest else set())
    assert main(["dataset", "check", str(shards)]) == 1
    said = capsys.readouterr()
    assert {name for name in names if f"{shards / name} " in said.err} == names and "notes" not in said.err
    assert f", {len(names)} faults" in said.out
    assert main(["dataset", "convert", str(shards), "--out", str(tmp_path / "out"), "--to", "folder"]) == 1
    said = capsys.readouterr()
    assert {name for name in names if f"{shards / name} lies in" in said.err} == names and "notes" not in said.err
    assert "1 of 1 frames in" in said.err and (tmp_path / "out" / "depth" / "f.png").is_file()
    assert main(["segment", str(shards), "--out", str(tmp_path / "results"), "--no-overlays"]) == 1
    said = capsys.readouterr()
    assert {name for name in names if f"{shards / name} lies in" in said.err} == names
