from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from graspseg.cli.main import main
from graspseg.datasets.atomic import write_png
from graspseg.datasets.combined import ConcatDataset, Subset
from graspseg.errors import InputError
from graspseg.networks.checkpoint import load_checkpoint
from graspseg.training.batches import SampleDataset, make_loader, validation_batches
from graspseg.training.run import train
from graspseg.training.sources import Skipped, check_frames, open_stored

SPLITS = {"train": [str(index) for index in range(9)], "val": ["9", "10", "11"]}


@pytest.fixture
def mine(toy_folder):
    """Twelve labeled frames, all whole."""
    return toy_folder(12, splits=SPLITS)


@pytest.fixture
def spoiled(mine):
    """The same with three bad frames to train on and one to validate on."""
    truncate(mine / "depth" / "2.png")
    write_png(mine / "labels" / "5.png", np.zeros((60, 80), np.uint8))
    write_png(mine / "labels" / "7.png", np.full((120, 160), 7, np.uint8))
    truncate(mine / "labels" / "10.png")
    return mine


def truncate(path):
    path.write_bytes(path.read_bytes()[:60])


def assert_names(reasons, folder, *files):
    """Each file is named by one reason."""
    assert len(reasons) == len(files)
    for file in files:
        assert sum(reason.startswith(f"{folder / file} ") for reason in reasons) == 1, file


def weights(result):
    return load_checkpoint(result.model).network.state_dict()


def test_bad_frames_are_skipped_told_once_and_counted(spoiled, tmp_path, quick, capsys):
    config = replace(quick, data=(spoiled,), validation=replace(quick.validation, frames=3))
    result = train(config, tmp_path / "run")
    bad = ("depth/2.png", "labels/5.png", "labels/7.png", "labels/10.png")
    assert_names(result.skipped, spoiled, *bad)
    reported = capsys.readouterr().err
    assert [reported.count(f"skipped: {spoiled / file} ") for file in bad] == [1, 1, 1, 1]
    assert load_checkpoint(result.model).card.data["frames_skipped"] == 4


def test_the_command_ends_with_the_model_the_count_and_code_1(spoiled, tmp_path, capsys):
    options = f"--data {spoiled} --out {tmp_path / 'run'} --steps 2 --batch 3 --views.side 64 --accelerator cpu"
    assert main(["train", "--preset", "tiny", *options.split()]) == 1
    printed = capsys.readouterr().out
    assert (tmp_path / "run" / "model.safetensors").is_file()
    assert f"could not be used: 4, the first: {spoiled / 'depth' / '2.png'} is" in printed


@pytest.mark.parametrize("workers", [0, 2])
def test_frames_that_go_bad_later_are_counted_by_whom_trains(spoiled, quick, workers):
    config = replace(quick, steps=9, compute=replace(quick.compute, workers=workers))
    skipped = Skipped()
    batches = list(make_loader(open_stored([spoiled], split="train"), config, start=0, skipped=skipped))
    assert len(batches) == 9
    assert_names(skipped.reasons, spoiled, "depth/2.png", "labels/5.png", "labels/7.png")


def test_a_bad_position_takes_the_next_frame_of_the_same_pass(spoiled, quick):
    source = open_stored([spoiled], split="train")
    dataset = SampleDataset(source, quick)
    bad = {2, 5, 7}
    for position in range(27):
        turn = [dataset.frame_index(position // 9 * 9 + place) for place in range(9)]
        place = position % 9
        expected = next(index for index in turn[place:] + turn[:place] if index not in bad)
        sample, skipped = dataset._usable_frame(position)
        np.testing.assert_array_equal(sample.target(), source[expected].target())
        assert bool(skipped) == (turn[place] in bad)
    later = SampleDataset(source, quick)
    np.testing.assert_array_equal(dataset[14].samples[0].depth, later[14].samples[0].depth)


def test_a_resumed_run_ends_with_the_same_weights_and_the_same_count(spoiled, tmp_path, quick, killed_at):
    # No check before training: what was skipped stands in the checkpoint alone.
    config = replace(quick, compute=replace(quick.compute, checkpoint_minutes=1e-9))
    frames = open_stored([spoiled], split="train"), open_stored([spoiled], split="val")
    whole = train(config, tmp_path / "whole", frames=frames)
    with killed_at(4):
        train(config, tmp_path / "broken", frames=frames)
    broken = train(config, tmp_path / "broken", frames=frames, resume=True)
    assert broken.skipped == whole.skipped
    assert len(whole.skipped) >= 2
    theirs = weights(whole)
    assert all(torch.equal(value, theirs[name]) for name, value in weights(broken).items())


@pytest.mark.parametrize("count", [5, 9])
def test_mostly_bad_frames_are_refused_and_nothing_is_left(mine, tmp_path, count, capsys):
    for index in range(count):
        truncate(mine / "depth" / f"{index}.png")
    options = f"--preset tiny --data {mine} --out {tmp_path / 'deep' / 'run'} --steps 2 --accelerator cpu"
    assert main(["train", *options.split()]) == 2
    sentence = capsys.readouterr().err
    assert sentence.count("\n") == 1
    assert f"{mine}: {count} of 9 frames tried cannot be used" in sentence
    assert str(mine / "depth" / "0.png") in sentence
    assert not (tmp_path / "deep").exists()


def test_mostly_bad_validation_frames_are_refused(mine, quick):
    truncate(mine / "depth" / "9.png")
    truncate(mine / "labels" / "11.png")
    source = open_stored([mine], split="val")
    with pytest.raises(InputError, match="frames to validate on: 2 of 3 frames"):
        validation_batches(source, replace(quick, validation=replace(quick.validation, frames=3)), skipped=Skipped())


def test_a_folder_that_vanishes_ends_the_run_with_one_sentence(mine, tmp_path, quick):
    frames = open_stored([mine], split="train"), open_stored([mine], split="val")
    moved = tmp_path / "moved"

    class Moving(ConcatDataset):
        def read(self, index):
            if mine.exists():
                shutil.move(mine, moved)
            return super().read(index)

    config = replace(quick, validation=replace(quick.validation, frames=1))
    with pytest.raises(InputError, match=r"^9 frames in a row cannot be used, .*the first: .*\.png could not be read"):
        train(config, tmp_path / "run", frames=(Moving(frames[0].datasets), frames[1]))
    assert not (tmp_path / "run").exists()


def test_large_sets_are_looked_at_in_part(toy_frames):
    been_read = []

    class Counting(Subset):
        def read(self, index):
            been_read.append(index)
            if index % 100 == 0:
                raise InputError(f"{index}.png is bad.")
            return super().read(index)

    source, skipped = Counting(toy_frames(1000), range(1000)), Skipped()
    assert check_frames(source, "set", same_size=False, skipped=skipped) == ()
    assert been_read == list(range(0, 1000, 10))
    assert skipped.reasons == [f"{index}.png is bad." for index in range(0, 1000, 100)]


def test_only_the_first_skipped_frames_are_told(capsys):
    skipped = Skipped()
    skipped.add(f"{index}.png is bad." for index in [0, 0, *range(9)])
    assert len(skipped.reasons) == 9
    reported = capsys.readouterr().err.splitlines()
    assert len(reported) == 5
    assert reported[-1] == "graspseg: skipped: 4.png is bad. (more such frames are only counted)"
