"""What segmenting one frame gives."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from graspseg.crop import View
from graspseg.datasets.atomic import write_bytes
from graspseg.errors import InputError, not_installed
from graspseg.frame import Frame
from graspseg.labels import CLASS_NAMES, HAND, OBJECT, overlay
from graspseg.segment.cloud import cloud, normals, ply
from graspseg.segment.contact import contact_pixels
from graspseg.segment.hands import SeenHand, find_hands

if TYPE_CHECKING:
    import supervision

TEMPERATURE = 1.3
"""Of `Segmentation.calibrated`."""
ABSTAIN_BELOW = 0.8


@runtime_checkable
class Answer(Protocol):
    """Probabilities of a part of a frame: a window a network looked at, or the region a forest found."""

    @property
    def view(self) -> View | None:
        """The window, None for what is not from one."""
        ...

    def add_to(self, planes: Float32[np.ndarray, "3 h w"], *, origin: tuple[int, int] = (0, 0)) -> None:
        """Put them in their place in planes of the frame, or of a part of it; what is known already is replaced.

        Args:
            planes: probabilities of background, hand and object.
            origin: column and row of the frame that their first pixel is.
        """
        ...


@dataclass(frozen=True)
class Times:
    """Milliseconds that parts of a call took.

    Attributes:
        prepare: choosing windows, resampling depth, mixing answers.
        network: running the network.
        compose: labels of the frame from the answers, and what is hardly a hand.
    """

    prepare: float
    network: float
    compose: float


@dataclass(frozen=True)
class Segmentation:
    """Result for one frame of height h and width w.

    Examples:
        >>> found = Segmenter()(read_frame("frame.png"))  # doctest: +SKIP
        >>> found.labels == 1, found.confidence, found.object_cloud()  # doctest: +SKIP

    Attributes:
        labels: uint8 of shape (h, w): 0 background, 1 hand, 2 object; pixels without measurement are background, and so
            is what was found but is hardly a hand. Empty when `hand_present` is low.
        frame: the depth image that was segmented.
        looks: the model's answers; where windows overlap the later one counts, which was mixed with the earlier ones.
        confidence: mean probability of the chosen class over hand and object pixels, 0 to 1; None when there are none.
        hand_present: calibrated probability that the frame shows a hand, 0 to 1; None for a model that does not say,
            such as a forest.
        times_ms: how long the parts of the call took; None for a forest, which has none.
        tracked: hands with the numbers of their tracks, of a stream; see `hands`.
    """

    labels: UInt8[np.ndarray, "h w"]
    frame: Frame
    looks: tuple[Answer, ...]
    confidence: float | None
    hand_present: float | None = None
    times_ms: Times | None = None
    tracked: tuple[SeenHand, ...] | None = None

    def __repr__(self) -> str:
        """Size, pixels of a class and the confidences, in one line."""
        height, width = self.labels.shape
        pixels = ", ".join(f"{CLASS_NAMES[label]} {np.sum(self.labels == label):,} px" for label in (HAND, OBJECT))
        sure = {"confidence": self.confidence, "hand_present": self.hand_present}
        told = "".join(f", {name} {'None' if value is None else f'{value:.3f}'}" for name, value in sure.items())
        return f"<Segmentation {width}x{height}: {pixels}{told}>"

    @cached_property
    def probabilities(self) -> Float32[np.ndarray, "3 h w"]:
        """Probabilities of background, hand and object: float32 of shape (3, h, w), sum 1, made on first use.

        `labels` is their argmax but for pieces that are hardly a hand. Pixels without measurement and outside every
        window are background for certain.
        """
        planes = np.zeros((3, *self.labels.shape), np.float32)
        for look in self.looks:
            look.add_to(planes)
        total = planes.sum(axis=0)
        unknown = (self.frame.depth == 0) | (total <= 0)
        planes /= np.where(unknown, np.float32(1), total)
        planes[:, unknown] = np.array([[1], [0], [0]], np.float32)
        return planes

    @cached_property
    def hands(self) -> tuple[SeenHand, ...]:
        """Every hand: box, mask, middle in meters, area; largest first.

        A result of `StreamSegmenter` also says the `track` of each, a number that stays a hand's over the stream.
        """
        if self.tracked is not None:
            return self.tracked
        return find_hands(self.frame, self.labels)

    def contact(self, *, tolerance_mm: float = 10.0) -> Bool[np.ndarray, "h w"]:
        """Hand pixels with a point of the object at most so far away in 3-D: bool of shape (h, w).

        Args:
            tolerance_mm: above 0, at most 50; depth cameras err by 2 to 10 mm at the distance of a hand.

        Raises:
            InputError: a tolerance outside that range.
        """
        return contact_pixels(self.frame, self.labels, tolerance_mm=tolerance_mm)

    def abstain(self, *, below: float = ABSTAIN_BELOW) -> Bool[np.ndarray, "h w"]:
        """Measured pixels whose label is not sure enough to act on: bool of shape (h, w).

        Judged by the `calibrated` probability of the label that was given. What was found but is hardly a hand is
        background by label and unsure by probability.

        Args:
            below: probability of the label below which a pixel is unsure, above 0 to 1.

        Raises:
            InputError: no such probability.
        """
        if not 0 < below <= 1:
            raise InputError(f"below is {below:g}, expected a probability above 0 and at most 1: 0.8 is usual.")
        given = np.take_along_axis(self.calibrated, self.labels[None], axis=0)[0]
        return (given < below) & (self.frame.depth > 0)

    @cached_property
    def calibrated(self) -> Float32[np.ndarray, "3 h w"]:
        """Probabilities nearer to how often they are right: `probabilities` to the power of 1 / temperature, sum 1.

        The network is surer than it is right. The temperature was fitted to the shipped `denseattentionseg-lite` on
        frames of one synthetic split and judged on another (`benchmarks/calibration/temperature.py`, figures in
        `benchmarks/results/temperature.json`); for other models and places it is a guess.
        """
        soft = np.power(np.maximum(self.probabilities, np.float32(1e-7)), np.float32(1 / TEMPERATURE))
        return soft / soft.sum(axis=0)

    def overlay(self, *, alpha: float = 0.55) -> UInt8[np.ndarray, "h w 3"]:
        """The shaded depth with hand (orange) and object (blue) tinted: RGB, uint8 of shape (h, w, 3).

        Args:
            alpha: share of the class color, 0 to 1.
        """
        return overlay(self.frame.depth, self.labels, alpha=alpha)

    def hand_cloud(self) -> Float32[np.ndarray, "n 3"]:
        """Points of the hand: float32 of shape (n, 3), meters, x right, y down, z forward.

        They rest on `frame.intrinsics`; where these are unknown a camera of the paper's kind is assumed (focal length
        of 475 pixels at 640 pixels along the longer side), and x and y are as wrong as it is.
        """
        return cloud(self.frame, self.labels == HAND)

    def object_cloud(self) -> Float32[np.ndarray, "n 3"]:
        """Points of the object, as `hand_cloud`."""
        return cloud(self.frame, self.labels == OBJECT)

    def hand_normals(self) -> Float32[np.ndarray, "n 3"]:
        """Unit normals toward the camera of the points of `hand_cloud`, in its order."""
        return normals(self.frame, self.labels == HAND)

    def object_normals(self) -> Float32[np.ndarray, "n 3"]:
        """Unit normals toward the camera of the points of `object_cloud`, in its order."""
        return normals(self.frame, self.labels == OBJECT)

    def write_ply(self, path: str | os.PathLike[str], of: Literal["hand", "object"]) -> None:
        """Write the points of the hand or the object with their normals, binary PLY in meters.

        Raises:
            InputError: neither of the two.
            OutputError: the file cannot be written.
        """
        if of not in ("hand", "object"):
            raise InputError(f"of is {of!r}, expected 'hand' or 'object': choose one.")
        write_bytes(Path(path), ply(self.frame, self.labels == (HAND if of == "hand" else OBJECT)))

    def without_hand(self) -> Frame:
        """The frame with depth 0 (no measurement) where the hand is; unit, camera and all else unchanged."""
        return replace(self.frame, depth=np.where(self.labels == HAND, np.uint16(0), self.frame.depth))

    def to_supervision(self) -> supervision.Detections:
        """Hand and object as `supervision.Detections`: one for each class that was found.

        `mask` is bool of shape (n, h, w), `xyxy` the box of a mask in pixels (inclusive), `class_id` 1 or 2,
        `confidence` the mean probability of the class over its pixels, and `data["class_name"]` its name.

        Raises:
            InputError: supervision is not installed.
        """
        try:
            from supervision import Detections
        except ModuleNotFoundError as error:
            raise InputError(not_installed("to_supervision()", "supervision", "supervision")) from error
        found = [label for label in (HAND, OBJECT) if (self.labels == label).any()]
        if not found:
            return Detections.empty()
        masks = np.stack([self.labels == label for label in found])
        sure = [self.probabilities[label][mask].mean() for label, mask in zip(found, masks, strict=True)]
        names: dict[str, Any] = {"class_name": np.array([CLASS_NAMES[label] for label in found])}
        boxes = np.array([_box(mask) for mask in masks], np.float32)
        return Detections(
            xyxy=boxes, mask=masks, confidence=np.array(sure, np.float32), class_id=np.array(found), data=names
        )


def _box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """First and last column and row of a mask that is not empty, as x0, y0, x1, y1."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])
