import errno
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from graspseg.cli.main import main
from graspseg.datasets.atomic import write_png
from graspseg.datasets.folder import FolderDataset
from graspseg.segment.segmenter import Segmenter


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """Three frames, of different sizes, in a data set of 0.1 mm."""
    folder = tmp_path / "frames"
    for index, size in enumerate([(48, 64), (33, 57), (120, 160)]):
        depth = np.full(size, 9000, np.uint16)
        depth[: size[0] // 2, : size[1] // 2] = 4000
        depth[: size[0] // 2, size[1] // 2 :] = 6000
        write_png(folder / "depth" / "take" / f"{index + 8}.png", depth)
    (folder / "dataset.json").write_text('{"depth_unit_m": 0.0001}')
    return folder


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_folder_to_labels_overlays_and_summary(frames: Path, depth_rule_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["segment", str(frames), "--out", str(out), "--model", str(depth_rule_model)]) == 0
    stems = ["take/8", "take/9", "take/10"]
    assert files(out) == {f"{kind}/{stem}.png" for kind in ("labels", "overlays") for stem in stems} | {"summary.json"}
    summary = json.loads((out / "summary.json").read_text())
    assert summary["model"] == "depth-rule.onnx"
    assert summary["network"] == "depth-rule"
    assert summary["count"] == {"segmented": 3, "failed": 0, "with_warnings": 0}
    assert [row["stem"] for row in summary["frames"]] == stems
    for row, sample in zip(summary["frames"], FolderDataset(frames), strict=True):
        labels = cv2.imread(str(out / "labels" / f"{sample.stem}.png"), cv2.IMREAD_UNCHANGED)
        assert labels is not None
        assert labels.dtype == np.uint8
        assert labels.shape == sample.frame.depth.shape
        counts = np.bincount(labels.ravel(), minlength=3).tolist()
        assert list(row["pixels"].values()) == counts
        assert min(counts) > 0
        assert 0.5 < row["mean_confidence"] <= 0.95
        assert row["end_to_end_ms"] == pytest.approx(row["read_ms"] + row["segment_ms"] + row["write_ms"], abs=0.01)
    for stage in ("read_ms", "segment_ms", "write_ms", "end_to_end_ms"):
        times = [row[stage] for row in summary["frames"]]
        assert summary["overall"][stage]["p50"] == pytest.approx(np.median(times), abs=0.002)
        assert summary["overall"][stage]["p99"] <= max(times) + 0.002


def test_options(frames: Path, depth_rule_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    file = frames / "depth/take/9.png"
    options = ["--out", str(out), "--model", str(depth_rule_model), "--engine", "onnxruntime", "--threads", "1"]
    extra = ["--no-overlays", "--save", "handless", "cloud", "--depth-unit", "0.001", "--fx", "100"]
    assert main(["segment", str(file), *options, *extra]) == 0
    assert files(out) == {
        "labels/9.png",
        "handless/9.png",
        "handless/dataset.json",
        "clouds/9-hand.ply",
        "clouds/9-object.ply",
        "summary.json",
    }
    (row,) = json.loads((out / "summary.json").read_text())["frames"]
    assert row["depth_unit_m"] == 0.001
    assert row["pixels"]["hand"] == 0
    assert row["mean_confidence"] is None


@pytest.mark.parametrize(("option", "mirror"), [([], True), (["--no-mirror"], False)])
def test_the_second_look_can_be_switched_off(
    frames: Path,
    depth_rule_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    option: list[str],
    mirror: bool,
) -> None:
    made = []

    class Watched(Segmenter):
        def __init__(self, *args, **options) -> None:
            super().__init__(*args, **options)
            made.append(self.mirror)

    monkeypatch.setattr("graspseg.segment.segmenter.Segmenter", Watched)
    out = ["--out", str(tmp_path / "out"), "--model", str(depth_rule_model)]
    assert main(["segment", str(frames / "depth/take/9.png"), *out, *option]) == 0
    assert made == [mirror]


def test_one_bad_frame_among_many(
    frames: Path, depth_rule_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = frames / "depth/take/9.png"
    bad.write_bytes(bad.read_bytes()[:60])
    out = tmp_path / "out"
    assert main(["segment", str(frames), "--out", str(out), "--model", str(depth_rule_model)]) == 1
    assert "9.png is a truncated PNG" in capsys.readouterr().err
    assert not (out / "labels/take/9.png").exists()
    summary = json.loads((out / "summary.json").read_text())
    assert summary["count"] == {"segmented": 2, "failed": 1, "with_warnings": 0}
    assert summary["failed"][0]["file"] == str(bad)


@pytest.mark.parametrize(
    ("image", "found"),
    [
        (np.ones((4, 4), np.uint8), "8-bit gray"),
        (np.ones((4, 4, 3), np.uint8), "8-bit color"),
        (np.full((4, 4), -1.0, np.float32), "lowest depth is -1 m"),
        (np.ones((0, 4), np.uint16), "(0, 4)"),
    ],
)
def test_nothing_is_left_when_no_frame_can_be_used(
    image: np.ndarray,
    found: str,
    depth_rule_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if image.dtype == np.uint8:
        cv2.imwrite(str(tmp_path / "f.png"), image)
    else:
        np.save(tmp_path / "f.npy", image)
    before = files(tmp_path)
    (file,) = before
    code = main(["segment", str(tmp_path / file), "--out", str(tmp_path / "out"), "--model", str(depth_rule_model)])
    assert code == 2
    error = capsys.readouterr().err
    assert found in error
    assert file in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("array", "warning"),
    [
        (np.zeros((40, 40), np.uint16), "no pixel has a measurement"),
        (np.full((40, 40), np.nan, np.float32), "1600 pixels are NaN"),
        (np.full((40, 40), 300, np.float32), "--depth-unit"),
    ],
)
def test_legal_but_odd_frames_warn(
    array: np.ndarray,
    warning: str,
    depth_rule_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    np.save(tmp_path / "odd.npy", array)
    out = tmp_path / "out"
    assert main(["segment", str(tmp_path / "odd.npy"), "--out", str(out), "--model", str(depth_rule_model)]) == 0
    assert f"warning: odd: {warning}" in capsys.readouterr().err.replace(
        "the nearest surface is at 300 m, expected 0.08 to 1.5 m, where hands are: check ", ""
    )
    labels = cv2.imread(str(out / "labels" / "odd.png"), cv2.IMREAD_UNCHANGED)
    assert labels is not None
    assert not labels.any()
    assert any(warning in text for text in json.loads((out / "summary.json").read_text())["frames"][0]["warnings"])


def test_many_warnings_are_counted(depth_rule_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for index in range(9):
        np.save(tmp_path / f"{index}.npy", np.zeros((4, 4), np.uint16))
    arguments = ["segment", str(tmp_path), "--out", str(tmp_path / "out"), "--model", str(depth_rule_model)]
    assert main(arguments) == 0
    error = capsys.readouterr().err
    assert error.count("no pixel has a measurement") == 5
    assert "4 more frames warned" in error


def test_output_that_cannot_be_a_folder(
    frames: Path, depth_rule_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").write_text("in the way")
    code = main(["segment", str(frames), "--out", str(tmp_path / "out"), "--model", str(depth_rule_model)])
    assert code == 2
    assert "out could not be written" in capsys.readouterr().err
    assert (tmp_path / "out").read_text() == "in the way"


def test_full_disk_ends_the_run(
    frames: Path,
    depth_rule_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    written = []
    replace = os.replace

    def fill_up(partial: Path, path: Path) -> None:
        written.append(path)
        if len(written) > 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(partial, path)

    monkeypatch.setattr(os, "replace", fill_up)
    out = tmp_path / "out"
    assert main(["segment", str(frames), "--out", str(out), "--model", str(depth_rule_model)]) == 2
    error = capsys.readouterr().err
    assert error.count("No space left on device") == 1
    assert "overlays/take/9.png could not be written" in error
    assert files(out) == {"labels/take/8.png", "overlays/take/8.png", "labels/take/9.png"}


def test_interrupted_runs_leave_whole_files(
    frames: Path,
    depth_rule_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    segment = Segmenter.__call__
    seen = []

    def stop_at_second(self: Segmenter, frame):
        seen.append(frame)
        if len(seen) == 2:
            raise KeyboardInterrupt
        return segment(self, frame)

    monkeypatch.setattr(Segmenter, "__call__", stop_at_second)
    out = tmp_path / "out"
    assert main(["segment", str(frames), "--out", str(out), "--model", str(depth_rule_model)]) == 130
    assert "stopped" in capsys.readouterr().err
    assert files(out) == {"labels/take/8.png", "overlays/take/8.png"}


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["none", "--out", "out"], "none does not exist"),
        (["--out", "out"], "There is no input"),
        (["take.zip", "--out", "out"], "extract its frames first"),
        (["take.db3", "--out", "out"], "take.db3 does not exist"),
        (["frames", "--out", "out", "--depth-unit", "0"], "--depth-unit is 0"),
        (["frames", "--out", "out", "--cx", "4"], "without --fx"),
        (["frames", "--out", "out", "--threads", "0"], "--threads is 0"),
        (["frames", "--out", "out", "--model", "no-such"], "no model 'no-such'"),
        (["frames", "--out", "out", "--model", "frames/dataset.json"], "dataset.json"),
        (["frames", "--out", "out/deep", "--model", "no-such"], "no model 'no-such'"),
        (["frames", "--out", "frames/depth/take/8.png"], "could not be written"),
        (["frames", "--out", "x" * 300], "name too long"),
        (["x" * 300, "--out", "out"], "name too long"),
    ],
)
def test_bad_usage_is_one_sentence(
    arguments: list[str],
    found: str,
    frames: Path,
    depth_rule_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(frames.parent)
    before = files(frames.parent)
    model = [] if "--model" in arguments else ["--model", str(depth_rule_model)]
    assert main(["segment", *arguments, *model]) == 2
    error = capsys.readouterr().err
    assert found in error
    assert error.count("\n") == 1
    assert files(frames.parent) == before
    assert not Path("out").exists()


def test_nothing_done_promises_no_results(
    depth_rule_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for i in range(8):
        (tmp_path / f"{i}.png").write_bytes(b"x")
    out = tmp_path / "out"
    assert main(["segment", str(tmp_path), "--out", str(out), "--model", str(depth_rule_model)]) == 2
    reported = capfd.readouterr().err
    assert "0 of 8 frames segmented, nothing was written" in reported
    assert "more frames failed" in reported and "summary.json" not in reported
    assert not out.exists()
