from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from lightning.pytorch import Callback

from graspseg.datasets.dataset import Dataset, Sample
from graspseg.datasets.folder import FolderWriter
from graspseg.frame import Frame, Intrinsics
from graspseg.training import run
from graspseg.training.presets import TrainConfig, preset

WIDTH, HEIGHT = 160, 120


class ToyFrames(Dataset):
    """A slanted wall, and a palm that holds a box before it: exact, quick, a function of the index."""

    def __init__(self, count: int) -> None:
        self._stems = [str(index) for index in range(count)]

    @property
    def stems(self) -> list[str]:
        return self._stems

    def read(self, index: int) -> Sample:
        rng = np.random.default_rng(index)
        depth = np.full((HEIGHT, WIDTH), 0.9, np.float32) + np.linspace(0, 0.1, WIDTH, dtype=np.float32)
        labels = np.zeros((HEIGHT, WIDTH), np.uint8)
        x, y = int(rng.integers(20, 90)), int(rng.integers(20, 60))
        depth[y : y + 40, x : x + 30] = 0.45
        labels[y : y + 40, x : x + 30] = 1
        depth[y + 10 : y + 30, x + 25 : x + 45] = 0.42
        labels[y + 10 : y + 30, x + 25 : x + 45] = 2
        depth[:, :8] = 0
        return Sample(str(index), Frame.from_meters(depth, intrinsics=Intrinsics.default(WIDTH, HEIGHT)), labels)


@pytest.fixture
def toy_frames() -> Callable[[int], ToyFrames]:
    return ToyFrames


@pytest.fixture
def toy_folder(tmp_path: Path) -> Callable[..., Path]:
    """Writes so many toy frames into a folder, in mm, with what else its `dataset.json` shall say."""

    def write(count: int, **described: Any) -> Path:
        writer = FolderWriter(tmp_path / "mine", described)
        for index in range(count):
            sample = ToyFrames(count)[index]
            writer.write(f"{index}", Frame.from_meters(sample.frame.depth_m(), depth_unit_m=0.001), sample.labels)
        return tmp_path / "mine"

    return write


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


@pytest.fixture
def frames(toy_frames) -> tuple[ToyFrames, ToyFrames]:
    """Frames to train and to validate on."""
    return toy_frames(7), toy_frames(2)


class Killed(Exception):
    """Stands for a process that dies."""


class AtStep(Callback):
    """Does something when a step begins, or the validation after it."""

    def __init__(self, step: int, action: Callable[[], None], when: Literal["training", "validation"]) -> None:
        self.step, self.action, self.when = step, action, when

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx) -> None:
        if self.when == "training" and trainer.global_step == self.step:
            self.action()

    def on_validation_start(self, trainer, pl_module) -> None:
        if self.when == "validation" and trainer.global_step == self.step:
            self.action()


@pytest.fixture
def at_step(monkeypatch):
    """Within the context, runs do something when a step begins, or the validation after it."""
    own = run._callbacks

    @contextlib.contextmanager
    def acting(step: int, action: Callable[[], None], when: Literal["training", "validation"] = "training"):
        with monkeypatch.context() as patch:
            patch.setattr(run, "_callbacks", lambda *rest: [*own(*rest), AtStep(step, action, when)])
            yield

    return acting


@pytest.fixture
def killed_at(at_step):
    """Within the context, a run has to die where a step begins, or the validation after it."""

    def die() -> None:
        raise Killed

    @contextlib.contextmanager
    def killing(step: int, when: Literal["training", "validation"] = "training") -> Iterator[None]:
        with pytest.raises(Killed), at_step(step, die, when):
            yield

    return killing
