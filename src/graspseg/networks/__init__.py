"""The networks, one file each, and the one table of them.

In: depth in meters and radians per pixel. Out: logits of background, hand and object.
Begin with `build`, `NETWORKS`.
"""

from __future__ import annotations

from graspseg.models.card import Card, read_card
from graspseg.networks.checkpoint import Checkpoint, load_checkpoint, load_weights, save_checkpoint
from graspseg.networks.denseattentionseg import DenseAttentionSeg, LevelAttention
from graspseg.networks.table import NETWORKS, NetworkSpec, build, network_spec

__all__ = [
    "NETWORKS",
    "Card",
    "Checkpoint",
    "DenseAttentionSeg",
    "LevelAttention",
    "NetworkSpec",
    "build",
    "load_checkpoint",
    "load_weights",
    "network_spec",
    "read_card",
    "save_checkpoint",
]
