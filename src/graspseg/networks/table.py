"""The one list of networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from graspseg.errors import InputError, did_you_mean
from graspseg.factory import call_factory, is_factory, load_factory
from graspseg.networks.deeplabv3plus import DeepLabV3Plus
from graspseg.networks.denseattentionseg import DenseAttentionSeg
from graspseg.networks.fcn import FCN
from graspseg.networks.gcn import GCN
from graspseg.networks.refinenet import RefineNet
from graspseg.networks.smp_peers import SMPNetwork


@dataclass(frozen=True)
class NetworkSpec:
    """One network that can be trained, compared and exported by name.

    Attributes:
        build: Makes the network with fresh weights, or with those of an encoder trained by others (`pretrained`).
            Forward takes depth in meters `b 1 h w` and radians per pixel `b`, and returns logits `b 3 h w`.
        description: One line for a person who chooses.
    """

    build: Callable[..., nn.Module]
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
# Chosen with benchmarks/speed/encoders.py: a ResNet of half the usual width costs fewer CPU milliseconds to train than
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
_FCN = partial(FCN, "vgg16_bn", fc_width=4096, pool=True)
_GCN = partial(GCN, "resnet50", kernel=9, width=21)
_REFINENET = partial(RefineNet, "resnet50", widths=(512, 256))
_DEEPLAB = partial(DeepLabV3Plus, "resnet50", width=256, skip_width=48)
# Dilation as the papers have it: stride 8 for PSPNet, 16 for PAN and DeepLabv3+.
_PSPNET = partial(SMPNetwork, "pspnet", stride=8)
_PSPNET_OPTIONS = {"encoder_depth": 5, "output_stride": 8}
# PAN halves its coarsest level three times.
_PAN = partial(SMPNetwork, "pan", stride=16, smallest_side=8, smallest_batch=2)
_MOBILE = partial(
    SMPNetwork,
    "deeplabv3plus",
    "tu-mobilenetv2_100",
    stride=16,
    smallest_batch=2,
    options={"encoder_output_stride": 16, "decoder_atrous_rates": (6, 12, 18)},
)
_SEGFORMER = partial(SMPNetwork, "segformer", stride=32)
# Every network of the paper again on one small encoder with widths of a quarter, for comparisons on a CPU. GCN keeps
# its 21: they are a number of classes, and narrow already.
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
_FCN_SMALL = partial(FCN, SMALL_ENCODER, encoder_options=SMALL_ENCODER_OPTIONS, fc_width=1024, pool=False)
_GCN_SMALL = partial(GCN, SMALL_ENCODER, encoder_options=SMALL_ENCODER_OPTIONS, kernel=9, width=21)
_REFINENET_SMALL = partial(RefineNet, SMALL_ENCODER, encoder_options=SMALL_ENCODER_OPTIONS, widths=(128, 64))
_DEEPLAB_SMALL = partial(DeepLabV3Plus, SMALL_ENCODER, encoder_options=SMALL_ENCODER_OPTIONS, width=64, skip_width=12)
_SMP_SMALL = {"encoder": f"tu-{SMALL_ENCODER}", "encoder_options": SMALL_ENCODER_OPTIONS}

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
    "fcn32s": NetworkSpec(partial(_FCN, finest=32), "VGG-16 with batch normalization, scores at 1/32"),
    "fcn16s": NetworkSpec(partial(_FCN, finest=16), "the same with scores of pool4 at 1/16"),
    "fcn8s": NetworkSpec(partial(_FCN, finest=8), "the same with scores of pool4 and pool3, at 1/8"),
    "gcn": NetworkSpec(_GCN, "Large Kernel Matters: ResNet-50, k = 9, boundary refinement"),
    "refinenet": NetworkSpec(_REFINENET, "RefineNet: ResNet-50, cascade of four stages, chained residual pooling"),
    "deeplabv3plus": NetworkSpec(_DEEPLAB, "DeepLabv3+, the paper's baseline: ResNet-50, output stride 16, ASPP"),
    "unet": NetworkSpec(partial(SMPNetwork, "unet", "tu-resnet50", stride=32), "U-Net on ResNet-50"),
    "pspnet": NetworkSpec(
        partial(_PSPNET, "tu-resnet50", options=_PSPNET_OPTIONS), "PSPNet on ResNet-50, output stride 8"
    ),
    "pan": NetworkSpec(partial(_PAN, "tu-resnet50"), "Pyramid Attention Network on ResNet-50, output stride 16"),
    "deeplabv3plus-mobile": NetworkSpec(_MOBILE, "DeepLabv3+ on MobileNetV2 with separable convolutions"),
    "segformer": NetworkSpec(
        partial(_SEGFORMER, "mit_b2", options={"decoder_segmentation_channels": 768}), "SegFormer-B2, a transformer"
    ),
    "denseattentionseg-small": NetworkSpec(_SMALL, "the paper's network on the small encoder, widths of a quarter"),
    "denseattentionseg-small-noattention": NetworkSpec(
        partial(_SMALL, attention=False), "the same with plain skip connections"
    ),
    "fcn32s-small": NetworkSpec(partial(_FCN_SMALL, finest=32), "FCN-32s on the small encoder, widths of a quarter"),
    "fcn16s-small": NetworkSpec(partial(_FCN_SMALL, finest=16), "FCN-16s on the small encoder, widths of a quarter"),
    "fcn8s-small": NetworkSpec(partial(_FCN_SMALL, finest=8), "FCN-8s on the small encoder, widths of a quarter"),
    "gcn-small": NetworkSpec(_GCN_SMALL, "Large Kernel Matters on the small encoder"),
    "refinenet-small": NetworkSpec(_REFINENET_SMALL, "RefineNet on the small encoder, widths of a quarter"),
    "deeplabv3plus-small": NetworkSpec(_DEEPLAB_SMALL, "DeepLabv3+ on the small encoder, widths of a quarter"),
    "unet-small": NetworkSpec(
        partial(SMPNetwork, "unet", stride=32, options={"decoder_channels": (64, 32, 16, 8, 4)}, **_SMP_SMALL),
        "U-Net on the small encoder, widths of a quarter",
    ),
    "pspnet-small": NetworkSpec(
        partial(_PSPNET, options={**_PSPNET_OPTIONS, "psp_out_channels": 128}, **_SMP_SMALL),
        "PSPNet on the small encoder, widths of a quarter",
    ),
    "pan-small": NetworkSpec(
        partial(_PAN, options={"decoder_channels": 8}, **_SMP_SMALL),
        "Pyramid Attention Network on the small encoder, widths of a quarter",
    ),
    "segformer-small": NetworkSpec(
        partial(_SEGFORMER, "mit_b0", options={"decoder_segmentation_channels": 256}),
        "SegFormer-B0, on the smallest of its own encoders",
    ),
}


# Other readings of the attention, to find out what the paper's gain hangs on (benchmarks/claims/claims.py).
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

    Args:
        name: Name in the table; or `module:function` of a user's own, which returns a `torch.nn.Module` whose forward
            takes depth in meters `b 1 h w` (0 = no measurement) and radians per pixel `b`, and returns logits `b 3 h w`
            of background, hand and object, for any `h` and `w`. `graspseg train --network own_network:make` trains it,
            and it is exported and compared like the others.

    Raises:
        InputError: No network has that name.
    """
    if is_factory(name):
        load_factory(name)
        return NetworkSpec(partial(_build_own, name), "a network of your own")
    if name not in NETWORKS:
        meant = did_you_mean(name, NETWORKS, otherwise="graspseg networks lists them.")
        raise InputError(f"There is no network {name!r}, expected one of the table or module:factory: {meant}")
    return NETWORKS[name]


