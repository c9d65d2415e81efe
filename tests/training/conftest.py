from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from graspseg.frame import Intrinsics
from graspseg.training.presets import TrainConfig, preset
from graspseg.training.sources import LabelledFrame

WIDTH, HEIGHT = 160, 120


class ToyFrames:
    """A slanted wall, and a palm that holds a box before it: exact, quick, a function of the index."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def frame(self, index: int) -> LabelledFrame:
        rng = np.random.default_rng(index)
        depth = np.full((HEIGHT, WIDTH), 0.9, np.float32) + np.linspace(0, 0.1, WIDTH, dtype=np.float32)
        labels = np.zeros((HEIGHT, WIDTH), np.uint8)
        x, y = int(rng.integers(20, 90)), int(rng.integers(20, 60))
        depth[y : y + 40, x : x + 30] = 0.45
        labels[y : y + 40, x : x + 30] = 1
        depth[y + 10 : y + 30, x + 25 : x + 45] = 0.42
        labels[y + 10 : y + 30, x + 25 : x + 45] = 2
        depth[:, :8] = 0
        return LabelledFrame(depth, labels, Intrinsics.default(WIDTH, HEIGHT))


@pytest.fixture
def toy_frames() -> Callable[[int], ToyFrames]:
    return ToyFrames


@pytest.fixture
def quick() -> TrainConfig:
    """Settings of a run of seconds on one CPU."""
    tiny = preset("tiny")
    return replace(
        tiny,
        steps=6,
        batch=4,
        views=replace(tiny.views, side=64, per_frame=2),
        validation=replace(tiny.validation, frames=2, every_steps=4, sheet_views=2),
        compute=replace(tiny.compute, accelerator="cpu", log_every_steps=1),
    )
