"""`--backgrounds` of synth and train: looked at for hands, refused where they cannot be used or would not be."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from graspseg.cli.backgrounds import frames_with_hands
from graspseg.cli.main import main
from graspseg.datasets.open import open_dataset
from graspseg.errors import InputError
from graspseg.frame import Frame


@dataclass
class _Answer:
    hand_present: float


class _Segmenter:
    """Is sure of a hand wherever something is nearer than 0.4 m."""

    def __init__(self, *, precision: str) -> None:
        assert precision == "float32", "the same frames are left out on every machine"

    def __call__(self, frame: Frame) -> _Answer:
        near = (frame.depth > 0) & (frame.depth < 400)
        return _Answer(0.99 if near.any() else 0.02)


@pytest.fixture(autouse=True)
def _no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graspseg.segment.segmenter.Segmenter", _Segmenter)


def _place(folder: Path, with_hand: tuple[int, ...] = (), count: int = 6, dtype: type = np.uint16) -> Path:
    (folder / "depth").mkdir(parents=True)
    ramp = np.tile(np.linspace(900, 1500, 480)[:, None], (1, 640))
    for number in range(count):
        depth = ramp + 10 * number
        if number in with_hand:
            depth[200:300, 200:300] = 350
        values = depth / 10 if dtype == np.uint8 else depth
        cv2.imwrite(str(folder / "depth" / f"{number}.png"), values.astype(dtype))
    camera = {"fx": 500.0, "fy": 500.0, "cx": 319.5, "cy": 239.5}
    (folder / "dataset.json").write_text(json.dumps({"depth_unit_m": 0.001, "intrinsics": camera}))
    return folder


def test_frames_that_show_a_hand_are_named_and_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = _place(tmp_path / "desk", with_hand=(1, 4))
    assert frames_with_hands([place]) == ("desk/1", "desk/4")
    reported = capsys.readouterr().err
    assert "2 of 6 background frames show a hand" in reported and "desk/1, desk/4" in reported


def test_a_place_with_nothing_but_hands_is_refused(tmp_path: Path) -> None:
    place = _place(tmp_path / "desk", with_hand=(0, 1), count=2)
    with pytest.raises(InputError, match="2 were left out"):
        frames_with_hands([place])


def test_synth_puts_hands_into_the_users_own_place(tmp_path: Path) -> None:
    place, out = _place(tmp_path / "desk", with_hand=(2,)), tmp_path / "out"
    options = ["--preset", "rooms", "--backgrounds", str(place), "--count", "12", "--workers", "1"]
    assert main(["synth", *options, "--format", "shards", "--cameras", "many", "--out", str(out)]) == 0
    frames = open_dataset(out)
    assert len(frames) == 12
    recipe = frames.description.content["recipe"]
    assert recipe["backgrounds"] == ["desk"] and recipe["left_out"] == ["desk/2"]


@pytest.mark.parametrize(
    ("options", "reported"),
    [
        (["--preset", "exam1"], "use --preset rooms"),
        (["--preset", "rooms", "--color", "aligned"], "leave out --color"),
    ],
)
def test_synth_refuses_what_would_have_no_effect(
    options: list[str], reported: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = _place(tmp_path / "desk")
    arguments = [*options, "--backgrounds", str(place), "--count", "1", "--out", str(tmp_path / "out")]
    assert main(["synth", *arguments]) == 2
    assert reported in capsys.readouterr().err and not (tmp_path / "out").exists()


@pytest.mark.parametrize("dtype", [np.uint8])
def test_eight_bit_backgrounds_are_refused(dtype: type, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = _place(tmp_path / "desk", dtype=dtype)
    arguments = ["--preset", "rooms", "--backgrounds", str(place), "--count", "1", "--out", str(tmp_path / "out")]
    assert main(["synth", *arguments]) == 2
    assert "8" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_frames_of_another_camera_under_one_description_are_refused(tmp_path: Path) -> None:
    place = _place(tmp_path / "desk")
    cv2.imwrite(str(place / "depth" / "9.png"), np.full((120, 160), 900, np.uint16))
    with pytest.raises(InputError, match="160 x 120 pixels"):
        frames_with_hands([place])


def test_train_refuses_backgrounds_that_nothing_is_put_into(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = _place(tmp_path / "desk")
    arguments = ["--backgrounds", str(place), "--recipes", "exam1", "--out", str(tmp_path / "run")]
    assert main(["train", "--preset", "tiny", *arguments]) == 2
    assert "name rooms among --recipes" in capsys.readouterr().err


def test_train_fine_tunes_in_the_users_own_place(tmp_path: Path) -> None:
    place, run = _place(tmp_path / "desk", with_hand=(3,)), tmp_path / "run"
    small = ["--steps", "2", "--batch", "2", "--validation.frames", "2", "--workers", "0", "--threads", "1"]
    arguments = ["--preset", "tiny", "--recipes", "rooms", "--backgrounds", str(place), "--frames", "4", *small]
    assert main(["train", *arguments, "--out", str(run)]) == 0
    settings = json.loads((run / "config.json").read_text())
    assert settings["left_out"] == ["desk/3"] and (run / "model.safetensors").is_file()
