"""Depth images in PGM files, whose 16-bit numbers have the high byte first.

Format: https://netpbm.sourceforge.net/doc/pgm.html.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from jaxtyping import UInt16

from graspseg.errors import InputError

_SPACE = rb"(?:\s|#[^\r\n]*[\r\n])+"
_HEADER = re.compile(rb"P([25])" + 3 * (_SPACE + rb"(\d{1,9})") + rb"\s")
_HEADER_BYTES = 1 << 16


def decode_pgm(data: bytes, path: Path, *, most: int) -> UInt16[np.ndarray, "h w"]:
    """Numbers of a 16-bit PGM file, plain or packed.

    Args:
        data: the file.
        path: what messages call it.
        most: pixels it may have.

    Raises:
        InputError: damaged, too large, or of 8 bits.
    """
    found = _HEADER.match(data[:_HEADER_BYTES])
    if found is None:
        raise _unusable(path, "no PGM")
    width, height, largest = (int(number) for number in found.groups()[1:])
    if not 0 < width * height <= most:
        raise _unusable(path, f"a PGM of {width}x{height} pixels")
    if not 255 < largest <= 65535:
        raise _unusable(path, f"a PGM of {largest.bit_length()} bits")
    body = data[found.end() :]
    try:
        if found[1] == b"5":
            image = np.frombuffer(body, ">u2", width * height)
            rest = len(body) - image.nbytes
        else:
            numbers = body.split(maxsplit=width * height)
            image = np.array(numbers[: width * height], np.int64)
            rest = len(numbers) - width * height
    except (ValueError, OverflowError) as error:
        raise _unusable(path, "a truncated or damaged PGM") from error
    if image.size != width * height or rest > 2 or int(image.max()) > largest or int(image.min()) < 0:
        raise _unusable(path, "a truncated or damaged PGM, or one of several pictures")
    return image.astype(np.uint16).reshape(height, width)


def _unusable(path: Path, found: str) -> InputError:
    return InputError(f"{path} is {found}, expected depth as one whole 16-bit PGM: export it again.")
