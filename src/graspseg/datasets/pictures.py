"""Pictures of a camera: what they claim to be is looked at before they are decoded, and whether they hold color."""

from __future__ import annotations

import contextlib
import struct

import cv2
import numpy as np
from jaxtyping import UInt8

from graspseg.datasets.png import png_fault

_START, _END = b"\xff\xd8", b"\xff\xd9"
_SIZES = frozenset((*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)))
_SCAN = 0xDA
_COLORLESS = 4  # most by which channels of a gray picture differ after compression
_BARE = 16
_FEW = 1000
_STEP = 8


def picture_or_fault(data: bytes, *, most: int) -> UInt8[np.ndarray, "h w 3"] | str:
    """RGB pixels of an 8-bit PNG or JPEG as they are stored, or what is wrong with the file.

    The orientation that a camera or program wrote beside the pixels is not applied: depth is aligned with the pixels.

    Args:
        data: the file.
        most: pixels it may have.
    """
    fault = picture_fault(data, most=most)
    if fault:
        return fault
    image = None
    with contextlib.suppress(cv2.error):
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    return "a picture whose pixels cannot be decoded" if image is None else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def picture_fault(data: bytes, *, most: int) -> str:
    """What is wrong with a file that should be a PNG or JPEG of at most so many pixels, empty when nothing is.

    OpenCV fills up what is missing at the end of a JPEG, and reads many other kinds of files whose size nobody checks.
    """
    if data.startswith(_START):
        return _jpeg_fault(data, most)
    return png_fault(data, 8, (0, 2, 3, 4, 6), most=most)


def _jpeg_fault(data: bytes, most: int) -> str:
    """Walk the segments of a JPEG to its pixels, and see that these have an end."""
    position, size = 2, ""
    while position + 4 <= len(data) and data[position] == 0xFF:
        kind = data[position + 1]
        if kind == 0xFF or kind == 0x01 or 0xD0 <= kind <= 0xD7:  # filling, and segments without content
            position += 1 if kind == 0xFF else 2
            continue
        (length,) = struct.unpack_from(">H", data, position + 2)
        if kind in _SIZES and position + 9 <= len(data):
            bits, height, width = struct.unpack_from(">BHH", data, position + 4)
            if bits != 8:
                return f"a {bits}-bit JPEG"
            if not 0 < width * height <= most:
                return f"a JPEG of {width}x{height} pixels"
            size = f"{width}x{height}"
        if kind == _SCAN:
            return "" if size and data.find(_END, position) >= 0 else "a truncated JPEG"
        position += 2 + length
    return "a truncated or damaged JPEG"


def is_gray(picture: UInt8[np.ndarray, "h w 3"]) -> bool:
    """Whether a picture holds no color, as those of infrared cameras: at most 0.1 % of its pixels differ from gray.

    One that shows nothing at all, such as a bare gray wall or darkness, says nothing of the camera.
    """
    if not (_has_no_color(picture[::_STEP, ::_STEP]) and _has_no_color(picture)):
        return False
    return int(picture.max()) - int(picture.min()) > _BARE


def _has_no_color(picture: UInt8[np.ndarray, "_h _w 3"]) -> bool:
    red, green, blue = cv2.split(np.ascontiguousarray(picture))
    most = cv2.max(cv2.max(cv2.absdiff(red, green), cv2.absdiff(green, blue)), cv2.absdiff(red, blue))
    return int(np.count_nonzero(most > _COLORLESS)) * _FEW <= red.size