def _build_own(name: str, *, pretrained: bool = False) -> nn.Module:
    """A network of a user's module, checked to be one.

    Raises:
        InputError: It is none, or weights of others are requested.
    """
    if pretrained:
        raise InputError(f"{name} is a network of your own, expected no --pretrained: load weights in the function.")
    network = call_factory(name)
    if not isinstance(network, nn.Module):
        kind = type(network).__name__
        raise InputError(f"{name}() returns a {kind}, expected a torch.nn.Module: return the network.")
    return network


def _check_runs(name: str, network: nn.Module) -> None:
    """See that a network of a user takes depth of any size and returns logits of it.

    Raises:
        InputError: It does not.
    """
    expected = "expected forward(depth_m b 1 h w, pixel_angle b) -> logits b 3 h w"
    before = network.training
    try:
        with torch.no_grad():
            logits = network.eval()(torch.ones(2, 1, 96, 128), torch.full((2,), 0.002))
    except Exception as error:  # whatever a user's network raises
        reason = str(error).partition("\n")[0]
        raise InputError(f"{name} does not run ({type(error).__name__}: {reason}), {expected}: correct it.") from error
    finally:
        network.train(before)
    found = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
    if found != (2, 3, 96, 128):
        raise InputError(f"{name} answers depth of 2 x 1 x 96 x 128 with {found}, {expected}: correct it.")


def build(name: str, *, pretrained: bool = False) -> nn.Module:
    """Builds a network of the table.

    Args:
        name: Name in the table, or `module:function` of a user's own; see `network_spec`.
        pretrained: Start with an encoder trained on ImageNet by others, downloaded once; else with fresh weights.

    Raises:
        InputError: No network has that name, there are no such weights or no way to get them, or a user's own network
            does not run.
    """
    network = network_spec(name).build(pretrained=pretrained)
    if is_factory(name):
        _check_runs(name, network)
    return network


# Within it, tensors have shapes and no memory. One for the process: it remembers what it learned of each operation.
SHAPES_ONLY = FakeTensorMode(allow_non_fake_inputs=True)


def hollow(name: str) -> nn.Module:
    """Builds a network of the table without memory for its weights, to be run within `SHAPES_ONLY`.

    SegFormer cannot be built so (it reads numbers from a tensor meanwhile) and comes with its weights.

    Raises:
        InputError: No network has that name.
    """
    try:
        with SHAPES_ONLY:
            return network_spec(name).build()
    except DataDependentOutputException:
        return network_spec(name).build()


def cost(network: str | nn.Module, *, width: int = 640, height: int = 480) -> tuple[int, int]:
    """Number of parameters and floating-point operations of one frame; a multiply-add counts two.

    Only convolutions and matrix products count, as is usual. Nothing is computed.

    Args:
        network: Name in the table, or a network, with weights or `hollow`; it is left in evaluation mode.
        width: Of the frame, in pixels.
        height: Of the frame, in pixels.

    Raises:
        InputError: No network has that name.
    """
    network = (hollow(network) if isinstance(network, str) else network).eval()
    with SHAPES_ONLY, torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 1, height, width), torch.zeros(1))
    return sum(parameter.numel() for parameter in network.parameters()), counter.get_total_flops()
