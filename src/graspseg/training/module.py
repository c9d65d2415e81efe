"""What one step does: loss of its stage, optimizer, running mean of the weights, judgment of the validation set."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from graspseg.losses import boundary_loss, contour_loss, lovasz_softmax, weighted_cross_entropy
from graspseg.metrics import Confusion
from graspseg.training.batches import Batch
from graspseg.training.presets import OptimizerSettings, TrainConfig
from graspseg.training.rate import rate_factor

LOOKS = ("first", "second")
EXTRA_LOSSES = {"lovasz": lovasz_softmax, "boundary": boundary_loss}
_CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


class SegmentationTask(LightningModule):
    """A network and how it learns.

    Args:
        network: takes `depth_m [b 1 h w]` and `pixel_angle [b]`, returns logits `[b 3 h w]`.
        config: settings of the run.

    Attributes:
        average: the network with running means of weights and statistics, None when `average_decay` is 0.
        shown: the validation samples and predictions for the contact sheet.
        scores: the last validation's mean IoU by look.
    """

    def __init__(self, network: nn.Module, config: TrainConfig) -> None:
        super().__init__()
        # Twice as fast on CPUs.
        self.network = network.to(memory_format=torch.channels_last)
        self.config = config
        self.average = deepcopy(network).requires_grad_(False) if config.optimizer.average_decay > 0 else None
        if config.compute.compile:
            self.network.compile()  # in place: names of weights stay as they are
        self.shown: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self.scores: dict[str, float] = {}
        self._confusions = {look: Confusion() for look in LOOKS}

    @property
    def trained_network(self) -> nn.Module:
        """The network that is validated and saved."""
        return self.network if self.average is None else self.average

    def fine_tunes(self, step: int) -> bool:
        """Whether other losses than cross-entropy count in a step."""
        several = self.config.contour or self.config.loss.extra != "none"
        return several and step >= self.config.contour_start

    def losses(self, batch: Batch, *, fine_tune: bool) -> dict[str, Tensor]:
        """Losses of a batch: `loss` is what is minimized, the others its parts.

        Args:
            batch: depth, pixel angles and labels.
            fine_tune: whether the losses of the last stage count.

        Paper: eqs. 2 to 6.
        """
        settings = self.config.loss
        logits = self.network(batch["depth"], batch["pixel_angle"])
        cross_entropy = weighted_cross_entropy(logits, batch["labels"], weights=settings.class_weights)
        if not fine_tune:
            return {"loss": cross_entropy, "cross_entropy": cross_entropy.detach()}
        probabilities = logits.float().softmax(dim=1)
        loss, parts = settings.alpha * cross_entropy, {"cross_entropy": cross_entropy.detach()}
        if self.config.contour:
            outline = contour_loss(
                probabilities if settings.contour_input == "probabilities" else logits,
                batch["labels"],
                normalizer=settings.contour_normalizer,
                per_class=settings.contour_per_class,
            )
            loss, parts["contour"] = loss + settings.beta * outline, outline.detach()
        if settings.extra != "none":
            extra = EXTRA_LOSSES[settings.extra](probabilities, batch["labels"])
            loss, parts[settings.extra] = loss + settings.gamma * extra, extra.detach()
        return {"loss": loss, **parts}

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Seed what is random inside networks by the step, so that a resumed run repeats it."""
        torch.manual_seed((self.config.seed * 1_000_003 + self.global_step) * 1_009 + self.global_rank)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Loss of one step."""
        fine_tune = self.fine_tunes(self.global_step)
        losses = self.losses(batch, fine_tune=fine_tune)
        for name, value in losses.items():
            self.log(f"train/{name}", value, prog_bar=name == "loss", batch_size=self.config.batch)
        self.log("rate", self.trainer.optimizers[0].param_groups[0]["lr"], batch_size=self.config.batch)
        self.log("stage", 2.0 if fine_tune else 1.0, batch_size=self.config.batch)
        return losses["loss"]

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Move the weights, then their running mean, before anything can be saved."""
        super().optimizer_step(*args, **kwargs)
        if self.average is not None:
            decay = self.config.optimizer.average_decay
            update_average(self.average, self.network, decay=decay, step=self.global_step + 1)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Optimizer, and a learning rate that only depends on the step."""
        settings, steps = self.config.optimizer, self.config.steps
        optimizer = make_optimizer(self.network, settings, finetune=self.config.init is not None)
        schedule = LambdaLR(optimizer, lambda step: rate_factor(step, steps=steps, settings=settings))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_validation_epoch_start(self) -> None:
        """Forget the last validation."""
        self.shown = []
        self._confusions = {look: Confusion() for look in LOOKS}

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Count right and wrong pixels of plain samples."""
        logits = self.trained_network(batch["depth"], batch["pixel_angle"])
        predictions = logits.argmax(dim=1).to(torch.uint8).cpu().numpy()
        depths, labels = batch["depth"][:, 0].cpu().numpy(), batch["labels"].cpu().numpy()
        predictions[depths == 0] = 0
        for second, depth, prediction, target in zip(
            batch["second_look"].tolist(), depths, predictions, labels, strict=True
        ):
            self._confusions[LOOKS[second]].update(prediction, target)
            if len(self.shown) < self.config.validation.sheet_views:
                self.shown.append((depth, target, prediction))

    def on_validation_epoch_end(self) -> None:
        """Log hand and object IoU over all pixels of the set, for each look."""
        self.scores = {}
        for look, confusion in self._confusions.items():
            for name, value in confusion.iou_dataset.items():
                if value is not None:
                    self.scores[f"val/{look}_look_{name}"] = value
        # Every device judges the whole set, so all of them log the same.
        self.log_dict(self.scores, sync_dist=True)


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, *, decay: float, step: int) -> None:
    """Move running means of parameters and statistics toward the network; early steps count more.

    Args:
        average: what is updated.
        network: what it follows.
        decay: share of the old value that stays, in the long run.
        step: steps done, this one included; the share is at most `(1 + step) / (10 + step)`.
    """
    keep = min(decay, (1 + step) / (10 + step))
    new = network.state_dict()
    for name, kept in average.state_dict().items():
        if torch.is_floating_point(kept):
            kept.lerp_(new[name], 1 - keep)
        else:
            kept.copy_(new[name])


def make_optimizer(network: nn.Module, settings: OptimizerSettings, *, finetune: bool) -> Optimizer:
    """Adam or AdamW; only convolution kernels are kept small.

    Paper: section 4.5. Differs: the paper's "batch-norm loss weight" is read as L2 on convolution kernels.
    """
    kernels = [module.weight for module in network.modules() if isinstance(module, _CONVOLUTIONS)]
    chosen = {id(kernel) for kernel in kernels}
    others = [parameter for parameter in network.parameters() if id(parameter) not in chosen]
    rate = settings.finetune_rate if finetune else settings.rate
    decay = settings.kernel_l2 if settings.name == "adam" else settings.weight_decay
    groups = [{"params": kernels, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
    make = torch.optim.Adam if settings.name == "adam" else torch.optim.AdamW
    return make(groups, lr=rate)
