"""`graspseg annotate` from the outside: a real recording, Ctrl-C, bad input in one sentence each."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from graspseg.annotate.annotator import Annotation, Annotator
from graspseg.cameras.rgbd import RgbdFrame
from graspseg.cli.main import main
from graspseg.datasets.atomic import write_png
from graspseg.datasets.folder import FolderDataset
from graspseg.labels import HAND, OBJECT

ROOT = Path(__file__).parents[2]
ZED = ROOT.parent / "shared" / "real" / "zed_pour_water"
SKIN, BLUE = (224, 172, 138), (30, 60, 200)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Three frames of a hand (left) and an object (right) before a wall."""
    folder = tmp_path / "take"
    depth, color = np.full((120, 160), 1000, np.uint16), np.full((120, 160, 3), 120, np.uint8)
    depth[30:90, 20:70], color[30:90, 20:70] = 400, SKIN
    depth[40:80, 70:110], color[40:80, 70:110] = 420, BLUE
    for index in range(3):
        write_png(folder / "depth" / f"{index}.png", depth)
        write_png(folder / "color" / f"{index}.png", color)
    (folder / "dataset.json").write_text('{"depth_unit_m": 0.001}')
    return folder


def annotate(recording: Path | str, out: Path, *options: str) -> int:
    return main(["annotate", str(recording), "--out", str(out), "--workers", "1", "--skin", "hsv", *options])


def test_ctrl_c_keeps_the_work(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = Annotator.annotate
    seen: list[str] = []

    def stop_at_third(self: Annotator, frame: RgbdFrame) -> Annotation:
        seen.append(frame.name)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return whole(self, frame)

    with monkeypatch.context() as patched:
        patched.setattr(Annotator, "annotate", stop_at_third)
        assert annotate(recording, tmp_path / "out") == 130
    assert "stopped" in capsys.readouterr().err
    assert sorted(path.name for path in (tmp_path / "out" / "labels").iterdir()) == ["0.png", "1.png"]
    assert annotate(recording, tmp_path / "out") == 0
    assert len(FolderDataset(tmp_path / "out")) == 3


def _no_color(folder: Path) -> None:
    for path in (folder / "color").iterdir():
        path.unlink()


def _one_color_less(folder: Path) -> None:
    (folder / "color" / "1.png").unlink()


def _larger_color(folder: Path) -> None:
    for path in (folder / "color").iterdir():
        write_png(path, np.zeros((240, 320, 3), np.uint8))


def _eight_bits(folder: Path) -> None:
    for path in (folder / "depth").iterdir():
        write_png(path, np.full((120, 160), 40, np.uint8))


@pytest.mark.parametrize(
    ("spoil", "code", "found"),
    [
        (_no_color, 2, "has 3 depth images and no color for them"),
        (_one_color_less, 1, "has depth and no color for '1', expected a picture for every depth image"),
        (_larger_color, 2, "is 320x240, expected 160x120 like the depth, or the calibration of a color camera"),
        (_eight_bits, 2, "is a 8-bit gray PNG, expected depth as a whole 16-bit gray PNG"),
    ],
)
def test_bad_recordings(
    recording: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Path], None],
    code: int,
    found: str,
) -> None:
    spoil(recording)
    out = tmp_path / "out"
    assert annotate(recording, out) == code
    error = capsys.readouterr().err
    assert found in error and "Traceback" not in error
    assert out.exists() == (code == 1)


def test_a_recording_without_any_hand(recording: Path, tmp_path: Path) -> None:
    for path in (recording / "depth").iterdir():
        write_png(path, np.zeros((120, 160), np.uint16))
    assert annotate(recording, tmp_path / "out") == 0
    dataset = FolderDataset(tmp_path / "out")
    assert all(sample.labels is not None and not sample.labels.any() for sample in dataset)
    with (tmp_path / "out" / "confidence.csv").open(newline="") as file:
        assert [float(row["confidence"]) for row in csv.DictReader(file)] == [0, 0, 0]


def test_what_the_user_says_of_the_camera(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert annotate(recording, out, "--depth-unit", "0.0005", "--fx", "150", "--depth-range", "0.3") == 0
    frame = FolderDataset(out)[0].frame
    assert frame.depth_unit_m == 0.0005 and frame.intrinsics is not None and frame.intrinsics.fx == 150


@pytest.mark.skipif(not ZED.is_dir(), reason="NO REAL FRAMES: ../shared/real is not beside this checkout")
def test_a_real_recording(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert annotate(ZED, out) == 0
    dataset = FolderDataset(out)
    assert len(dataset) == 12
    index = 6  # the bottle is held up: the arm comes from the lower right, the bottle is at its end
    labels = dataset[index].labels
    assert labels is not None
    hand_x, object_x = (np.nonzero(labels == label)[1].mean() for label in (HAND, OBJECT))
    assert hand_x > object_x and np.count_nonzero(labels == HAND) > 20_000
    picture = cv2.imread(str(ZED / "color" / f"{dataset.stems[index]}.png"))
    aligned = dataset.color(index)
    assert picture is not None and aligned is not None and (aligned == picture[..., ::-1]).all()


def test_nothing_is_written_into_an_input(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(recording.rglob("*"))
    for out, found in ((recording, "holds something else"), (recording / "annotated", f"is inside {recording}")):
        assert annotate(recording, out) == 2
        assert f"{out} {found}" in capsys.readouterr().err
    assert sorted(recording.rglob("*")) == before
