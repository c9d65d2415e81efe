"""PNG files, checked chunk by chunk: OpenCV hands back a part of some damaged ones and makes 8 bits of others."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOR_TYPES = {0: "gray", 2: "color", 3: "palette", 4: "gray with transparency", 6: "color with transparency"}


def png_fault(data: bytes, bits: int, color_types: tuple[int, ...], *, most: int) -> str:
    """What is wrong with a PNG file, empty when nothing is.

    Args:
        data: the file.
        bits: a channel must have.
        color_types: it may have, by the numbers of the format.
        most: pixels it may have.
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
    if width == 0 or height == 0 or width * height > most:
        return f"a PNG of {width}x{height} pixels"
    if depth_bits != bits or color_type not in color_types:
        return f"a {depth_bits}-bit {_COLOR_TYPES.get(color_type, 'unknown')} PNG"
    return ""


def is_deep_png(path: Path) -> bool:
    """Whether a file begins as a gray PNG of 16 bits, as which depth is stored; False where it cannot be read."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            head = file.read(26)
    except OSError:
        return False
    return head.startswith(_SIGNATURE) and head[12:16] == b"IHDR" and tuple(head[24:]) == (16, 0)
