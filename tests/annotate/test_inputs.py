"""What is odd about the inputs of an annotation is said; pictures without color are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from graspseg.annotate.inputs import Inputs
from graspseg.cli.main import main
from graspseg.datasets.atomic import write_png
from graspseg.errors import InputError

Make = Callable[..., Path]


def grayed(folder: Path, *stems: str, channels: int = 3) -> Path:
    for stem in stems:
        path = folder / "color" / f"{stem}.png"
        picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        assert picture is not None
        write_png(path, picture if channels == 1 else np.stack([picture] * 3, axis=-1))
    return folder


@pytest.mark.parametrize("channels", [1, 3])
def test_gray_pictures_are_refused(
    make_recording: Make, tmp_path: Path, channels: int, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = grayed(make_recording(4), "0", "1", "2", "3", channels=channels)
    for skin in ("hsv", "model"):
        argv = ["annotate", str(folder), "--out", str(tmp_path / "out"), "--workers", "1", "--skin", skin]
        assert main(argv) == 2
        assert "is gray, as infrared cameras make them, expected color" in capsys.readouterr().err
        assert not (tmp_path / "out").exists()


def test_one_gray_picture_is_one_failed_frame(
    make_recording: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = grayed(make_recording(4), "2")
    assert main(["annotate", str(folder), "--out", str(tmp_path / "out"), "--workers", "1", "--skin", "hsv"]) == 1
    assert "the picture of '2' is gray" in capsys.readouterr().err


def test_color_of_other_times_or_sizes_is_said(make_recording: Make) -> None:
    folder = make_recording(3)
    assert Inputs([str(folder)]).notes == []
    write_png(folder / "color" / "7.png", np.zeros((120, 160, 3), np.uint8))
    (note,) = Inputs([str(folder)]).notes
    assert "has 1 color pictures without a depth image (the first is 7.png)" in note
    write_png(folder / "color" / "1.png", np.full((60, 80, 3), (90, 60, 30), np.uint8))
    with pytest.raises(InputError, match="'1' is 80x60, expected 160x120 like the depth"):
        Inputs([str(folder)])[1]


def test_a_calibration_of_another_picture_size_is_said(make_recording: Make) -> None:
    folder = make_recording(2)
    camera = {"fx": 900.0, "fy": 900.0, "cx": 640.0, "cy": 360.0}
    described = {"color": {"intrinsics": camera, "color_from_depth": np.eye(4).tolist()}}
    (folder / "dataset.json").write_text(json.dumps(described))
    notes = Inputs([str(folder)]).notes
    assert any("the color camera: the principal point 640, 360 is outside the image of 160x120" in n for n in notes)
    assert any("assumed focal length of 118.8 pixels" in note for note in notes)


def test_a_forgotten_unit_and_unread_fields_are_said(
    make_recording: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_recording(2)
    for path in (folder / "depth").iterdir():
        depth = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert depth is not None
        write_png(path, depth * np.uint16(10))
    (folder / "dataset.json").write_text(json.dumps({"depth_scale": 0.0001}))
    main(["annotate", str(folder), "--out", str(tmp_path / "out"), "--workers", "1", "--skin", "hsv"])
    reported = capsys.readouterr().err
    assert reported.count("did you mean depth_unit_m?") == 1
    assert reported.count("the nearest surface is at 4 m") == 1 and "0.0001 would make it 0.4 m" in reported
