"""Least time a frame can take on a card: operations and bytes of every layer of a network, and the card's ceilings.

Datasheet figures (NVIDIA H100 and H200 Tensor Core GPU datasheets, SXM, dense): bf16 989 TFLOP/s and fp32 67 TFLOP/s
on both; memory 3.35 TB/s (H100) and 4.8 TB/s (H200).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

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


class _Costs(TorchDispatchMode):
    """Notes every convolution and matrix product; what stands between them could be fused into them."""

    def __init__(self) -> None:
        super().__init__()
        self.layers: list[LayerCost] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        packet = func._overloadpacket
        if packet in flop_registry:
            flops = flop_registry[packet](*args, **(kwargs or {}), out_val=out)
            moved = [value for value in (*args, out) if isinstance(value, Tensor)]
            self.layers.append(LayerCost(flops, sum(value.numel() for value in moved)))
        return out


@lru_cache
def network_cost(name: str, *, width: int, height: int) -> list[LayerCost]:
    """Costs of all layers for one frame, in order; nothing is computed and no weights are made."""
    with FakeTensorMode():
        network = build(name).eval()
        with torch.no_grad(), _Costs() as costs:
            network(torch.zeros(1, 1, height, width), torch.zeros(1))
    return costs.layers


def roofline_s(layers: Sequence[LayerCost], *, flops: float, numbers: float) -> float:
    """Seconds in which the layers can be done one after the other: each is bound by operations or by bytes.

    Args:
        layers: of a network.
        flops: operations a second.
        numbers: numbers read and written a second.
    """
    return sum(max(layer.flops / flops, layer.numbers / numbers) for layer in layers)
