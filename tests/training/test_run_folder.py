from __future__ import annotations

from dataclasses import replace

import pytest

from graspseg.frame import InputError
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
