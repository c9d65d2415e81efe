"""Pictures that say which command wrote them, and by a hash whether anything happened to them since.

A folder needs no list of what is whose: a person's correction has no such stamp, and what a power cut left has a wrong
one.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from pathlib import Path
from typing import Literal

from graspseg.datasets.atomic import unwritable

Maker = Literal["segment"]
State = Literal["absent", "ours", "damaged", "other"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_BEHIND_HEADER = 33
_FRAME = 12  # bytes of a chunk beside its data: length, type, CRC
_HASH_DIGITS = 32


def stamped(png: bytes | memoryview, maker: Maker) -> bytes:
    """A PNG with a text chunk that names its maker and the hash of everything else in it."""
    png = bytes(png)
    text = _label(maker) + _hash(png)
    body = b"tEXt" + text
    chunk = struct.pack(">I", len(text)) + body + struct.pack(">I", zlib.crc32(body))
    return png[:_BEHIND_HEADER] + chunk + png[_BEHIND_HEADER:]


def state_of(path: Path, maker: Maker) -> State:
    """What is at a path where a maker writes a picture.

    Returns:
        `ours`: written by this maker and unchanged; `damaged`: empty, zeros or a PNG without its end, as a power cut
        leaves them; `other`: anything else, which somebody may want to keep.

    Raises:
        OutputError: it cannot be read.
    """
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return "absent"
    except IsADirectoryError:
        return "other"
    except OSError as error:
        raise unwritable(path, error) from error
    if is_stamped(data, maker):
        return "ours"
    return "damaged" if is_damaged(data) else "other"


def is_stamped(png: bytes, maker: Maker) -> bool:
    """Whether a picture is as its maker wrote it."""
    start, label = _BEHIND_HEADER + 8, b"tEXt" + _label(maker)
    text = start + len(label) - 4
    if not png.startswith(label, start - 4):
        return False
    end = text + _HASH_DIGITS
    return png[text:end] == _hash(png[:_BEHIND_HEADER] + png[end + 4 :])


def is_damaged(data: bytes) -> bool:
    """Whether data is what is left of a picture: nothing, zeros, or a PNG that is cut or has a wrong check sum."""
    if not data.strip(b"\0"):
        return True
    if not data.startswith(_SIGNATURE):
        return False
    at = len(_SIGNATURE)
    while at + _FRAME <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + _FRAME + length
        if end > len(data) or struct.unpack_from(">I", data, end - 4)[0] != zlib.crc32(data[at + 4 : end - 4]):
            return True
        if kind == b"IEND":
            return False
        at = end
    return True


def _label(maker: Maker) -> bytes:
    return b"Software\0graspseg " + maker.encode() + b" "


def _hash(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_HASH_DIGITS // 2).hexdigest().encode()
