"""One call from a depth image to hand, object and background."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from graspseg.frame import FARTHEST_NEAREST_M, Frame, InputError, Intrinsics
from graspseg.labels import BACKGROUND, HAND, OBJECT
from graspseg.segment.doubt import drop_doubtful
from graspseg.segment.engine import Engine, EngineName, Precision, load_engine
from graspseg.segment.metadata import DEFAULT_MODEL, FOREST, find_model, read_model_info
from graspseg.view import View, contact_view, crop_depth, focus_view, paste, whole_view

if TYPE_CHECKING:
    from graspseg.forest.forest import Forest

_LARGEST_SIDE = 32767  # of OpenCV's warps

# The first look misses more than it invents; what it half suspects decides where the second one goes.
SUSPICION = 1.7

Region = tuple[int, int, int, int]


@runtime_checkable
class Answer(Protocol):
    """Probabilities of a part of a frame: a window a network looked at, or the region a forest found."""

    def add_to(self, planes: Float32[np.ndarray, "3 h w"]) -> None:
        """Put them in their place in planes of the frame's size; what is known already is replaced."""
        ...


@dataclass(frozen=True)
class Look:
    """What the network says of one window.

    Attributes:
        view: the window.
        probabilities: of background, hand and object, at the network's size; 0 for all three where the window has no
            measurement or leaves the frame, so that such pixels have no part in what is resampled to the frame.
    """

    view: View
    probabilities: Float32[np.ndarray, "3 s s"]

    def add_to(self, planes: Float32[np.ndarray, "3 h w"]) -> None:
        """See `Answer`."""
        _, height, width = planes.shape
        x0, y0, x1, y1 = region = self.view.region(width, height)
        for plane, channel in zip(planes, self.probabilities, strict=True):
            plane[y0:y1, x0:x1] = paste(channel, self.view, region)


