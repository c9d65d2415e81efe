"""FCN-32s, FCN-16s, FCN-8s: scores of the classes on coarse levels, summed on the way up.

Source: Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from graspseg.networks.denseattentionseg import N_CLASSES
from graspseg.networks.depth_network import DepthNetwork
from graspseg.networks.encoder import NO_OPTIONS, make_encoder
from graspseg.networks.normalization import PaperInput


def bilinear_deconv(channels: int, stride: int) -> nn.ConvTranspose2d:
    """Deconvolution that starts as bilinear enlargement of every channel by itself, and learns from there.

    Source: section 3.3 of the paper.
    """
    layer = nn.ConvTranspose2d(channels, channels, 2 * stride, stride=stride, padding=stride // 2, bias=False)
    ramp = 1 - (torch.arange(2 * stride) - (stride - 0.5)).abs() / stride
    with torch.no_grad():
        layer.weight.copy_(torch.eye(channels)[:, :, None, None] * torch.outer(ramp, ramp))
    return layer


class FCN(DepthNetwork):
    """FCN on any timm encoder with levels of strides 8, 16 and 32.

    Differs: trained in one go, not FCN-32s first and the finer ones from its weights. Padded to whole strides instead
    of by 100 pixels with a crop. The last deconvolution learns like the others. With pretrained encoders fc6 and fc7
    start fresh.

    Args:
        encoder: Name of a timm encoder.
        finest: Stride of the finest level that is scored: 32, 16 or 8.
        fc_width: Channels of fc6 and fc7.
        pool: Whether the encoder hands out levels before their pooling, as timm's VGG does; the paper scores after it.
        encoder_options: What timm shall build differently.
        pretrained: Start with timm's weights of the encoder.
    """

    def __init__(
        self,
        encoder: str,
        *,
        finest: Literal[8, 16, 32],
        fc_width: int,
        pool: bool,
        encoder_options: Mapping[str, object] = NO_OPTIONS,
        pretrained: bool = False,
    ) -> None:
        super().__init__()
        self.normalization = PaperInput()
        self.encoder, levels = make_encoder(
            encoder, in_channels=self.normalization.channels, options=encoder_options, pretrained=pretrained
        )
        self.stride, self.pool = levels[-1].stride, pool
        self.fc = nn.Sequential(
            nn.Conv2d(levels[-1].channels, fc_width, 7, padding=3),
            nn.ReLU(inplace=True),
            nn.Dropout(),
            nn.Conv2d(fc_width, fc_width, 1),
            nn.ReLU(inplace=True),
            nn.Dropout(),
        )
        self.score = nn.Conv2d(fc_width, N_CLASSES, 1)
        strides = [level.stride * (2 if pool else 1) for level in levels]
        self.skips = [strides.index(stride) for stride in (16, 8) if stride >= finest]
        self.skip_scores = nn.ModuleList(nn.Conv2d(levels[i].channels, N_CLASSES, 1) for i in self.skips)
        self.up = nn.ModuleList(bilinear_deconv(N_CLASSES, 2) for _ in self.skips)
        self.last_up = bilinear_deconv(N_CLASSES, finest)
        self._initialize()

    def _initialize(self) -> None:
        """He for fc6 and fc7; 0 for scores, as in the paper: their own gradient does not pass through themselves."""
        for layer in self.fc:
            if isinstance(layer, nn.Conv2d) and layer.bias is not None:
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)
        for score in (self.score, *self.skip_scores):
            for parameter in score.parameters():
                nn.init.zeros_(parameter)

    def logits(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 3 h_out w_out"]:
        """See `DepthNetwork`."""
        levels = self.encoder(x)
        x = self.score(self.fc(levels[-1]))
        for i, up, score in zip(self.skips, self.up, self.skip_scores, strict=True):
            level = F.max_pool2d(levels[i], 2) if self.pool else levels[i]
            x = up(x) + score(level)
        return self.last_up(x)
