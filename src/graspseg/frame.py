"""A depth image with what is needed to read it: unit, intrinsics, time, color."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Float32, UInt8, UInt16

from graspseg.depth_array import depth_fault, kind_of
from graspseg.errors import InputError

FARTHEST_NEAREST_M = 10.0
HAND_NEAREST_M, HAND_FARTHEST_M = 0.08, 1.5
FAR_TOO_COARSE_M = 1e6  # per stored unit
_LARGEST = 65535
_UNITS_M = (0.001, 0.0001, 0.000125, 0.00025)  # millimeters; RealSense D405; SR300 and SR305 in both modes
_UNITS_OF_NUMBERS_M = (1.0, 0.001, 1e-6)  # of floats and large integers
_FEW = 1000  # one pixel in so many may be wrong
_ROUNDING = 1e-6
_REMEDY = "give intrinsics (--fx --fy --cx --cy) in pixels of this image"
_CALL = "write Intrinsics(fx, fy, cx, cy), with a matrix K Intrinsics(K[0, 0], K[1, 1], K[0, 2], K[1, 2])"
_NARROWEST_DEG, _WIDEST_DEG = 10.0, 150.0


@dataclass(frozen=True)
class Intrinsics:
    """Pinhole camera in pixels; pixel centers are at integers.

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
        kinds = [type(value).__name__ for value in values if not isinstance(value, numbers.Real)]
        if kinds:
            raise InputError(f"Intrinsics hold a {kinds[0]}, expected four numbers fx, fy, cx, cy in pixels: {_CALL}.")
        if not all(math.isfinite(value) for value in values) or min(self.fx, self.fy) <= 0:
            raise InputError(
                f"Intrinsics are fx={self.fx} fy={self.fy} cx={self.cx} cy={self.cy}, expected finite numbers with "
                "fx and fy above 0: give them in pixels."
            )

    @classmethod
    def default(cls, width: int, height: int) -> Intrinsics:
        """A camera of the paper's kind (SR300: f = 475 px at 640 px along the longer side), centered."""
        focal = 475.0 * max(width, height) / 640.0
        return cls(focal, focal, (width - 1) / 2, (height - 1) / 2)


class FrameWarning(NamedTuple):
    """Something legal that is probably not meant.

    Attributes:
        about: the measurement as a whole, the unit of depth, or the camera.
        sentence: what was found, what was expected, what to do.
    """

    about: Literal["empty", "unit", "camera"]
    sentence: str


