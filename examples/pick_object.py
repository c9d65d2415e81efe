"""Which object is under the hand: its place, size and outline, for a robot, a shop or a counter of parts.

python examples/pick_object.py [FRAME]
"""

import sys
from dataclasses import dataclass

import cv2
import numpy as np

from graspseg import Segmentation, Segmenter, read_frame
from graspseg.labels import OBJECT
from graspseg.segment.cloud import cloud

REACH_MM = 15.0
"""A hand this near to an object touches it: the sensor's error and the rim of both."""
SMALLEST_PX = 150


@dataclass(frozen=True)
class Picked:
    """The object that a hand touches most.

    Attributes:
        mask: its pixels, bool of shape (h, w).
        box: frame pixels `x0, y0, x1, y1`, ends excluded.
        center_m: median of its points: x right, y down, z forward.
        size_cm: extent along its own axes, longest first, of what is seen.
        touching_px: hand pixels that touch it.
    """

    mask: np.ndarray
    box: tuple[int, int, int, int]
    center_m: tuple[float, float, float]
    size_cm: tuple[float, float, float]
    touching_px: int


def pick(found: Segmentation) -> Picked | None:
    """The object with the most hand pixels next to it, None when no hand touches one."""
    touched = found.contact(tolerance_mm=REACH_MM)
    count, pieces, stats, _ = cv2.connectedComponentsWithStats((found.labels == OBJECT).view(np.uint8))
    # A hand pixel counts for the piece that is nearest to it in the image.
    near = [(_near_px(pieces == piece, touched), piece) for piece in range(1, count)]
    near = [(px, piece) for px, piece in near if px and stats[piece, cv2.CC_STAT_AREA] >= SMALLEST_PX]
    if not near:
        return None
    touching_px, best = max(near)
    mask = pieces == best
    points = cloud(found.frame, mask).astype(np.float64)
    center = np.median(points, axis=0)
    _, _, axes = np.linalg.svd(points - center, full_matrices=False)
    low, high = np.percentile((points - center) @ axes.T, (1, 99), axis=0)  # without stray pixels
    long, middle, short = sorted((100 * (high - low)).tolist(), reverse=True)
    x, y, width, height = (int(value) for value in stats[best, :4])
    x_m, y_m, z_m = center.tolist()
    return Picked(mask, (x, y, x + width, y + height), (x_m, y_m, z_m), (long, middle, short), touching_px)


def _near_px(piece: np.ndarray, touched: np.ndarray) -> int:
    distance = cv2.distanceTransform((~piece).view(np.uint8), cv2.DIST_L2, 3)
    return int(np.count_nonzero(touched & (distance < 40)))


def main(frame: str = "examples/frames/depth/unseen-0000026.png") -> None:
    """Print what is under the hand."""
    picked = pick(Segmenter()(read_frame(frame)))
    if picked is None:
        print("no object under the hand")
        return
    x, y, z = picked.center_m
    size = " x ".join(f"{side:.0f}" for side in picked.size_cm)
    print(f"object of {size} cm at {x:.3f} {y:.3f} {z:.3f} m, box {picked.box}, {picked.touching_px} px touch it")


if __name__ == "__main__":
    main(*sys.argv[1:])
