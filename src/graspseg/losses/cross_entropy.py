"""Weighted cross-entropy.

Paper: eq. 2; weights from section 4.5.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor
from torch.nn import functional as F

PAPER_WEIGHTS = (1.0, 5.0, 5.0)


def weighted_cross_entropy(
    logits: Float[Tensor, "b c h w"],
    target: Int[Tensor, "b h w"] | UInt8[Tensor, "b h w"],
    *,
    weights: Sequence[float | int] = PAPER_WEIGHTS,
    ignore: int = 255,
) -> Float[Tensor, ""]:
    """Mean over the labeled pixels of (weight of the true class) x (cross-entropy), in float32 or wider.

    Not divided by the sum of the weights, which is what `cross_entropy(weight=...)` of PyTorch does: that would turn
    the paper's 1/5/5 into a smaller weight for every pixel of an image with more foreground. 0 when no pixel is
    labeled.

    Args:
        logits: Network output.
        target: Class numbers, or `ignore`.
        weights: One weight per class.
        ignore: Target value of pixels that do not count.

    Paper: eq. 2.
    """
    logits = logits.float() if logits.dtype != torch.float64 else logits
    weight = torch.as_tensor(weights, dtype=logits.dtype, device=logits.device)
    target = target.long()
    total = F.cross_entropy(logits, target, weight=weight, ignore_index=ignore, reduction="sum")
    return total / (target != ignore).sum().clamp(min=1)
