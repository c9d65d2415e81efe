"""DeepLabv3+: atrous spatial pyramid pooling, then a short decoder with one skip connection; the paper's baseline.

Source: Chen, Zhu, Papandreou, Schroff, Adam, "Encoder-Decoder with Atrous Separable Convolution for Semantic Image
Segmentation", ECCV 2018.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from graspseg.networks.denseattentionseg import ASPP, N_CLASSES, conv_bn_relu
from graspseg.networks.depth_network import DepthNetwork
from graspseg.networks.encoder import NO_OPTIONS, make_encoder
from graspseg.networks.normalization import PaperInput


class DeepLabV3Plus(DepthNetwork):
    """DeepLabv3+ on any timm encoder with a level of stride 4.

    Convolutions of ASPP and decoder are plain, as in the source's ResNet models; its Xception models have separable
    ones.
    Differs: no batch normalization in the image branch of ASPP, which could not train on one frame.

    Args:
        encoder: Name of a timm encoder.
        output_stride: Largest reduction of the encoder, by dilation.
        rates: Dilations of ASPP.
        width: Channels of ASPP and decoder.
        skip_width: Channels that the level of stride 4 is reduced to.
        encoder_options: What timm shall build differently.
        pretrained: Start with timm's weights of the encoder.
    """

    def __init__(
        self,
        encoder: str,
        *,
        output_stride: Literal[8, 16] = 16,
        rates: Sequence[int] = (6, 12, 18),
        width: int,
        skip_width: int,
        encoder_options: Mapping[str, object] = NO_OPTIONS,
        pretrained: bool = False,
    ) -> None:
        super().__init__()
        self.normalization = PaperInput()
        self.encoder, levels = make_encoder(
            encoder,
            in_channels=self.normalization.channels,
            output_stride=output_stride,
            options=encoder_options,
            pretrained=pretrained,
        )
        self.stride = levels[-1].stride
        self.skip = [level.stride for level in levels].index(4)
        self.context = ASPP(levels[-1].channels, width, rates=rates)
        self.reduce = conv_bn_relu(levels[self.skip].channels, skip_width, 1)
        self.decoder = nn.Sequential(conv_bn_relu(width + skip_width, width, 3), conv_bn_relu(width, width, 3))
        self.classify = nn.Conv2d(width, N_CLASSES, 1)

    def logits(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 3 h_out w_out"]:
        """See `DepthNetwork`."""
        levels = self.encoder(x)
        skip = self.reduce(levels[self.skip])
        context = F.interpolate(self.context(levels[-1]), size=skip.shape[-2:], mode="bilinear", align_corners=False)
        return self.classify(self.decoder(torch.cat([context, skip], dim=1)))