@dataclass(frozen=True)
class Segmentation:
    """Result for one frame.

    Attributes:
        labels: 0 background, 1 hand, 2 object; pixels without measurement are background, and so are small pieces
            apart that the network hardly believes in.
        measured: pixels that have a depth.
        looks: the model's answers; where windows overlap the later one counts.
        confidence: mean probability of the chosen class over hand and object pixels, None when there are none.
    """

    labels: UInt8[np.ndarray, "h w"]
    measured: Bool[np.ndarray, "h w"]
    looks: tuple[Answer, ...]
    confidence: float | None

    @cached_property
    def probabilities(self) -> Float32[np.ndarray, "3 h w"]:
        """Probabilities of background, hand and object at the frame's size, made on first use.

        `labels` is their argmax but for small doubtful pieces. Pixels without measurement and outside every window are
        background for certain.
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
        mirror: with a network, look at closer windows a second time, flipped left to right, and take the mean: 1 point
            of mean IoU for up to two more runs of the network.
        windows: most windows of a frame, 1 to 3; None takes what the model says.

    One Segmenter serves one thread at a time.

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
        mirror: bool = True,
        windows: int | None = None,
    ) -> None:
        self.path = find_model(model)
        self.info = read_model_info(self.path)
        self.mirror = mirror
        if windows is not None and not 1 <= windows <= 3:
            raise InputError(f"The number of windows is {windows}, expected 1 to 3: leave it out for the model's own.")
        self.windows = windows or self.info.looks
        self._forest: Forest | None = None
        if self.info.network == FOREST:
            self.engine = "numba"
            self._forest = _load_forest(self.path, engine, precision)
        else:
            self.engine = "openvino" if engine == "auto" else engine
            self._engine: Engine = load_engine(self.path, self.engine, threads=threads, precision=precision)
            self._warm_up()

    def __call__(self, frame: Frame | np.ndarray) -> Segmentation:
        """Segment one depth image of any size.

        Args:
            frame: a frame, or uint16 depth in millimetres of shape (height, width).

        Raises:
            InputError: an array that is not non-empty 2-D uint16, or a side above 32767 pixels.
        """
        frame = frame if isinstance(frame, Frame) else Frame(frame)
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
        looks = self._look(depth_m, frame.intrinsics_or_default())
        labels, confidence = _compose(looks, measured)
        return Segmentation(labels, measured, looks, confidence)

    def _look(self, depth_m: Float32[np.ndarray, "h w"], intrinsics: Intrinsics) -> tuple[Look, ...]:
        """Look at everything, then closer at hand and object, then closer at the object, as long as it gets closer.

        A frame with nothing within 10 m has no hand that could be seen, and is not looked at.
        """
        if not ((depth_m > 0) & (depth_m <= FARTHEST_NEAREST_M)).any():
            return ()
        looks = [self._look_at(whole_view(depth_m, self.info.side), depth_m, intrinsics)]
        for closer, suspicion in ((focus_view, SUSPICION), (contact_view, 1.0))[: self.windows - 1]:
            last = looks[-1]
            view = closer(_found(last, suspicion), last.view)
            if view is not None:
                looks.append(self._look_at(view, depth_m, intrinsics, mirror=self.mirror))
        return tuple(looks)

    def _look_at(
        self, view: View, depth_m: Float32[np.ndarray, "h w"], intrinsics: Intrinsics, *, mirror: bool = False
    ) -> Look:
        window, angle = crop_depth(depth_m, view), view.pixel_angle(intrinsics)
        probabilities = self._engine(window, angle)
        if mirror:
            flipped = self._engine(np.ascontiguousarray(window[:, ::-1]), angle)
            probabilities = (probabilities + flipped[:, :, ::-1]) * np.float32(0.5)
        return Look(view, probabilities * (window > 0))

    def _warm_up(self) -> None:
        """First run of the engine, which is slow, and proof that the file answers as it should."""
        side = self.info.side
        try:
            probabilities = self._engine(np.ones((side, side), np.float32), 0.002)
        except Exception as error:  # whatever the engine raises, the file is not ours
            raise self._not_ours("does not run") from error
        if probabilities.shape != (3, side, side):
            raise self._not_ours(f"answers with shape {probabilities.shape}")
        if not np.isfinite(probabilities).all():
            raise self._not_ours("answers with values that are not finite")

    def _not_ours(self, found: str) -> InputError:
        return InputError(
            f"{self.path} {found} on a window of {self.info.side}x{self.info.side}, expected 3 probabilities a pixel: "
            "export it again with graspseg export."
        )


def _load_forest(path: Path, engine: EngineName, precision: Precision) -> Forest:
    if engine != "auto" or precision != "f32":
        raise InputError(
            f"{path.name} is a forest, which runs without an engine, expected no --engine {engine} and no precision "
            f"{precision}: leave them out."
        )
    try:
        from graspseg.forest.forest import Forest
    except ModuleNotFoundError as error:
        raise InputError(
            f"The forest needs {error.name}, which is not installed: pip install 'graspseg[forest]'."
        ) from error
    forest = Forest.load(path)
    # Compiles now what would be compiled during the first frame.
    forest.warm_up()
    return forest


def _found(look: Look, suspicion: float) -> UInt8[np.ndarray, "s s"]:
    """Labels by which a closer window is placed, hand and object counting `suspicion` times."""
    weights = np.array([1, suspicion, suspicion], np.float32)[:, None, None]
    return (look.probabilities * weights).argmax(axis=0).astype(np.uint8)


def _compose(
    looks: tuple[Look, ...], measured: Bool[np.ndarray, "h w"]
) -> tuple[UInt8[np.ndarray, "h w"], float | None]:
    """Labels at the frame's size, later looks over earlier ones, and the confidence.

    Work is only done where a hand or object can come out: between network pixels that are all background, bilinear
    mixing gives background too.
    """
    height, width = measured.shape
    labels = np.zeros((height, width), np.uint8)
    winning = np.zeros((height, width), np.float32)
    belief = np.zeros((height, width), np.float32)
    for look in looks:
        x0, y0, x1, y1 = look.view.region(width, height)
        labels[y0:y1, x0:x1] = BACKGROUND
        region = _foreground_region(look, width, height)
        if region is None:
            continue
        x0, y0, x1, y1 = region
        background, hand, thing = (paste(channel, look.view, region) for channel in look.probabilities)
        here = (hand > background) * np.uint8(HAND)
        here[thing > np.maximum(background, hand)] = OBJECT
        here *= measured[y0:y1, x0:x1]
        labels[y0:y1, x0:x1] = here
        total = background + hand + thing
        np.divide(np.maximum(hand, thing), total, out=winning[y0:y1, x0:x1], where=here > 0)
        np.divide(hand + thing, total, out=belief[y0:y1, x0:x1], where=here > 0)
    drop_doubtful(labels, belief)
    foreground = labels != BACKGROUND
    confidence = float(winning[foreground].mean()) if foreground.any() else None
    return labels, confidence


def _foreground_region(look: Look, width: int, height: int) -> Region | None:
    """Frame pixels that a network pixel of hand or object has a part in; None when there is none."""
    background, hand, thing = look.probabilities
    found = np.maximum(hand, thing) > background
    columns, rows = np.flatnonzero(found.any(axis=0)), np.flatnonzero(found.any(axis=1))
    if not len(columns):
        return None
    scale = look.view.size_px / look.view.side
    left, top = look.view.matrix()[:, 2]
    x0, y0, x1, y1 = look.view.region(width, height)
    x0 = max(x0, int(left + (columns[0] - 1) * scale))
    y0 = max(y0, int(top + (rows[0] - 1) * scale))
    x1 = min(x1, int(left + (columns[-1] + 1) * scale) + 2)
    y1 = min(y1, int(top + (rows[-1] + 1) * scale) + 2)
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None
