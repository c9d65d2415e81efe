"""The data module: batches for Lightning's Trainer."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import LightningDataModule

from graspseg.datasets.dataset import Dataset
from graspseg.training.batches import StepLoader, ValidationBatches, make_loader, validation_batches
from graspseg.training.presets import TrainConfig
from graspseg.training.sources import Skipped


class TrainingFrames(LightningDataModule):
    """Batches of varied samples for training, and a fixed list of plain ones for validation, made at once.

    Args:
        config: settings of the run.
        train: frames to train on.
        val: frames to validate on.
        skipped: counts the frames that cannot be used; checkpoints remember them.

    Raises:
        InputError: most of the frames to validate on cannot be used.
    """

    def __init__(self, config: TrainConfig, *, train: Dataset, val: Dataset, skipped: Skipped) -> None:
        super().__init__()
        self.config = config
        self.train = train
        self.skipped = skipped
        self._val_batches = ValidationBatches(validation_batches(val, config, skipped=skipped))

    def train_dataloader(self) -> StepLoader:
        """Batches from the trainer's step on."""
        trainer = self.trainer
        start, rank, devices = (trainer.global_step, trainer.global_rank, trainer.world_size) if trainer else (0, 0, 1)
        return make_loader(self.train, self.config, start=start, skipped=self.skipped, rank=rank, devices=devices)

    def val_dataloader(self) -> ValidationBatches:
        """First and second looks at the validation frames."""
        return self._val_batches

    def state_dict(self) -> dict[str, Any]:
        """The frames skipped so far, so that a resumed run ends with the same count."""
        return {"skipped": self.skipped.reasons}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Frames that the interrupted run skipped."""
        self.skipped.restore(state_dict["skipped"])
