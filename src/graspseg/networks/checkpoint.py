"""Weights on disk that say what they are: network, settings, data and scores stand in the safetensors header."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import safetensors
import torch
from safetensors.torch import save
from torch import Tensor, nn

from graspseg.datasets.atomic import write_bytes
from graspseg.errors import InputError
from graspseg.factory import is_factory, was_asked_for
from graspseg.networks.table import build

FORMAT = "1"
_PREFIX = "graspseg."
_DIGEST = f"{_PREFIX}sha256"
_SHOWN = 3


@dataclass(frozen=True)
class Card:
    """What a checkpoint says about itself.

    Attributes:
        network: Name in the table of networks.
        config: Resolved settings of the training run.
        data: What it was trained on and how far: frames, splits, seed, steps.
        metrics: Scores by name.
    """

    network: str
    config: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def class_weights(self) -> tuple[float, ...]:
        """Weights of the classes in the training loss; dividing its probabilities by them makes them calibrated."""
        loss = self.config.get("loss")
        weights = loss.get("class_weights") if isinstance(loss, dict) else None
        return tuple(map(float, weights)) if isinstance(weights, list | tuple) else (1.0, 1.0, 1.0)

    def metadata(self) -> dict[str, str]:
        """The card as the text fields of a file's header, each named `graspseg.<field>`."""
        parts = {"config": self.config, "data": self.data, "metrics": self.metrics}
        texts = {name: json.dumps(part, sort_keys=True, default=str) for name, part in parts.items()}
        return {f"{_PREFIX}{name}": text for name, text in {"format": FORMAT, "network": self.network, **texts}.items()}


class Checkpoint(NamedTuple):
    """A loaded checkpoint: the network in evaluation mode, in float32, and what is known about it."""

    network: nn.Module
    card: Card


def save_checkpoint(path: Path, network: nn.Module, *, card: Card, half: bool = False) -> None:
    """Writes the weights and their description; nothing half-written is left on failure.

    Args:
        path: File to write, `.safetensors`.
        network: Network of the table.
        card: What the file shall say about itself.
        half: Store convolution kernels in half precision, which halves the file. Everything else stays as it is:
            running variances may not fit, and weigh nothing.

    Raises:
        InputError: The file cannot be written, or a kernel does not fit into half precision.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    if half:
        tensors = {name: _halved(name, tensor) for name, tensor in tensors.items()}
    digest = _digest(save(tensors))
    write_bytes(path, save(tensors, metadata={**card.metadata(), _DIGEST: digest}))


def read_card(path: Path) -> Card:
    """Reads what a checkpoint says about itself, not its weights.

    Raises:
        InputError: The file is missing, no safetensors file, or not one of ours.
    """
    with _opened(path) as file:
        return _card(path, file.metadata() or {})


def load_checkpoint(path: Path, *, network: str | None = None) -> Checkpoint:
    """Builds the network that a checkpoint names and loads its weights.

    Args:
        path: The checkpoint.
        network: A user's own network as `module:function`; a file alone does not decide which code runs, unless
            it was named in this process before.

    Raises:
        InputError: The file is missing, not one of ours, damaged, names an unknown network, or its weights do not fit
            that network.
    """
    card = read_card(path)
    if network is None and is_factory(card.network) and not was_asked_for(card.network):
        raise InputError(
            f"{path} holds the network {card.network}, which is code of yours and is not run unasked: say --network "
            f"{card.network}, or name an exported .onnx file."
        )
    name = network or card.network
    built = build(name)
    load_weights(built, path, name=name)
    return Checkpoint(built.eval(), card)


def load_weights(network: nn.Module, path: Path, *, name: str) -> Card:
    """Loads a checkpoint into a network that exists; every weight must be there and fit.

    Args:
        network: Where the weights go.
        path: The checkpoint.
        name: Name of `network` in the table.

    Raises:
        InputError: As `load_checkpoint`, or the checkpoint holds another network; the network is unchanged.
    """
    with _opened(path) as file:
        metadata = file.metadata() or {}
        card = _card(path, metadata)
        if card.network != name:
            raise InputError(
                f"{path} holds the network {card.network}, expected {name}: choose that network or another checkpoint."
            )
        # Checkpoints of before this was recorded have none.
        if _DIGEST in metadata and metadata[_DIGEST] != _digest(path.read_bytes()):
            raise InputError(f"{path} is damaged: its weights are not those that were saved, copy or train it again.")
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (it is no mapping)
    expected = network.state_dict()
    misfits = sorted(expected.keys() ^ tensors.keys())
    misfits += [key for key in expected if key in tensors and tensors[key].shape != expected[key].shape]
    if misfits:
        shown = ", ".join(misfits[:_SHOWN]) + (" and more" if len(misfits) > _SHOWN else "")
        raise InputError(
            f"{path} does not fit the network {name} of this version, expected the same weights "
            f"(missing, extra or of another shape: {shown}): train it again."
        )
    network.load_state_dict({key: tensor.to(expected[key].dtype) for key, tensor in tensors.items()})
    return card


def _opened(path: Path) -> Any:
    """The open safetensors file, a context manager."""
    if not path.is_file():
        raise InputError(f"There is no file {path}, expected a .safetensors checkpoint: check the name.")
    try:
        return safetensors.safe_open(path, framework="pt", device="cpu")
    except (safetensors.SafetensorError, OSError) as error:
        raise InputError(
            f"{path} is no whole safetensors file, expected weights saved by graspseg train: copy them again."
        ) from error


def _card(path: Path, metadata: Mapping[str, str]) -> Card:
    values = {key.removeprefix(_PREFIX): text for key, text in metadata.items() if key.startswith(_PREFIX)}
    if values.get("format") != FORMAT or "network" not in values:
        raise InputError(
            f"{path} was not saved by this version of graspseg, expected format {FORMAT!r} and a network's name: "
            "use weights saved by graspseg train."
        )
    try:
        parts = {name: dict(json.loads(values.get(name, "{}"))) for name in ("config", "data", "metrics")}
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(f"{path} has a damaged header, expected JSON: use weights saved by graspseg train.") from error
    return Card(values["network"], **parts)


def _digest(data: bytes) -> str:
    """SHA-256 of the tensors in the bytes of a safetensors file: all that follows the header and its length."""
    (length,) = struct.unpack_from("<Q", data)
    return hashlib.sha256(memoryview(data)[8 + length :]).hexdigest()


def _halved(name: str, tensor: Tensor) -> Tensor:
    if tensor.ndim < 2 or not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    if not torch.isfinite(half).all():
        raise InputError(f"The weights {name} hold values that are not finite in half precision: training went wrong.")
    return half
