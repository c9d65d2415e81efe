"""The network a run starts with."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from graspseg.errors import InputError
from graspseg.models.locate import find_weights
from graspseg.networks import build
from graspseg.networks.checkpoint import load_weights
from graspseg.training.presets import TrainConfig

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
        load_weights(network, find_weights(config.init), name=name)
    return NamedNetwork(name, network)
