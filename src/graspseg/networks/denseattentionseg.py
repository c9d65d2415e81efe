"""DenseAttentionSeg: encoder, dense attention over all levels, decoder of deconvolutions.

Paper: section 4.1 (encoder), 4.2 (dense attention), 4.3 (decoder).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from graspseg.networks.depth_network import DepthNetwork
from graspseg.networks.encoder import NO_OPTIONS, make_encoder
from graspseg.networks.normalization import MetricInput, PaperInput

N_CLASSES = 3
Gate = Literal["doubled", "sigmoid", "open", "residual"]


class LevelAttention(NamedTuple):
    """What the attention does on one level; all of the level's size, fine and coarse with k channels.

    Attributes:
        fine: Product of the factors of all lower (finer) levels, reduced to this level; None on the first level.
        coarse: Product of the factors of all higher (coarser) levels, enlarged to this level; None on the last level.
        gate: What the skip of the level is multiplied with, as many channels as it has: 0..1, and 1..2 for
            residual gates.
    """

    fine: Tensor | None
    coarse: Tensor | None
    gate: Tensor


def conv_bn_relu(in_channels: int, out_channels: int, kernel: int, *, dilation: int = 1) -> nn.Sequential:
    """Convolution that keeps the size, batch normalization, ReLU."""
    padding = dilation * (kernel // 2)
    conv = nn.Conv2d(in_channels, out_channels, kernel, padding=padding, dilation=dilation, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))


def deconv(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    """Deconvolution, batch normalization, ReLU; at stride 1 it is a convolution with the kernel turned round."""
    if stride == 1:
        return conv_bn_relu(in_channels, out_channels, 3)
    layer = nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling: 1x1, one dilated 3x3 per rate, the mean of the image; then a projection.

    The image branch has no batch normalization: with one image in the batch it would see a single value per channel.
    """

    def __init__(self, in_channels: int, channels: int, *, rates: Sequence[int]) -> None:
        super().__init__()
        self.branches = nn.ModuleList([conv_bn_relu(in_channels, channels, 1)])
        self.branches.extend(conv_bn_relu(in_channels, channels, 3, dilation=rate) for rate in rates)
        self.image = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(in_channels, channels, 1), nn.ReLU(inplace=True))
        self.project = conv_bn_relu((len(self.branches) + 1) * channels, channels, 1)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        """Maps features of one level to a level of the same size."""
        image = self.image(x).expand(-1, -1, *x.shape[-2:])
        return self.project(torch.cat([branch(x) for branch in self.branches] + [image], dim=1))


