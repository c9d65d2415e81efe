"""What happens beside the steps: sheets, progress for logs, stopping in good order, noticing divergence."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger

from graspseg.errors import InputError
from graspseg.training.module import SegmentationTask
from graspseg.training.sheet import write_sheet


class DivergedError(InputError):
    """The loss of a training left the numbers; with the same settings it would again."""


class ValidationSheet(Callback):
    """Writes a contact sheet after every validation, and hands it to TensorBoard.

    Args:
        folder: where the sheets go.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the sheet of this step."""
        if isinstance(pl_module, SegmentationTask) and pl_module.shown and trainer.is_global_zero:
            step = trainer.global_step
            sheet = write_sheet(self.folder / f"step-{step:07d}.png", pl_module.shown)
            for logger in trainer.loggers:
                if isinstance(logger, TensorBoardLogger):
                    logger.experiment.add_image("validation", sheet, step, dataformats="HWC")


class ProgressLines(Callback):
    """Prints a line now and then, for logs and terminals without a progress bar.

    Args:
        every_s: seconds between lines.
    """

    def __init__(self, *, every_s: float) -> None:
        self.every_s = every_s
        self._last = self._start = 0.0
        self._start_step = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Remember when and where training started."""
        self._last = self._start = time.monotonic()
        self._start_step = trainer.global_step

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Print step, loss, and the time left."""
        now, step = time.monotonic(), trainer.global_step
        if not trainer.is_global_zero or (now - self._last < self.every_s and step != self._start_step + 5):
            return
        self._last = now
        pace = (now - self._start) / max(step - self._start_step, 1)
        left = (trainer.max_steps - step) * pace / 60
        loss = trainer.callback_metrics.get("train/loss")
        value = "" if loss is None else f"  loss {float(loss):.4f}"
        print(f"step {step}/{trainer.max_steps}{value}  {pace:.2f} s a step, {left:.0f} min left", flush=True)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the scores."""
        if isinstance(pl_module, SegmentationTask) and trainer.is_global_zero and not trainer.sanity_checking:
            scores = "  ".join(f"{name.removeprefix('val/')} {value:.3f}" for name, value in pl_module.scores.items())
            print(f"step {trainer.global_step}/{trainer.max_steps}  IoU  {scores}", flush=True)


class DivergenceStop(Callback):
    """Ends a run whose loss is no longer a number.

    Args:
        every_steps: steps between looks; each look waits for the device.
    """

    def __init__(self, *, every_steps: int) -> None:
        self.every_steps = every_steps

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Look at the loss.

        Raises:
            DivergedError: the loss is infinite or no number.
        """
        if trainer.global_step % self.every_steps == 0 and not torch.isfinite(outputs["loss"]):
            raise DivergedError(
                f"The loss is {float(outputs['loss'])} after step {trainer.global_step}, expected a finite number: "
                "start again with a lower --optimizer.rate."
            )


class InterruptStop(Callback):
    """Ctrl-C lets the step end and saves a checkpoint; a second one stops at once.

    Args:
        checkpoint: the file that is saved.
    """

    def __init__(self, checkpoint: Path) -> None:
        self.checkpoint = checkpoint
        self.interrupted = False
        self._previous: Any = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take over the signal; in other threads than the main one signals cannot be taken over."""

        def stop(number: int, frame: Any) -> None:
            self.interrupted = True
            trainer.should_stop = True
            signal.signal(signal.SIGINT, self._previous)
            print("graspseg: stopping after this step", file=sys.stderr)

        try:
            self._previous = signal.signal(signal.SIGINT, stop)
        except ValueError:
            self._previous = None

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save when this was the last step."""
        if self.interrupted:
            trainer.save_checkpoint(self.checkpoint)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Give the signal back."""
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
