"""RefineNet: a cascade that refines coarse features with finer ones by residual units, fusion and chained pooling.

Source: Lin, Milan, Shen, Reid, "RefineNet: Multi-Path Refinement Networks for High-Resolution Semantic Segmentation",
CVPR 2017.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from graspseg.networks.denseattentionseg import N_CLASSES
from graspseg.networks.depth_network import DepthNetwork
from graspseg.networks.encoder import NO_OPTIONS, make_encoder
from graspseg.networks.normalization import PaperInput


def conv3x3(in_channels: int, out_channels: int) -> nn.Conv2d:
    """Convolution that keeps the size; the paper's decoder has no batch normalization."""
    return nn.Conv2d(in_channels, out_channels, 3, padding=1)


class ResidualUnit(nn.Module):
    """Residual convolution unit (RCU): ReLU and 3x3 twice, added to what came in.

    Source: section 3.2 of the paper, Figure 3 b.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.second = conv3x3(channels, channels), conv3x3(channels, channels)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Refines features."""
        return x + self.second(F.relu(self.first(F.relu(x))))


class ChainedPooling(nn.Module):
    """Chained residual pooling: 5x5 maximum and 3x3 convolution, each link fed by the last, all added.

    Source: section 3.2 of the paper, Figure 3 d.
    """

    def __init__(self, channels: int, links: int) -> None:
        super().__init__()
        self.links = nn.ModuleList(conv3x3(channels, channels) for _ in range(links))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Adds context of ever larger windows."""
        x = pooled = F.relu(x)
        for conv in self.links:
            pooled = conv(F.max_pool2d(pooled, 5, stride=1, padding=2))
            x = x + pooled
        return x


class RefineBlock(nn.Module):
    """One stage: residual units on each input, fusion at the size of the finest, chained pooling, a residual unit.

    Source: section 3.2 of the paper, Figure 3 a.
    """

    def __init__(self, in_channels: Sequence[int], channels: int, *, links: int) -> None:
        super().__init__()
        self.adapt = nn.ModuleList(nn.Sequential(ResidualUnit(c), ResidualUnit(c)) for c in in_channels)
        # A single input passes the fusion unchanged.
        fused = in_channels if len(in_channels) > 1 else ()
        self.fuse = nn.ModuleList(conv3x3(c, channels) for c in fused)
        self.pool = ChainedPooling(channels, links)
        self.output = ResidualUnit(channels)

    def forward(self, inputs: list[Tensor]) -> Float[Tensor, "b c h w"]:
        """Refines; `inputs` are features, finest first."""
        adapted = [adapt(x) for adapt, x in zip(self.adapt, inputs, strict=True)]
        if not self.fuse:
            return self.output(self.pool(adapted[0]))
        fused, *coarser = [fuse(x) for fuse, x in zip(self.fuse, adapted, strict=True)]
        for x in coarser:
            fused = fused + F.interpolate(x, size=fused.shape[-2:], mode="bilinear", align_corners=False)
        return self.output(self.pool(fused))


class RefineNet(DepthNetwork):
    """The 4-cascade on any timm encoder.

    Args:
        encoder: Name of a timm encoder with levels of strides 4, 8, 16 and 32.
        widths: Channels of the first (coarsest) stage and of the others.
        links: Pooling and convolution pairs of the chained pooling; two in the paper, four in its published code.
        encoder_options: What timm shall build differently.
        pretrained: Start with timm's weights of the encoder.
    """

    def __init__(
        self,
        encoder: str,
        *,
        widths: tuple[int, int],
        links: int = 2,
        encoder_options: Mapping[str, object] = NO_OPTIONS,
        pretrained: bool = False,
    ) -> None:
        super().__init__()
        self.normalization = PaperInput()
        self.encoder, levels = make_encoder(
            encoder, in_channels=self.normalization.channels, options=encoder_options, pretrained=pretrained
        )
        self.stride = levels[-1].stride
        self.levels = [i for i, level in reversed(list(enumerate(levels))) if level.stride >= 4]
        first, others = widths
        own = [first] + [others] * (len(self.levels) - 1)
        self.reduce = nn.ModuleList(conv3x3(levels[i].channels, c) for i, c in zip(self.levels, own, strict=True))
        inputs = [(first,), *((now, before) for before, now in pairwise(own))]
        self.stages = nn.ModuleList(RefineBlock(c, c[0], links=links) for c in inputs)
        self.last = nn.Sequential(ResidualUnit(others), ResidualUnit(others))
        self.classify = conv3x3(others, N_CLASSES)

    def logits(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 3 h_out w_out"]:
        """See `DepthNetwork`."""
        levels = self.encoder(x)
        y: list[Tensor] = []
        for i, reduce, stage in zip(self.levels, self.reduce, self.stages, strict=True):
            y = [stage([reduce(levels[i]), *y])]
        return self.classify(self.last(y[0]))
