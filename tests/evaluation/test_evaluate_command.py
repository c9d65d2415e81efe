import json
import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from graspseg.cli.main import main
from graspseg.crop import View
from graspseg.datasets.atomic import write_png
from graspseg.datasets.folder import FolderWriter
from graspseg.frame import Frame, Intrinsics
from graspseg.labels import HAND, IGNORE, OBJECT
from graspseg.segment.segmentation import Segmentation
from graspseg.segment.segmenter import Segmenter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four frames the depth rule gets right: hand at 0.4 m, object at 0.6 m, a wall at 1 m."""
    writer = FolderWriter(tmp_path / "set", {"depth_unit_m": 0.0001})
    for i in range(4):
        labels = np.zeros((96, 128), np.uint8)
        labels[20:60, 20 + 4 * i : 60] = HAND
        labels[20:60, 60:100] = OBJECT
        depth = np.array([10_000, 4_000, 6_000], np.uint16)[labels]
        labels[:4] = IGNORE
        writer.write(str(i), Frame(depth, 0.0001), labels)
    return tmp_path / "set"


def test_report_json_and_sheet(
    folder: Path, depth_rule_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    json_path, sheet_path = tmp_path / "out" / "figures.json", tmp_path / "out" / "worst.png"
    options = [
        "--model",
        str(depth_rule_model),
        "--json",
        str(json_path),
        "--sheet",
        str(sheet_path),
        "--limit",
        "3",
        "--all",
    ]
    assert main(["evaluate", str(folder), *options]) == 0
    report = json.loads(json_path.read_text())
    assert report["frames"] == 3
    assert report["data"] == str(folder)
    assert report["camera"] == {}
    assert report["scores"]["iou_dataset"]["mean"] > 0.9
    assert report["scores"]["hand_leak"]["frames"] == 3
    assert report["rules"]["within_16cm"]["iou_dataset"]["hand"] > 0.9
    printed = capsys.readouterr().out
    assert "3 frames judged" in printed
    assert "| everything within 16 cm of the nearest surface is hand |" in printed
    sheet = cv2.imread(str(sheet_path))
    assert sheet is not None
    assert sheet.shape == (2 * 240 + 4, 2 * 960 + 4, 3)


def test_the_table_says_what_people_ask_first(
    folder: Path, depth_rule_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    assert main(["evaluate", str(folder), "--model", str(depth_rule_model), "--html", str(page)]) == 0
    lines = capsys.readouterr().out.splitlines()
    head = next(line for line in lines if line.split() == ["hand", "object", "mean"])
    titles = ("IoU, %", "boundary F-score at 2px, %", "outlines are off by, mm (median)", "hand called object, %")
    for title in titles:
        row = next(line for line in lines if line.startswith(title))
        assert row[len(title) :].split() and len(row) <= len(head)
    iou = next(line for line in lines if line.startswith("IoU")).split()
    assert float(iou[-1]) == pytest.approx((float(iou[-2]) + float(iou[-3])) / 2, abs=0.11)
    assert "frequency-weighted" not in "".join(lines) and "--all prints every figure" in lines[-1]
    html = page.read_text()
    assert "frequency-weighted IU" in html and "data:image/png;base64," in html and html.count("<table>") == 3


def test_a_class_that_the_truth_never_shows_has_no_score(
    tmp_path: Path, depth_rule_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    writer = FolderWriter(tmp_path / "bare", {"depth_unit_m": 0.0001})
    labels = np.zeros((96, 128), np.uint8)
    labels[20:60, 20:60] = HAND
    depth = np.array([10_000, 4_000], np.uint16)[labels]
    depth[20:60, 70:100] = 6_000  # what the rule takes for an object
    writer.write("0", Frame(depth, 0.0001), labels)
    options = ["--model", str(depth_rule_model), "--no-rules", "--json", str(tmp_path / "figures.json")]
    assert main(["evaluate", str(tmp_path / "bare"), *options]) == 0
    printed = capsys.readouterr().out
    assert next(line for line in printed.splitlines() if line.startswith("IoU")).split()[-2] == "-"
    report = json.loads((tmp_path / "figures.json").read_text())
    scores = report["scores"]
    for iou in (scores["iou_dataset"], scores["iou_image"], scores["f1_dataset"]):
        assert iou["object"] is None and iou["mean"] == iou["hand"] > 0.9
    for boundary in (scores["boundary_f"], *scores["boundary_iou"].values()):
        assert set(boundary["object"].values()) == {None} and boundary["mean"] == boundary["hand"]
    invented = report["invented_px"]["object"]
    assert invented > 500 and f"{invented:,} pixels were called object" in printed


def test_clips_have_flicker_and_single_frames_none(folder: Path, depth_rule_model: Path, tmp_path: Path) -> None:
    options = ["--model", str(depth_rule_model), "--no-rules", "--json", str(tmp_path / "figures.json")]
    assert main(["evaluate", str(folder), *options]) == 0
    scores = json.loads((tmp_path / "figures.json").read_text())["scores"]
    assert scores["flicker"] is None
    assert scores["contact_f"]["images"] == 4
    assert 0 < scores["boundary_iou"]["dataset"]["mean"]["1px"] <= 1
    # The rule's softmax gives the right class 0.93.
    assert scores["calibration"]["measured"]["ece"] == pytest.approx(1 / 15, abs=0.02)
    described = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps({**described, "rate_hz": 30}))
    assert main(["evaluate", str(folder), *options]) == 0
    scores = json.loads((tmp_path / "figures.json").read_text())["scores"]
    # The hand grows narrower by 4 of 36 to 40 columns in each frame, and depth gives way to the wall: not looked at.
    assert scores["flicker"]["pairs"] == 3
    assert scores["flicker"]["truth_change_rate"] == 0


def test_no_rules_and_units(folder: Path, depth_rule_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = ["--model", str(depth_rule_model), "--no-rules", "--all"]
    assert main(["evaluate", str(folder), *model, "--depth-unit", "0.001"]) == 0
    printed = capsys.readouterr().out
    assert "trivial rules" not in printed
    # Ten times as far, hand and object are background to this model.
    assert "| IoU, whole data set | 0.0 | 0.0 | 0.0 |" in printed


def test_the_camera_reaches_the_network(folder: Path, depth_rule_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    class Watched(Segmenter):
        def __call__(
            self,
            frame: Frame | np.ndarray | str | os.PathLike[str],
            *,
            focus: Sequence[View] | None = None,
        ) -> Segmentation:
            assert isinstance(frame, Frame)
            seen.append(frame.intrinsics)
            return super().__call__(frame, focus=focus)

    monkeypatch.setattr("graspseg.segment.segmenter.Segmenter", Watched)
    camera = ["--fx", "120", "--fy", "121", "--cx", "60"]
    written = ["--json", str(folder / "figures.json"), "--depth-unit", "0.0001"]
    assert main(["evaluate", str(folder), "--model", str(depth_rule_model), "--limit", "1", *camera, *written]) == 0
    given = json.loads((folder / "figures.json").read_text())["camera"]
    assert given == {"depth_unit_m": 0.0001, "fx": 120.0, "fy": 121.0, "cx": 60.0}
    assert seen == [Intrinsics(120.0, 121.0, 60.0, 47.5)]


def test_one_bad_frame_is_skipped_and_told(
    folder: Path, depth_rule_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_png(folder / "depth" / "2.png", np.zeros((96, 128), np.uint8))
    assert main(["evaluate", str(folder), "--model", str(depth_rule_model)]) == 1
    printed = capsys.readouterr()
    assert "3 frames judged, 1 could not be used" in printed.out
    assert "2.png" in printed.err


@pytest.mark.parametrize(
    ("data", "expected"), [("missing", "missing"), ("synth:val", "names no exam"), ("synth:train:5", "names no exam")]
)
def test_bad_input_ends_with_one_sentence(
    data: str, expected: str, depth_rule_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = data if data.startswith("synth") else str(tmp_path / data)
    assert main(["evaluate", name, "--model", str(depth_rule_model)]) == 2
    error = capsys.readouterr().err
    assert expected in error
    assert len(error.strip().splitlines()) == 1


def test_a_report_that_cannot_be_written_is_told_before_the_work(
    folder: Path, depth_rule_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    target = tmp_path / "file" / "figures.json"
    assert main(["evaluate", str(folder), "--model", str(depth_rule_model), "--json", str(target)]) == 2
    printed = capsys.readouterr()
    assert "frames judged" not in printed.out
    assert "could not be written" in printed.err


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--json", "."], "is a folder"),
        (["--sheet", "worst.jpg"], "ending in .png"),
        (["--threads", "0"], "--threads is 0"),
        (["--skip", "-1"], "skip -1"),
        (["--depth-unit", "0"], "--depth-unit is 0"),
        (["--cy", "40"], "without --fx"),
        (["--fx", "-3"], "fx=-3"),
    ],
)
def test_bad_options_are_one_sentence(
    options: list[str], found: str, folder: Path, depth_rule_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(folder), "--model", str(depth_rule_model), *options]) == 2
    output = capsys.readouterr()
    assert found in output.err and output.err.count("\n") == 1 and not output.out


def test_a_folder_of_data_sets_is_one_table(
    folder: Path, depth_rule_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = FolderWriter(tmp_path / "empty", {"depth_unit_m": 0.001})
    for i, nearest in enumerate((900, 450)):  # the second frame is a hand to this model
        empty.write(str(i), Frame(np.full((60, 80), nearest, np.uint16)), np.zeros((60, 80), np.uint8))
    options = ["--model", str(depth_rule_model), "--no-rules", "--json", str(tmp_path / "all.json")]
    assert main(["evaluate", str(tmp_path), *options, "--sheet", str(tmp_path / "worst.png")]) == 0
    rows = {line.split(" | ")[0].strip("| "): line.split(" | ") for line in capsys.readouterr().out.splitlines()}
    assert rows["empty"][7] == "1 of 2" and rows["empty"][8] == "2400"
    assert rows["set"][7] == "-" and float(rows["set"][2]) > 90
    assert rows["all"][1] == "6"
    report = json.loads((tmp_path / "all.json").read_text())
    assert {Path(name).name for name in report["sets"]} == {"empty", "set"}
    assert report["sets"][str(tmp_path / "set")]["frames"] == 4
    assert (tmp_path / "worst.png").is_file()


def test_a_set_without_labels_among_others_is_named_and_the_rest_is_judged(
    folder: Path, depth_rule_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    FolderWriter(tmp_path / "bare", {}).write("0", Frame(np.full((60, 80), 900, np.uint16)))
    assert main(["evaluate", str(tmp_path), "--model", str(depth_rule_model), "--no-rules"]) == 1
    printed = capsys.readouterr()
    assert "| set | 4 |" in printed.out and "bare" not in printed.out
    assert f"{tmp_path / 'bare'}: None of 1 frames could be judged" in printed.err
