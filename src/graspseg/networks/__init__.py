"""Networks: depth in meters and radians per pixel in, logits of background, hand and object out."""

from __future__ import annotations

from graspseg.networks.denseattentionseg import DenseAttentionSeg, LevelAttention
from graspseg.networks.table import NETWORKS, NetworkSpec, build, network_spec

__all__ = ["NETWORKS", "DenseAttentionSeg", "LevelAttention", "NetworkSpec", "build", "network_spec"]
