"""The data module: batches for Lightning's Trainer."""

from __future__ import annotations

from lightning.pytorch import LightningDataModule

from graspseg.training.batches import StepLoader, ValidationBatches, make_loader, validation_batches
from graspseg.training.presets import TrainConfig
from graspseg.training.sources import FrameSource


class TrainingFrames(LightningDataModule):
    """Batches of varied samples for training, and a fixed list of plain ones for validation.

    Args:
        config: settings of the run.
        train: frames to train on.
        val: frames to validate on.
    """

    def __init__(self, config: TrainConfig, *, train: FrameSource, val: FrameSource) -> None:
        super().__init__()
        self.config = config
        self.train = train
        self.val = val
        self._val_batches: ValidationBatches | None = None

    def train_dataloader(self) -> StepLoader:
        """Batches from the trainer's step on."""
        trainer = self.trainer
        start, rank, devices = (trainer.global_step, trainer.global_rank, trainer.world_size) if trainer else (0, 0, 1)
        return make_loader(self.train, self.config, start=start, rank=rank, devices=devices)

    def val_dataloader(self) -> ValidationBatches:
        """First and second looks at the validation frames, made once."""
        if self._val_batches is None:
            self._val_batches = ValidationBatches(validation_batches(self.val, self.config))
        return self._val_batches
