"""The one list of networks."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from graspseg.frame import InputError
from graspseg.networks.denseattentionseg import DenseAttentionSeg


@dataclass(frozen=True)
class NetworkSpec:
    """One network that can be trained, compared and exported by name.

    Attributes:
        build: Makes the network with fresh weights. Forward takes depth in metres `b 1 h w` and radians per pixel
            `b`, and
            returns logits `b 3 h w`.
        description: One line for a person who chooses.
    """

    build: Callable[[], nn.Module]
    description: str


_FULL = partial(
    DenseAttentionSeg,
    "resnet50",
    k=64,
    decoder_widths=(256, 256, 256, 256, 64, 64),
    context_channels=256,
    context_rates=(6, 12, 18),
    output_stride=16,
    normalization="paper",
)
# Chosen with benchmarks/encoders.py: a ResNet of half the usual width costs fewer CPU milliseconds to train than
# mobile networks (depthwise convolutions have a slow backward pass) and has three times the multiplications in them.
SMALL_ENCODER = "resnet18d"
SMALL_ENCODER_OPTIONS = {"channels": (32, 64, 128, 256), "stem_width": 16}
_LITE = partial(
    DenseAttentionSeg,
    SMALL_ENCODER,
    encoder_options=SMALL_ENCODER_OPTIONS,
    k=24,
    decoder_widths=(96, 96, 64, 48, 24, 16),
    context_channels=96,
    context_rates=(),
    normalization="metric",
)
# Every network of the paper again on one small encoder with widths of a quarter, for comparisons on a CPU.
_SMALL = partial(
    DenseAttentionSeg,
    SMALL_ENCODER,
    encoder_options=SMALL_ENCODER_OPTIONS,
    k=16,
    decoder_widths=(64, 64, 64, 64, 16, 16),
    context_channels=64,
    context_rates=(6, 12, 18),
    output_stride=16,
    normalization="paper",
)

NETWORKS: dict[str, NetworkSpec] = {
    "denseattentionseg": NetworkSpec(_FULL, "the paper's network: ResNet-50, output stride 16, ASPP, dense attention"),
    "denseattentionseg-noattention": NetworkSpec(
        partial(_FULL, attention=False), "the paper's ablation: the same with plain skip connections"
    ),
    "denseattentionseg-lite": NetworkSpec(
        _LITE, "real time on a CPU: small encoder, the same dense attention, metric input"
    ),
    "denseattentionseg-lite-noattention": NetworkSpec(
        partial(_LITE, attention=False), "lite with plain skip connections, for comparison"
    ),
    "denseattentionseg-small": NetworkSpec(_SMALL, "the paper's network on the small encoder, widths of a quarter"),
    "denseattentionseg-small-noattention": NetworkSpec(
        partial(_SMALL, attention=False), "the same with plain skip connections"
    ),
}


# Other readings of the attention, to find out what the paper's gain hangs on (benchmarks/claims.py).
NETWORKS |= {
    "denseattentionseg-small-sigmoid": NetworkSpec(partial(_SMALL, gate="sigmoid"), "small, factors plain sigmoids"),
    "denseattentionseg-small-open": NetworkSpec(partial(_SMALL, gate="open"), "small, factors left open"),
    "denseattentionseg-small-residual": NetworkSpec(
        partial(_SMALL, gate="residual"), "small, gates add to skips and take nothing away"
    ),
    "denseattentionseg-small-levels": NetworkSpec(
        partial(_SMALL, skips="levels"), "small, gates the encoder's own levels instead of the squeezed ones"
    ),
    "denseattentionseg-small-wide": NetworkSpec(partial(_SMALL, k=32), "small, squeezed levels twice as wide"),
}


def network_spec(name: str) -> NetworkSpec:
    """Looks a network up.

    Raises:
        InputError: No network has that name.
    """
    if name not in NETWORKS:
        near = difflib.get_close_matches(name, NETWORKS, n=1, cutoff=0.0)[0]
        raise InputError(f"There is no network {name!r}, expected one of graspseg networks: did you mean {near!r}?")
    return NETWORKS[name]


def build(name: str) -> nn.Module:
    """Builds a network of the table with fresh weights.

    Raises:
        InputError: No network has that name.
    """
    return network_spec(name).build()


def cost(name: str, *, width: int = 640, height: int = 480) -> tuple[int, int]:
    """Number of parameters and floating-point operations of one frame; a multiply-add counts two.

    Only convolutions and matrix products count, as is usual. Nothing is computed and no weights are made.

    Raises:
        InputError: No network has that name.
    """
    with FakeTensorMode():
        network = network_spec(name).build().eval()
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            network(torch.zeros(1, 1, height, width), torch.zeros(1))
    return sum(parameter.numel() for parameter in network.parameters()), counter.get_total_flops()
