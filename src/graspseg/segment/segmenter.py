"""One call from a depth image to hand, object and background."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, get_args

import numpy as np
from jaxtyping import UInt16

from graspseg.crop import View, anything_within, crop_frame, whole_frame_view
from graspseg.datasets.frames import read_frame
from graspseg.depth_array import depth_fault
from graspseg.errors import InputError, did_you_mean, not_installed
from graspseg.frame import FARTHEST_NEAREST_M, Frame, Intrinsics
from graspseg.labels import BACKGROUND
from graspseg.models.header import FOREST, MOST_HANDS, read_model_info
from graspseg.models.locate import DEFAULT_MODEL, find_model
from graspseg.segment.blend import blended
from graspseg.segment.compose import compose
from graspseg.segment.doubt import drop_doubtful
from graspseg.segment.engine import EngineName, Precision, load_engine
from graspseg.segment.look import Look
from graspseg.segment.precision import PrecisionChoice, choose_precision
from graspseg.segment.presence import keep_hands
from graspseg.segment.segmentation import Segmentation, Times
from graspseg.segment.windows import contact_view, focus_views

if TYPE_CHECKING:
    from graspseg.forest.forest import Forest

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
        self._presence = self.info.presence if presence else None
        self._forest: Forest | None = None
        self.precision: Precision = "float32"
        if self.info.network == FOREST:
            self.engine = "numba"
            self._forest = _load_forest(self.path, engine, precision)
        else:
            self.engine = "openvino" if engine == "auto" else engine
            self.precision, file = choose_precision(
                precision, self.path, self.info, engine=self.engine, threads=threads
            )
            self._engines = {
                side: load_engine(file, self.engine, threads=threads, precision=self.precision, side=side)
                for side in {self.info.side, self.full_side}
            }
            for side in self._engines:
                self._warm_up(side)

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
        measured = frame.depth > 0
        if self._forest is not None:
            answer = self._forest.look(frame.depth_m(), frame.intrinsics_or_default())
            if answer is None:
                return Segmentation(np.zeros(measured.shape, np.uint8), frame, (), None)
            labels, confidence = answer.labels()
            return Segmentation(labels, frame, (answer,), confidence)
        intrinsics, clock = frame.intrinsics_or_default(), _Clock()
        looks = self._look(frame, intrinsics, clock, focus)
        looked = perf_counter()
        found = compose(looks, frame.depth)
        labels = found.labels[found.inside]
        hand_present = None
        drop_doubtful(labels, found.either)
        if self._presence is not None:
            depth_m = frame.depth[found.inside] * np.float32(frame.depth_unit_m)
            hand_present = keep_hands(
                labels, found.chosen, depth_m, intrinsics, looks, self._presence, origin=found.box[:2]
            )
        believed = found.chosen[labels != BACKGROUND]
        confidence = float(believed.mean()) if len(believed) else None
        return Segmentation(found.labels, frame, looks, confidence, hand_present, clock.times(looked))

    def _look(
        self, frame: Frame, intrinsics: Intrinsics, clock: _Clock, focus: Sequence[View] | None
    ) -> tuple[Look, ...]:
        """Look at everything, then closer at each hand and its object, then closer at the object.

        A frame with nothing within 10 m has no hand that could be seen, and is not looked at.
        """
        if not anything_within(frame, FARTHEST_NEAREST_M):
            return ()
        height, width = frame.depth.shape
        looks: list[Look] = []
        if focus is None:
            looks.append(self._look_at(whole_frame_view(frame, self.full_side), frame, intrinsics, clock))
            focus = focus_views(looks[0], self.info.side, most=self.hands) if self.windows > 1 else ()
        for view in focus:
            closer: View | None = view
            while closer is not None:
                look = self._look_at(closer, frame, intrinsics, clock, mirror=self.mirror)
                looks.append(blended(look, looks, (width, height)) if looks else look)
                closer = contact_view(looks[-1]) if closer is view and self.windows > 2 else None
        return tuple(looks)

    def _look_at(
        self, view: View, frame: Frame, intrinsics: Intrinsics, clock: _Clock, *, mirror: bool = False
    ) -> Look:
        window, angle = crop_frame(frame, view), view.pixel_angle(intrinsics)
        engine, start = self._engines[view.side], perf_counter()
        probabilities, flipped = engine(window, angle), None
        if mirror:
            flipped = engine(np.ascontiguousarray(window[:, ::-1]), angle)
        clock.network_s += perf_counter() - start
        if flipped is not None:
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


class _Clock:
    """Adds up how long the network runs in one call."""

    def __init__(self) -> None:
        self.start, self.network_s = perf_counter(), 0.0

    def times(self, looked: float) -> Times:
        """Times of a call that ends now and had all answers at `looked`."""
        prepare_s = looked - self.start - self.network_s
        return Times(1e3 * prepare_s, 1e3 * self.network_s, 1e3 * (perf_counter() - looked))


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


def _load_forest(path: Path, engine: EngineName, precision: PrecisionChoice) -> Forest:
    if engine != "auto" or precision not in ("auto", "float32"):
        raise InputError(
            f"{path.name} is a forest, which runs without an engine, expected no --engine {engine} and no precision "
            f"{precision}: leave them out."
        )
    try:
        from graspseg.forest.file import read_forest
    except ModuleNotFoundError as error:
        raise InputError(not_installed("The forest", error.name, "forest")) from error
    forest = read_forest(path)
    # Compiles now what would be compiled during the first frame.
    forest.warm_up()
    return forest
