from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from graspseg.cli.train import parse_arguments as parse
from graspseg.errors import InputError
from graspseg.training.config_file import write_config
from graspseg.training.presets import preset


def test_options_change_the_preset():
    options = "--preset tiny --steps 7 --no-attention --no-contour --optimizer.rate 0.1 --workers 3 --data a b"
    arguments = parse([*options.split(), "--init", "model.safetensors", "--out", "runs/mine", "--max-minutes", "2.5"])
    settings = arguments.settings
    assert (settings.preset, settings.steps, settings.attention, settings.contour) == ("tiny", 7, False, False)
    assert (settings.optimizer.rate, settings.compute.workers, settings.views.side) == (
        0.1,
        3,
        preset("tiny").views.side,
    )
    assert (settings.data, settings.init, settings.max_minutes) == ((Path("a"), Path("b")), "model.safetensors", 2.5)
    assert (arguments.out, arguments.resume) == (Path("runs/mine"), False)


def test_the_default_is_lite_in_a_folder_of_its_name():
    arguments = parse([])
    assert arguments.settings == preset("lite")
    assert arguments.out == Path("runs/lite")


def test_a_file_decides_what_the_command_line_does_not(tmp_path):
    written = replace(preset("tiny"), seed=4, steps=9)
    write_config(tmp_path / "config.json", written)
    arguments = parse(["--config", str(tmp_path / "config.json"), "--steps", "3"])
    assert arguments.settings == replace(written, steps=3)


def test_resuming_takes_the_settings_of_the_run(tmp_path):
    written = replace(preset("tiny"), seed=4)
    write_config(tmp_path / "config.json", written)
    assert parse(["--resume", "--out", str(tmp_path)]).settings == written
    with pytest.raises(InputError, match="found no run"):
        parse(["--resume", "--out", str(tmp_path / "none")])


def test_unknown_presets_and_options_are_refused():
    with pytest.raises(InputError, match="huge"):
        parse(["--preset", "huge"])
    with pytest.raises(InputError, match="no option --stepz of graspseg train: did you mean '--steps'"):
        parse(["--stepz", "3"])
