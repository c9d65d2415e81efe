"""One call from a depth image to hand, object and background."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, no_type_check, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from graspseg.crop import View, crop_depth, whole_view
from graspseg.errors import InputError
from graspseg.frame import FARTHEST_NEAREST_M, Frame, Intrinsics
from graspseg.labels import BACKGROUND
from graspseg.models.header import DEFAULT_MODEL, FOREST, MOST_HANDS, find_model, read_model_info
from graspseg.segment.blend import blended
from graspseg.segment.compose import compose
from graspseg.segment.doubt import drop_doubtful
from graspseg.segment.engine import EngineName, Precision, load_engine
from graspseg.segment.look import Look
from graspseg.segment.presence import keep_hands
from graspseg.segment.windows import contact_view, focus_views

if TYPE_CHECKING:
    from graspseg.forest.forest import Forest

_LARGEST_SIDE = 32767  # of OpenCV's warps


@runtime_checkable
class Answer(Protocol):
    """Probabilities of a part of a frame: a window a network looked at, or the region a forest found."""

    def add_to(self, planes: Float32[np.ndarray, "3 h w"]) -> None:
        """Put them in their place in planes of the frame's size; what is known already is replaced."""
        ...


@dataclass(frozen=True)
class Segmentation:
    """Result for one frame.

    Attributes:
        labels: 0 background, 1 hand, 2 object; pixels without measurement are background, and so is what was found but
            is hardly a hand. Empty when `hand_present` is low.
        measured: pixels that have a depth.
        looks: the model's answers; where windows overlap the later one counts, which was mixed with the earlier ones.
        confidence: mean probability of the chosen class over hand and object pixels, None when there are none.
        hand_present: calibrated probability that the frame shows a hand; None for a model that does not say, such as a
            forest.
    """

    labels: UInt8[np.ndarray, "h w"]
    measured: Bool[np.ndarray, "h w"]
    looks: tuple[Answer, ...]
    confidence: float | None
    hand_present: float | None = None

    @cached_property
    def probabilities(self) -> Float32[np.ndarray, "3 h w"]:
        """Probabilities of background, hand and object at the frame's size, made on first use.

        `labels` is their argmax but for pieces that are hardly a hand. Pixels without measurement and outside every
        window are background for certain.
        """
        planes = np.zeros((3, *self.labels.shape), np.float32)
        for look in self.looks:
            look.add_to(planes)
        total = planes.sum(axis=0)
        unknown = ~self.measured | (total <= 0)
        planes /= np.where(unknown, np.float32(1), total)
        planes[:, unknown] = np.array([[1], [0], [0]], np.float32)
        return planes


