"""What stands before every network: padding to whole strides, and an encoder whose levels have channels and strides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import NamedTuple, cast

import timm
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from graspseg.errors import InputError

NO_OPTIONS: Mapping[str, object] = MappingProxyType({})


class Level(NamedTuple):
    """Features of one size.

    Attributes:
        channels: Their number.
        stride: How many pixels of the input lie between two of them.
    """

    channels: int
    stride: int


def pad_to_strides(
    depth_m: Float[Tensor, "b 1 h w"], stride: int, *, at_least: int = 2
) -> Float[Tensor, "b 1 h_padded w_padded"]:
    """Adds 0, which means not measured, below and to the right until both sides are whole strides.

    Args:
        depth_m: Depth in meters.
        stride: Pixels between two features of the coarsest level.
        at_least: Fewest strides of a side. Two, because batch normalization cannot train on the single value that one
            stride and one frame leave.
    """
    height, width = depth_m.shape[-2:]
    rows, columns = (max(-(-side // stride), at_least) * stride for side in (height, width))
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
    if output_stride != 32:  # not every encoder knows the option
        arguments["output_stride"] = output_stride
    with fetching(name, pretrained=pretrained, changed=bool(options)):
        encoder = timm.create_model(name, pretrained=pretrained, **arguments)
    contract = cast(timm.models.FeatureInfo, encoder.feature_info)
    levels = zip(contract.channels(), contract.reduction(), strict=True)
    return encoder, [Level(channels, stride) for channels, stride in levels]


@contextmanager
def fetching(encoder: str, *, pretrained: bool, changed: bool) -> Iterator[None]:
    """Says in a sentence why the pretrained weights of an encoder cannot be had.

    Args:
        encoder: Its name.
        pretrained: Whether there is anything to fetch; False lets every error through.
        changed: Whether the encoder was given other widths, for which nobody has weights.
    """
    if not pretrained:
        yield
        return
    if changed:
        raise InputError(
            f"There are no pretrained weights for {encoder} with other widths, expected an encoder as published: "
            "choose a network without -small or -lite in its name, or leave --pretrained out."
        )
    try:
        yield
    except Exception as error:  # no network, no such file, a timeout: their classes have no common base
        raise InputError(
            f"The pretrained weights of {encoder} could not be fetched ({type(error).__name__}), expected a connection "
            "or weights fetched before: go online once, or leave --pretrained out."
        ) from error
