"""Contour loss: the blurred outlines of hand and object in prediction and truth shall agree.

Paper: eqs. 3 to 5.
"""

from __future__ import annotations

from math import exp
from typing import Literal

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor
from torch.nn import functional as F

SIGMA_PX = 2.121
IGNORE_RADIUS_PX = 3
SUPPORT = 1e-4
ROOT_EPSILON = 1e-6


def edge_strength(maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """Sobel gradient magnitude of every channel, kernels [1 2 1] x [-1 0 1] unscaled, borders replicated.

    The root has a small epsilon, without which its gradient is infinite where the map is flat; `sqrt(epsilon)` is
    taken off again so that a flat map has strength 0.

    Paper: eq. 3 before the sum over classes.
    """
    padded = F.pad(maps, (1, 1, 1, 1), mode="replicate")
    across = padded[..., 2:] - padded[..., :-2]
    down = padded[..., 2:, :] - padded[..., :-2, :]
    horizontal = across[..., :-2, :] + 2 * across[..., 1:-1, :] + across[..., 2:, :]
    vertical = down[..., :-2] + 2 * down[..., 1:-1] + down[..., 2:]
    return torch.sqrt(horizontal**2 + vertical**2 + ROOT_EPSILON) - ROOT_EPSILON**0.5


def blur(maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """Gaussian of 5 x 5 pixels with sigma 2.121 that sums to 1, borders replicated.

    Paper: eq. 4.
    """
    near, far = exp(-1 / (2 * SIGMA_PX**2)), exp(-4 / (2 * SIGMA_PX**2))
    total = 1 + 2 * near + 2 * far
    maps = F.pad(maps, (2, 2, 2, 2), mode="replicate")
    for axis in (2, 3):
        size = maps.shape[axis] - 4
        taps = [maps.narrow(axis, i, size) for i in range(5)]
        maps = (taps[2] + near * (taps[1] + taps[3]) + far * (taps[0] + taps[4])) / total
    return maps


def contour_loss(
    prediction: Float[Tensor, "b c h w"],
    target: Int[Tensor, "b h w"] | UInt8[Tensor, "b h w"],
    *,
    normalizer: Literal["support", "mean"] = "support",
    per_class: bool = True,
    ignore: int = 255,
) -> Float[Tensor, ""]:
    """Squared difference of the blurred outlines of truth and prediction, background left out; in float32 or wider.

    Args:
        prediction: Softmax output; channel 0 is the background. Or logits, the literal reading of eq. 5: then the
            outlines of the truth, steps from 0 to 1, are compared with steps of logits, which are as high as the
            network is sure.
        target: Class numbers, or `ignore`; pixels within 3 of an ignored one do not count.
        normalizer: N, which the sum over pixels and classes is divided by. `support`: number of pixels at which the
            truth has a blurred outline, at least 1. `mean`: number of all pixels that count, the literal reading,
            which makes the loss about 0.2 % of the cross-entropy at beta = 0.005.
        per_class: Compare class by class. False sums the classes first as eq. 3 is written; then a hand taken for the
            object and the object taken for the hand costs nothing.
        ignore: Target value of pixels that do not count.

    Paper: eqs. 3, 4 and 5.
    Differs: by default on probabilities instead of logits, per class, normalized by support; see above.
    """
    prediction = prediction.float() if prediction.dtype != torch.float64 else prediction
    with torch.autocast(prediction.device.type, enabled=False):
        classes = torch.arange(1, prediction.shape[1], device=target.device).view(1, -1, 1, 1)
        truth = (target.unsqueeze(1).long() == classes).to(prediction.dtype)
        outline_true, outline = edge_strength(truth), edge_strength(prediction[:, 1:])
        if not per_class:
            outline_true, outline = outline_true.sum(1, keepdim=True), outline.sum(1, keepdim=True)
        outline_true, outline = blur(outline_true), blur(outline)
        counts = _counted(target, ignore)
        has_outline = (outline_true > SUPPORT).any(dim=1, keepdim=True)
        n_pixels = (counts & has_outline if normalizer == "support" else counts).sum().clamp(min=1)
        return ((outline_true - outline) ** 2 * counts).sum() / n_pixels


def _counted(target: Tensor, ignore: int) -> Tensor:
    """True where no ignored pixel lies within 3 pixels; `b 1 h w`."""
    size = 2 * IGNORE_RADIUS_PX + 1
    ignored = (target == ignore).unsqueeze(1).float()
    return F.max_pool2d(ignored, size, stride=1, padding=IGNORE_RADIUS_PX) == 0
