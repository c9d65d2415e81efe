"""Depth images in TIFF files: what they claim to be is looked at first, OpenCV decodes them.

Format: https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf (TIFF 6.0).
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from graspseg.errors import InputError

_TYPES = {1: "B", 3: "H", 4: "I"}  # of the fields that are looked at
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _ORIENTATION = 256, 257, 258, 259, 262, 274
_SAMPLES, _FORMAT = 277, 339
_LOOKED_AT = (_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _ORIENTATION, _SAMPLES, _FORMAT)
_KINDS = {(16, 1): np.uint16, (16, 2): np.int16, (32, 1): np.uint32, (32, 2): np.int32}
_KINDS |= {(32, 3): np.float32, (64, 3): np.float64}
_LOSSLESS = (1, 5, 8, 32773, 32946)


def decode_tiff(data: bytes, path: Path, *, most: int) -> np.ndarray:
    """The one gray image of a TIFF file, as it is stored.

    Args:
        data: the file.
        path: what messages call it.
        most: pixels it may have.

    Raises:
        InputError: damaged, too large, of several pages, in color, of 8 bits, or of a kind that holds no depth.
    """
    try:
        fields, pages = _first_page(data)
        fault = _fault(fields, pages, most)
    except (struct.error, IndexError) as error:
        raise _unusable(path, "no whole TIFF") from error
    if fault:
        raise _unusable(path, fault)
    image = None
    with contextlib.suppress(cv2.error), _quiet():
        # Pixels as stored: without that flag OpenCV turns some and makes others 8 bits.
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    expected = _KINDS[fields[_BITS], fields.get(_FORMAT, 1)]
    if image is None or image.dtype != expected or image.shape != (fields[_HEIGHT], fields[_WIDTH]):
        raise _unusable(path, "a TIFF whose pixels cannot be decoded")
    return image


def _unusable(path: Path, found: str) -> InputError:
    return InputError(f"{path} is {found}, expected depth as one gray page of 16 bits or float: export it again.")


def _first_page(data: bytes) -> tuple[dict[int, int], int]:
    """The fields of the first page that hold one number, and the number of pages, of which 2 stand for more."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None:
        raise IndexError("another file")
    fields: dict[int, int] = {}
    (place,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, place)
    for start in range(place + 2, place + 2 + 12 * count, 12):
        tag, kind, number = struct.unpack_from(f"{order}HHI", data, start)
        if tag in _LOOKED_AT and kind in _TYPES and number == 1:
            (fields[tag],) = struct.unpack_from(f"{order}{_TYPES[kind]}", data, start + 8)
        elif tag in (_BITS, _FORMAT) and number > 1:
            fields[_SAMPLES] = max(number, fields.get(_SAMPLES, 1))
    (following,) = struct.unpack_from(f"{order}I", data, place + 2 + 12 * count)
    return fields, 2 if following else 1


def _fault(fields: dict[int, int], pages: int, most: int) -> str:
    """Why a page is no depth image, empty when it may be one."""
    width, height = fields.get(_WIDTH, 0), fields.get(_HEIGHT, 0)
    bits, kind, samples = fields.get(_BITS, 1), fields.get(_FORMAT, 1), fields.get(_SAMPLES, 1)
    if not 0 < width * height <= most:
        return f"a TIFF of {width}x{height} pixels"
    if pages > 1:
        return "a TIFF of several pages"
    if samples != 1 or fields.get(_PHOTOMETRIC, 1) not in (0, 1):
        return "a color TIFF"
    if fields.get(_PHOTOMETRIC, 1) == 0:
        return "a TIFF in which 0 is white"
    if (bits, kind) not in _KINDS:
        return f"a {bits}-bit {'float ' if kind == 3 else ''}TIFF"
    if fields.get(_COMPRESSION, 1) not in _LOSSLESS:
        return f"a TIFF of the compression {fields[_COMPRESSION]}"
    if fields.get(_ORIENTATION, 1) != 1:  # no two programs agree on what that means for the pixels
        return f"a TIFF of the orientation {fields[_ORIENTATION]}"
    return ""


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep OpenCV from writing of damaged files to the screen: what is wrong is reported in a sentence."""
    log = getattr(cv2.utils, "logging")  # noqa: B009 - the stubs leave it out
    level = log.getLogLevel()
    log.setLogLevel(log.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        log.setLogLevel(level)
