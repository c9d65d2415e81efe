"""How many steps fit into a time budget, by trying a few."""

from __future__ import annotations

import time
from copy import deepcopy
from dataclasses import replace

import torch
from torch import nn

from graspseg.datasets.dataset import Dataset
from graspseg.errors import InputError
from graspseg.training.batches import make_loader
from graspseg.training.eager import find_device
from graspseg.training.module import SegmentationTask, make_optimizer
from graspseg.training.presets import TrainConfig
from graspseg.training.sources import Skipped

_WARM_UP_STEPS = 3
_TRIED_STEPS = 10
# What validation, checkpoints and starting take.
_SHARE_FOR_STEPS = 0.93


def steps_within(config: TrainConfig, network: nn.Module, source: Dataset, skipped: Skipped) -> tuple[int, float]:
    """Steps that take about `max_minutes`, and the seconds of one; the network given is left as it is.

    Raises:
        InputError: several devices, whose pace cannot be tried before they are started.
    """
    if config.compute.devices != 1:
        raise InputError(
            f"--max-minutes was given with {config.compute.devices} devices, expected one: give --steps instead."
        )
    # Batches made ahead must be used up before the pace of making them shows.
    warm_up = _WARM_UP_STEPS + config.compute.workers * config.compute.prefetch
    tried = replace(config, steps=warm_up + _TRIED_STEPS)
    device = torch.device(find_device(config.compute.accelerator))
    task = SegmentationTask(deepcopy(network), tried).to(device).train()
    optimizer = make_optimizer(task.network, config.optimizer, finetune=False)
    start = time.monotonic()
    for step, batch in enumerate(make_loader(source, tried, start=0, skipped=skipped)):
        if step == warm_up:
            start = time.monotonic()
        batch = {name: value.to(device) for name, value in batch.items()}
        with torch.autocast(device.type, torch.bfloat16, enabled=config.compute.precision == "bf16-mixed"):
            loss = task.losses(batch, fine_tune=False)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()
    pace_s = (time.monotonic() - start) / _TRIED_STEPS
    return max(int(config.max_minutes * 60 * _SHARE_FOR_STEPS / pace_s), 1), pace_s
