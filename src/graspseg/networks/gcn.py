"""GCN: scores of the classes from very large kernels on every level, refined at boundaries, summed on the way up.

Source: Peng, Zhang, Yu, Luo, Sun, "Large Kernel Matters", CVPR 2017.
"""

from __future__ import annotations

from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor, nn

from graspseg.networks.denseattentionseg import N_CLASSES
from graspseg.networks.depth_network import DepthNetwork
from graspseg.networks.encoder import NO_OPTIONS, make_encoder
from graspseg.networks.fcn import bilinear_deconv
from graspseg.networks.normalization import PaperInput


class LargeKernel(nn.Module):
    """A dense kernel of k x k, approximated by k x 1 then 1 x k plus 1 x k then k x 1; no activation between.

    Source: section 3.1 of the paper, Figure 2 B.
    """

    def __init__(self, in_channels: int, channels: int, kernel: int) -> None:
        super().__init__()

        def tall(channels_in: int) -> nn.Conv2d:
            return nn.Conv2d(channels_in, channels, (kernel, 1), padding=(kernel // 2, 0))

        def wide(channels_in: int) -> nn.Conv2d:
            return nn.Conv2d(channels_in, channels, (1, kernel), padding=(0, kernel // 2))

        self.tall_wide = nn.Sequential(tall(in_channels), wide(channels))
        self.wide_tall = nn.Sequential(wide(in_channels), tall(channels))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        """Scores one level."""
        return self.tall_wide(x) + self.wide_tall(x)


class BoundaryRefinement(nn.Module):
    """Adds a correction from two 3x3 convolutions.

    Source: section 3.2 of the paper, Figure 2 C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        first, second = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        self.correction = nn.Sequential(first, nn.ReLU(inplace=True), second)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Refines scores."""
        return x + self.correction(x)


class GCN(DepthNetwork):
    """Global convolutional network on any timm encoder.

    Differs: the paper's score maps have a channel per class of PASCAL VOC, 21. Three channels would starve the decoder,
    so it keeps its width and a 1x1 convolution leads to our classes. Deconvolutions start bilinear.

    Args:
        encoder: Name of a timm encoder.
        kernel: Side of the large kernels; odd.
        width: Channels of the score maps.
        encoder_options: What timm shall build differently.
        pretrained: Start with timm's weights of the encoder.
    """

    def __init__(
        self,
        encoder: str,
        *,
        kernel: int,
        width: int,
        encoder_options: Mapping[str, object] = NO_OPTIONS,
        pretrained: bool = False,
    ) -> None:
        super().__init__()
        self.normalization = PaperInput()
        self.encoder, levels = make_encoder(
            encoder, in_channels=self.normalization.channels, options=encoder_options, pretrained=pretrained
        )
        self.stride = levels[-1].stride
        self.levels = [i for i, level in enumerate(levels) if level.stride >= 4]
        self.score = nn.ModuleList(
            nn.Sequential(LargeKernel(levels[i].channels, width, kernel), BoundaryRefinement(width))
            for i in self.levels
        )
        # Up to the next finer level where there is one, then to half and to full size, which no level has a score for.
        n_ups = self.stride.bit_length() - 1
        self.up = nn.ModuleList(bilinear_deconv(width, 2) for _ in range(n_ups))
        self.refine = nn.ModuleList(BoundaryRefinement(width) for _ in range(n_ups))
        self.classify = nn.Conv2d(width, N_CLASSES, 1)

    def logits(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 3 h_out w_out"]:
        """See `DepthNetwork`."""
        levels = self.encoder(x)
        scores: list[Tensor] = [score(levels[i]) for i, score in zip(self.levels, self.score, strict=True)]
        x = scores.pop()
        for up, refine in zip(self.up, self.refine, strict=True):
            x = up(x)
            x = refine(x + scores.pop() if scores else x)
        return self.classify(x)
