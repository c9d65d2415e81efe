"""The network a run starts with and the model file it ends with."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from graspseg.networks import build
from graspseg.training.presets import TrainConfig


class Start(NamedTuple):
    name: str
    network: nn.Module


class SavedModel(NamedTuple):
    name: str
    network: nn.Module
    config: dict[str, Any]
    scores: dict[str, float]
    progress: dict[str, Any]


def start_network(config: TrainConfig) -> Start:
    name = config.network if config.attention else config.network + "-noattention"
    return Start(name, build(name))


def save_model(path: Path, model: SavedModel) -> None:
    from safetensors.torch import save_file
    save_file({k: v.contiguous() for k, v in model.network.state_dict().items()}, path)
