from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from graspseg.errors import InputError
from graspseg.models import locate
from graspseg.networks.checkpoint import load_checkpoint
from graspseg.training import run
from graspseg.training.config_file import read_config
from graspseg.training.presets import preset
from graspseg.training.run import mean_score, report, train
from graspseg.training.sheet import read_log
from graspseg.training.sources import Skipped


def log(result):
    return list(csv.DictReader((result.folder / "metrics.csv").read_text().splitlines()))


def assert_equal_weights(one, other):
    theirs = load_checkpoint(other.model).network.state_dict()
    for name, value in load_checkpoint(one.model).network.state_dict().items():
        assert torch.equal(value, theirs[name]), name


def test_a_run_leaves_everything_behind(tmp_path, quick, frames):
    result = train(quick, tmp_path / "run", frames=frames)
    folder = result.folder
    assert read_config(folder / "config.json") == quick
    card = load_checkpoint(result.model).card
    assert card.network == "denseattentionseg-lite"
    assert card.data["views_seen"] == 24
    assert set(card.metrics) == {
        f"val/{look}_look_{name}" for look in ("first", "second") for name in ("hand", "object", "mean")
    }
    rows = log(result)
    assert [row["step"] for row in rows if row["train/loss"]] == ["0", "1", "2", "3", "4", "5"]
    assert [row["stage"] for row in rows if row["stage"]] == ["1.0"] * 5 + ["2.0"]
    assert [bool(row["train/contour"]) for row in rows if row["stage"]] == [False] * 5 + [True]
    sheets = sorted((folder / "sheets").iterdir())
    assert [sheet.name for sheet in sheets] == ["step-0000004.png", "step-0000006.png"]
    picture = cv2.imread(str(sheets[-1]))
    assert picture is not None
    assert picture.shape == (18 + 64, 6 * 68 - 4, 3)
    assert all(picture[:18, 68 * column : 68 * column + 64].max() > 200 for column in range(6)), "a heading each"
    assert cv2.imread(str(folder / "curves.png")) is not None
    events = EventAccumulator(str(folder / "tensorboard")).Reload()
    drawn = events.Images("validation")
    assert [event.step for event in drawn] == [4, 6]
    decoded = cv2.imdecode(np.frombuffer(drawn[-1].encoded_image_string, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(decoded, picture)


def test_a_killed_run_ends_with_the_weights_of_an_unbroken_one(tmp_path, quick, frames, killed_at):
    config = replace(quick, compute=replace(quick.compute, checkpoint_minutes=1e-9))
    whole = train(config, tmp_path / "whole", frames=frames)
    with killed_at(3):
        train(config, tmp_path / "broken", frames=frames)
    broken = train(config, tmp_path / "broken", frames=frames, resume=True)
    assert_equal_weights(whole, broken)
    assert [row["train/loss"] for row in log(broken)] == [row["train/loss"] for row in log(whole)]


@pytest.mark.parametrize("every_steps", [4, 6])
def test_a_run_killed_before_its_last_validation_ends_with_scores(tmp_path, quick, frames, killed_at, every_steps):
    config = replace(
        quick,
        compute=replace(quick.compute, checkpoint_minutes=1e-9),
        validation=replace(quick.validation, every_steps=every_steps),
    )
    whole = train(config, tmp_path / "whole", frames=frames)
    with killed_at(6, "validation"):
        train(config, tmp_path / "broken", frames=frames)
    broken = train(config, tmp_path / "broken", frames=frames, resume=True)
    assert_equal_weights(whole, broken)
    assert broken.scores == whole.scores != {}
    assert load_checkpoint(broken.model).card.metrics == whole.scores
    validations = [sum(bool(row["val/first_look_mean"]) for row in log(each)) for each in (broken, whole)]
    assert validations[0] == validations[1]


def test_ctrl_c_saves_and_resuming_ends_with_the_same_weights(tmp_path, quick, frames, at_step):
    whole = train(quick, tmp_path / "whole", frames=frames)
    said = rf"after step 3, go on with --resume --out {tmp_path / 'stopped'}"
    with pytest.raises(KeyboardInterrupt, match=said), at_step(2, lambda: os.kill(os.getpid(), signal.SIGINT)):
        train(quick, tmp_path / "stopped", frames=frames)
    assert not (tmp_path / "stopped" / "model.safetensors").exists()
    stopped = train(quick, tmp_path / "stopped", frames=frames, resume=True)
    assert_equal_weights(whole, stopped)


def test_folders_of_runs_are_not_overwritten(tmp_path, quick, frames):
    with pytest.raises(InputError, match="holds no run"):
        train(quick, tmp_path, frames=frames, resume=True)
    train(replace(quick, steps=1), tmp_path, frames=frames)
    with pytest.raises(InputError, match="already holds a run"):
        train(quick, tmp_path, frames=frames)
    with pytest.raises(InputError, match="finished run"):
        train(quick, tmp_path, frames=frames, resume=True)


def test_settings_are_checked_before_anything_is_written(tmp_path, quick, frames):
    with pytest.raises(InputError, match="--steps is 0"):
        train(replace(quick, steps=0), tmp_path / "run", frames=frames)
    assert not (tmp_path / "run").exists()


def test_resuming_with_other_settings_is_refused(tmp_path, quick, frames, killed_at):
    with killed_at(1):
        train(quick, tmp_path, frames=frames)
    with pytest.raises(InputError, match=r"other settings \(seed\)"):
        train(replace(quick, seed=9), tmp_path, frames=frames, resume=True)


def test_fine_tuning_starts_from_the_model_on_a_users_folder(tmp_path, quick, toy_folder, frames):
    mine = toy_folder(5)
    first = train(replace(quick, steps=1), tmp_path / "first", frames=frames)
    frozen = replace(
        quick,
        steps=1,
        data=(mine,),
        init=str(first.model),
        optimizer=replace(quick.optimizer, finetune_rate=0.0, average_decay=0.0),
    )
    second = train(frozen, tmp_path / "second")
    parameters = dict(load_checkpoint(second.model).network.named_parameters())
    for name, value in load_checkpoint(first.model).network.named_parameters():
        assert torch.equal(value, parameters[name]), name
    assert load_checkpoint(second.model).card.data["folders"] == ["mine"]
    assert read_config(tmp_path / "second" / "config.json") == frozen


def test_a_model_that_training_makes_worse_is_kept(tmp_path, quick, toy_folder, frames, capsys):
    first = train(replace(quick, steps=30), tmp_path / "first", frames=frames)
    optimizer = replace(quick.optimizer, finetune_rate=0.5, clip_norm=0.0, average_decay=0.0)
    worse = replace(quick, data=(toy_folder(5),), init=str(first.model), optimizer=optimizer)
    second = train(worse, tmp_path / "second")
    report(second)
    rows = read_log(tmp_path / "second" / "metrics.csv")
    scored = [row for row in rows if "val/first_look_mean" in row]
    assert scored[0]["step"] == 0
    assert scored[0]["val/first_look_mean"] == pytest.approx(second.before["val/first_look_mean"])
    assert second.kept_start and scored[-1]["val/first_look_mean"] < second.before["val/first_look_mean"]
    assert_equal_weights(first, second)
    assert load_checkpoint(second.model).card.metrics == second.before == second.scores
    assert "the one it started from was kept" in capsys.readouterr().out


def test_a_model_that_training_makes_better_is_saved(tmp_path, quick, toy_folder, frames, capsys):
    first = train(replace(quick, steps=1), tmp_path / "first", frames=frames)
    settings = replace(quick, data=(toy_folder(5),), init=str(first.model), steps=30)
    second = train(replace(settings, optimizer=replace(quick.optimizer, finetune_rate=2e-3)), tmp_path / "second")
    report(second)
    assert mean_score(second.scores) > mean_score(second.before) and not second.kept_start
    printed = capsys.readouterr().out
    assert " -> " in printed and printed.endswith(f"next: graspseg export {tmp_path / 'second'}\n")


def test_models_that_cannot_be_started_from_are_refused(tmp_path, quick, frames):
    with pytest.raises(InputError, match="is no file"):
        train(replace(quick, init="nothing"), tmp_path / "a", frames=frames)
    (tmp_path / "model.onnx").write_bytes(b"")
    with pytest.raises(InputError, match="safetensors file beside it"):
        train(replace(quick, init=str(tmp_path / "model.onnx")), tmp_path / "a", frames=frames)
    with pytest.raises(InputError, match="no network"):
        train(replace(quick, network="nothing"), tmp_path / "a", frames=frames)
    assert not (tmp_path / "a").exists()


def test_shipped_models_and_runs_can_be_named(tmp_path, monkeypatch):
    monkeypatch.setattr(locate, "shipped_folder", lambda: tmp_path)
    (tmp_path / "denseattentionseg-lite.safetensors").touch()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model.safetensors").touch()
    for name in ("lite", "denseattentionseg-lite"):
        assert locate.find_weights(name) == tmp_path / "denseattentionseg-lite.safetensors"
    assert locate.find_weights(str(tmp_path / "run")) == tmp_path / "run" / "model.safetensors"


def test_attention_can_be_switched_off(tmp_path, quick, frames):
    result = train(replace(quick, steps=1, attention=False), tmp_path, frames=frames)
    assert load_checkpoint(result.model).card.network == "denseattentionseg-lite-noattention"


def test_the_papers_recipe_runs_on_whole_frames(tmp_path, quick, frames):
    paper = preset("paper")
    validation = replace(paper.validation, frames=2)
    config = replace(paper, network=quick.network, steps=15, batch=2, compute=quick.compute, validation=validation)
    result = train(config, tmp_path, frames=frames)
    rows = log(result)
    assert [row["stage"] for row in rows if row["stage"]] == ["1.0"] * 14 + ["2.0"]
    rates = [float(row["rate"]) for row in rows if row["rate"]]
    assert rates[-1] < 0.02 * rates[0]
    assert [sheet.name for sheet in (tmp_path / "sheets").iterdir()] == ["step-0000015.png"]
    assert "val/first_look_mean" in result.scores
    assert "val/second_look_mean" not in result.scores


def test_a_time_budget_decides_the_steps(tmp_path, quick, frames, monkeypatch):
    monkeypatch.setattr(run, "steps_within", lambda config, network, source, skipped: (3, 0.5))
    result = train(replace(quick, max_minutes=2.0), tmp_path, frames=frames)
    config = read_config(tmp_path / "config.json")
    assert (result.steps, config.steps, config.max_minutes) == (3, 3, 0.0)


def test_trying_the_pace_leaves_the_network_as_it_is(quick, frames):
    from graspseg.training.model_file import start_network
    from graspseg.training.pace import steps_within

    network = start_network(quick).network
    before = {name: value.clone() for name, value in network.state_dict().items()}
    steps, pace_s = steps_within(replace(quick, max_minutes=1.0), network, frames[0], Skipped())
    assert steps == max(int(60 * 0.93 / pace_s), 1)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    several = replace(quick, max_minutes=1.0, compute=replace(quick.compute, devices=2))
    with pytest.raises(InputError, match="2 devices"):
        steps_within(several, network, frames[0], Skipped())


def test_a_loss_that_is_no_number_ends_the_run(tmp_path, quick, frames, monkeypatch):
    from graspseg.training import module

    monkeypatch.setattr(module, "weighted_cross_entropy", lambda logits, target, weights: logits.sum() * float("nan"))
    with pytest.raises(InputError, match=r"The loss is nan after step 1.*optimizer\.rate"):
        train(quick, tmp_path, frames=frames)


def test_workers_make_the_same_batches(tmp_path, quick, toy_folder):
    mine = toy_folder(4)
    config = replace(quick, steps=2, data=(mine,))
    alone = train(config, tmp_path / "alone")
    helped = train(replace(config, compute=replace(config.compute, workers=2)), tmp_path / "helped")
    assert_equal_weights(alone, helped)


@pytest.mark.slow
def test_two_processes_train_one_model(tmp_path, toy_folder):
    mine = toy_folder(6)
    broken = mine / "depth" / "1.png"
    broken.write_bytes(broken.read_bytes()[:60])
    options = f"--preset tiny --data {tmp_path / 'mine'} --out {tmp_path / 'run'} --steps 3 --batch 3 --threads 1"
    devices = ["--accelerator", "cpu", "--devices", "2", "--strategy", "ddp"]
    command = [sys.executable, "-m", "graspseg.cli.main", "train", *options.split(), *devices]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert done.stdout.count("model: ") == 1
    assert done.stdout.count(f"could not be used: 1, the first: {broken} ") == 1
    card = load_checkpoint(tmp_path / "run" / "model.safetensors").card
    assert card.data["frames_seen"] == 3 * 2
