"""How well the outlines of hand and object lie, within a few pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float32, Float64

from graspseg.labels import CLASS_NAMES, HAND, OBJECT
from graspseg.metrics.outlines import BAND_PX, OutlinePair, Outlines, distance_px

FOREGROUND = (HAND, OBJECT)

ByTolerance = dict[str, float | None]


class BoundaryScore:
    """Streaming boundary F-score of hand and object, averaged over images.

    An image counts for a class whose outline its target or its prediction holds. A class with no outline in both is
    left out; with an outline in one only, the image counts 0.

    Paper: not in it; Csurka et al., "What is a good evaluation measure for semantic segmentation?", BMVC 2013.
    Differs: fixed 1, 2, 3 px instead of 0.75 % of the diagonal, which is 6 px here and too lax for fingers.
    """

    def __init__(self, tolerances_px: Sequence[int] = (1, 2, 3)) -> None:
        self.tolerances_px = tuple(tolerances_px)
        self._sum = {c: np.zeros(len(self.tolerances_px)) for c in FOREGROUND}
        self._count = dict.fromkeys(FOREGROUND, 0)

    def update(self, outlines: Outlines) -> None:
        """Judge one image."""
        for label in FOREGROUND:
            pair = outlines.pair(label)
            if pair is not None:
                self._sum[label] += _boundary_f(pair, self.tolerances_px)
                self._count[label] += 1

    def merge(self, other: BoundaryScore) -> None:
        """Add what another counter saw, as if this one had seen it too."""
        check_tolerances(self.tolerances_px, other.tolerances_px)
        for label in FOREGROUND:
            self._sum[label] += other._sum[label]
            self._count[label] += other._count[label]

    def summary(self) -> dict[str, ByTolerance]:
        """F-score of each class by tolerance: `{"hand": {"1px": ..., ...}, "object": {...}, "mean": {...}}`."""
        return _by_class({c: _shares(self._sum[c], self._count[c]) for c in FOREGROUND}, self.tolerances_px)


class BoundaryIoU:
    """Streaming IoU of the bands along the inner side of outlines, of hand and object.

    The band of a mask at d px is its outline and what of it lies within d - 1 px of that: 1, 2 or 3 pixels wide. Unlike
    the IoU of whole masks it does not grow lax with the size of the class, and unlike the F-score it also sees on which
    side of an outline the class is. Absent classes are treated as in `Confusion`.

    Paper: not in it; Cheng et al., "Boundary IoU: Improving object-centric image segmentation evaluation", CVPR 2021.
    Differs: 1, 2, 3 px instead of 2 % of the diagonal, which is 16 px here and more than a finger is wide at arm's
    length; Euclidean instead of chessboard distances; the image border makes no outline, because an arm does not end
    there.
    """

    def __init__(self, widths_px: Sequence[int] = (1, 2, 3)) -> None:
        if not all(1 <= width <= BAND_PX for width in widths_px):
            raise ValueError(f"widths are {tuple(widths_px)} px: expected 1 to {BAND_PX}")
        self.widths_px = tuple(widths_px)
        size = len(self.widths_px)
        self._common, self._either, self._image_sum = ({c: np.zeros(size) for c in FOREGROUND} for _ in range(3))
        self._image_count = dict.fromkeys(FOREGROUND, 0)

    def update(self, outlines: Outlines) -> None:
        """Judge one image."""
        for label in FOREGROUND:
            pair = outlines.pair(label)
            if pair is None:
                continue
            common, either = _bands(pair, self.widths_px)
            self._common[label] += common
            self._either[label] += either
            self._image_sum[label] += common / either
            self._image_count[label] += 1

    def merge(self, other: BoundaryIoU) -> None:
        """Add what another counter saw, as if this one had seen it too."""
        check_tolerances(self.widths_px, other.widths_px)
        for label in FOREGROUND:
            self._common[label] += other._common[label]
            self._either[label] += other._either[label]
            self._image_sum[label] += other._image_sum[label]
            self._image_count[label] += other._image_count[label]

    def summary(self) -> dict[str, dict[str, ByTolerance]]:
        """IoU of the bands of all images together (`dataset`) and averaged over images (`image`)."""
        dataset = {c: self._common[c] / self._either[c] if self._image_count[c] else None for c in FOREGROUND}
        image = {c: _shares(self._image_sum[c], self._image_count[c]) for c in FOREGROUND}
        return {"dataset": _by_class(dataset, self.widths_px), "image": _by_class(image, self.widths_px)}


def f_score(
    to_target: Float32[np.ndarray, " p"], to_predicted: Float32[np.ndarray, " t"], tolerances: Sequence[int]
) -> Float64[np.ndarray, " tolerances"]:
    """Harmonic mean of precision and recall of two lines at each tolerance.

    Args:
        to_target: Distance of each predicted element to the nearest target element.
        to_predicted: The reverse.
        tolerances: In the unit of the distances. Precision is the share of predicted elements at most so far from a
            target element, recall the reverse.

    Returns:
        One value in [0, 1] a tolerance; zeros if one of the lines has no elements.
    """
    if not to_target.size or not to_predicted.size:
        return np.zeros(len(tolerances))
    precision = np.array([(to_target <= t + 1e-3).mean() for t in tolerances])
    recall = np.array([(to_predicted <= t + 1e-3).mean() for t in tolerances])
    return 2 * precision * recall / np.maximum(precision + recall, 1e-12)


def line_f(
    predicted: Bool[np.ndarray, "h w"], target: Bool[np.ndarray, "h w"], tolerances: Sequence[int]
) -> Float64[np.ndarray, " tolerances"]:
    """`f_score` of two lines of pixels."""
    return f_score(distance_px(target)[predicted], distance_px(predicted)[target], tolerances)


def check_tolerances(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    """Refuse to merge scores of different tolerances.

    Raises:
        ValueError: They differ.
    """
    if first != second:
        raise ValueError(f"tolerances differ: {first} and {second} px")


def _boundary_f(pair: OutlinePair, tolerances_px: Sequence[int]) -> np.ndarray:
    return f_score(pair.to_target_px[pair.predicted], pair.to_predicted_px[pair.target], tolerances_px)


def _bands(pair: OutlinePair, widths_px: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Pixels in both bands and in either, for each width."""
    common, either = [], []
    for width in widths_px:
        predicted = pair.predicted_mask & (pair.to_predicted_px <= width - 1 + 1e-3)
        target = pair.target_mask & (pair.to_target_px <= width - 1 + 1e-3)
        common.append(np.count_nonzero(predicted & target))
        either.append(np.count_nonzero(predicted | target))
    return np.array(common), np.array(either)


def _shares(total: np.ndarray, count: int) -> np.ndarray | None:
    return total / count if count else None


def _by_class(values: dict[int, np.ndarray | None], tolerances_px: Sequence[int]) -> dict[str, ByTolerance]:
    """Name the values of `hand` and `object`, and add their `mean` over what is there."""
    there = [value for value in values.values() if value is not None]
    rows = {CLASS_NAMES[label]: value for label, value in values.items()}
    rows["mean"] = np.mean(there, axis=0) if there else None
    return {name: by_tolerance(value, tolerances_px) for name, value in rows.items()}


def by_tolerance(values: np.ndarray | None, tolerances_px: Sequence[int]) -> ByTolerance:
    """`{"1px": ..., "2px": ...}`, None where there is nothing to judge."""
    found = [None] * len(tolerances_px) if values is None else values.tolist()
    return {f"{tolerance}px": value for tolerance, value in zip(tolerances_px, found, strict=True)}
