"""One call from a depth image to hand, object and background."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

import numpy as np
from jaxtyping import UInt16

from graspseg.crop import View
from graspseg.datasets.frames import read_frame
from graspseg.depth_array import depth_fault
from graspseg.errors import InputError, did_you_mean
from graspseg.frame import Frame
from graspseg.models.header import FOREST, MOST_HANDS, ModelInfo, read_model_info
from graspseg.models.locate import DEFAULT_MODEL, find_model
from graspseg.segment.engine import EngineName, Precision
from graspseg.segment.forest_predictor import load_forest
from graspseg.segment.network_predictor import NetworkPredictor
from graspseg.segment.precision import PrecisionChoice
from graspseg.segment.predictor import Predictor, PredictorSettings
from graspseg.segment.segmentation import Segmentation

_LARGEST_SIDE = 32767  # of OpenCV's warps


class Segmenter:
    """Segments depth images with an exported network or a forest; needs no torch.

    Examples:
        >>> labels = Segmenter()(depth_mm).labels  # doctest: +SKIP

    Args:
        model: name of a shipped model (`denseattentionseg-lite`, for short `lite`, or `forest`), an exported `.onnx`
            file or a forest's `.npz`.
        engine: what runs a network; `auto` takes OpenVINO. A forest needs none.
        threads: CPU threads, None = as many as this process may use; a forest uses one.
        precision: arithmetic of the network. `auto` takes what is fastest on this machine of float32, bf16 where the
            model's file says that it was judged to be as good, and int8 where such a version lies beside it; it is
            measured at the first use and remembered. Labels differ a little between them, so name one where machines
            shall give the same. A forest has only one.
        mirror: with a network, look at closer windows a second time, flipped left to right, and take the mean; None
            does what the model's file says.
        windows: how close to look, 1 to 3: everything; closer at hand and object; closer at the object and the hand
            on it. None does what the model's file says.
        hands: at most so many groups of hand and object get a closer window of their own, 1 to 4; with 1 all share one.
            None does what the model's file says.
        full_side: side of the first window in network pixels, for a model exported for several sizes; None takes the
            file's.
        presence: whether what is hardly a hand is left out and `hand_present` is told, where the model's file says how.

    One Segmenter serves any number of threads; runs of its network wait for each other.

    Attributes:
        path: the model's file.
        info: what its header says.
        predictor: the loaded model.

    Raises:
        InputError: no such model, not one of ours, or the engine cannot load it; a forest without numba, or with an
            engine or precision.
    """

    def __init__(
        self,
        model: str | Path = DEFAULT_MODEL,
        *,
        engine: EngineName = "auto",
        threads: int | None = None,
        precision: PrecisionChoice = "auto",
        mirror: bool | None = None,
        windows: int | None = None,
        hands: int | None = None,
        full_side: int | None = None,
        presence: bool = True,
    ) -> None:
        _one_of("engine", engine, get_args(EngineName), " (each on the CPU)")
        _one_of("precision", precision, ("auto", *get_args(Precision)), "")
        self.path = find_model(model)
        self.info = read_model_info(self.path)
        self.mirror = self.info.mirror if mirror is None else mirror
        self.windows = _within("windows", self.info.looks if windows is None else windows, 3)
        self.hands = _within("hands", self.info.hands if hands is None else hands, MOST_HANDS)
        self.full_side = self.info.full_side if full_side is None else full_side
        settings = PredictorSettings(
            engine,
            threads,
            precision,
            self.mirror,
            self.windows,
            self.hands,
            self.full_side,
            self.info.presence if presence else None,
        )
        self.predictor: Predictor = _LOADERS.get(self.info.network, NetworkPredictor)(self.path, self.info, settings)

    @property
    def engine(self) -> str:
        """What runs the model."""
        return self.predictor.engine

    @property
    def precision(self) -> Precision:
        """Arithmetic of the model."""
        return self.predictor.precision

    def __call__(
        self,
        frame: Frame | UInt16[np.ndarray, "h w"] | str | os.PathLike[str],
        *,
        focus: Sequence[View] | None = None,
    ) -> Segmentation:
        """Segment one depth image of any size.

        Args:
            frame: a frame; or depth in millimeters, uint16 of shape (height, width), 0 = no measurement; or the path of
                a depth image, read as `read_frame` does.
            focus: look through these windows of the model's side only, without the full pass that finds them: of a
                stream they are known from the frame before (see `StreamSegmenter`). A forest takes no notice.

        Raises:
            InputError: none of these, a file that cannot be used, or a side above 32767 pixels.
        """
        frame = _as_frame(frame)
        if max(frame.depth.shape) > _LARGEST_SIDE:
            raise InputError(
                f"The frame is {frame.depth.shape[1]}x{frame.depth.shape[0]} pixels, expected at most {_LARGEST_SIDE} "
                "a side: cut or reduce it."
            )
        return self.predictor(frame, focus=focus)


_LOADERS: dict[str, Callable[[Path, ModelInfo, PredictorSettings], Predictor]] = {FOREST: load_forest}
"""By the name of the network; all others are networks."""


def _within(name: str, value: int, most: int) -> int:
    if not 1 <= value <= most:
        raise InputError(f"{name} is {value}, expected 1 to {most}: leave it out for the model's own.")
    return value


def _as_frame(given: object) -> Frame:
    """The frame that is meant: itself, millimeters, or a file.

    Raises:
        InputError: it is none.
    """
    if isinstance(given, Frame):
        return given
    if isinstance(given, str | os.PathLike):
        return read_frame(given)
    fault = depth_fault(given)
    if fault is not None or not isinstance(given, np.ndarray):
        raise InputError(f"The frame is {fault}.")
    return Frame(given)


def _one_of(name: str, value: object, choices: tuple[str, ...], where: str) -> None:
    """See that an option has one of its values.

    Raises:
        InputError: it has another.
    """
    if value in choices:
        return
    meant = did_you_mean(value, choices, otherwise="leave it out.")
    raise InputError(f"{name} is {value!r}, expected one of {', '.join(choices)}{where}: {meant}")
