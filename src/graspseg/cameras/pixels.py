"""Bytes of a camera's frame to the arrays that everything else works on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8, UInt16

from graspseg.errors import InputError

# By the names that RealSense recordings use: those of ROS, else the SDK's.
_TO_RGB: dict[str, tuple[int, int | None]] = {
    "rgb8": (3, None),
    "bgr8": (3, cv2.COLOR_BGR2RGB),
    "rgba8": (4, cv2.COLOR_RGBA2RGB),
    "bgra8": (4, cv2.COLOR_BGRA2RGB),
    "yuyv": (2, cv2.COLOR_YUV2RGB_YUYV),
    "uyvy": (2, cv2.COLOR_YUV2RGB_UYVY),
    "yuv422": (2, cv2.COLOR_YUV2RGB_UYVY),
    "yuv422_yuy2": (2, cv2.COLOR_YUV2RGB_YUYV),
    "8uc3": (3, cv2.COLOR_BGR2RGB),
}
COLOR_ENCODINGS = frozenset(_TO_RGB)
_DEPTH = ("mono16", "16uc1", "z16")


@dataclass(frozen=True)
class RawPicture:
    """A frame as a camera or a recording hands it over.

    Attributes:
        data: its bytes, row after row, little-endian; rows may be padded.
        width, height: pixels.
        encoding: name of the pixel format, such as `z16` or `rgb8`.
        timestamp_s: capture time in seconds, on the camera's clock.
    """

    data: UInt8[np.ndarray, "n"]
    width: int
    height: int
    encoding: str
    timestamp_s: float

    def depth(self, path: Path) -> UInt16[np.ndarray, "h w"]:
        """The frame as depth; `path` is what messages call the recording.

        Raises:
            InputError: it is of another format, such as 8 bits, or has another number of bytes.
        """
        if self.encoding.lower() not in _DEPTH:
            raise InputError(f"{path} holds depth as {self.encoding}, expected 16 bits (Z16): record it again as Z16.")
        return self._rows(2, path).view("<u2").astype(np.uint16, copy=False)

    def rgb(self, path: Path) -> UInt8[np.ndarray, "h w 3"]:
        """The frame as an RGB picture; `path` is what messages call the recording.

        Raises:
            InputError: it is of an unknown format, or has another number of bytes.
        """
        if self.encoding.lower() not in _TO_RGB:
            known = ", ".join(_TO_RGB)
            raise InputError(f"{path} holds color as {self.encoding}, expected one of {known}: record it as RGB8.")
        channels, conversion = _TO_RGB[self.encoding.lower()]
        image = self._rows(channels, path).reshape(self.height, self.width, channels)
        return image if conversion is None else cv2.cvtColor(image, conversion)

    def _rows(self, channels: int, path: Path) -> UInt8[np.ndarray, "h n"]:
        """The bytes row by row, without padding."""
        step = self.data.size // self.height if self.height else 0
        if not self.width or step < self.width * channels or step * self.height != self.data.size:
            raise InputError(
                f"{path} holds a frame of {self.data.size} bytes, expected {self.width}x{self.height} pixels of "
                f"{self.encoding}: it is damaged, record it again."
            )
        return np.ascontiguousarray(self.data.reshape(self.height, step)[:, : self.width * channels])
