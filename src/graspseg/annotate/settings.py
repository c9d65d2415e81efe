"""What the annotation does with a frame."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from graspseg.annotate.paper.skin import HsvThresholds
from graspseg.errors import InputError

SkinMethod = Literal["hsv", "model"]
SkinOption = Literal["auto", "hsv", "model"]


@dataclass(frozen=True)
class Cleaning:
    """How masks are cleaned.

    Attributes:
        disk_px: diameter of the disk that opens and closes them.
        theta_px: theta of eq. 1: pixels that a segment has more of.
        phi: phi of eq. 1: what squared perimeter over area of a segment is below.

    Raises:
        InputError: a threshold is out of range.
    """

    disk_px: int
    theta_px: float
    phi: float

    def __post_init__(self) -> None:
        if self.disk_px < 1 or self.disk_px % 2 == 0:
            raise InputError(f"The disk is {self.disk_px} pixels wide, expected an odd number: correct it.")
        if self.theta_px < 0 or not self.phi > 0:
            raise InputError(
                f"theta is {self.theta_px:g} and phi {self.phi:g}, expected at least 0 and above 0: correct them."
            )


CLEANING: dict[SkinMethod, Cleaning] = {"hsv": Cleaning(5, 300.0, 600.0), "model": Cleaning(3, 20.0, 1000.0)}
"""Chosen on the tuning recordings: single pixels that thresholds get wrong make specks, surfaces do not."""


@dataclass(frozen=True)
class AnnotateSettings:
    """Thresholds of every step, in its order.

    Attributes:
        skin: linear thresholds in HSV space as in the paper, or a model of this person's skin under this light with
            outlines refined on depth edges; `auto` leaves it to each recording, see `choose_skin`.
        depth_range_m: what is kept behind the nearest surface (paper: 16 cm).
        flying_m: neighbors on one surface differ by less.
        occlusion_m: a surface hides from the color camera what is farther by more than this.
        hsv: thresholds of `skin="hsv"` where none were calibrated.
        refine: with `skin="model"`, learn the object's colors from the frame and spread labels over surfaces up to
            steps in depth; False lets the color of each pixel decide.
        theta_px, phi: of the contour filter; None takes those of `CLEANING`, as the disk is, for the skin method.
        surroundings: something else may be within the depth range: take large planes out, and of the rest only what a
            hand holds.

    Raises:
        InputError: a threshold is out of range.
    """

    skin: SkinOption = "hsv"
    depth_range_m: float = 0.16
    flying_m: float = 0.008
    occlusion_m: float = 0.015
    hsv: HsvThresholds = field(default_factory=HsvThresholds)
    refine: bool = True
    theta_px: float | None = None
    phi: float | None = None
    surroundings: bool = False

    def told_by(self, method: SkinMethod) -> AnnotateSettings:
        """The same with skin told this way."""
        return replace(self, skin=method)

    def cleaning(self, method: SkinMethod) -> Cleaning:
        """How masks are cleaned where skin is detected this way."""
        given = {"theta_px": self.theta_px, "phi": self.phi}
        return replace(CLEANING[method], **{name: value for name, value in given.items() if value is not None})

    def __post_init__(self) -> None:
        if not 0.01 <= self.depth_range_m <= 5:
            raise InputError(
                f"The depth range is {self.depth_range_m:g} m, expected 0.01 to 5: 0.16 is that of the paper."
            )
        for name in ("flying_m", "occlusion_m"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} is {getattr(self, name):g}, expected a number above 0: correct it.")
        self.cleaning("hsv")
