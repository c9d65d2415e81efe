"""One network in training on a GPU: a plain loop's step, its checkpoint, its progress."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gpu_augment import augmented, metres
from gpu_frames import RawBatch
from graspseg.synth.preset_names import DEPTH_UNIT_M
from graspseg.training.batches import Batch
from graspseg.training.model_file import start_network
from graspseg.training.module import SegmentationTask, make_optimizer
from graspseg.training.presets import TrainConfig
from graspseg.training.rate import rate_factor


class Training:
    """A network in training; losses, optimizer and learning rate are those of `graspseg.training`.

    Not Lightning's Trainer: a slice ends by the clock in the middle of a network, several networks share a process,
    and frames come in files of raw pixels that are augmented on the card.

    Args:
        config: settings.
        device: where it is trained.
        pixel_angle: radians a pixel of the frames covers.
        pieces: parts a batch is cut into where the card's memory is too small for all of it; gradients are added up.

    Attributes:
        step: steps done.
        seconds: time spent on them.
        own_seconds: the same without what a run spent from which this one branched off.
        waited_s: part of `own_seconds` in which frames were waited for.
        rows: losses, by step.
    """

    def __init__(self, config: TrainConfig, device: torch.device, *, pixel_angle: float, pieces: int = 1) -> None:
        self.config, self.device, self.pixel_angle, self.pieces = config, device, pixel_angle, pieces
        self.task = SegmentationTask(start_network(config).network, config).to(device).train()
        self.optimizer = make_optimizer(self.task.network, config.optimizer, finetune=False)
        self.step, self.seconds, self.own_seconds, self.waited_s = 0, 0.0, 0.0, 0.0
        self.rows: list[dict[str, float]] = []

    def advance(self, raw: RawBatch) -> dict[str, Tensor]:
        """Do one step on the frames of that step; the losses of its last piece."""
        settings, fine_tune = self.config.optimizer, self.task.fine_tunes(self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = settings.rate * rate_factor(self.step, steps=self.config.steps, settings=settings)
        # What is random inside networks shall not depend on where a slice began.
        torch.manual_seed(self.config.seed * 1_000_003 + self.step)
        self.optimizer.zero_grad(set_to_none=True)
        losses: dict[str, Tensor] = {}
        for piece in self._pieces(self._batch(raw.to(self.device))):
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
                losses = self.task.losses(piece, fine_tune=fine_tune)
            (losses["loss"] / self.pieces).backward()
        self.optimizer.step()
        self.step += 1
        return losses

    def _batch(self, raw: RawBatch) -> Batch:
        return augmented(
            metres(raw.depth, unit_m=DEPTH_UNIT_M),
            raw.labels,
            key=(self.config.seed, self.step),
            pixel_angle=self.pixel_angle,
            augment=self.config.augment,
        )

    def _pieces(self, batch: Batch) -> Iterator[Batch]:
        for parts in zip(*(values.chunk(self.pieces) for values in batch.values()), strict=True):
            yield dict(zip(batch, parts, strict=True))

    def note(self, seconds: float, losses: dict[str, Tensor]) -> str | None:
        """Note the losses and the time since the last note; why training cannot go on, if so."""
        self.seconds += seconds
        self.own_seconds += seconds
        values = {name: float(loss.detach()) for name, loss in losses.items()}
        if not isfinite(values["loss"]):
            return f"the loss was {values['loss']} at step {self.step}"
        self.rows.append({"step": self.step, **values})
        return None

    def save(self, path: Path) -> None:
        """Write everything that the next slice needs, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".tmp")
        weights, optimizer = self.task.network.state_dict(), self.optimizer.state_dict()
        torch.save({"network": weights, "optimizer": optimizer, "progress": self.progress()}, partial)
        partial.replace(path)

    def restore(self, path: Path, *, branch: bool = False) -> None:
        """Go on from a checkpoint, or branch off from that of another run."""
        saved = torch.load(path, map_location=self.device, weights_only=True)
        self.task.network.load_state_dict(saved["network"])
        self.optimizer.load_state_dict(saved["optimizer"])
        progress = saved["progress"]
        self.step, self.seconds, self.rows = progress["step"], progress["seconds"], progress["rows"]
        if not branch:
            self.own_seconds, self.waited_s = progress["own_seconds"], progress["waited_s"]

    def progress(self) -> dict[str, Any]:
        """How far it is."""
        return {
            "step": self.step,
            "steps": self.config.steps,
            "frames_seen": self.step * self.config.batch,
            "seconds": round(self.seconds, 2),
            "own_seconds": round(self.own_seconds, 2),
            "waited_s": round(self.waited_s, 2),
            "pieces": self.pieces,
            "rows": self.rows,
        }
