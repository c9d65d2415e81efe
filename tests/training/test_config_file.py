from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from graspseg.errors import InputError
from graspseg.training.config_file import check_ranges, config_dict, read_config, write_config
from graspseg.training.presets import PRESET_NAMES, preset


@pytest.mark.parametrize("name", PRESET_NAMES)
def test_what_is_written_is_read(tmp_path, name):
    config = replace(preset(name), data=(Path("a"), Path("b")), init="denseattentionseg-lite", seed=5)
    write_config(tmp_path / "config.json", config)
    assert read_config(tmp_path / "config.json") == config


def test_a_file_may_leave_out_what_the_preset_says(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text('{"preset": "tiny", "optimizer": {"rate": 1}}')
    config = read_config(path)
    assert config.optimizer.rate == 1.0
    assert isinstance(config.optimizer.rate, float)
    assert config == replace(preset("tiny"), optimizer=replace(preset("tiny").optimizer, rate=1.0))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"stepz": 3}', "stepz"),
        ('{"optimizer": {"lr": 3}}', r"optimizer\.lr"),
        ('{"optimizer": 3}', "optimizer is 3"),
        ('{"steps": 3.5}', "steps is 3.5"),
        ('{"steps": true}', "steps is True"),
        ('{"contour": 1}', "contour is 1"),
        ('{"views": {"kind": "round"}}', r"views\.kind is 'round'"),
        ('{"augment": {"zoom": [1.0]}}', r"augment\.zoom"),
        ('{"loss": {"extra": "dice"}}', r"loss\.extra is 'dice', expected .*'none', 'lovasz', 'boundary'"),
        ('{"loss": {"contour_normalizer": 3}}', r"loss\.contour_normalizer is 3"),
        ('{"data": "here"}', "data is 'here'"),
        ('{"preset": "huge"}', "preset is 'huge'"),
        ("[1]", "expected a JSON object"),
        ("{", "not JSON"),
    ],
)
def test_bad_files_are_refused_in_one_sentence(tmp_path, text, message):
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_config(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_config(tmp_path / "none.json")


@pytest.mark.parametrize("name", PRESET_NAMES)
def test_presets_are_within_their_ranges(name):
    check_ranges(preset(name))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": -1}, "--seed is -1, expected at least 0"),
        ({"steps": 0}, "--steps is 0, expected at least 1"),
        ({"views": replace(preset("lite").views, per_frame=0)}, r"--views\.per-frame is 0"),
        ({"loss": replace(preset("lite").loss, gamma=-0.5)}, r"--loss\.gamma is -0\.5, expected at least 0"),
        ({"compute": replace(preset("lite").compute, log_every_steps=0)}, "--log-every-steps is 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        check_ranges(replace(preset("lite"), **change))


def test_settings_are_plain_json():
    assert json.loads(json.dumps(config_dict(preset("paper")))) == config_dict(preset("paper"))
