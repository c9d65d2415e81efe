"""How many pixels of each class were called which class, and the scores that follow from it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float64, Int64, Shaped, UInt8

from graspseg.labels import CLASS_NAMES, HAND, IGNORE, OBJECT

CLASSES = len(CLASS_NAMES)


@dataclass
class Confusion:
    """Streaming confusion matrix of background, hand and object; pixels whose target is IGNORE are dropped.

    Memory does not grow with the number of images. `matrix[t, p]` counts the pixels of class `t` called `p`.

    Attributes:
        images: Number of images seen.
    """

    images: int = 0
    matrix: Int64[np.ndarray, "3 3"] = field(default_factory=lambda: np.zeros((CLASSES, CLASSES), np.int64))
    _image_iou_sum: np.ndarray = field(default_factory=lambda: np.zeros(CLASSES), repr=False)
    _image_iou_count: np.ndarray = field(default_factory=lambda: np.zeros(CLASSES, np.int64), repr=False)

    def update(self, prediction: UInt8[np.ndarray, "h w"], target: UInt8[np.ndarray, "h w"]) -> None:
        """Count one image.

        Args:
            prediction: Labels 0, 1 or 2.
            target: Labels 0, 1, 2 or IGNORE.

        Raises:
            ValueError: Another label value is present, or the sizes differ.
        """
        matrix = count_pairs(prediction, target)
        iou, present = intersection_over_union(matrix)
        self.images += 1
        self.matrix += matrix
        self._image_iou_sum[present] += iou[present]
        self._image_iou_count += present

    def merge(self, other: Confusion) -> None:
        """Add what another counter saw, as if this one had seen it too."""
        self.images += other.images
        self.matrix += other.matrix
        self._image_iou_sum += other._image_iou_sum
        self._image_iou_count += other._image_iou_count

    @property
    def shown(self) -> Bool[np.ndarray, "3"]:
        """Which classes the targets show; without any truth a class has no score."""
        return self.matrix.sum(axis=1) > 0

    @property
    def pixel_accuracy(self) -> float | None:
        """Share of pixels called right; None before any pixel was seen. Paper: section 5, after FCN."""
        return _ratio(float(np.trace(self.matrix)), float(self.matrix.sum()))

    @property
    def mean_accuracy(self) -> float | None:
        """Mean over the classes present in the targets of the share of their pixels called right."""
        totals = self.matrix.sum(axis=1)
        present = totals > 0
        return _mean(np.diag(self.matrix)[present] / totals[present])

    @property
    def mean_iu(self) -> float | None:
        """Mean intersection over union of all three classes over the whole data set; absent classes are left out."""
        iou, _ = intersection_over_union(self.matrix)
        return _mean(iou[self.shown])

    @property
    def frequency_weighted_iu(self) -> float | None:
        """Intersection over union of each class weighted by its share of the target pixels."""
        iou, _ = intersection_over_union(self.matrix)
        return _ratio(float((self.matrix.sum(axis=1) * iou).sum()), float(self.matrix.sum()))

    @property
    def iou_dataset(self) -> dict[str, float | None]:
        """IoU of `hand` and `object` from the pixels of all images together, and their `mean`.

        None for a class that no target shows, whatever was predicted; the mean is over the others.
        """
        iou, _ = intersection_over_union(self.matrix)
        return _hand_and_object(iou, self.shown)

    @property
    def f1_dataset(self) -> dict[str, float | None]:
        """F1 (also called Dice) of `hand` and `object` from the pixels of all images together, and their `mean`.

        Kang et al. (2017) judge hands by it. A class that no target shows is None and left out.
        """
        iou, _ = intersection_over_union(self.matrix)
        return _hand_and_object(2 * iou / (1 + iou), self.shown)

    @property
    def iou_image(self) -> dict[str, float | None]:
        """IoU of `hand` and `object` averaged over images, and the `mean` of the two.

        An image counts for a class that its target or its prediction holds: a class absent from both is left out, a
        class absent from the target only counts 0. A class that no target of all images shows is None and left out.
        """
        return _hand_and_object(self._image_iou_sum / np.maximum(self._image_iou_count, 1), self.shown)

    def summary(self) -> dict[str, object]:
        """All scores as plain JSON values, fractions of 1."""
        return {
            "pixel_accuracy": self.pixel_accuracy,
            "mean_accuracy": self.mean_accuracy,
            "mean_iu": self.mean_iu,
            "frequency_weighted_iu": self.frequency_weighted_iu,
            "iou_dataset": self.iou_dataset,
            "f1_dataset": self.f1_dataset,
            "iou_image": self.iou_image,
        }


def count_pairs(
    prediction: UInt8[np.ndarray, "h w"], target: UInt8[np.ndarray, "h w"]
) -> Int64[np.ndarray, "target=3 prediction=3"]:
    """Confusion matrix of one image, rows = target, columns = prediction.

    Raises:
        ValueError: A label value other than 0, 1, 2 (and IGNORE in the target) is present, or the sizes differ.
    """
    if prediction.shape != target.shape:
        raise ValueError(f"prediction is {prediction.shape} but target is {target.shape}: both must be one size")
    pairs = np.bincount((target.astype(np.uint16) << 8 | prediction).ravel(), minlength=1 << 16).reshape(256, 256)
    judged = pairs[:CLASSES, :CLASSES]
    if judged.sum() + pairs[IGNORE].sum() != pairs.sum():
        strange = {int(v) for v in np.flatnonzero(pairs.sum(axis=1))} - {0, HAND, OBJECT, IGNORE}
        strange |= {int(v) for v in np.flatnonzero(pairs.sum(axis=0))} - {0, HAND, OBJECT}
        raise ValueError(f"labels hold {sorted(strange)}: expected 0, 1, 2, and {IGNORE} in the target only")
    return judged.astype(np.int64)


def intersection_over_union(
    matrix: Shaped[np.ndarray, "*batch 3 3"],
) -> tuple[Float64[np.ndarray, "*batch 3"], Bool[np.ndarray, "*batch 3"]]:
    """IoU of each class (0 where absent) and which classes the targets or predictions hold, of one or many matrices."""
    intersection = np.diagonal(matrix, axis1=-2, axis2=-1)
    union = matrix.sum(axis=-2) + matrix.sum(axis=-1) - intersection
    return intersection / np.maximum(union, 1), union > 0


def mean_foreground_iou(matrices: Shaped[np.ndarray, "*n 3 3"]) -> Float64[np.ndarray, "*n"]:
    """Mean IoU of hand and object of each matrix; absent classes are left out, NaN where both are."""
    iou, present = intersection_over_union(matrices)
    return mean_of_present(iou[..., [HAND, OBJECT]], present[..., [HAND, OBJECT]])


def mean_of_present(
    values: Float64[np.ndarray, "*n classes"], present: Bool[np.ndarray, "*n classes"]
) -> Float64[np.ndarray, "*n"]:
    """Mean over the classes that are there, NaN where none is."""
    count = present.sum(axis=-1)
    return np.where(count > 0, (values * present).sum(axis=-1) / np.maximum(count, 1), np.nan)


def _hand_and_object(scores: np.ndarray, present: np.ndarray) -> dict[str, float | None]:
    foreground = [c for c in (HAND, OBJECT) if present[c]]
    named: dict[str, float | None] = {CLASS_NAMES[c]: float(scores[c]) if present[c] else None for c in (HAND, OBJECT)}
    return {**named, "mean": _mean(scores[foreground])}


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if values.size else None


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
