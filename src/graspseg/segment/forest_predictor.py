"""A forest as a predictor; it sees the whole frame at once and needs no engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graspseg.crop import View
from graspseg.errors import InputError, not_installed
from graspseg.frame import Frame
from graspseg.models.header import ModelInfo
from graspseg.segment.engine import Precision
from graspseg.segment.look import Look
from graspseg.segment.predictor import PredictorSettings
from graspseg.segment.segmentation import Segmentation

if TYPE_CHECKING:
    from graspseg.forest.forest import Forest


class ForestPredictor:
    """See `Predictor`.

    Args:
        forest: as it was trained.
    """

    engine = "numba"
    precision: Precision = "float32"
    follows = False

    def __init__(self, forest: Forest) -> None:
        self._forest = forest
        # Compiles now what would be compiled during the first frame.
        forest.warm_up()

    def __call__(self, frame: Frame, *, focus: Sequence[View] | None = None) -> Segmentation:
        """Segment a frame; `focus` changes nothing."""
        answer = self._forest.look(frame.depth_m(), frame.intrinsics_or_default())
        if answer is None:
            return Segmentation(np.zeros(frame.depth.shape, np.uint8), frame, (), None)
        labels, confidence = answer.labels()
        return Segmentation(labels, frame, (answer,), confidence)

    def passes(self, frame: Frame, *, focus: Sequence[View] | None = None) -> tuple[Look, ...]:
        """None: it has no windows."""
        return ()

    def described(self) -> dict[str, Any]:
        """What runs it; it has one precision only."""
        return {"engine": self.engine}


def load_forest(path: Path, info: ModelInfo, settings: PredictorSettings) -> ForestPredictor:
    """Load a forest's file.

    Raises:
        InputError: an engine or a precision is requested, numba is missing, or the file is none of ours.
    """
    if settings.engine != "auto" or settings.precision not in ("auto", "float32"):
        raise InputError(
            f"{path.name} is a forest, which runs without an engine, expected no --engine {settings.engine} and no "
            f"precision {settings.precision}: leave them out."
        )
    try:
        from graspseg.forest.file import read_forest
    except ModuleNotFoundError as error:
        raise InputError(not_installed("The forest", error.name, "forest")) from error
    return ForestPredictor(read_forest(path))
