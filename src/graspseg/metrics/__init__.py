"""Scores of predicted labels against true ones: streaming, constant memory, numpy and OpenCV only.

In: labels of frame after frame. Out: scores with intervals.
Begin with `Confusion`.
"""

from graspseg.metrics.boundary import BoundaryIoU, BoundaryScore
from graspseg.metrics.boundary_error import BoundaryError
from graspseg.metrics.calibration import Calibration
from graspseg.metrics.confusion import Confusion
from graspseg.metrics.contact import ContactLine
from graspseg.metrics.flicker import Flicker
from graspseg.metrics.leak import HandLeak
from graspseg.metrics.outlines import Outlines
from graspseg.metrics.paired import PairedDifference, paired_difference, paired_difference_over_seeds

__all__ = [
    "BoundaryError",
    "BoundaryIoU",
    "BoundaryScore",
    "Calibration",
    "Confusion",
    "ContactLine",
    "Flicker",
    "HandLeak",
    "Outlines",
    "PairedDifference",
    "paired_difference",
    "paired_difference_over_seeds",
]
