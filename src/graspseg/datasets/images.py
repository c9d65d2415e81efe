"""Read depth and label images from disk, and say plainly what is wrong with those that cannot be used."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8, UInt16

from graspseg.datasets.arrays import load_npy, load_npz, unread_optics
from graspseg.datasets.exr import decode_exr
from graspseg.datasets.files import read_file
from graspseg.datasets.pgm import decode_pgm
from graspseg.datasets.pictures import picture_or_fault
from graspseg.datasets.png import png_fault
from graspseg.datasets.tiff import decode_tiff
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics
from graspseg.labels import BACKGROUND, HAND, IGNORE, OBJECT

_DECODERS = {
    ".npy": load_npy,
    ".npz": load_npz,
    ".tif": decode_tiff,
    ".tiff": decode_tiff,
    ".pgm": decode_pgm,
    ".exr": decode_exr,
}
DEPTH_SUFFIXES = (".png", *_DECODERS)
DEFAULT_UNIT_M = 0.001

MOST_PIXELS = 1 << 26  # a small file can claim to hold gigabytes
_LARGEST = np.iinfo(np.uint16).max
_VIDEO = "take the depth track out of it, as 16-bit PNG files"
_RECORDING = "name the recording itself"
_REMEDIES: dict[str, str] = {
    **dict.fromkeys((".mkv", ".avi", ".mov", ".mp4"), _VIDEO),
    **dict.fromkeys((".bag", ".db3", ".mcap"), _RECORDING),
    ".tar": "name the shard itself",
}
_IS_LABEL = np.isin(np.arange(256), (BACKGROUND, HAND, OBJECT, IGNORE))


def read_depth(
    path: Path,
    *,
    depth_unit_m: float | None = None,
    float_unit_m: float = 1.0,
    intrinsics: Intrinsics | None = None,
) -> Frame:
    """Read a depth image: 16-bit gray PNG, TIFF, PGM or EXR, or an array in NPY or NPZ, of integers or floats.

    Args:
        path: the file.
        depth_unit_m: meters per unit of integers, None = 0.001.
        float_unit_m: meters per unit of floats, which are meters unless a person says otherwise.
        intrinsics: the camera, handed on to the frame.

    Raises:
        InputError: missing, damaged, too large, 8-bit, color, empty or negative.
    """
    unit = DEFAULT_UNIT_M if depth_unit_m is None else depth_unit_m
    suffix = path.suffix.lower()
    try:
        if suffix == ".png":
            return Frame(decode_depth(read_file(path), path), unit, intrinsics)
        if suffix in _DECODERS:
            data = read_file(path)
            values = _DECODERS[suffix](data, path, most=MOST_PIXELS)
            frame = _frame_of(values, path, unit=unit, float_unit=float_unit_m, intrinsics=intrinsics)
            return replace(frame, notes=frame.notes + unread_optics(data, path)) if suffix == ".npz" else frame
    except InputError as error:
        raise error if str(path) in str(error) else InputError(f"{path}: {error}") from None
    if path.is_symlink() and not path.exists():
        raise InputError(f"{path} could not be read (a link that leads nowhere), expected a file: restore it.")
    raise InputError(
        f"{path} is a {path.suffix or 'suffixless'} file, expected depth as 16-bit .png, .tif or .pgm, or as .npy, "
        f".npz or .exr: {_REMEDIES.get(suffix, 'convert it')}."
    )


def _frame_of(
    values: np.ndarray, path: Path, *, unit: float, float_unit: float, intrinsics: Intrinsics | None
) -> Frame:
    """A frame of numbers of any kind that can be depth."""
    if np.issubdtype(values.dtype, np.floating):
        with np.errstate(over="ignore"):  # what overflows is infinite: not measured
            meters = (values * np.float64(float_unit)).astype(np.float32)
        return replace(Frame.from_meters(meters, intrinsics=intrinsics), read_unit_m=float_unit)
    if not np.issubdtype(values.dtype, np.integer) or values.dtype.itemsize < 2:
        raise InputError(f"{path} holds {values.dtype}, expected integers of 16 bits or more, or floats: convert it.")
    low, high = int(values.min()), int(values.max())
    if low < 0:
        raise InputError(f"{path} goes down to {low}, expected no depth below 0: set such pixels to 0.")
    if high <= _LARGEST:
        return Frame(np.ascontiguousarray(values, np.uint16), unit, intrinsics)
    meters = (values * np.float64(unit)).astype(np.float32)
    return replace(Frame.from_meters(meters, intrinsics=intrinsics), read_unit_m=unit)


def read_labels(path: Path, shape: tuple[int, int]) -> UInt8[np.ndarray, "h w"]:
    """Read a label image: 8-bit gray PNG of 0, 1, 2 and 255.

    Args:
        path: the file.
        shape: height and width of the depth image it belongs to.

    Raises:
        InputError: missing, damaged, of another size or kind, or with other values.
    """
    return decode_labels(read_file(path), path, shape)


def read_color(path: Path, shape: tuple[int, int] | None) -> UInt8[np.ndarray, "h w 3"]:
    """Read an 8-bit picture as RGB.

    Args:
        path: the file.
        shape: height and width of the depth image it is aligned with, None for a picture that is not.

    Raises:
        InputError: missing, damaged or of another shape.
    """
    return decode_color(read_file(path), path, shape)


def decode_depth(data: bytes, path: Path) -> UInt16[np.ndarray, "h w"]:
    """Pixels of a 16-bit gray PNG; `path` is what messages call it.

    Raises:
        InputError: damaged, 8-bit or color.
    """
    return _decode_png(data, path, 16, "depth")


def decode_labels(data: bytes, path: Path, shape: tuple[int, int]) -> UInt8[np.ndarray, "h w"]:
    """Labels of an 8-bit gray PNG; arguments and errors as in `read_labels`."""
    return check_labels(_decode_png(data, path, 8, "labels"), path, shape)


def check_labels(
    labels: UInt8[np.ndarray, "h w"], name: Path | str, shape: tuple[int, int]
) -> UInt8[np.ndarray, "h w"]:
    """Labels as they are given, after a look whether they fit.

    Args:
        labels: 0/1/2/255.
        name: what messages call them.
        shape: height and width of the depth image they belong to.

    Raises:
        InputError: another size, or other values.
    """
    if labels.shape != tuple(shape):
        raise InputError(
            f"{name} is {_size(labels.shape)} pixels, expected {_size(shape)} like its depth image: "
            "use the labels that belong to it, not resized ones."
        )
    if not _IS_LABEL[labels].all():
        wrong = [int(value) for value in np.unique(labels) if not _IS_LABEL[value]]
        raise InputError(
            f"{name} holds the values {wrong[:5]}, expected only 0 (background), 1 (hand), 2 (object) and 255 "
            "(ignore): map the values first."
        )
    return labels


def decode_color(data: bytes, path: Path, shape: tuple[int, int] | None) -> UInt8[np.ndarray, "h w 3"]:
    """RGB pixels of an 8-bit picture as stored, whatever orientation it names; otherwise as `read_color`."""
    image = picture_or_fault(data, most=MOST_PIXELS)
    if isinstance(image, str):
        raise InputError(
            f"{path} is no readable picture ({image}), expected 8-bit color as PNG or JPEG: export it again."
        )
    if shape is not None and image.shape[:2] != tuple(shape):
        raise InputError(
            f"{path} is {_size(image.shape)} pixels, expected {_size(shape)} like its depth image: align color with "
            "depth, or say in the data set's field color where its camera is."
        )
    return image


def _decode_png(data: bytes, path: Path, bits: int, what: str) -> np.ndarray:
    """Pixels of a gray PNG of exactly `bits` bits."""
    image = _pixels_or_fault(data, bits, (0,))
    if isinstance(image, str):
        raise InputError(f"{path} is {image}, expected {what} as a whole {bits}-bit gray PNG: export it again.")
    return image


def _pixels_or_fault(data: bytes, bits: int, color_types: tuple[int, ...]) -> np.ndarray | str:
    """Pixels of a PNG file as OpenCV has them, or what is wrong with it."""
    fault = png_fault(data, bits, color_types, most=MOST_PIXELS)
    if fault:
        return fault
    image = None
    with contextlib.suppress(cv2.error):
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    return "a PNG whose pixels cannot be decoded" if image is None else image


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"


def read_picture(path: Path, what: str) -> UInt8[np.ndarray, "h w"] | UInt8[np.ndarray, "h w 3"]:
    """Read an 8-bit PNG as it is stored: gray, or RGB; a palette is RGB.

    Raises:
        InputError: missing, damaged, or of another kind.
    """
    image = _pixels_or_fault(read_file(path), 8, (0, 2, 3))
    if isinstance(image, str):
        raise InputError(f"{path} is {image}, expected {what} as a whole 8-bit PNG: download it again.")
    return np.ascontiguousarray(image[..., 2::-1]) if image.ndim == 3 else image
