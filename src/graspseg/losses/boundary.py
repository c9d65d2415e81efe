"""Boundary loss: what is wrongly called hand or object costs the more, the farther it lies from the true outline.

Chosen over the Active Boundary Loss (arXiv:2102.02696) for CPUs: it needs the distances of the truth and one product,
where the other looks for the predicted outlines in every step and compares each of their pixels with eight neighbors.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int, UInt8
from torch import Tensor


def boundary_loss(
    probabilities: Float[Tensor, "b c h w"],
    target: Int[Tensor, "b h w"] | UInt8[Tensor, "b h w"],
    *,
    ignore: int = 255,
) -> Float[Tensor, ""]:
    """Mean over the labeled pixels of (distance to the true outline) x (error), in pixels and float32 or wider.

    Summed over the classes without the background. The error is |probability - truth|; the outline runs between
    pixels, so that the nearest pixels on either side of it lie half a pixel away. A class that an image's truth has
    nowhere or everywhere has no outline and costs nothing there: cross-entropy must stand beside this loss.

    Args:
        probabilities: Softmax output; channel 0 is the background.
        target: Class numbers, or `ignore`.
        ignore: Target value of pixels that do not count and make no outline.

    Paper: not in it; Kervadec et al., "Boundary loss for highly unbalanced segmentation", MIDL 2019
    (arXiv:1812.07032).
    Differs: the term that does not depend on the prediction is kept, so that the truth costs 0; a mean instead
    of an integral.
    """
    probabilities = probabilities.float() if probabilities.dtype != torch.float64 else probabilities
    labels = target.cpu().numpy()
    classes = range(1, probabilities.shape[1])
    distances = np.stack([[signed_distance_px(image == c, image == ignore) for c in classes] for image in labels])
    distance_px = torch.from_numpy(distances).to(probabilities)
    truth = torch.stack([target == c for c in classes], dim=1).to(probabilities.dtype)
    total = (distance_px * (probabilities[:, 1:] - truth)).sum()
    return total / (target != ignore).sum().clamp(min=1)


def signed_distance_px(mask: Bool[np.ndarray, "h w"], ignored: Bool[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """Euclidean distance to the outline of a mask, negative inside; 0 where ignored, and without an outline.

    Paper: Kervadec et al., the level set `phi_G`.
    """
    outside = ~mask & ~ignored
    if not mask.any() or not outside.any():
        return np.zeros(mask.shape, np.float32)
    to_outside, to_mask = (
        cv2.distanceTransform((~goal).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) for goal in (outside, mask)
    )
    distance = np.where(mask, np.float32(0.5) - to_outside, to_mask - np.float32(0.5))
    return np.where(ignored, np.float32(0), distance)
