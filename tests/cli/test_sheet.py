from pathlib import Path

import cv2
import numpy as np
import pytest

from graspseg.cli.main import main
from graspseg.datasets.folder import FolderWriter
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
    assert main(["sheet", str(folder), "--out", str(out), "--count", "4", "--columns", "2", "--width", "80"]) == 0
    sheet = cv2.imread(str(out))
    assert sheet is not None
    assert sheet.shape == (2 * (60 + 14) + 4, 2 * 80 + 4, 3)
    hand, background = sheet[30, 80 + 4 + 40].astype(int), sheet[30, 40].astype(int)
    assert hand[2] > hand[0] + 50  # orange
    assert background[0] == background[2]


def test_bad_frames_are_left_out(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "depth" / "1.png").write_bytes(b"")
    assert main(["sheet", str(folder), "--out", str(tmp_path / "s.png")]) == 1
    error = capsys.readouterr().err
    assert "1.png is an empty file" in error
    assert "4 of 5 frames drawn" in error


@pytest.mark.parametrize("arguments", [["--out", "a.jpg"], ["--out", "a.png", "--columns", "0"]])
def test_impossible_options(folder: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sheet", str(folder), *arguments]) == 2
    assert "correct the options" in capsys.readouterr().err
