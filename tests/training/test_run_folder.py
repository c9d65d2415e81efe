from __future__ import annotations

from dataclasses import replace

import pytest

from graspseg.datasets.atomic import held
from graspseg.datasets.output_folder import LOCK
from graspseg.errors import InputError
from graspseg.networks.checkpoint import Card, save_checkpoint
from graspseg.networks.table import build
from graspseg.training.checkpoint_io import AtomicCheckpointIO
from graspseg.training.forest_config import ForestConfig
from graspseg.training.forest_run import run_forest
from graspseg.training.run import train


def test_a_run_without_a_step_leaves_nothing_and_can_be_repeated(tmp_path, quick, frames, killed_at):
    config = replace(quick, steps=1)
    with killed_at(0):
        train(config, tmp_path / "new" / "run", frames=frames)
    assert list(tmp_path.iterdir()) == []
    assert train(config, tmp_path / "new" / "run", frames=frames).model.is_file()


def test_what_others_put_into_the_folder_stays(tmp_path, quick, frames, killed_at):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "sheets").mkdir()
    (tmp_path / "sheets" / "mine.png").write_text("mine")
    with killed_at(0):
        train(quick, tmp_path, frames=frames)
    left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*"))
    assert left == ["notes.txt", "sheets", "sheets/mine.png"]


def test_leftovers_of_a_run_killed_before_its_first_step_do_not_matter(tmp_path, quick, frames):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "metrics.csv").write_text("step,train/loss\n")
    (tmp_path / "tensorboard").mkdir()
    (tmp_path / "tensorboard" / "events.out.tfevents.old").touch()
    train(replace(quick, steps=1), tmp_path, frames=frames)
    assert not (tmp_path / "tensorboard" / "events.out.tfevents.old").exists()


def test_results_of_steps_stay_and_are_not_overwritten(tmp_path, quick, frames, killed_at):
    with killed_at(2):
        train(quick, tmp_path, frames=frames)
    assert len((tmp_path / "metrics.csv").read_text().splitlines()) == 3
    with pytest.raises(InputError, match="already holds a run"):
        train(quick, tmp_path, frames=frames)
    assert train(quick, tmp_path, frames=frames, resume=True).steps == quick.steps


def test_a_model_is_never_overwritten(tmp_path, quick, frames):
    (tmp_path / "model.safetensors").write_bytes(b"precious")
    with pytest.raises(InputError, match="already holds a run"):
        train(quick, tmp_path, frames=frames)
    assert (tmp_path / "model.safetensors").read_bytes() == b"precious"


def test_a_resumed_run_that_fails_at_once_keeps_what_was_there(tmp_path, quick, frames, killed_at):
    config = replace(quick, compute=replace(quick.compute, checkpoint_minutes=1e-9))
    with killed_at(2):
        train(config, tmp_path, frames=frames)
    before = {path.name for path in tmp_path.iterdir()}
    with killed_at(2):
        train(config, tmp_path, frames=frames, resume=True)
    assert before <= {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / "checkpoints" / "last.ckpt").is_file()


@pytest.mark.parametrize(
    "there",
    [
        {"config.json": '{"lr": 0.1}', "checkpoints/epoch1.pt": "mine", "tensorboard/events.out.tfevents.1": "mine"},
        {"config.json": "no JSON", "sheets/step-0000001.png": "mine"},
        {"config.json": '{"seed": 1, "steps": 100}'},
        {"config.json": "{}", "checkpoints/epoch1.pt": "mine"},
        {"config.json": "{}", "metrics.csv": "epoch,accuracy\n"},
        {"metrics.csv": "step,train/loss\n1,2\n"},
        {"curves.png": "mine"},
        {"tensorboard/events.out.tfevents.1": "mine"},
    ],
)
def test_runs_of_other_programs_stay(tmp_path, quick, frames, there):
    for name, content in there.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match="holds something else"):
        train(quick, tmp_path, frames=frames)
    left = {str(path.relative_to(tmp_path)): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == there


def test_one_process_at_a_time(tmp_path, quick, frames):
    with held(tmp_path / "run" / LOCK), pytest.raises(InputError, match="run is being worked on by another process"):
        train(quick, tmp_path / "run", frames=frames)


def test_a_forest_does_not_replace_settings_of_others(tmp_path):
    (tmp_path / "config.json").write_text("mine")
    with pytest.raises(InputError, match=r"holds something else \(config\.json\)"):
        run_forest(ForestConfig(), tmp_path)
    with held(tmp_path / "run" / LOCK), pytest.raises(InputError, match="run is being worked on by another process"):
        run_forest(ForestConfig(), tmp_path / "run")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["config.json"]


def test_checkpoints_and_models_are_on_the_disk_when_they_have_their_names(tmp_path, synced):
    AtomicCheckpointIO().save_checkpoint({"step": 1}, tmp_path / "run" / "last.ckpt")
    assert synced[-2].endswith(".tmp") and synced[-1] == str(tmp_path / "run")
    synced.clear()
    card = Card("denseattentionseg-lite")
    save_checkpoint(tmp_path / "run" / "model.safetensors", build(card.network), card=card)
    assert synced[-2].endswith(".tmp") and synced[-1] == str(tmp_path / "run")
