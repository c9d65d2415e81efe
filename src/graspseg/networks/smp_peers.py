"""Networks of segmentation_models.pytorch, which users pick today, behind the same forward as ours."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from graspseg.errors import InputError, not_installed
from graspseg.networks.denseattentionseg import N_CLASSES
from graspseg.networks.depth_network import DepthNetwork
from graspseg.networks.encoder import NO_OPTIONS, fetching
from graspseg.networks.normalization import PaperInput


class SMPNetwork(DepthNetwork):
    """A network of segmentation_models.pytorch that takes depth of any size.

    Args:
        architecture: Which one, as the package calls it.
        encoder: An encoder of the package; `tu-` and a name is one of timm.
        stride: Pixels between two features of the coarsest level.
        smallest_side: Fewest of these features on a side.
        smallest_batch: Fewest frames to train on at once. Two where the package normalizes features that were averaged
            over the whole frame: with one frame there is a single value per channel.
        options: What the package shall build differently.
        encoder_options: What timm shall build differently.
        pretrained: Start with an encoder trained on ImageNet.

    Raises:
        InputError: The package is not installed, or there are no such weights or no way to get them.
    """

    def __init__(
        self,
        architecture: Literal["unet", "pspnet", "pan", "deeplabv3plus", "segformer"],
        encoder: str,
        *,
        stride: int,
        smallest_side: int = 2,
        smallest_batch: Literal[1, 2] = 1,
        options: Mapping[str, object] = NO_OPTIONS,
        encoder_options: Mapping[str, object] = NO_OPTIONS,
        pretrained: bool = False,
    ) -> None:
        super().__init__()
        package = _package()
        self.stride, self.smallest_side, self.smallest_batch = stride, smallest_side, smallest_batch
        self.name = f"{architecture} of segmentation_models.pytorch"
        self.normalization = PaperInput()
        # Encoders of timm have one set of weights, which goes by no name.
        weights = (True if encoder.startswith("tu-") else "imagenet") if pretrained else None
        with fetching(encoder, pretrained=pretrained, changed=bool(encoder_options)):
            self.network = package.create_model(
                architecture,
                encoder,
                encoder_weights=weights,
                in_channels=self.normalization.channels,
                classes=N_CLASSES,
                **options,
                **encoder_options,
            )

    def logits(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 3 h_out w_out"]:
        """See `DepthNetwork`.

        Raises:
            InputError: It is to train on fewer frames at once than it can.
        """
        if self.training and len(x) < self.smallest_batch:
            raise InputError(
                f"{self.name} cannot train on {len(x)} frame at a time, expected at least "
                f"{self.smallest_batch} (its batch normalization needs them): give a larger --batch."
            )
        return self.network(x)


def _package() -> ModuleType:
    """The package, which only comparisons need."""
    try:
        import segmentation_models_pytorch
    except ModuleNotFoundError as error:
        raise InputError(not_installed("This network", "segmentation_models.pytorch", "compare")) from error
    return segmentation_models_pytorch
