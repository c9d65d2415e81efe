"""What a network attends to and where it draws outlines, as pictures show it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from graspseg.losses.contour import blur, edge_strength
from graspseg.networks.checkpoint import load_checkpoint
from graspseg.networks.denseattentionseg import DenseAttentionSeg


class LevelMaps(NamedTuple):
    """Attention of one level, mean over channels, at the level's own size; see `LevelAttention`."""

    fine: Float32[np.ndarray, "h w"] | None
    coarse: Float32[np.ndarray, "h w"] | None


def attention_of(path: Path, depth_m: Float32[np.ndarray, "h w"], pixel_angle: float) -> list[LevelMaps]:
    """Attention maps of a trained network for a frame, finest level first; none if it has no dense attention.

    Levels are those of the frame padded to whole strides; what is padded is cut off again.

    Paper: Figure 7.
    """
    network = load_checkpoint(path).network
    if not isinstance(network, DenseAttentionSeg) or network.attention is None:
        return []
    with torch.inference_mode():
        depth, angle = torch.from_numpy(depth_m)[None, None], torch.tensor([pixel_angle], dtype=torch.float32)
        levels = network.attention_maps(depth, angle)
    height, width = (-(-side // network.stride) * network.stride for side in depth_m.shape)
    shares = (depth_m.shape[0] / height, depth_m.shape[1] / width)
    return [LevelMaps(_shown(level.fine, shares), _shown(level.coarse, shares)) for level in levels]


def outlines_of(probabilities: Float32[np.ndarray, "3 h w"]) -> Float32[np.ndarray, "h w"]:
    """Blurred outlines of hand and object together, as the contour loss sees them.

    Paper: Figure 8, after eqs. 3 and 4.
    """
    maps = torch.from_numpy(probabilities[1:])[None]
    return blur(edge_strength(maps)).sum(dim=1)[0].numpy()


def _shown(maps: Tensor | None, shares: tuple[float, float]) -> np.ndarray | None:
    if maps is None:
        return None
    mean = maps[0].mean(dim=0).numpy()
    height, width = (max(round(size * share), 1) for size, share in zip(mean.shape, shares, strict=True))
    return mean[:height, :width]
