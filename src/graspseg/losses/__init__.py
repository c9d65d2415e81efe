"""Training losses of the paper: weighted cross-entropy and contour loss."""

from __future__ import annotations

from graspseg.losses.contour import contour_loss
from graspseg.losses.cross_entropy import PAPER_WEIGHTS, weighted_cross_entropy

__all__ = ["PAPER_WEIGHTS", "contour_loss", "weighted_cross_entropy"]
