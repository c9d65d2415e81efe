"""Depth taken through a lens that bends straight lines, brought to the pinhole camera that all else reckons with."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from graspseg.datasets.byte_cache import ByteCache
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics

_Places = tuple[np.ndarray, np.ndarray]
_PLACES: ByteCache[_Places] = ByteCache(64 << 20, lambda places: places[0].nbytes + places[1].nbytes)
_ITERATIONS = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 50, 1e-7)


@dataclass(frozen=True)
class DepthLens:
    """How the lens of the depth camera bends the image.

    Attributes:
        coefficients: Brown-Conrady in OpenCV's order (k1 k2 p1 p2 k3 ...); () = not at all.
        undistorts: the formula leads from the image taken to the pinhole image, as the SDK of its time has it for the
            depth of SR300 cameras ("inverse"); else from the pinhole image to the one taken, as OpenCV has it.
    """

    coefficients: tuple[float, ...] = ()
    undistorts: bool = False

    @property
    def bends(self) -> bool:
        """Whether there is anything to correct."""
        return any(self.coefficients)


def straighten_depth(frame: Frame, lens: DepthLens) -> Frame:
    """Depth as a pinhole camera of the same intrinsics has it.

    Each pixel takes the nearest one of the image taken, none is mixed. Pixels that look past its edge hold 0. Distance
    along the optical axis stays as it is.

    Raises:
        InputError: the lens bends and the camera is unknown.
    """
    if not lens.bends:
        return frame
    x, y = _places(frame, lens)
    return replace(frame, depth=cv2.remap(frame.depth, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT))


def straighten_picture(color: UInt8[np.ndarray, "h w 3"], frame: Frame, lens: DepthLens) -> UInt8[np.ndarray, "h w 3"]:
    """A picture that is aligned with depth as it was taken, aligned with what `straighten_depth` makes of it.

    Raises:
        InputError: the lens bends and the camera is unknown.
    """
    if not lens.bends:
        return color
    x, y = _places(frame, lens)
    return cv2.remap(color, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


def _places(frame: Frame, lens: DepthLens) -> tuple[Float32[np.ndarray, "h w"], Float32[np.ndarray, "h w"]]:
    if frame.intrinsics is None:
        raise InputError(
            f"The depth lens bends with {lens.coefficients} and its camera is unknown, expected both to correct it: "
            "add intrinsics beside distortion, or remove distortion."
        )
    height, width = frame.depth.shape
    camera = frame.intrinsics
    return _PLACES.get((height, width, camera, lens), lambda: _places_of(height, width, camera, lens))


def _places_of(
    height: int, width: int, camera: Intrinsics, lens: DepthLens
) -> tuple[Float32[np.ndarray, "h w"], Float32[np.ndarray, "h w"]]:
    """Column and row, in the image taken, of each pixel of the pinhole image."""
    matrix = np.array([[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]])
    coefficients = np.array(lens.coefficients)
    if not lens.undistorts:
        x, y = cv2.initUndistortRectifyMap(matrix, coefficients, None, matrix, (width, height), cv2.CV_32FC1)
        return x, y
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    pixels = np.stack([columns, rows], axis=-1).reshape(-1, 1, 2)
    # OpenCV looks for the place that its formula leads to a pixel from, which is what the inverse model asks for.
    taken = cv2.undistortImagePoints(pixels, matrix, coefficients, None, _ITERATIONS)
    x, y = taken.astype(np.float32).reshape(height, width, 2).transpose(2, 0, 1)
    return np.ascontiguousarray(x), np.ascontiguousarray(y)
