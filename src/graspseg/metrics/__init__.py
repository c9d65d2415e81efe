"""Scores of predicted labels against true ones: streaming, constant memory, numpy and OpenCV only."""

from graspseg.metrics.boundary import BoundaryScore
from graspseg.metrics.confusion import Confusion
from graspseg.metrics.leak import HandLeak

__all__ = ["BoundaryScore", "Confusion", "HandLeak"]
