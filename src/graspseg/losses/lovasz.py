"""Lovasz-softmax loss: a smooth stand-in for 1 - IoU, the score itself instead of pixels one by one."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor


def lovasz_softmax(
    probabilities: Float[Tensor, "b c h w"],
    target: Int[Tensor, "b h w"] | UInt8[Tensor, "b h w"],
    *,
    ignore: int = 255,
) -> Float[Tensor, ""]:
    """Mean over the classes present in the batch of the Lovasz extension of 1 - IoU, in float32 or wider; 0..1.

    With errors `e_i` = 1 - p_i where pixel i is of the class and p_i elsewhere, sorted to fall, a class costs the sum
    of `e_i (J_i - J_{i-1})`, where `J_i` is 1 - IoU of the class if exactly the first i pixels were wrong. For
    probabilities of 0 and 1 that is 1 - IoU. The pixels of all images are taken together, as a data set's IoU takes
    them. 0 when no pixel is labeled.

    Args:
        probabilities: Softmax output.
        target: Class numbers, or `ignore`.
        ignore: Target value of pixels that do not count.

    Paper: not in it; Berman et al., "The Lovasz-softmax loss", CVPR 2018, eqs. 8, 9, 11 and 12.
    """
    probabilities = probabilities.float() if probabilities.dtype != torch.float64 else probabilities
    labeled = target != ignore
    truth = target[labeled].long()
    predicted = probabilities.movedim(1, -1)[labeled]
    classes = torch.unique(truth).tolist()
    costs = [_class_cost(predicted[:, label], (truth == label).to(predicted.dtype)) for label in classes]
    return torch.stack(costs).mean() if costs else probabilities.sum() * 0


def _class_cost(predicted: Float[Tensor, " n"], truth: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """Lovasz extension of 1 - IoU for one class; `truth` is 0 or 1."""
    errors, order = torch.sort((truth - predicted).abs(), descending=True)
    truth = truth[order]
    # After i wrong pixels the intersection lacks those of the class, and the union has gained the others.
    intersection = truth.sum() - truth.cumsum(0)
    union = truth.sum() + (1 - truth).cumsum(0)
    jaccard_loss = 1 - intersection / union
    return errors @ torch.diff(jaccard_loss, prepend=jaccard_loss.new_zeros(1))
