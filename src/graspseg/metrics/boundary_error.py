"""How far apart predicted and true outlines lie, in millimeters."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from graspseg.frame import Intrinsics
from graspseg.labels import CLASS_NAMES, HAND, OBJECT
from graspseg.metrics.outlines import OutlinePair, Outlines

STEP_MM = 0.1
LONGEST_MM = 500.0
_BINS = round(LONGEST_MM / STEP_MM) + 1
_FAR_M = 1e6


class BoundaryError:
    """Streaming distance between the outlines of prediction and target, of hand and object, in millimeters.

    A pixel of one outline is off by its distance to the other outline (pixels) times depth / fx. The depth is the
    class's where the true outline is nearest, in both directions: a predicted outline that strays onto a wall is
    measured where the hand is, not where the wall is.

    `mean_mm` is the mean over images of the mean of both directions (average symmetric distance); quantiles are over
    the pixels of both outlines of all images, from a histogram, to 0.1 mm and at most 500 mm. Images in which a class
    has an outline on one side only have no distance; they are counted as `one_sided`. Outlines along the image border
    are none. In depth direction, outlines have no error: the measured depth is what it is.

    Paper: not in it; the average symmetric surface distance of medical segmentation (Heimann et al., 2009), on
    outlines.
    """

    def __init__(self) -> None:
        self._histogram = {label: np.zeros(_BINS, np.int64) for label in (HAND, OBJECT)}
        self._sum_mm = dict.fromkeys((HAND, OBJECT), 0.0)
        self._images = dict.fromkeys((HAND, OBJECT), 0)
        self._one_sided = dict.fromkeys((HAND, OBJECT), 0)

    def update(self, outlines: Outlines, depth_m: Float32[np.ndarray, "h w"], intrinsics: Intrinsics) -> None:
        """Judge one image.

        Args:
            outlines: Of prediction and target.
            depth_m: Depth of the whole image in meters, 0 = no measurement.
            intrinsics: Its camera.
        """
        for label in (HAND, OBJECT):
            pair = outlines.pair(label)
            if pair is None:
                continue
            if pair.one_sided:
                self._one_sided[label] += 1
                continue
            errors = outline_errors_mm(pair, depth_m[pair.box], intrinsics)
            if errors is not None:
                self._sum_mm[label] += (float(errors[0].mean()) + float(errors[1].mean())) / 2
                self._images[label] += 1
                steps = np.rint(np.concatenate(errors) / np.float32(STEP_MM)).astype(np.int64)
                self._histogram[label] += np.bincount(np.minimum(steps, _BINS - 1), minlength=_BINS)

    def merge(self, other: BoundaryError) -> None:
        """Add what another counter saw, as if this one had seen it too."""
        for label in (HAND, OBJECT):
            self._histogram[label] += other._histogram[label]
            self._sum_mm[label] += other._sum_mm[label]
            self._images[label] += other._images[label]
            self._one_sided[label] += other._one_sided[label]

    def summary(self) -> dict[str, dict[str, float | int | None]]:
        """Mean, median and 95 % quantile in millimeters and number of images, by class."""
        return {
            CLASS_NAMES[label]: {
                "mean_mm": self._sum_mm[label] / self._images[label] if self._images[label] else None,
                "median_mm": _quantile_mm(self._histogram[label], 0.5),
                "p95_mm": _quantile_mm(self._histogram[label], 0.95),
                "images": self._images[label],
                "one_sided": self._one_sided[label],
            }
            for label in (HAND, OBJECT)
        }


def outline_errors_mm(
    pair: OutlinePair, depth_m: Float32[np.ndarray, "h w"], intrinsics: Intrinsics
) -> tuple[Float32[np.ndarray, " p"], Float32[np.ndarray, " t"]] | None:
    """Error of every pixel of the predicted outline and of every pixel of the true one.

    Returns:
        Millimeters; None if no pixel along the true outline has a depth.
    """
    known, surface_m = _surface_m(pair.target, pair.target_mask, depth_m)
    if not known.any():
        return None
    # Which pixel is nearest need not be exact, its distance is taken from the exact transform.
    _, found = cv2.distanceTransformWithLabels(
        (~known).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    nearest = np.asarray(found, np.intp)
    depth_of = np.zeros(int(nearest.max()) + 1, np.float32)
    depth_of[nearest[known]] = surface_m[known]
    pixel_mm = np.float32(1000 / intrinsics.fx)
    predicted, target = (
        distance[rim] * depth_of[nearest[rim]] * pixel_mm
        for distance, rim in ((pair.to_target_px, pair.predicted), (pair.to_predicted_px, pair.target))
    )
    return predicted, target


def _surface_m(
    target: Bool[np.ndarray, "h w"], mask: Bool[np.ndarray, "h w"], depth_m: Float32[np.ndarray, "h w"]
) -> tuple[Bool[np.ndarray, "h w"], Float32[np.ndarray, "h w"]]:
    """Outline pixels whose depth is known, and the depth of the class there.

    It is the nearest depth of the class in 3 x 3 pixels: outlines are where sensors mix it with what lies behind.
    """
    of_class = np.where(mask & (depth_m > 0), depth_m, np.float32(_FAR_M))
    nearest_m = cv2.erode(of_class, np.ones((3, 3), np.uint8))
    return target & (nearest_m < _FAR_M), nearest_m


def _quantile_mm(histogram: np.ndarray, share: float) -> float | None:
    """The smallest value that at least `share` of the pixels do not pass."""
    total = int(histogram.sum())
    if not total:
        return None
    return round(float(np.searchsorted(np.cumsum(histogram), share * total)) * STEP_MM, 1)
