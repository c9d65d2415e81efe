"""Images of ROS messages: depth as REP 118 has it (16UC1 millimeters, 32FC1 meters), color as RGB."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float32, UInt8, UInt16

from graspseg.cameras.pixels import COLOR_ENCODINGS, RawPicture
from graspseg.cameras.ros.chunks import DamagedError
from graspseg.cameras.ros.rvl import decode_rvl
from graspseg.datasets.images import MOST_PIXELS, decode_color, decode_depth
from graspseg.errors import InputError

IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
_PNG = b"\x89PNG"
_STORED_WHOLE = ("16uc1", "mono16")  # what the transport `compressed` keeps as it is in a PNG
_DEPTH = {"16uc1": "<u2", "mono16": "<u2", "z16": "<u2", "32fc1": "<f4"}
_CONFIG = struct.Struct("<iff")  # how depth is stored, and the two numbers of its quantization
_SIZE = struct.Struct("<II")  # columns, rows


@dataclass(frozen=True)
class Picture:
    """What a message of an image says of itself.

    Attributes:
        content: `depth`, `color`, or `other`.
        encoding: its pixel format, for messages.
        frame_id: name of the coordinate frame it was taken in.
    """

    content: Literal["depth", "color", "other"]
    encoding: str
    frame_id: str


def describe(message: Any, kind: str) -> Picture:
    """Tell depth from color; the pixels are not looked at."""
    frame_id = str(message.header.frame_id)
    if kind == IMAGE:
        encoding = str(message.encoding)
        content = "depth" if encoding.lower() in _DEPTH else "color" if encoding.lower() in COLOR_ENCODINGS else "other"
        return Picture(content, encoding, frame_id)
    format_ = str(message.format)
    if "compresseddepth" in format_.lower() or _is_compressed_depth(message):
        return Picture("depth", format_, frame_id)
    if format_.lower().startswith(_STORED_WHOLE) and bytes(message.data[: len(_PNG)]) == _PNG:
        return Picture("depth", format_, frame_id)
    gray = format_.lower().startswith(("mono", "8uc1", "16uc1", "32fc1"))
    return Picture("other" if gray else "color", format_, frame_id)


def depth_of(message: Any, kind: str, path: Path) -> UInt16[np.ndarray, "h w"] | Float32[np.ndarray, "h w"]:
    """Depth as it is stored: integers in some unit, or floats, meters unless somebody says otherwise.

    Args:
        message: an Image, or a CompressedImage of a `compressedDepth` topic.
        kind: its type.
        path: what messages call the recording.

    Raises:
        InputError: another pixel format, or damaged.
    """
    if kind == IMAGE:
        return _plain_depth(message, path)
    name, _, codec = str(message.format).partition(";")
    data = bytes(message.data)
    if data.startswith(_PNG):
        return decode_depth(data, path)
    if len(data) <= _CONFIG.size:
        raise DamagedError("a compressed image without pixels")
    _, a, b = _CONFIG.unpack_from(data)
    data = data[_CONFIG.size :]
    # Bags from before 2020 leave the codec out; then it is PNG.
    stored = _rvl_image(data) if "rvl" in codec.lower() else decode_depth(data, path)
    return _from_inverse(stored, a, b) if name.strip().lower() == "32fc1" else stored


def color_of(message: Any, kind: str, path: Path) -> UInt8[np.ndarray, "h w 3"]:
    """The picture as RGB.

    Args:
        message: an Image or a CompressedImage.
        kind: its type.
        path: what messages call the recording.

    Raises:
        InputError: another pixel format, or damaged.
    """
    if kind == IMAGE:
        rows = _rows(message)
        picture = RawPicture(rows.reshape(-1), int(message.width), int(message.height), str(message.encoding), 0.0)
        return picture.rgb(path)
    rgb = decode_color(bytes(message.data), path, None)
    # Pixels were handed to the codec, which takes BGR, in the order that the format names at its end.
    return np.ascontiguousarray(rgb[..., ::-1]) if "compressed rgb" in str(message.format).lower() else rgb


def _plain_depth(message: Any, path: Path) -> UInt16[np.ndarray, "h w"] | Float32[np.ndarray, "h w"]:
    encoding = str(message.encoding)
    if encoding.lower() not in _DEPTH:
        raise InputError(
            f"{path} holds depth as {encoding!r}, expected 16UC1 or 32FC1: record it so, or name another --topic."
        )
    kind = np.dtype(_DEPTH[encoding.lower()])
    width, rows = int(message.width), _rows(message)
    if rows.shape[1] < width * kind.itemsize:
        raise DamagedError(f"rows of {rows.shape[1]} bytes for {width} pixels of {encoding}")
    pixels = np.ascontiguousarray(rows[:, : width * kind.itemsize])
    stored = pixels.view(kind.newbyteorder(">") if message.is_bigendian else kind).astype(kind.newbyteorder("="))
    if kind.kind == "f":
        stored[~np.isfinite(stored)] = 0  # too near, too far, or not measured
    return stored


def _rows(message: Any) -> UInt8[np.ndarray, "h n"]:
    """The bytes of an Image row by row, as far as a row reaches."""
    width, height, step = int(message.width), int(message.height), int(message.step)
    data = np.asarray(message.data, np.uint8)
    if not 0 < width * height <= MOST_PIXELS or step <= 0 or data.size < step * height:
        raise DamagedError(f"an image of {width}x{height} pixels in rows of {step} bytes, and {data.size} bytes in all")
    return data[: step * height].reshape(height, step)


def _is_compressed_depth(message: Any) -> bool:
    """Whether a PNG follows the header of `compressedDepth`: the format may be empty."""
    return bytes(message.data[_CONFIG.size : _CONFIG.size + len(_PNG)]) == _PNG and "jpeg" not in message.format


def _rvl_image(data: bytes) -> UInt16[np.ndarray, "h w"]:
    if len(data) < _SIZE.size:
        raise DamagedError("an RVL image without a size")
    columns, rows = _SIZE.unpack_from(data)
    if not 0 < columns * rows <= MOST_PIXELS:
        raise DamagedError(f"an RVL image of {columns}x{rows} pixels")
    return decode_rvl(data[_SIZE.size :], columns * rows).reshape(rows, columns)


def _from_inverse(stored: UInt16[np.ndarray, "h w"], a: float, b: float) -> Float32[np.ndarray, "h w"]:
    """Depth in meters of inverse depth: a / (stored - b), 0 = no measurement."""
    if not np.isfinite((a, b)).all() or a <= 0:
        raise DamagedError(f"depth is quantized with {a:g} and {b:g}")
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = np.float32(a) / (stored.astype(np.float32) - np.float32(b))
    return np.where(stored > 0, depth, np.float32(0))