class Segmenter:
    """Segments depth images with an exported network or a forest; needs no torch.

    Example:
        >>> labels = Segmenter()(depth_mm).labels  # doctest: +SKIP

    Args:
        model: name of a shipped model (`denseattentionseg-lite`, for short `lite`, or `forest`), an exported `.onnx`
            file or a forest's `.npz`.
        engine: what runs a network; `auto` takes OpenVINO. A forest needs none.
        threads: CPU threads, None = as many as this process may use; a forest uses one.
        precision: arithmetic of the engine.
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
        precision: Precision = "f32",
        mirror: bool | None = None,
        windows: int | None = None,
        hands: int | None = None,
        full_side: int | None = None,
        presence: bool = True,
    ) -> None:
        self.path = find_model(model)
        self.info = read_model_info(self.path)
        self.mirror = self.info.mirror if mirror is None else mirror
        self.windows = _within("windows", self.info.looks if windows is None else windows, 3)
        self.hands = _within("hands", self.info.hands if hands is None else hands, MOST_HANDS)
        self.full_side = self.info.full_side if full_side is None else full_side
        self._presence = self.info.presence if presence else None
        self._forest: Forest | None = None
        if self.info.network == FOREST:
            self.engine = "numba"
            self._forest = _load_forest(self.path, engine, precision)
        else:
            self.engine = "openvino" if engine == "auto" else engine
            self._engines = {
                side: load_engine(self.path, self.engine, threads=threads, precision=precision, side=side)
                for side in {self.info.side, self.full_side}
            }
            for side in self._engines:
                self._warm_up(side)

    def __call__(self, frame: Frame | np.ndarray, *, focus: Sequence[View] | None = None) -> Segmentation:
        """Segment one depth image of any size.

        Args:
            frame: a frame, or uint16 depth in millimetres of shape (height, width).
            focus: look through these windows of the model's side only, without the full pass that finds them: of a
                stream they are known from the frame before (see `StreamSegmenter`). A forest takes no notice.

        Raises:
            InputError: no frame and no non-empty 2-D array of uint16, or a side above 32767 pixels.
        """
        frame = _as_frame(frame)
        if max(frame.depth.shape) > _LARGEST_SIDE:
            raise InputError(
                f"The frame is {frame.depth.shape[1]}x{frame.depth.shape[0]} pixels, expected at most {_LARGEST_SIDE} "
                "a side: cut or reduce it."
            )
        depth_m = frame.depth_m()
        measured = frame.depth > 0
        if self._forest is not None:
            answer = self._forest.look(depth_m, frame.intrinsics_or_default())
            if answer is None:
                return Segmentation(np.zeros(measured.shape, np.uint8), measured, (), None)
            labels, confidence = answer.labels()
            return Segmentation(labels, measured, (answer,), confidence)
        intrinsics = frame.intrinsics_or_default()
        looks = self._look(depth_m, intrinsics, focus)
        labels, chosen, either = compose(looks, measured)
        hand_present = None
        drop_doubtful(labels, either)
        if self._presence is not None:
            hand_present = keep_hands(labels, chosen, depth_m, intrinsics, looks, self._presence)
        foreground = labels != BACKGROUND
        confidence = float(chosen[foreground].mean()) if foreground.any() else None
        return Segmentation(labels, measured, looks, confidence, hand_present)

    def _look(
        self, depth_m: Float32[np.ndarray, "h w"], intrinsics: Intrinsics, focus: Sequence[View] | None
    ) -> tuple[Look, ...]:
        """Look at everything, then closer at each hand and its object, then closer at the object.

        A frame with nothing within 10 m has no hand that could be seen, and is not looked at.
        """
        if not ((depth_m > 0) & (depth_m <= FARTHEST_NEAREST_M)).any():
            return ()
        height, width = depth_m.shape
        looks: list[Look] = []
        if focus is None:
            looks.append(self._look_at(whole_view(depth_m, self.full_side), depth_m, intrinsics))
            focus = focus_views(looks[0], self.info.side, most=self.hands) if self.windows > 1 else ()
        for view in focus:
            closer: View | None = view
            while closer is not None:
                look = self._look_at(closer, depth_m, intrinsics, mirror=self.mirror)
                looks.append(blended(look, looks, (width, height)) if looks else look)
                closer = contact_view(looks[-1]) if closer is view and self.windows > 2 else None
        return tuple(looks)

    def _look_at(
        self, view: View, depth_m: Float32[np.ndarray, "h w"], intrinsics: Intrinsics, *, mirror: bool = False
    ) -> Look:
        window, angle = crop_depth(depth_m, view), view.pixel_angle(intrinsics)
        engine = self._engines[view.side]
        probabilities = engine(window, angle)
        if mirror:
            flipped = engine(np.ascontiguousarray(window[:, ::-1]), angle)
            probabilities = (probabilities + flipped[:, :, ::-1]) * np.float32(0.5)
        return Look(view, probabilities * (window > 0))

    def _warm_up(self, side: int) -> None:
        """First run of an engine, which is slow, and proof that the file answers as it should."""
        try:
            probabilities = self._engines[side](np.ones((side, side), np.float32), 0.002)
        except Exception as error:  # whatever the engine raises, the file is not ours
            raise self._not_ours("does not run", side) from error
        if probabilities.shape != (3, side, side):
            raise self._not_ours(f"answers with shape {probabilities.shape}", side)
        if not np.isfinite(probabilities).all():
            raise self._not_ours("answers with values that are not finite", side)

    def _not_ours(self, found: str, side: int) -> InputError:
        return InputError(
            f"{self.path} {found} on a window of {side}x{side}, expected 3 probabilities a pixel: "
            "export it again with graspseg export."
        )


def _within(name: str, value: int, most: int) -> int:
    if not 1 <= value <= most:
        raise InputError(f"{name} is {value}, expected 1 to {most}: leave it out for the model's own.")
    return value


@no_type_check  # whatever it is called with is told what was expected
def _as_frame(frame):
    """The frame that is meant.

    Raises:
        InputError: it is none.
    """
    if isinstance(frame, Frame):
        return frame
    found = type(frame).__name__
    if isinstance(frame, str | os.PathLike):
        raise InputError(
            f"The frame is the path {os.fspath(frame)!r}, expected its depth: read it first, with "
            "graspseg.datasets.images.read_depth."
        )
    if not isinstance(frame, np.ndarray):
        raise InputError(
            f"The frame is a {found}, expected a graspseg.Frame or a NumPy array of uint16 millimetres with shape "
            "(height, width): convert it, one frame a call."
        )
    if frame.dtype != np.uint16 or frame.ndim != 2 or not frame.size:
        raise InputError(
            f"The frame is {frame.dtype} of shape {frame.shape}, expected non-empty depth of uint16 with shape "
            "(height, width), no color picture and no batch: use Frame.from_metres for metres, and read 16-bit files "
            "with graspseg.datasets.images.read_depth."
        )
    return Frame(frame)


def _load_forest(path: Path, engine: EngineName, precision: Precision) -> Forest:
    if engine != "auto" or precision != "f32":
        raise InputError(
            f"{path.name} is a forest, which runs without an engine, expected no --engine {engine} and no precision "
            f"{precision}: leave them out."
        )
    try:
        from graspseg.forest.file import read_forest
    except ModuleNotFoundError as error:
        raise InputError(
            f"The forest needs {error.name}, which is not installed: pip install 'graspseg[forest]'."
        ) from error
    forest = read_forest(path)
    # Compiles now what would be compiled during the first frame.
    forest.warm_up()
    return forest