@dataclass(frozen=True)
class Frame:
    """One depth image.

    Attributes:
        depth: stored depth; meters = value x `depth_unit_m`, 0 = no measurement.
        depth_unit_m: meters per stored unit.
        intrinsics: the camera, None when unknown.
        timestamp_s: capture time in seconds, None when unknown.
        color: RGB image aligned with the depth, None when there is none.
        notes: oddities met while reading that a person should hear of.
        read_unit_m: meters per unit of the numbers it was read from, None = `depth_unit_m`.

    Raises:
        InputError: depth is not a non-empty 2-D uint16 array, the unit is not positive, or color has another size.
    """

    depth: UInt16[np.ndarray, "h w"]
    depth_unit_m: float = 0.001
    intrinsics: Intrinsics | None = None
    timestamp_s: float | None = None
    color: UInt8[np.ndarray, "h w 3"] | None = None
    notes: tuple[str, ...] = ()
    read_unit_m: float | None = None

    def __post_init__(self) -> None:
        fault = depth_fault(self.depth)
        if fault is not None:
            raise InputError(f"Depth is {fault}.")
        if not isinstance(self.depth_unit_m, numbers.Real):
            kind = type(self.depth_unit_m).__name__
            raise InputError(f"The depth unit is a {kind}, expected meters per stored unit: 0.001 means millimeters.")
        if self.intrinsics is not None and not isinstance(self.intrinsics, Intrinsics):
            kind = type(self.intrinsics).__name__
            raise InputError(f"The intrinsics are a {kind}, expected graspseg.Intrinsics or None: {_CALL}.")
        if not (math.isfinite(self.depth_unit_m) and self.depth_unit_m > 0):
            raise InputError(
                f"The depth unit is {self.depth_unit_m} m, expected a number above 0: 0.001 means millimeters."
            )
        if self.timestamp_s is not None and not isinstance(self.timestamp_s, numbers.Real):
            kind = type(self.timestamp_s).__name__
            raise InputError(f"The timestamp is a {kind}, expected seconds or None: give a number.")
        if self.color is not None and (not isinstance(self.color, np.ndarray) or self.color.dtype != np.uint8):
            raise InputError(f"Color is {kind_of(self.color)}, expected uint8 of shape (height, width, 3): convert it.")
        if self.color is not None and self.color.shape != (*self.depth.shape, 3):
            raise InputError(
                f"Color has shape {self.color.shape}, expected {(*self.depth.shape, 3)}: align it with the depth."
            )

    @classmethod
    def from_meters(
        cls,
        depth_m: Float[np.ndarray, "h w"],
        *,
        depth_unit_m: float | None = None,
        intrinsics: Intrinsics | None = None,
        timestamp_s: float | None = None,
        color: UInt8[np.ndarray, "h w 3"] | None = None,
    ) -> Frame:
        """Make a frame from depth in meters.

        Args:
            depth_m: meters; 0, NaN and infinities mean no measurement.
            depth_unit_m: meters per stored unit; None takes 0.1 mm if the farthest pixel then fits, else 1 mm, else
                (everything is farther than 65 m) the power of ten that fits. What does not fit becomes 0.
            intrinsics: the camera.
            timestamp_s: capture time in seconds.
            color: aligned RGB image.

        Raises:
            InputError: it is no 2-D array of floats, or a depth is negative.
        """
        if not isinstance(depth_m, np.ndarray) or not np.issubdtype(depth_m.dtype, np.floating) or depth_m.ndim != 2:
            found = kind_of(depth_m)
            raise InputError(
                f"Depth in meters is {found}, expected floats of shape (height, width): use Frame(depth, unit) for "
                "uint16 depth, with 0.001 as the unit of millimeters."
            )
        if isinstance(depth_m, np.ma.MaskedArray):
            raise InputError(
                f"Depth in meters is {kind_of(depth_m)}, expected an array without a mask, which would not count: give "
                "array.filled(numpy.nan)."
            )
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
        if depth_unit_m is None and (far := int(np.count_nonzero(stored > _LARGEST))):
            notes += (f"{far} pixels are farther than {_LARGEST * unit:.4g} m and count as not measured",)
        return cls(depth, unit, intrinsics, timestamp_s, color, notes)

    def __repr__(self) -> str:
        """Size, unit and camera in one line."""
        height, width = self.depth.shape
        camera = "unknown" if self.intrinsics is None else repr(self.intrinsics)
        color = "" if self.color is None else ", with color"
        return f"<Frame {width}x{height}: {self.depth_unit_m:g} m a unit, camera {camera}{color}>"

    def depth_m(self) -> Float32[np.ndarray, "h w"]:
        """Depth in meters, 0 = no measurement."""
        return self.depth * np.float32(self.depth_unit_m)

    def intrinsics_or_default(self) -> Intrinsics:
        """The camera, or a usual one of the paper's kind when unknown."""
        height, width = self.depth.shape
        return self.intrinsics or Intrinsics.default(width, height)

    def oddities(self) -> list[str]:
        """What is legal but probably not meant: notes of reading, and `warnings`."""
        return [*self.notes, *(warning.sentence for warning in self.warnings())]

    def warnings(self) -> list[FrameWarning]:
        """What speaks against the unit or the camera, or that nothing was measured at all."""
        height, width = self.depth.shape
        camera = [] if self.intrinsics is None else camera_warnings(self.intrinsics, width, height)
        return [*self._depth_warnings(), *camera]

    def _depth_warnings(self) -> list[FrameWarning]:
        """Hands are held 0.08 to 1.5 m before a camera; of the measured pixels 0.1 % may be wrong."""
        measured = int(np.count_nonzero(self.depth))
        if not measured:
            return [FrameWarning("empty", "no pixel has a measurement, all is background")]
        unmeasured, few = self.depth.size - measured, measured // _FEW
        below = math.ceil(HAND_NEAREST_M / self.depth_unit_m - _ROUNDING)
        up_to = math.floor(HAND_FARTHEST_M / self.depth_unit_m + _ROUNDING)
        too_near = int(np.count_nonzero(self.depth < below)) - unmeasured
        if too_near <= few and int(np.count_nonzero(self.depth <= up_to)) - unmeasured > few:
            return []
        stored: Any = self.depth[self.depth > 0]
        nearest = float(np.partition(stored, few)[few]) * self.depth_unit_m
        now = self.depth_unit_m if self.read_unit_m is None else self.read_unit_m
        units = _UNITS_M if self.read_unit_m is None else (*_UNITS_M, *_UNITS_OF_NUMBERS_M)
        fitting = [
            f"{unit:g} would make it {nearest / now * unit:.2g} m"
            for unit in dict.fromkeys(units)
            if HAND_NEAREST_M <= nearest / now * unit <= HAND_FARTHEST_M
        ]
        sentence = (
            f"the nearest surface is at {nearest:.4g} m, expected {HAND_NEAREST_M:g} to {HAND_FARTHEST_M:g} m, where "
            f"hands are: check --depth-unit (now {now:g})"
        )
        return [FrameWarning("unit", "; ".join([sentence, *fitting]))]


def camera_warnings(camera: Intrinsics, width: int, height: int) -> list[FrameWarning]:
    """What speaks against a camera of an image of this size: cameras see 10 to 150 degrees around a pixel of it."""
    found: list[FrameWarning] = []
    for name, focal, side in (("fx", camera.fx, width), ("fy", camera.fy, height)):
        degrees = 2 * math.degrees(math.atan(side / 2 / focal))
        if not _NARROWEST_DEG <= degrees <= _WIDEST_DEG:
            sentence = (
                f"{name} is {focal:g}, so {side} pixels see {degrees:.3g} degrees, expected {_NARROWEST_DEG:g} to "
                f"{_WIDEST_DEG:g}: {_REMEDY}"
            )
            found.append(FrameWarning("camera", sentence))
    if not (-0.5 <= camera.cx <= width - 0.5 and -0.5 <= camera.cy <= height - 0.5):
        sentence = (
            f"the principal point {camera.cx:g}, {camera.cy:g} is outside the image of {width}x{height} pixels, "
            f"expected it inside: {_REMEDY}"
        )
        found.append(FrameWarning("camera", sentence))
    return found


def _fitting_unit(depth_m: np.ndarray) -> float:
    """Meters per stored unit with which depths fit 16 bits."""
    farthest = float(depth_m.max()) if depth_m.size else 0.0
    if farthest <= _LARGEST * 0.0001:
        return 0.0001
    nearest = float(depth_m[depth_m > 0].min())
    if nearest <= _LARGEST * 0.001:
        return 0.001
    return 10.0 ** math.ceil(math.log10(farthest / _LARGEST))
