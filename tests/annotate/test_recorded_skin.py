"""Whose skin: found on the first frames or at clicks, kept in the output, used again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import ros_samples
from graspseg.annotate import recorded_skin
from graspseg.annotate.paper.skin import HsvThresholds
from graspseg.annotate.skin_model import SkinModel
from graspseg.cli.main import main
from graspseg.datasets.folder import FolderDataset
from graspseg.labels import HAND, OBJECT

Recorder = Callable[..., Path]


def annotate(out: Path, *arguments: str | Path) -> int:
    return main(["annotate", *map(str, arguments), "--out", str(out), "--workers", "1"])


def labels(out: Path, index: int = 0) -> tuple[int, int]:
    """Labels on the hand and on the object."""
    found = FolderDataset(out)[index].labels
    assert found is not None
    return int(found[60, 45]), int(found[60, 90])


def everything_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_click_makes_a_model_that_is_kept_in_the_output_and_used_where_it_is_put(
    make_recording: Recorder, tmp_path: Path
) -> None:
    recording = make_recording(2)
    before = everything_in(recording)
    assert annotate(tmp_path / "one", recording, "--calibrate", "--clicks", "0:40,60") == 0
    assert everything_in(recording) == before, "an input was written to"
    assert labels(tmp_path / "one") == (HAND, OBJECT)
    kept = SkinModel.load(tmp_path / "one" / "skin" / "recording.json")
    content = FolderDataset(tmp_path / "one").description.content["annotated"]["skin_models"]
    assert content[0]["means"] == kept.means.tolist()
    shutil.copy(tmp_path / "one" / "skin" / "recording.json", recording / "skin.json")
    assert annotate(tmp_path / "two", recording) == 0
    for path in (tmp_path / "one" / "labels").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / "labels" / path.name).read_bytes()


def test_a_click_on_the_object_turns_the_classes_round(make_recording: Recorder, tmp_path: Path) -> None:
    recording = make_recording(1)
    assert annotate(tmp_path / "out", recording, "--calibrate", "--clicks", "95,60") == 0
    assert labels(tmp_path / "out") == (OBJECT, HAND)


def test_found_on_the_first_frames(make_recording: Recorder, tmp_path: Path) -> None:
    recording = make_recording(6, empty=(0, 1, 2))
    assert annotate(tmp_path / "out", recording, "--calibrate", "--calibration-frames", "3") == 0
    assert labels(tmp_path / "out", 5) == (HAND, OBJECT)


def test_what_the_output_was_begun_with_goes_on(
    make_recording: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = make_recording(2, empty=(0,))
    for out, click in (("out", "0:40,60"), ("other", "1:95,60")):
        assert annotate(tmp_path / out, recording, "--calibrate", "--clicks", click) == 0

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the model of the output was to be used again")

    monkeypatch.setattr(recorded_skin, "calibrate", never)
    assert annotate(tmp_path / "out", recording) == 0
    assert "is not the skin model" not in capsys.readouterr().err
    shutil.copy(tmp_path / "other" / "skin" / "recording.json", recording / "skin.json")
    before = everything_in(tmp_path / "out" / "labels")
    assert annotate(tmp_path / "out", recording) == 0
    assert f"{recording / 'skin.json'} is not the skin model that" in capsys.readouterr().err
    assert everything_in(tmp_path / "out" / "labels") == before


def test_a_recording_that_is_one_file(tmp_path: Path) -> None:
    take = tmp_path / "input" / "take.bag"
    take.parent.mkdir()
    ros_samples.write_take(take, "bag")
    assert annotate(tmp_path / "out", take) == 0
    assert [path.name for path in take.parent.iterdir()] == ["take.bag"], "something was written beside an input"


def test_each_recording_has_its_own_skin(
    make_recording: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = make_recording(1, "one"), make_recording(1, "two")
    clicks = ("--calibrate", "--clicks", "one/0:40,60", "two/0:95,60")
    assert annotate(tmp_path / "out", one, two, *clicks) == 0
    assert labels(tmp_path / "out", 0) == (HAND, OBJECT) and labels(tmp_path / "out", 1) == (OBJECT, HAND)
    shutil.copy(tmp_path / "out" / "skin" / "one.json", one / "skin.json")
    assert annotate(tmp_path / "other", one, two) == 2
    assert "two has no skin.json, unlike other inputs" in capsys.readouterr().err


def test_a_kept_model_says_of_itself_what_the_found_one_did(tmp_path: Path) -> None:
    found = SkinModel(np.ones(1), np.array([[60.0, 10.0, 15.0]]), np.eye(3)[None], HsvThresholds())
    found.save(tmp_path / "skin.json")
    assert (
        SkinModel.load(tmp_path / "skin.json").content() == found.content() == json.loads(json.dumps(found.content()))
    )