class SqueezeNet(nn.Module):
    """1x1 then 3x3 convolution to k channels, one per level, shared by all targets; no activation at the end."""

    def __init__(self, in_channels: int, k: int) -> None:
        super().__init__()
        self.reduce = conv_bn_relu(in_channels, k, 1)
        self.mix = nn.Conv2d(k, k, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(k)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """Squeezes one level."""
        return self.norm(self.mix(self.reduce(x)))


class DenseAttention(nn.Module):
    """Gates every level with the products of all finer and all coarser levels.

    Args:
        k: Channels of a squeezed level.
        gated_channels: Channels of what is gated, for every level.
        gate: How section 4.2 is read, which says no more than "element-wise multiplication". `doubled`: a factor is
            2 sigmoid(x), the gate a sigmoid. `sigmoid`: a factor is sigmoid(x), whose products die out over six
            levels. `open`: a factor is x itself. `residual`: as `doubled`, but the gate is 1 + sigmoid, which lets
            everything pass and stresses some of it.

    Paper: section 4.2, Figure 5.
    """

    def __init__(self, k: int, gated_channels: Sequence[int], *, gate: Gate = "doubled") -> None:
        super().__init__()
        self.gate: Gate = gate
        n_levels = len(gated_channels)
        # The first level has no finer, the last no coarser levels: their product is 1, which a bias can add as well.
        sides = [(i > 0) + (i < n_levels - 1) for i in range(n_levels)]
        self.gates = nn.ModuleList(nn.Conv2d(n * k, c, 1) for n, c in zip(sides, gated_channels, strict=True))

    def forward(self, squeezed: list[Tensor]) -> list[LevelAttention]:
        """Computes fine, coarse and gate of every level from the squeezed levels, finest first."""
        factors = squeezed if self.gate == "open" else [torch.sigmoid(level) for level in squeezed]
        if self.gate in ("doubled", "residual"):
            factors = [2 * factor for factor in factors]
        attention = []
        for i, gate in enumerate(self.gates):
            fine = gather(factors[:i], squeezed[i])
            coarse = gather(factors[i + 1 :], squeezed[i])
            sides = [side for side in (fine, coarse) if side is not None]
            share = torch.sigmoid(gate(torch.cat(sides, dim=1)))
            attention.append(LevelAttention(fine, coarse, 1 + share if self.gate == "residual" else share))
        return attention


def gather(factors: list[Tensor], like: Tensor) -> Tensor | None:
    """Product of the factors, each bilinearly resized to the level `like`; None for no factors."""
    product = None
    for factor in factors:
        if factor.shape[-2:] != like.shape[-2:]:
            factor = F.interpolate(factor, size=like.shape[-2:], mode="bilinear", align_corners=False)
        product = factor if product is None else product * factor
    return product


class DenseAttentionSeg(DepthNetwork):
    """The paper's network on any timm encoder that hands out features.

    Args:
        encoder: Name of a timm encoder.
        encoder_options: What timm shall build differently, for example `channels` of a ResNet.
        k: Channels of a squeezed level.
        decoder_widths: Channels of the deconvolutions, from the last level to the first; one per level.
        context_channels: Channels of the level that ASPP adds to the encoder's levels; 0 = no such level.
        context_rates: Dilations of ASPP.
        output_stride: Largest reduction of the encoder; below 32 by dilation.
        attention: False drops the attention: skips are squeezed and concatenated as they are (the paper's ablation).
        gate: How the attention is read, see `DenseAttention`.
        skips: What is gated and concatenated in the decoder: the squeezed levels (as Figure 5 is drawn), or the
            levels themselves with all their channels, so that nothing the encoder found is lost to the decoder.
        normalization: What the encoder sees, `paper` or `metric`.
        pretrained: Start with timm's weights of the encoder.
    """

    def __init__(
        self,
        encoder: str,
        *,
        k: int,
        decoder_widths: Sequence[int],
        context_channels: int,
        context_rates: Sequence[int],
        output_stride: Literal[8, 16, 32] = 32,
        encoder_options: Mapping[str, object] = NO_OPTIONS,
        attention: bool = True,
        gate: Gate = "doubled",
        skips: Literal["squeezed", "levels"] = "squeezed",
        normalization: Literal["paper", "metric"],
        pretrained: bool = False,
    ) -> None:
        super().__init__()
        self.normalization = PaperInput() if normalization == "paper" else MetricInput()
        self.encoder, levels = make_encoder(
            encoder,
            in_channels=self.normalization.channels,
            output_stride=output_stride,
            options=encoder_options,
            pretrained=pretrained,
        )
        channels, reductions = [level.channels for level in levels], [level.stride for level in levels]
        self.context = None
        if context_channels:
            self.context = ASPP(channels[-1], context_channels, rates=context_rates)
            channels, reductions = [*channels, context_channels], [*reductions, reductions[-1]]
        assert len(decoder_widths) == len(channels), f"{len(decoder_widths)} decoder widths for {len(channels)} levels"
        self.stride = reductions[-1]
        self.squeeze = nn.ModuleList(SqueezeNet(c, k) for c in channels)
        assert attention or skips == "squeezed", "without attention the squeezed levels would be made for nothing"
        self.skips: Literal["squeezed", "levels"] = skips
        gated = [k] * len(channels) if skips == "squeezed" else channels
        self.attention = DenseAttention(k, gated, gate=gate) if attention else None
        strides = [now // before for before, now in zip([1, *reductions], reductions, strict=False)]
        inputs = [c + width for c, width in zip(reversed(gated), (0, *decoder_widths[:-1]), strict=True)]
        deconvs = [deconv(c, w, s) for c, w, s in zip(inputs, decoder_widths, reversed(strides), strict=True)]
        self.decoder = nn.ModuleList(deconvs)
        self.classify = nn.Conv2d(decoder_widths[-1], N_CLASSES, 1)

    def logits(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 3 h_out w_out"]:
        """See `DepthNetwork`."""
        levels, squeezed = self._levels(x)
        skips = [F.relu(level) for level in squeezed] if self.skips == "squeezed" else levels
        if self.attention is not None:
            skips = [skip * level.gate for skip, level in zip(skips, self.attention(squeezed), strict=True)]
        x = self.decoder[0](skips[-1])
        for layer, skip in zip(list(self.decoder)[1:], reversed(skips[:-1]), strict=True):
            x = layer(torch.cat([x, skip], dim=1))
        return self.classify(x)

    def attention_maps(
        self, depth_m: Float[Tensor, "b 1 h w"], pixel_angle: Float[Tensor, " b"]
    ) -> list[LevelAttention]:
        """Attention of every level, finest first, of the input padded to whole strides.

        Raises:
            ValueError: The network was built without attention.

        Paper: Figure 7.
        """
        if self.attention is None:
            raise ValueError("this network was built with attention=False and has no attention maps")
        return self.attention(self._levels(self.prepared(depth_m, pixel_angle))[1])

    def _levels(self, x: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Levels, finest first, and the same squeezed, before their activation."""
        levels = self.encoder(x)
        if self.context is not None:
            levels.append(self.context(levels[-1]))
        return levels, [squeeze(level) for squeeze, level in zip(self.squeeze, levels, strict=True)]
