"""`graspseg live` as it is typed."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from graspseg.cli.main import main
from graspseg.datasets.open import open_dataset


@pytest.fixture
def clip(tmp_path: Path) -> Callable[..., Path]:
    def make(count: int = 4, *, width: int = 160, start: int = 0) -> Path:
        depth = np.full((120, width), 900, np.uint16)
        depth[40:80, 50:90], depth[80:100, 50:90] = 400, 600
        (tmp_path / "clip").mkdir(exist_ok=True)
        for index in range(start, start + count):
            cv2.imwrite(str(tmp_path / "clip" / f"{index:03d}.png"), depth)
        return tmp_path / "clip"

    return make


def test_help_loads_neither_camera_nor_engine() -> None:
    code = (
        "import sys; from graspseg.cli.main import main; code = main(['live', '--help']); "
        "loaded = {'cv2', 'pyrealsense2', 'rerun', 'openvino', 'torch'} & set(sys.modules); "
        "sys.exit(f'{code} {sorted(loaded)}')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "--viewer" in done.stdout and "Ctrl-C ends" in " ".join(done.stdout.split())
    assert done.stderr.strip().endswith("0 []")


def test_every_frame_is_segmented_saved_and_summed_up(
    clip: Callable[..., Path], depth_rule_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "seen"
    arguments = [str(clip()), "--rate", "0", "--loop", "3", "--save", str(out), "--model", str(depth_rule_model)]
    assert main(["live", *arguments]) == 0
    *_, saved, last = capsys.readouterr().out.splitlines()
    assert last.startswith("12 frames in") and "frames a second" in last and "0 dropped" in last
    assert last.endswith("92% tracked, hand in 12") and saved == f"saved in {out}"
    dataset = open_dataset(out)
    assert len(dataset) == 12
    labels = dataset[11].labels
    assert labels is not None and labels[60, 70] == 1 and labels[90, 70] == 2 and labels[10, 10] == 0
    assert main(["live", *arguments]) == 2
    assert "seen is a data set with labels of its own, expected another folder" in capsys.readouterr().err


def test_bad_frames_and_changes_are_told_and_the_stream_goes_on(
    clip: Callable[..., Path], depth_rule_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = clip(3)
    clip(2, width=200, start=4)
    (folder / "003.png").write_bytes(b"no picture")
    assert main(["live", str(folder), "--rate", "0", "--model", str(depth_rule_model)]) == 1
    captured = capsys.readouterr()
    assert "003.png" in captured.err and "Frames changed from 160x120" in captured.err
    assert captured.out.startswith("5 frames in") and "1 could not be used" in captured.out


def test_nothing_usable_is_bad_input(
    clip: Callable[..., Path], depth_rule_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = clip(1)
    (folder / "000.png").write_bytes(b"no picture")
    assert main(["live", str(folder), "--rate", "0", "--model", str(depth_rule_model)]) == 2
    assert capsys.readouterr().out == "no frame was segmented\n"


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["no/such/folder"], "no/such/folder does not exist"),
        (["CLIP", "--loop", "0"], "--loop is 0"),
        (["CLIP", "--rate", "-3"], "--rate is -3"),
        (["CLIP", "--seconds", "0"], "--seconds is 0"),
        (["CLIP", "--threads", "0"], "--threads is 0"),
        (["CLIP", "--port", "70000"], "--port is 70000"),
        (["realsense", "--fps", "0"], "640, 480 and 0, expected what the camera offers"),
    ],
)
def test_bad_usage_is_one_sentence(
    arguments: list[str], found: str, clip: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["live", *(str(clip()) if each == "CLIP" else each for each in arguments)]) == 2
    captured = capsys.readouterr().err
    assert found in captured and captured.count("\n") == 1


def test_without_the_sdk_one_sentence_names_the_package(
    depth_rule_model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyrealsense2", None)
    assert main(["live", "realsense", "--model", str(depth_rule_model)]) == 2
    assert capsys.readouterr().err.count("pip install 'graspseg[realsense]'") == 1


def test_ctrl_c_ends_with_a_summary(clip: Callable[..., Path], depth_rule_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "seen"
    command = [sys.executable, "-m", "graspseg.cli.main", "live", str(clip()), "--loop", "9999", "--viewer", "web"]
    with subprocess.Popen(
        [*command, "--model", str(depth_rule_model), "--save", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A test run in the background hands on that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as live:
        assert live.stdout is not None
        assert live.stdout.readline().startswith("look at http://127.0.0.1:")
        while not list(out.glob("depth/*.png")):
            assert live.poll() is None
        live.send_signal(signal.SIGINT)
        said, complaint = live.communicate(timeout=60)
    assert live.returncode == 0, complaint
    assert "frames a second" in said.splitlines()[-1] and "Traceback" not in complaint
    dataset = open_dataset(out)
    assert dataset[len(dataset) - 1].labels is not None, "nothing half-written"
