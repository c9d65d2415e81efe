"""A depth image with what is needed to read it: unit, intrinsics, time, colour."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, UInt8, UInt16

NEAREST_M = 0.05
FARTHEST_NEAREST_M = 10.0
FAR_TOO_COARSE_M = 1e6  # per stored unit
_LARGEST = 65535


class InputError(ValueError):
    """Input that cannot be used: one sentence that says what, where, what was expected and what to do."""


@dataclass(frozen=True)
class Intrinsics:
    """Pinhole camera in pixels; pixel centres are at integers.

    Attributes:
        fx, fy: focal lengths in pixels, positive.
        cx, cy: principal point in pixels.

    Raises:
        InputError: a value is not finite, or a focal length is not positive.
    """

    fx: float
    fy: float
    cx: float
    cy: float

    def __post_init__(self) -> None:
        values = (self.fx, self.fy, self.cx, self.cy)
        if not all(math.isfinite(value) for value in values) or min(self.fx, self.fy) <= 0:
            raise InputError(
                f"Intrinsics are fx={self.fx} fy={self.fy} cx={self.cx} cy={self.cy}, expected finite numbers with "
                "fx and fy above 0: give them in pixels."
            )

    @classmethod
    def default(cls, width: int, height: int) -> Intrinsics:
        """A camera of the paper's kind (SR300: f = 475 px at 640 px width), centred."""
        focal = 475.0 * width / 640.0
        return cls(focal, focal, (width - 1) / 2, (height - 1) / 2)


@dataclass(frozen=True)
class Frame:
    """One depth image.

    Attributes:
        depth: stored depth; metres = value x `depth_unit_m`, 0 = no measurement.
        depth_unit_m: metres per stored unit.
        intrinsics: the camera, None when unknown.
        timestamp_s: capture time in seconds, None when unknown.
        color: RGB image aligned with the depth, None when there is none.
        notes: oddities met while reading that a person should hear of.

    Raises:
        InputError: depth is not a non-empty 2-D uint16 array, the unit is not positive, or colour has another size.
    """

    depth: UInt16[np.ndarray, "h w"]
    depth_unit_m: float = 0.001
    intrinsics: Intrinsics | None = None
    timestamp_s: float | None = None
    color: UInt8[np.ndarray, "h w 3"] | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.depth.dtype != np.uint16 or self.depth.ndim != 2:
            raise InputError(
                f"Depth is {self.depth.dtype} of shape {self.depth.shape}, expected uint16 of shape (height, width): "
                "use Frame.from_metres for depth in metres."
            )
        if self.depth.size == 0:
            raise InputError(f"Depth has shape {self.depth.shape}, expected at least one pixel: give a whole image.")
        if not (math.isfinite(self.depth_unit_m) and self.depth_unit_m > 0):
            raise InputError(
                f"The depth unit is {self.depth_unit_m} m, expected a number above 0: 0.001 means millimetres."
            )
        if self.color is not None and self.color.shape != (*self.depth.shape, 3):
            raise InputError(
                f"Colour has shape {self.color.shape}, expected {(*self.depth.shape, 3)}: align it with the depth."
            )

    @classmethod
    def from_metres(
        cls,
        depth_m: Float[np.ndarray, "h w"],
        *,
        depth_unit_m: float | None = None,
        intrinsics: Intrinsics | None = None,
        timestamp_s: float | None = None,
        color: UInt8[np.ndarray, "h w 3"] | None = None,
    ) -> Frame:
        """Make a frame from depth in metres.

        Args:
            depth_m: metres; 0, NaN and infinities mean no measurement.
            depth_unit_m: metres per stored unit; None takes 0.1 mm if the farthest pixel then fits, else 1 mm, else
                (everything is farther than 65 m) the power of ten that fits. What does not fit becomes 0.
            intrinsics: the camera.
            timestamp_s: capture time in seconds.
            color: aligned RGB image.

        Raises:
            InputError: a depth is negative.
        """
        measured = np.isfinite(depth_m)
        lost = depth_m.size - int(np.count_nonzero(measured))
        depth_m = np.where(measured, depth_m, 0) if lost else depth_m
        if depth_m.size and depth_m.min() < 0:
            raise InputError(
                f"The lowest depth is {depth_m.min():g} m, expected none below 0: set pixels without measurement to 0."
            )
        unit = _fitting_unit(depth_m) if depth_unit_m is None else depth_unit_m
        with np.errstate(over="ignore"):  # an infinite quotient does not fit either
            stored = np.rint(depth_m / unit)
        depth = np.where(stored <= _LARGEST, stored, 0).astype(np.uint16)
        notes = (f"{lost} pixels are NaN or infinite and count as not measured",) if lost else ()
        return cls(depth, unit, intrinsics, timestamp_s, color, notes)

    def depth_m(self) -> Float32[np.ndarray, "h w"]:
        """Depth in metres, 0 = no measurement."""
        return self.depth * np.float32(self.depth_unit_m)

    def intrinsics_or_default(self) -> Intrinsics:
        """The camera, or a usual one of the paper's kind when unknown."""
        height, width = self.depth.shape
        return self.intrinsics or Intrinsics.default(width, height)

    def oddities(self) -> list[str]:
        """What is legal but probably not meant: no measurement at all, or a nearest depth no hand camera gives."""
        found = list(self.notes)
        nearest = self._nearest()
        if nearest is None:
            found.append("no pixel has a measurement, all is background")
        elif not NEAREST_M <= nearest <= FARTHEST_NEAREST_M:
            found.append(
                f"the nearest surface is at {nearest:.4g} m, expected {NEAREST_M:g} to {FARTHEST_NEAREST_M:g} m: "
                f"check --depth-unit (now {self.depth_unit_m:g})"
            )
        return found

    def _nearest(self) -> float | None:
        """Nearest depth in metres; below 0.05 m single wrong pixels (0.1 % of the measured) do not count."""
        measured: Any = self.depth[self.depth > 0]
        if measured.size == 0:
            return None
        nearest = float(measured.min()) * self.depth_unit_m
        if nearest < NEAREST_M:
            rank = measured.size // 1000
            nearest = float(np.partition(measured, rank)[rank]) * self.depth_unit_m
        return nearest


def _fitting_unit(depth_m: np.ndarray) -> float:
    """Metres per stored unit with which depths fit 16 bits."""
    farthest = float(depth_m.max()) if depth_m.size else 0.0
    if farthest <= _LARGEST * 0.0001:
        return 0.0001
    nearest = float(depth_m[depth_m > 0].min())
    if nearest <= _LARGEST * 0.001:
        return 0.001
    return 10.0 ** math.ceil(math.log10(farthest / _LARGEST))
