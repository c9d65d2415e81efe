"""What a loaded model is to whoever segments with it: a network that looks through windows, or a forest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from graspseg.crop import View
from graspseg.frame import Frame
from graspseg.models.presence import Presence
from graspseg.segment.engine import EngineName, Precision
from graspseg.segment.look import Look
from graspseg.segment.precision import PrecisionChoice
from graspseg.segment.segmentation import Segmentation


@dataclass(frozen=True)
class PredictorSettings:
    """How a model is to run, see `Segmenter`; what a kind of model has no use for is ignored or refused by it.

    Attributes:
        engine: what runs a network.
        threads: CPU threads, None = as many as this process may use.
        precision: arithmetic of the network.
        mirror: whether closer windows are seen a second time, flipped left to right.
        windows: how close to look, 1 to 3.
        hands: most groups of hand and object with a window of their own.
        full_side: side of the first window in network pixels.
        presence: how sure a hand is, None = everything that is found counts.
    """

    engine: EngineName
    threads: int | None
    precision: PrecisionChoice
    mirror: bool
    windows: int
    hands: int
    full_side: int
    presence: Presence | None


class Predictor(Protocol):
    """A loaded model. May be called by any number of threads.

    Attributes:
        engine: what runs it.
        precision: its arithmetic.
        follows: whether `focus` keeps it from looking at the whole frame.
    """

    engine: str
    precision: Precision
    follows: bool

    def __call__(self, frame: Frame, *, focus: Sequence[View] | None = None) -> Segmentation:
        """Segment a frame.

        Args:
            frame: of any size up to 32767 pixels a side.
            focus: look through these windows only, where `follows`; None = find them.
        """
        ...

    def passes(self, frame: Frame, *, focus: Sequence[View] | None = None) -> tuple[Look, ...]:
        """Answers window by window, in the order in which they were asked for; none where there are no windows."""
        ...

    def described(self) -> dict[str, Any]:
        """How it runs, for the summary of a run: JSON."""
        ...
