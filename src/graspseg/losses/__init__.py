"""Training losses: weighted cross-entropy and contour loss of the paper, and two later ones to compare with.

In: logits and target labels. Out: a scalar.
Begin with `weighted_cross_entropy`, `contour_loss`.
"""

from __future__ import annotations

from graspseg.losses.boundary import boundary_loss
from graspseg.losses.contour import contour_loss
from graspseg.losses.cross_entropy import PAPER_WEIGHTS, weighted_cross_entropy
from graspseg.losses.lovasz import lovasz_softmax

__all__ = ["PAPER_WEIGHTS", "boundary_loss", "contour_loss", "lovasz_softmax", "weighted_cross_entropy"]
