"""What every network of the table does before and after its own mathematics."""

from __future__ import annotations

from jaxtyping import Float, Float32
from torch import Tensor, nn
from torch.nn import functional as F

from graspseg.networks.encoder import pad_to_strides


class DepthNetwork(nn.Module):
    """From depth in meters, of any size, to logits of that size; what lies between is `logits` of each network.

    Attributes:
        normalization: Makes what the encoder sees from depth in meters and radians per pixel.
        stride: Pixels between two features of the coarsest level.
        smallest_side: Fewest strides of a side.
    """

    normalization: nn.Module
    stride: int
    smallest_side: int = 2

    def forward(
        self, depth_m: Float[Tensor, "b 1 h w"], pixel_angle: Float[Tensor, " b"]
    ) -> Float32[Tensor, "b 3 h w"]:
        """Segments depth.

        Args:
            depth_m: Depth in meters, any size; 0 where nothing was measured.
            pixel_angle: Radians per network pixel.

        Returns:
            Logits of background, hand and object.
        """
        height, width = depth_m.shape[-2:]
        x = self.prepared(depth_m, pixel_angle)
        logits = self.logits(x)
        if logits.shape[-2:] != x.shape[-2:]:
            logits = F.interpolate(logits, size=x.shape[-2:], mode="bilinear", align_corners=False)
        return logits[..., :height, :width].float()

    def prepared(self, depth_m: Float[Tensor, "b 1 h w"], pixel_angle: Float[Tensor, " b"]) -> Tensor:
        """What the encoder sees: padded with 0, "not measured", to whole strides, and normalized; `b c H W`."""
        return self.normalization(pad_to_strides(depth_m, self.stride, at_least=self.smallest_side), pixel_angle)

    def logits(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 3 h_out w_out"]:
        """Logits of what `prepared` made; those of a coarser size are enlarged bilinearly."""
        raise NotImplementedError
