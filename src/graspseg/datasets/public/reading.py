"""Read the files public data sets are made of; what is damaged or of another kind is an InputError."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import yaml
from jaxtyping import UInt8, UInt16

from graspseg.datasets.arrays import load_arrays
from graspseg.datasets.files import read_file
from graspseg.datasets.images import read_picture
from graspseg.errors import InputError
from graspseg.frame import Intrinsics

_MOST_BYTES = 1 << 29
_CHANNELS = {"red": 0, "green": 1, "blue": 2}
Channel = Literal["red", "green", "blue"]


def read_packed_depth(path: Path, *, high: Channel, low: Channel) -> UInt16[np.ndarray, "h w"]:
    """Depth whose high and low bytes are two channels of an 8-bit color PNG.

    Args:
        path: the file.
        high: channel with the high byte.
        low: channel with the low byte.

    Raises:
        InputError: missing, damaged or not in color.
    """
    picture = read_picture(path, "packed depth")
    if picture.ndim != 3:
        raise InputError(f"{path} is a gray PNG, expected depth packed in {high} and {low}: download the file again.")
    # Eight bits would overflow before the shift.
    wide = picture.astype(np.uint16)
    return (wide[..., _CHANNELS[high]] << 8) | wide[..., _CHANNELS[low]]


def read_index_picture(path: Path, shape: tuple[int, int]) -> UInt8[np.ndarray, "h w"]:
    """A mask whose gray values are class numbers; a color PNG of equal channels counts as gray.

    Raises:
        InputError: missing, damaged, in color, or of another size than the depth.
    """
    picture = _like_depth(read_picture(path, "a mask"), path, shape)
    if picture.ndim == 3:
        if np.any(picture != picture[..., :1]):
            raise InputError(f"{path} is in color, expected gray class numbers: download the file again.")
        picture = np.ascontiguousarray(picture[..., 0])
    return picture


def read_color_picture(path: Path, shape: tuple[int, int] | None = None) -> UInt8[np.ndarray, "h w 3"]:
    """A mask whose RGB colors stand for classes.

    Raises:
        InputError: missing, damaged, gray, or of another size than `shape`.
    """
    picture = read_picture(path, "a mask in color")
    if picture.ndim != 3:
        raise InputError(f"{path} is gray, expected a mask in color: download the file again.")
    return picture if shape is None else _like_depth(picture, path, shape)


def read_array(path: Path, key: str, shape: tuple[int, int]) -> UInt8[np.ndarray, "h w"]:
    """An array of class numbers in an NPZ file.

    Raises:
        InputError: missing, damaged, without the key, or of another size or kind.
    """
    try:
        array = load_arrays(read_file(path), most_bytes=_MOST_BYTES, only=key).get(key)
    except Exception as error:  # of damaged files NumPy lets errors of zipfile, zlib and others through
        raise InputError(
            f"{path} is no whole NPZ file ({type(error).__name__}), expected {key!r} in it: download it again."
        ) from error
    if array is None or array.ndim != 2 or not np.issubdtype(array.dtype, np.integer) or array.max(initial=0) > 255:
        found = "no such array" if array is None else f"{array.dtype} of shape {array.shape}"
        raise InputError(f"{path} holds {found} as {key!r}, expected class numbers per pixel: download it again.")
    return _like_depth(array, path, shape).astype(np.uint8)


def read_mapping(path: Path, source: str = "the data set") -> dict[str, Any]:
    """A YAML or JSON file that holds a mapping; `source` is where it is published.

    Raises:
        InputError: missing, damaged, or something else in it.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        content = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except OSError as error:
        raise InputError(
            f"{path} could not be read ({error.strerror}), expected the file of {source}: put it there."
        ) from error
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise InputError(
            f"{path} is damaged ({type(error).__name__}), expected a mapping: download it again."
        ) from error
    if not isinstance(content, dict):
        raise InputError(f"{path} holds {type(content).__name__}, expected a mapping: download it again.")
    return content


def read_lines(path: Path, source: str) -> list[str]:
    """Lines of a list that belongs to a data set but is published elsewhere.

    Raises:
        InputError: it is not there.
    """
    try:
        return path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} could not be read ({type(error).__name__}), expected the list from {source}: put it there."
        ) from error


def intrinsics_of(content: Any, path: Path) -> Intrinsics:
    """A camera from a mapping with fx, fy, ppx and ppy, or from a 3 x 3 matrix.

    Raises:
        InputError: another form, or values that are no camera.
    """
    try:
        if isinstance(content, dict):
            return Intrinsics(*(float(content[key]) for key in ("fx", "fy", "ppx", "ppy")))
        matrix = np.asarray(content, np.float64).reshape(3, 3)
        return Intrinsics(float(matrix[0, 0]), float(matrix[1, 1]), float(matrix[0, 2]), float(matrix[1, 2]))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"{path} has intrinsics of another form ({error}), expected focal lengths and principal point in pixels: "
            "download it again."
        ) from error


@dataclass
class _Playing:
    """An open video, so that the next frame costs one frame: a jump decodes up to sixteen.

    Attributes:
        process: who opened it; a forked process would share its place in the file.
        path: the file.
        index: the frame that comes next.
        video: the decoder.
    """

    process: int
    path: Path
    index: int
    video: cv2.VideoCapture


_playing: _Playing | None = None


def video_length(path: Path) -> int:
    """Number of frames of a 16-bit video.

    Raises:
        InputError: missing or damaged.
    """
    video = _open_video(path)
    try:
        return int(video.get(cv2.CAP_PROP_FRAME_COUNT))
    finally:
        video.release()


def read_video_frame(path: Path, index: int) -> UInt16[np.ndarray, "h w"]:
    """One frame of a lossless 16-bit gray video (FFV1), bit by bit as stored; quick for one frame after the other.

    Raises:
        InputError: missing, damaged, not that long, or not 16-bit gray.
    """
    global _playing
    now = _playing
    _playing = None
    if now is None or (now.process, now.path) != (os.getpid(), path):
        now = _Playing(os.getpid(), path, 0, _open_video(path))
    if now.index != index:
        now.video.set(cv2.CAP_PROP_POS_FRAMES, index)
    _, image = now.video.read()
    if image is None:
        raise InputError(f"{path} has no readable frame {index}, expected a whole video: download it again.")
    if image.dtype != np.uint16 or image.squeeze().ndim != 2:
        raise InputError(f"{path} is {image.dtype} {image.shape}, expected 16-bit gray (FFV1): download it again.")
    now.index = index + 1
    _playing = now
    return image.squeeze()


def _open_video(path: Path) -> cv2.VideoCapture:
    """A video without conversion to color, which would keep 8 of 16 bits."""
    log = getattr(cv2.utils, "logging")  # noqa: B009 - the stubs leave it out
    level = log.getLogLevel()
    log.setLogLevel(log.LOG_LEVEL_ERROR)  # that it does not convert is what we want
    try:
        video = cv2.VideoCapture()
        if path.is_file() and video.open(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_CONVERT_RGB, 0]):
            return video
        raise InputError(f"{path} is no readable video, expected lossless 16-bit depth: download it again.")
    finally:
        log.setLogLevel(level)


def _like_depth(array: np.ndarray, path: Path, shape: tuple[int, int]) -> np.ndarray:
    if array.shape[:2] != tuple(shape):
        raise InputError(
            f"{path} is {array.shape[1]}x{array.shape[0]} pixels, expected {shape[1]}x{shape[0]} like its depth: "
            "download the file again."
        )
    return array
