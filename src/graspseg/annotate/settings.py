"""What the annotation does with a frame."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from graspseg.annotate.skin import HsvThresholds
from graspseg.frame import InputError

SkinMethod = Literal["hsv", "model"]


@dataclass(frozen=True)
class AnnotateSettings:
    """Thresholds of every step, in its order.

    Attributes:
        skin: linear thresholds in HSV space as in the paper, or a model of this person's skin under this light with
            outlines refined on depth edges.
        depth_range_m: what is kept behind the nearest surface (paper: 16 cm).
        flying_m: neighbors on one surface differ by less.
        occlusion_m: a surface hides from the color camera what is farther by more than this.
        hsv: thresholds of `skin="hsv"` where none were calibrated.
        refine: with `skin="model"`, learn the object's colors from the frame and spread labels over surfaces up to
            steps in depth; False lets the color of each pixel decide.
        morphology_px: diameter of the disk that opens and closes both masks.
        theta_px: theta of eq. 1: pixels that a segment has more of.
        phi: phi of eq. 1: what squared perimeter over area of a segment is below.

    Raises:
        InputError: a threshold is out of range.
    """

    skin: SkinMethod = "hsv"
    depth_range_m: float = 0.16
    flying_m: float = 0.008
    occlusion_m: float = 0.015
    hsv: HsvThresholds = field(default_factory=HsvThresholds)
    refine: bool = True
    morphology_px: int = 5
    theta_px: float = 60.0
    phi: float = 300.0

    def paper(self) -> AnnotateSettings:
        """The same with the paper's thresholds in place of a model."""
        return replace(self, skin="hsv")

    def __post_init__(self) -> None:
        if not 0.01 <= self.depth_range_m <= 5:
            raise InputError(
                f"The depth range is {self.depth_range_m:g} m, expected 0.01 to 5: 0.16 is that of the paper."
            )
        for name in ("flying_m", "occlusion_m", "theta_px", "phi"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} is {getattr(self, name):g}, expected a number above 0: correct it.")
        if self.morphology_px < 1 or self.morphology_px % 2 == 0:
            raise InputError(f"morphology_px is {self.morphology_px}, expected an odd number of pixels: correct it.")
