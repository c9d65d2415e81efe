from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from graspseg.synth.dataset import SyntheticDataset
from graspseg.training.batches import SampleDataset, StepSampler, make_loader, validation_batches
from graspseg.training.sources import Skipped


def test_a_resumed_sampler_goes_on_where_the_first_one_stopped():
    whole = list(StepSampler(3, start=0, steps=5))
    assert whole[1] == [3, 4, 5]
    assert list(StepSampler(3, start=2, steps=5)) == whole[2:]


def test_devices_share_the_frames_without_overlap():
    both = [list(StepSampler(2, start=0, steps=3, rank=rank, devices=2)) for rank in (0, 1)]
    assert sorted(position for step in both[0] + both[1] for position in step) == list(range(12))


def test_every_pass_over_a_finite_source_has_each_frame_once_in_another_order(toy_frames, quick):
    dataset = SampleDataset(toy_frames(10), quick)
    first, second = ([dataset.frame_index(turn * 10 + i) for i in range(10)] for turn in (0, 1))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert first == [SampleDataset(toy_frames(10), quick).frame_index(i) for i in range(10)]
    other = SampleDataset(toy_frames(10), replace(quick, seed=1))
    assert first != [other.frame_index(i) for i in range(10)]


def test_endless_frames_come_in_their_own_order(quick):
    assert SampleDataset(SyntheticDataset("train", 0, recipes=["exam1"]), quick).frame_index(123_456) == 123_456


def test_samples_of_one_frame_differ_and_are_repeatable(toy_frames, quick):
    one, again = (SampleDataset(toy_frames(4), quick)[7].samples for _ in range(2))
    assert len(one) == quick.views.per_frame
    for a, b in zip(one, again, strict=True):
        np.testing.assert_array_equal(a.depth, b.depth)
    assert one[0].pixel_angle != one[1].pixel_angle


def test_batches_are_a_function_of_the_step(toy_frames, quick):
    whole = list(make_loader(toy_frames(5), quick, start=0, skipped=Skipped()))
    rest = list(make_loader(toy_frames(5), quick, start=4, skipped=Skipped()))
    assert len(whole) == 6
    assert len(rest) == 2
    for name in ("depth", "pixel_angle", "labels"):
        assert torch.equal(whole[4][name], rest[0][name])


def test_batches_have_the_networks_form(toy_frames, quick):
    batch = next(iter(make_loader(toy_frames(5), replace(quick, batch=3), start=0, skipped=Skipped())))
    assert batch["depth"].shape == (3, 1, 64, 64)
    assert batch["depth"].dtype == torch.float32
    assert batch["pixel_angle"].shape == (3,)
    assert batch["labels"].shape == (3, 64, 64)
    assert batch["labels"].dtype == torch.uint8


def test_validation_batches_hold_both_looks(toy_frames, quick):
    batches = validation_batches(toy_frames(9), quick, skipped=Skipped())
    assert [looks for batch in batches for looks in batch["second_look"].tolist()] == [False, True] * 2
    frames = replace(quick, views=replace(quick.views, kind="frame"))
    assert sum(len(batch["depth"]) for batch in validation_batches(toy_frames(9), frames, skipped=Skipped())) == 2
