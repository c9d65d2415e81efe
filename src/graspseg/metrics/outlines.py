"""Outlines of hand and object in a prediction and its target, found once for all scores that look at them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from graspseg.labels import HAND, IGNORE, OBJECT

BAND_PX = 3
"""How far inside a class, counted from its outline, scores may look."""

Box = tuple[slice, slice]


@dataclass(frozen=True)
class OutlinePair:
    """One class in a prediction and its target, cut to the box that holds both outlines and bands of `BAND_PX`.

    Attributes:
        box: Where in the frame.
        predicted_mask, target_mask: Judged pixels of the class.
        predicted, target: Outlines of the two masks, at least one of them not empty.
    """

    box: Box
    predicted_mask: Bool[np.ndarray, "h w"]
    target_mask: Bool[np.ndarray, "h w"]
    predicted: Bool[np.ndarray, "h w"]
    target: Bool[np.ndarray, "h w"]

    @property
    def one_sided(self) -> bool:
        """Whether one of the outlines is empty, so that there is no distance between them."""
        return not (self.predicted.any() and self.target.any())

    @cached_property
    def to_predicted_px(self) -> Float32[np.ndarray, "h w"]:
        """Distance of every pixel to the predicted outline; beyond any tolerance where that is empty."""
        return distance_px(self.predicted)

    @cached_property
    def to_target_px(self) -> Float32[np.ndarray, "h w"]:
        """Distance of every pixel to the target's outline; beyond any tolerance where that is empty."""
        return distance_px(self.target)


@dataclass(frozen=True)
class Outlines:
    """What scores of outlines need of one image.

    Attributes:
        box: The part of the frame that holds hand and object of both, with a margin; None where there are none.
        prediction, target: Labels of that part, BACKGROUND where the target is IGNORE.
        judged: Its pixels whose target is not IGNORE.
    """

    box: Box | None
    prediction: UInt8[np.ndarray, "h w"]
    target: UInt8[np.ndarray, "h w"]
    judged: Bool[np.ndarray, "h w"]

    @classmethod
    def of(cls, prediction: UInt8[np.ndarray, "h w"], target: UInt8[np.ndarray, "h w"]) -> Outlines:
        """Look at one image; pixels whose target is IGNORE neither are outline nor make one."""
        judged = target != IGNORE
        target, prediction = target * judged, prediction * judged
        box = box_of((target | prediction) > 0, margin_px=BAND_PX)
        part = np.s_[:0, :0] if box is None else box
        return cls(box, prediction[part], target[part], judged[part])

    def pair(self, label: int) -> OutlinePair | None:
        """The outlines of HAND or OBJECT; None where neither has any."""
        return self._pairs[label]

    @cached_property
    def _pairs(self) -> dict[int, OutlinePair | None]:
        return {label: self._pair(label) for label in (HAND, OBJECT)}

    def _pair(self, label: int) -> OutlinePair | None:
        masks = self.prediction == label, self.target == label
        rims = outline(masks[0], self.judged), outline(masks[1], self.judged)
        box = box_of(rims[0] | rims[1], margin_px=BAND_PX)
        if box is None or self.box is None:
            return None
        y, x = (
            slice(whole.start + part.start, whole.start + part.stop) for whole, part in zip(self.box, box, strict=True)
        )
        return OutlinePair((y, x), masks[0][box], masks[1][box], rims[0][box], rims[1][box])


def outline(mask: Bool[np.ndarray, "h w"], judged: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Pixels of the mask that touch a judged pixel outside it above, below, left or right.

    The image border makes no outline. Pixels that are not judged neither are outline nor make one.
    """
    outside = judged & ~mask
    touches = np.zeros_like(mask)
    touches[1:] |= outside[:-1]
    touches[:-1] |= outside[1:]
    touches[:, 1:] |= outside[:, :-1]
    touches[:, :-1] |= outside[:, 1:]
    return touches & mask & judged


def distance_px(points: Bool[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """Euclidean distance of every pixel to the nearest of the points."""
    return cv2.distanceTransform((~points).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)


def box_of(present: Bool[np.ndarray, "h w"], *, margin_px: int = 0) -> Box | None:
    """Rows and columns that hold every True, and a margin where the image has one; None where all is False."""
    x, y, width, height = cv2.boundingRect(present.view(np.uint8)) if present.size else (0, 0, 0, 0)
    if not width:
        return None
    rows = slice(max(0, y - margin_px), min(present.shape[0], y + height + margin_px))
    return rows, slice(max(0, x - margin_px), min(present.shape[1], x + width + margin_px))
