"""How well the line where hand and object meet is found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, UInt8

from graspseg.labels import HAND, OBJECT
from graspseg.metrics.boundary import ByTolerance, by_tolerance, check_tolerances, line_f
from graspseg.metrics.outlines import Outlines, box_of


class ContactLine:
    """Streaming F1 of the border between hand and object alone, averaged over images.

    The line is made of the borders between 4-neighbors of which one is hand and one object; its elements lie half-way
    between pixel centers, so that a border shifted by 1 px is 1 px off. Precision is the share of predicted elements
    at most `tolerance` px (Euclidean) from a true one, recall the reverse. An image counts if its target or its
    prediction has such a line; with a line in one only, it counts 0.

    Paper: not in it; section 5.4 shows pictures of such borders. Outlines against the background, which a jump in depth
    gives away, have no part in it.
    """

    def __init__(self, tolerances_px: Sequence[int] = (1, 2, 3)) -> None:
        self.tolerances_px = tuple(tolerances_px)
        self._sum = np.zeros(len(self.tolerances_px))
        self.images = 0

    def update(self, outlines: Outlines) -> None:
        """Judge one image."""
        if outlines.box is None:
            return
        predicted, target = contact_line(outlines.prediction), contact_line(outlines.target)
        box = box_of(predicted | target)
        if box is not None:
            half_pixels = [2 * tolerance for tolerance in self.tolerances_px]
            self._sum += line_f(predicted[box], target[box], half_pixels)
            self.images += 1

    def merge(self, other: ContactLine) -> None:
        """Add what another counter saw, as if this one had seen it too."""
        check_tolerances(self.tolerances_px, other.tolerances_px)
        self._sum += other._sum
        self.images += other.images

    def summary(self) -> dict[str, float | int | None]:
        """F1 by tolerance, None before any contact was seen, and the number of images that count."""
        scores: ByTolerance = by_tolerance(self._sum / self.images if self.images else None, self.tolerances_px)
        return {**scores, "images": self.images}


def contact_line(labels: UInt8[np.ndarray, "h w"]) -> Bool[np.ndarray, "2*h-1 2*w-1"]:
    """Borders between hand and object, on a grid of half pixels: pixel (y, x) is at (2y, 2x), its borders around it."""
    height, width = labels.shape
    line = np.zeros((2 * height - 1, 2 * width - 1), bool)
    met = HAND * OBJECT
    line[::2, 1::2] = labels[:, :-1] * labels[:, 1:] == met
    line[1::2, ::2] = labels[:-1] * labels[1:] == met
    return line
