"""What stands before every network: padding to whole strides, and an encoder whose levels have channels and strides."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, cast

import timm
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from graspseg.frame import InputError

NO_OPTIONS: Mapping[str, object] = MappingProxyType({})


class Level(NamedTuple):
    """Features of one size.

    Attributes:
        channels: Their number.
        stride: How many pixels of the input lie between two of them.
    """

    channels: int
    stride: int


def pad_to_strides(depth_m: Float[Tensor, "b 1 h w"], stride: int) -> Float[Tensor, "b 1 H W"]:
    """Adds 0, which means not measured, below and to the right until both sides are whole strides.

    At least two strides: batch normalization cannot train on the single value that one stride and one frame leave.
    """
    height, width = depth_m.shape[-2:]
    rows, columns = (max(-(-side // stride), 2) * stride for side in (height, width))
    return F.pad(depth_m, (0, columns - width, 0, rows - height))


def make_encoder(
    name: str,
    *,
    in_channels: int,
    output_stride: int = 32,
    options: Mapping[str, object] = NO_OPTIONS,
    pretrained: bool = False,
) -> tuple[nn.Module, list[Level]]:
    """Builds a timm encoder, which returns its levels finest first, and says what they are.

    Args:
        name: Name of the encoder in timm.
        in_channels: Channels of its input.
        output_stride: Largest stride; below 32 by dilation.
        options: What timm shall build differently, for example `channels` of a ResNet.
        pretrained: Start with timm's weights, downloaded when they are not in its cache; those of the first
            convolution are summed or repeated to fit the input.

    Raises:
        InputError: There are no such weights, or they cannot be had.
    """
    arguments = {"features_only": True, "in_chans": in_channels, **options}
    if output_stride != 32:
        arguments["output_stride"] = output_stride
    if pretrained and options:
        raise InputError(
            f"--pretrained found no weights for the changed encoder {name}, expected a network of the paper's size: "
            "choose one without -small or -lite, or train from scratch."
        )
    try:
        encoder = timm.create_model(name, pretrained=pretrained, **arguments)
    except Exception as error:  # the hub's classes for no network, no such file and timeouts share no base
        if not pretrained:
            raise
        raise InputError(
            f"--pretrained could not get the weights of {name} ({type(error).__name__}), expected a connection or a "
            "filled cache of timm: go online once, or train from scratch."
        ) from error
    contract = cast(timm.models.FeatureInfo, encoder.feature_info)
    levels = zip(contract.channels(), contract.reduction(), strict=True)
    return encoder, [Level(channels, stride) for channels, stride in levels]
