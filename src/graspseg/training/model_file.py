"""The network a run starts with."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

import graspseg
from graspseg.errors import InputError
from graspseg.networks import build
from graspseg.networks.checkpoint import load_weights
from graspseg.training.presets import TrainConfig

_SHIPPED = Path(graspseg.__file__).parent / "models" / "weights"
_PLAIN = "-noattention"


class NamedNetwork(NamedTuple):
    """A network and its name in the table."""

    name: str
    network: nn.Module


def network_name(config: TrainConfig) -> str:
    """Name in the table of the network that the settings mean."""
    return config.network if config.attention or config.network.endswith(_PLAIN) else config.network + _PLAIN


def start_network(config: TrainConfig) -> NamedNetwork:
    """A network with fresh weights from the seed, on a pretrained encoder, or with the weights of `init`.

    Raises:
        InputError: no network or model of that name, the model holds another network, or the weights of the encoder
            cannot be had.
    """
    if config.pretrained and config.init is not None:
        raise InputError(f"--init {config.init} holds the encoder as well, expected it without --pretrained: drop one.")
    name = network_name(config)
    torch.manual_seed(config.seed)
    network = build(name, pretrained=config.pretrained)
    if config.init is not None:
        load_weights(network, model_path(config.init), name=name)
    return NamedNetwork(name, network)


def model_path(init: str) -> Path:
    """The weights that `--init` names: a file, the folder of a run, or a shipped model (`lite` for short).

    Raises:
        InputError: there is nothing of that name, or it is a model that cannot be trained.
    """
    path = Path(init)
    if path.is_dir() and (path / "model.safetensors").is_file():
        return path / "model.safetensors"
    shipped = [_SHIPPED / f"{name}.safetensors" for name in (init, f"denseattentionseg-{init}")]
    if not path.exists() and any(file.is_file() for file in shipped):
        return next(file for file in shipped if file.is_file())
    if path.suffix == ".onnx":
        raise InputError(
            f"{path} can only be run, expected weights to train from: give the .safetensors file beside it."
        )
    if not path.is_file():
        names = ", ".join(sorted(file.stem for file in _SHIPPED.glob("*.safetensors"))) or "none"
        raise InputError(f"--init {init} is no file, expected a .safetensors file or a shipped model ({names}).")
    return path
