"""Read depth and label images from disk, and say plainly what is wrong with those that cannot be used."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8, UInt16

from graspseg.frame import Frame, InputError, Intrinsics
from graspseg.labels import BACKGROUND, HAND, IGNORE, OBJECT

DEPTH_SUFFIXES = (".png", ".npy")
DEFAULT_UNIT_M = 0.001

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOR_TYPES = {0: "gray", 2: "colour", 3: "palette", 4: "gray with transparency", 6: "colour with transparency"}
_MOST_PIXELS = 1 << 26  # a small file can claim to hold gigabytes
_IS_LABEL = np.isin(np.arange(256), (BACKGROUND, HAND, OBJECT, IGNORE))


def read_depth(path: Path, *, depth_unit_m: float | None = None, intrinsics: Intrinsics | None = None) -> Frame:
    """Read a depth image: 16-bit gray PNG, or NPY holding uint16 values or float metres.

    Args:
        path: the file.
        depth_unit_m: metres per stored unit of a PNG or uint16 NPY, None = 0.001; floats are metres whatever it says.
        intrinsics: the camera, handed on to the frame.

    Raises:
        InputError: missing, damaged, 8-bit, colour, empty or negative.
    """
    unit = DEFAULT_UNIT_M if depth_unit_m is None else depth_unit_m
    try:
        if path.suffix.lower() == ".png":
            return Frame(decode_depth(_read_bytes(path), path), unit, intrinsics)
        if path.suffix.lower() == ".npy":
            return _read_npy(path, unit, intrinsics)
    except InputError as error:
        raise error if str(path) in str(error) else InputError(f"{path}: {error}") from None
    raise InputError(
        f"{path} is a {path.suffix or 'suffixless'} file, expected depth as 16-bit .png or .npy: convert it."
    )


def read_labels(path: Path, shape: tuple[int, int]) -> UInt8[np.ndarray, "h w"]:
    """Read a label image: 8-bit gray PNG of 0, 1, 2 and 255.

    Args:
        path: the file.
        shape: height and width of the depth image it belongs to.

    Raises:
        InputError: missing, damaged, of another size or kind, or with other values.
    """
    return decode_labels(_read_bytes(path), path, shape)


def read_color(path: Path, shape: tuple[int, int] | None) -> UInt8[np.ndarray, "h w 3"]:
    """Read an 8-bit picture as RGB.

    Args:
        path: the file.
        shape: height and width of the depth image it is aligned with, None for a picture that is not.

    Raises:
        InputError: missing, damaged or of another size than the depth image.
    """
    return decode_color(_read_bytes(path), path, shape)


def decode_depth(data: bytes, path: Path) -> UInt16[np.ndarray, "h w"]:
    """Pixels of a 16-bit gray PNG; `path` is what messages call it.

    Raises:
        InputError: damaged, 8-bit or colour.
    """
    return _decode_png(data, path, 16, "depth")


def decode_labels(data: bytes, path: Path, shape: tuple[int, int]) -> UInt8[np.ndarray, "h w"]:
    """Labels of an 8-bit gray PNG; arguments and errors as in `read_labels`."""
    labels = _decode_png(data, path, 8, "labels")
    if labels.shape != tuple(shape):
        raise InputError(
            f"{path} is {_size(labels.shape)} pixels, expected {_size(shape)} like its depth image: "
            "use the labels that belong to it, not resized ones."
        )
    if not _IS_LABEL[labels].all():
        wrong = [int(value) for value in np.unique(labels) if not _IS_LABEL[value]]
        raise InputError(
            f"{path} holds the values {wrong[:5]}, expected only 0 (background), 1 (hand), 2 (object) and 255 "
            "(ignore): map the values first."
        )
    return labels


def decode_color(data: bytes, path: Path, shape: tuple[int, int] | None) -> UInt8[np.ndarray, "h w 3"]:
    """RGB pixels of an 8-bit picture; arguments and errors as in `read_color`."""
    image = None
    with contextlib.suppress(cv2.error):
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if image is None:
        raise InputError(f"{path} is no readable picture, expected 8-bit color as PNG or JPEG: export it again.")
    if shape is not None and image.shape[:2] != tuple(shape):
        raise InputError(
            f"{path} is {_size(image.shape)} pixels, expected {_size(shape)} like its depth image: align colour with "
            "depth."
        )
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path} could not be read ({error.strerror}), expected a readable file: check name and permissions."
        ) from error


def _decode_png(data: bytes, path: Path, bits: int, what: str) -> np.ndarray:
    """Pixels of a gray PNG of exactly `bits` bits."""
    found = _png_fault(data, bits)
    image = None
    if not found:
        with contextlib.suppress(cv2.error):
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        found = "" if image is not None else "a PNG whose pixels cannot be decoded"
    if found or image is None:
        raise InputError(f"{path} is {found}, expected {what} as a whole {bits}-bit gray PNG: export it again.")
    return image


def _png_fault(data: bytes, bits: int, color_types: tuple[int, ...] = (0,)) -> str:
    """What is wrong with a PNG file, empty when nothing is.

    OpenCV hands back a part of some damaged files and turns others into 8 bits, so chunks and checksums are walked
    here.
    """
    if not data.startswith(_SIGNATURE):
        return "an empty file" if not data else "no PNG file"
    position = len(_SIGNATURE)
    header = b""
    kind = b""
    while kind != b"IEND":
        if position + 12 > len(data):
            return "a truncated PNG"
        (length,) = struct.unpack_from(">I", data, position)
        kind = data[position + 4 : position + 8]
        end = position + 8 + length
        if end + 4 > len(data):
            return "a truncated PNG"
        if zlib.crc32(memoryview(data)[position + 4 : end]) != struct.unpack_from(">I", data, end)[0]:
            return "a damaged PNG (checksum)"
        if kind == b"IHDR" and length == 13:
            header = data[position + 8 : end]
        position = end + 4
    if not header:
        return "a PNG without a header"
    width, height, depth_bits, color_type = struct.unpack(">IIBB", header[:10])
    if width == 0 or height == 0 or width * height > _MOST_PIXELS:
        return f"a PNG of {width}x{height} pixels"
    if depth_bits != bits or color_type not in color_types:
        return f"a {depth_bits}-bit {_COLOR_TYPES.get(color_type, 'unknown')} PNG"
    return ""


def _read_npy(path: Path, unit: float, intrinsics: Intrinsics | None) -> Frame:
    try:
        array = np.load(io.BytesIO(_read_bytes(path)), allow_pickle=False)
    except InputError:
        raise
    except Exception as error:  # of damaged files NumPy lets errors of zipfile, tokenize and others through
        raise InputError(
            f"{path} is no whole NPY array ({type(error).__name__}), expected uint16 or float metres: save it again."
        ) from error
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.size == 0:
        shape = array.shape if isinstance(array, np.ndarray) else "several arrays"
        raise InputError(f"{path} holds {shape}, expected one array of shape (height, width): save one frame a file.")
    if np.issubdtype(array.dtype, np.floating):
        with np.errstate(over="ignore"):  # what overflows is infinite: not measured
            return Frame.from_metres(array.astype(np.float32), intrinsics=intrinsics)
    if np.issubdtype(array.dtype, np.signedinteger) and array.min() < 0:
        raise InputError(f"{path} goes down to {array.min()}, expected no depth below 0: set such pixels to 0.")
    if array.dtype.newbyteorder("=") != np.uint16:
        raise InputError(f"{path} holds {array.dtype}, expected uint16 or float metres: convert it without scaling.")
    return Frame(np.ascontiguousarray(array, np.uint16), unit, intrinsics)


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"


def read_picture(path: Path, what: str) -> UInt8[np.ndarray, "h w"] | UInt8[np.ndarray, "h w 3"]:
    """Read an 8-bit PNG as it is stored: gray, or RGB; a palette is RGB.

    Raises:
        InputError: missing, damaged, or of another kind.
    """
    data = _read_bytes(path)
    found = _png_fault(data, 8, (0, 2, 3))
    image = None
    if not found:
        with contextlib.suppress(cv2.error):
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        found = "" if image is not None else "a PNG whose pixels cannot be decoded"
    if found or image is None:
        raise InputError(f"{path} is {found}, expected {what} as a whole 8-bit PNG: download it again.")
    return np.ascontiguousarray(image[..., 2::-1]) if image.ndim == 3 else image
