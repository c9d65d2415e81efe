"""Two real processes that train together read every frame of shards once a pass, in equally many steps."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist

from graspseg.datasets.manifest import write_manifest
from graspseg.datasets.shard_writer import ShardSample, write_shard
from graspseg.frame import Frame
from graspseg.training import order
from graspseg.training.batches import make_loader
from graspseg.training.presets import TrainConfig, preset
from graspseg.training.sources import Skipped, open_stored

FRAMES, SHARD, WINDOW, STEPS = 22, 4, 8, 11  # 2 ranks x 2 frames: five and a half steps are a pass


def _config() -> TrainConfig:
    tiny = preset("tiny")
    views = replace(tiny.views, kind="frame", per_frame=1)
    still = replace(
        tiny.augment,
        rotation_deg=0.0,
        mirror_share=0.0,
        zoom=(1.0, 1.0),
        window_share=0.0,
        noise_m=0.0,
        occlusion_share=0.0,
    )
    return replace(tiny, batch=2, steps=STEPS, views=views, augment=still)


def _write(folder: Path) -> None:
    """Frame `i` is 0.5 m + i cm away everywhere."""
    labels = np.tile(np.array([0, 1, 2, 0], np.uint8), (16, 4))
    entries = []
    for number, start in enumerate(range(0, FRAMES, SHARD)):
        indices = range(start, min(start + SHARD, FRAMES))
        samples = [ShardSample(f"f{i}", Frame(np.full((16, 16), 500 + 10 * i, np.uint16)), labels) for i in indices]
        entries.append(write_shard(folder / f"all-{number:06d}.tar", samples))
    write_manifest(folder, {}, entries)


def _read(rank: int, folder: Path, meeting: Path) -> None:
    """What one rank of two trains on; rank 0 gathers and keeps both."""
    order.WINDOW = WINDOW
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
    config = _config()
    loader = make_loader(open_stored([folder]), config, start=0, skipped=Skipped(), rank=rank, devices=2)
    read = torch.stack([batch["depth"].amax(dim=(1, 2, 3)) for batch in loader])
    dist.barrier()
    both = [torch.empty(STEPS, 2) for _ in range(2)]
    dist.all_gather(both, read)
    if rank == 0:
        np.save(meeting.with_suffix(".npy"), torch.stack(both, dim=1).numpy())
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_share_the_frames_of_shards(tmp_path: Path) -> None:
    _write(tmp_path / "set")
    context = multiprocessing.get_context("spawn")
    ranks = [context.Process(target=_read, args=(rank, tmp_path / "set", tmp_path / "meet")) for rank in (0, 1)]
    for rank in ranks:
        rank.start()
    for rank in ranks:
        rank.join(120)
    assert [rank.exitcode for rank in ranks] == [0, 0]
    depth_m = np.load(tmp_path / "meet.npy")
    assert depth_m.shape == (STEPS, 2, 2)  # steps, ranks, samples: as many steps on each rank
    frames = np.rint((depth_m.ravel() - 0.5) * 100).astype(int).tolist()
    first, second = frames[:FRAMES], frames[FRAMES:]
    assert sorted(first) == sorted(second) == list(range(FRAMES))
    assert first != second
    for window in (first[:WINDOW], first[WINDOW : 2 * WINDOW], second[:WINDOW]):
        assert len({frame // SHARD for frame in window}) <= 3
