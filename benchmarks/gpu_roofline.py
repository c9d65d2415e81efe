"""Least time a frame can take on a card: operations and bytes of every layer of a network, and the card's ceilings.

Datasheet figures (NVIDIA H100 and H200 Tensor Core GPU datasheets, SXM, dense): bf16 989 TFLOP/s and fp32 67 TFLOP/s
on both; memory 3.35 TB/s (H100) and 4.8 TB/s (H200).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from graspseg.networks import build

DATASHEET = {
    "H100": {"bf16": 989.0, "fp32": 67.0, "copy": 3.35},
    "H200": {"bf16": 989.0, "fp32": 67.0, "copy": 4.8},
}
DATASHEET_SOURCE = "NVIDIA H100 / H200 Tensor Core GPU datasheets, SXM, dense; TFLOP/s and TB/s"


class LayerCost(NamedTuple):
    """A convolution or matrix product: operations (a multiply-add counts two); numbers read and written once."""

    flops: int
    numbers: int


@lru_cache
def network_cost(name: str, *, width: int, height: int) -> list[LayerCost]:
    """Costs of all layers for one frame, in order; nothing is computed and no weights are made.

    Convolutions and linear layers count: what stands between them could be fused into them.
    """
    layers: list[LayerCost] = []
    with FakeTensorMode():
        network = build(name).eval()
        with torch.no_grad(), FlopCounterMode(display=False) as counter:

            def note(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
                flops = counter.get_total_flops() - sum(cost.flops for cost in layers)
                moved = [*inputs, *layer.parameters(), output]
                layers.append(LayerCost(flops, sum(value.numel() for value in moved)))

            for layer in network.modules():
                if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                    layer.register_forward_hook(note)
            network(torch.zeros(1, 1, height, width), torch.zeros(1))
            if sum(cost.flops for cost in layers) != counter.get_total_flops():
                raise ValueError(f"{name} multiplies outside its layers: its cost cannot be told layer by layer")
    return layers


def roofline_s(layers: Sequence[LayerCost], *, flops: float, numbers: float) -> float:
    """Seconds in which the layers can be done one after the other: each is bound by operations or by bytes.

    Args:
        layers: of a network.
        flops: operations a second.
        numbers: numbers read and written a second.
    """
    return sum(max(layer.flops / flops, layer.numbers / numbers) for layer in layers)
