"""RVL, the depth codec of `compressedDepth` topics.

A. D. Wilson, "Fast Lossless Depth Image Compression", ISS 2017: runs of zeros and of measured pixels take turns; a
measured pixel is the difference from the one before; numbers are groups of 3 bits, the lowest first, each in half a
byte whose top bit says that another follows. Words are of 32 bits, their highest half byte first.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt16

from graspseg.cameras.ros.chunks import DamagedError

_MOST_GROUPS = 11  # of 3 bits, in a number of 32


def decode_rvl(data: bytes, pixels: int) -> UInt16[np.ndarray, "n"]:
    """Decode an image.

    Args:
        data: what follows the size of the image.
        pixels: number of its pixels.

    Raises:
        DamagedError: it ends early, or its runs do not fill the image.
    """
    numbers = _numbers(data)
    runs = np.array(_runs(numbers.tolist(), pixels), np.int64).reshape(-1, 3)
    lengths = runs[:, 2]
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    changes = numbers[np.repeat(runs[:, 1], lengths) + within]
    values = np.cumsum((changes >> 1) ^ -(changes & 1))
    if len(values) and (values.min() < -(1 << 15) or values.max() >= 1 << 16):
        raise DamagedError("RVL data holds depth of more than 16 bits")
    depth = np.zeros(pixels, np.uint16)
    depth[np.repeat(runs[:, 0], lengths) + within] = values & 0xFFFF
    return depth


def _runs(numbers: list[int], pixels: int) -> list[tuple[int, int, int]]:
    """First pixel, first number, and length of each run of measured pixels."""
    found: list[tuple[int, int, int]] = []
    pixel, place = 0, 0
    while pixel < pixels:
        if place + 2 > len(numbers):
            raise DamagedError("RVL data ends early")
        zeros, measured = numbers[place], numbers[place + 1]
        pixel, place = pixel + zeros, place + 2
        if zeros + measured == 0 or pixel + measured > pixels or place + measured > len(numbers):
            raise DamagedError("RVL runs do not fit the image")
        found.append((pixel, place, measured))
        pixel, place = pixel + measured, place + measured
    return found


def _numbers(data: bytes) -> np.ndarray:
    """All numbers, those of the padding at the end too."""
    words = np.frombuffer(data, "<u4", len(data) // 4)
    halves = (words[:, None] >> np.arange(28, -1, -4, dtype=np.uint32)).reshape(-1) & 15
    ends = np.flatnonzero(halves < 8)
    starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
    if len(ends) and int((ends - starts).max()) >= _MOST_GROUPS:
        raise DamagedError("RVL data holds a number of more than 32 bits")
    groups = np.arange(ends[-1] + 1 if len(ends) else 0)
    number = np.repeat(np.arange(len(ends)), ends - starts + 1)
    shifts = 3 * (groups - starts[number]) if len(ends) else groups
    parts = (halves[: len(groups)].astype(np.int64) & 7) << shifts
    return np.add.reduceat(parts, starts) if len(ends) else parts
