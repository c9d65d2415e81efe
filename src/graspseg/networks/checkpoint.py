"""Weights on disk that say what they are: network, settings, data and scores stand in the safetensors header."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import safetensors
import torch
from safetensors.torch import save
from torch import Tensor, nn

from graspseg.datasets.atomic import write_bytes
from graspseg.errors import InputError
from graspseg.factory import is_factory, was_asked_for
from graspseg.models.card import Card, check_there, read_card
from graspseg.models.digest import DIGEST_KEY, check_digest, safetensors_digest
from graspseg.networks.table import build

_SHOWN = 3


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
    digest = safetensors_digest(save(tensors))
    write_bytes(path, save(tensors, metadata={**card.metadata(), DIGEST_KEY: digest}))


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
        card = Card.parse(path, metadata)
        if card.network != name:
            raise InputError(
                f"{path} holds the network {card.network}, expected {name}: choose that network or another checkpoint."
            )
        check_digest(path, metadata.get(DIGEST_KEY), safetensors_digest(path.read_bytes()))
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
    check_there(path)
    try:
        return safetensors.safe_open(path, framework="pt", device="cpu")
    except (safetensors.SafetensorError, OSError) as error:
        raise InputError(
            f"{path} is no whole safetensors file, expected weights saved by graspseg train: copy them again."
        ) from error


def _halved(name: str, tensor: Tensor) -> Tensor:
    if tensor.ndim < 2 or not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    if not torch.isfinite(half).all():
        raise InputError(f"The weights {name} hold values that are not finite in half precision: training went wrong.")
    return half
