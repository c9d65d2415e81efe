"""A network in PyTorch, called as the runtime calls an exported one: one frame in, probabilities out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float32
from torch import nn

from graspseg.errors import InputError
from graspseg.models.card import Card
from graspseg.networks.checkpoint import load_checkpoint

Accelerator = Literal["auto", "cpu", "gpu", "mps"]


def find_device(accelerator: Accelerator) -> str:
    """PyTorch's name of the device that Lightning would take: `cuda`, `mps` or `cpu`.

    Raises:
        InputError: there is no such device.
    """
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    found = {"auto": "cuda" if cuda else "mps" if mps else "cpu", "cpu": "cpu"}
    found |= {"gpu": "cuda"} if cuda else {"gpu": "mps"} if mps else {}
    found |= {"mps": "mps"} if mps else {}
    if accelerator not in found:
        raise InputError(f"--accelerator is {accelerator}, which PyTorch finds none of here: give auto or cpu.")
    return found[accelerator]


def device_name(device: str) -> str:
    """The model of a card, or the device's own name: `NVIDIA H200`, `cpu`."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


class EagerEngine:
    """A network in evaluation mode, one frame at a time; a call returns when the device has finished.

    Args:
        network: takes `depth_m [b 1 h w]` and `pixel_angle [b]`, returns logits `[b 3 h w]`.
        threads: CPU threads of PyTorch, which are the whole process's.
        class_weights: of the training loss, divided out as exports do.
        device: PyTorch's name of where it runs.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        threads: int,
        class_weights: Sequence[float] = (1.0, 1.0, 1.0),
        device: str = "cpu",
    ) -> None:
        self.device = torch.device(device)
        self.network = network.eval().to(self.device).to(memory_format=torch.channels_last)
        self.log_weights = torch.tensor(class_weights, device=self.device).log().view(-1, 1, 1)
        self.threads = threads

    def __call__(self, depth_m: Float32[np.ndarray, "h w"], pixel_angle: float) -> Float32[np.ndarray, "3 h w"]:
        """Probabilities of background, hand and object.

        Args:
            depth_m: meters, 0 = no measurement.
            pixel_angle: radians a pixel covers.
        """
        if torch.get_num_threads() != self.threads:
            torch.set_num_threads(self.threads)
        with torch.inference_mode():
            depth = torch.from_numpy(depth_m).to(self.device)[None, None]
            logits = self.network(depth, torch.tensor([pixel_angle], dtype=torch.float32, device=self.device))
            return (logits[0] - self.log_weights).softmax(dim=0).cpu().numpy()


def load_eager(path: Path, *, threads: int, device: str = "cpu") -> tuple[EagerEngine, Card]:
    """The network of a checkpoint, and what the file says of it.

    Raises:
        InputError: no checkpoint of ours, or its weights are not finite.
    """
    network, card = load_checkpoint(path)
    if not all(bool(torch.isfinite(weights).all()) for weights in network.state_dict().values()):
        raise InputError(f"{path} holds weights that are no numbers, expected finite ones: its training diverged.")
    return EagerEngine(network, threads=threads, class_weights=card.class_weights, device=device), card
