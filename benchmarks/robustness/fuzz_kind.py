"""What a kind of file is for fuzzing, and what the families of kinds share.

What a reader gives is a list of digests, one for each frame, label image or the like. Of a kind whose content has
checksums, whatever is still read of a damaged file must be as it was; of every kind that knows its end, this holds for
a file that was cut. What is missing must be said.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from graspseg.errors import InputError
from ros_samples import HEIGHT, WIDTH


class Reading(NamedTuple):
    """What was read, and whether the reader said that something is missing."""

    items: list[str]
    said_loss: bool = False


class Kind(NamedTuple):
    """A kind of file.

    Attributes:
        name: for reports.
        make: writes a good one into a folder; returns the file that is then damaged.
        read: reads all of it.
        checked: checksums cover its content.
        has_end: a cut can be seen.
        share: how often it is drawn, against 10 of others.
        variant: the same content written in another way, None for none.
    """

    name: str
    make: Callable[[Path], Path]
    read: Callable[[Path], Reading]
    checked: bool = False
    has_end: bool = True
    share: float = 10
    variant: Callable[[bytes, int], bytes] | None = None


def digest(*parts: object) -> str:
    """A short name for what was read."""
    found = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            found.update(f"{part.dtype.str}{part.shape}".encode())
            found.update(np.ascontiguousarray(part).tobytes())
        else:
            found.update(repr(part).encode())
    return found.hexdigest()[:16]


def all_of(count: int, read: Callable[[int], object], *, said_loss: bool = False) -> Reading:
    """What can be read of several; the sentence for one that cannot says what is missing."""
    items: list[str] = []
    reason: InputError | None = None
    for index in range(count):
        try:
            found = read(index)
            items.append(digest(*found) if isinstance(found, tuple) else digest(found))
        except InputError as error:
            reason = error
    if reason is not None and not items:
        raise reason
    return Reading(items, said_loss or reason is not None)


def labels(number: int) -> np.ndarray:
    found = np.zeros((HEIGHT, WIDTH), np.uint8)
    found[4:12, 3 + number : 20] = 1
    found[8:20, 15:28] = 2
    return found


def png(pixels: np.ndarray, *options: int) -> bytes:
    return cv2.imencode(".png", pixels, options)[1].tobytes()


def write(name: str, data: Callable[[], bytes]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(data())
        return path

    return make


def json_file(name: str, content: Callable[[], object]) -> Callable[[Path], Path]:
    return write(name, lambda: json.dumps(content()).encode())


def again_json(data: bytes, number: int) -> bytes:
    content, ascii_ = json.loads(data), bool(number & 2)
    return json.dumps(content, indent=number % 5 or None, sort_keys=bool(number & 1), ensure_ascii=ascii_).encode()


def again_marked(data: bytes, number: int) -> bytes:
    """As other programs write JSON: some begin it with a byte-order mark."""
    return (b"\xef\xbb\xbf" if number & 4 else b"") + again_json(data, number)
