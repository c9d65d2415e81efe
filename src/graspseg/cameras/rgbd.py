"""Depth with color beside it: one frame, and every kind of recording or data set it may come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64, UInt8

from graspseg.cameras.undistort import DepthLens, straighten_depth, straighten_picture
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics


@dataclass(frozen=True)
class ColorCamera:
    """Where a color picture was taken that is not aligned with the depth.

    Attributes:
        intrinsics: of the color picture as it is stored.
        rotation: X_color = rotation @ X_depth + translation_m, points in meters, x right, y down, z forward.
        translation_m: see `rotation`.
        distortion: of the color lens, in OpenCV's order (k1 k2 p1 p2 k3 ...); () = none.

    Raises:
        InputError: the rotation is none, or a number is not finite.
    """

    intrinsics: Intrinsics
    rotation: Float64[np.ndarray, "3 3"]
    translation_m: Float64[np.ndarray, "3"]
    distortion: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        numbers = (*self.rotation.flat, *self.translation_m, *self.distortion)
        turned = self.rotation @ self.rotation.T
        if (
            not np.isfinite(numbers).all()
            or np.abs(turned - np.eye(3)).max() > 1e-3
            or np.linalg.det(self.rotation) < 0
        ):
            raise InputError(
                f"The color camera has rotation {self.rotation.tolist()}, translation {self.translation_m.tolist()} "
                f"and distortion {self.distortion}, expected finite numbers and a rotation: calibrate it again."
            )


@dataclass(frozen=True)
class RgbdFrame:
    """One depth image and the color picture taken with it.

    Attributes:
        name: stem, `/` between folders.
        frame: depth, unit, intrinsics, time; `frame.color` is None.
        color: RGB picture.
        color_camera: None = the picture is aligned with the depth pixel by pixel, so of equal size.
    """

    name: str
    frame: Frame
    color: UInt8[np.ndarray, "hc wc 3"]
    color_camera: ColorCamera | None = None

    def __post_init__(self) -> None:
        if self.color_camera is None and self.color.shape[:2] != self.frame.depth.shape:
            height, width = self.frame.depth.shape
            raise InputError(
                f"The color picture of {self.name!r} is {self.color.shape[1]}x{self.color.shape[0]}, expected "
                f"{width}x{height} like the depth, or the calibration of a color camera: add it to dataset.json."
            )


def straighten(taken: RgbdFrame, lens: DepthLens) -> RgbdFrame:
    """The frame as a depth camera without distortion has it; color that is aligned with the depth follows it.

    Raises:
        InputError: the lens bends and the camera is unknown.
    """
    color = taken.color if taken.color_camera else straighten_picture(taken.color, taken.frame, lens)
    return replace(taken, frame=straighten_depth(taken.frame, lens), color=color)


@runtime_checkable
class RgbdSource(Protocol):
    """Frames with color by index. Copies travel to other processes and read at once.

    Reading a frame may cost more when it does not follow the one read before.
    """

    @property
    def path(self) -> Path:
        """Where it is."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """Name of every frame, equal to `RgbdFrame.name`."""
        ...

    @property
    def sequences(self) -> Sequence[range]:
        """Indices of frames that follow each other in time; every index is in one range, ranges are in order."""
        ...

    @property
    def cut(self) -> str | None:
        """The sentence for what is lost: the end of a recording that was cut, files beside shards; None for nothing."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what is odd about all of it, such as color of another time than depth."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> RgbdFrame:
        """Read one frame; raises InputError if it cannot be used."""
        ...
