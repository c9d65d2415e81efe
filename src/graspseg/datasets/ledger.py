"""Which files of a folder are as they were written, by their hashes: nobody's corrections are written over."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8, UInt16

from graspseg.datasets.atomic import check_png_size, encode_png, sync_files, unwritable, write_bytes, write_json
from graspseg.datasets.description import read_object
from graspseg.datasets.stamp import is_damaged
from graspseg.errors import InputError

_MOST_UNSYNCED = 256

Picture = UInt8[np.ndarray, "_h _w"] | UInt8[np.ndarray, "_h _w 3"] | UInt16[np.ndarray, "_h _w"]


class Ledger:
    """The pictures, and the texts beside them, that a command wrote below a folder.

    Args:
        out: the folder.
        known: hashes by path below the folder, of pictures that earlier runs wrote.

    Attributes:
        entries: hashes of what is there now, as far as this or an earlier run wrote it.
        replaced: names (path below `depth/` and the like) of whole pictures that were written anew with other content.
    """

    def __init__(self, out: Path, known: Mapping[str, str] | None = None) -> None:
        self.out = out
        self.entries = dict(known or {})
        self.replaced: set[str] = set()
        self._unsynced: list[Path] = []

    def check(self, path: Path, image: Picture | None) -> None:
        """See that a picture may take its place (None: that what is there may go).

        Raises:
            InputError: somebody changed what is there, and not to the same picture.
            OutputError: it cannot be read.
        """
        there = _read(path)
        if there is None or _is_remains(path, there) or self._wrote(path, there):
            return
        if image is None or not _shows(there, image):
            raise _changed(path)

    def put(self, path: Path, image: Picture) -> None:
        """Write a picture, or leave it where it is there already.

        Raises:
            InputError: see `check`.
            OutputError: it is too large, the disk is full, or any other failure of the system.
        """
        check_png_size(path, image)
        self.check(path, image)
        data, there = bytes(encode_png(image)), _read(path)
        if there is not None and there != data and not (_is_remains(path, there) or self._wrote(path, there)):
            return  # the same picture in another file, which somebody may want as it is
        self._put(path, data, there)

    def check_text(self, path: Path, data: bytes) -> None:
        """See that a text may take its place.

        Raises:
            InputError: somebody changed what is there, and not to the same text.
            OutputError: it cannot be read.
        """
        there = _read(path)
        if there not in (None, data) and not (_is_remains(path, there or b"") or self._wrote(path, there or b"")):
            raise _changed(path)

    def put_text(self, path: Path, data: bytes) -> None:
        """Write a text, or leave it where it is there already.

        Raises:
            InputError: see `check_text`.
            OutputError: the disk is full, or any other failure of the system.
        """
        self.check_text(path, data)
        self._put(path, data, _read(path))

    def _put(self, path: Path, data: bytes, there: bytes | None) -> None:
        if there != data:
            if there is not None and not _is_remains(path, there):
                self.replaced.add(path.relative_to(self.out / path.relative_to(self.out).parts[0]).as_posix())
            write_bytes(path, data, durable=False)
            self._unsynced.append(path)
        self.entries[path.relative_to(self.out).as_posix()] = _digest(data)
        if len(self._unsynced) >= _MOST_UNSYNCED:
            self.sync()

    def remove(self, path: Path) -> bool:
        """Take away a file an earlier run wrote; whether one was there. What somebody changed stays.

        Raises:
            OutputError: it cannot be removed.
        """
        there = _read(path)
        if there is None or not (self._wrote(path, there) or _is_remains(path, there)):
            return False
        try:
            path.unlink()
        except OSError as error:
            raise unwritable(path, error) from error
        self.entries.pop(path.relative_to(self.out).as_posix(), None)
        return True

    def is_whole(self, path: Path) -> bool:
        """Whether a file is there and no remains of one."""
        there = _read(path)
        return there is not None and not _is_remains(path, there)

    def is_changed(self, path: Path) -> bool:
        """Whether somebody changed a file that is there."""
        there = _read(path)
        return there is not None and not _is_remains(path, there) and not self._wrote(path, there)

    def sync(self) -> None:
        """Return when a power cut would take nothing away of what was written.

        Raises:
            OutputError: the disk refuses.
        """
        sync_files(self._unsynced)
        self._unsynced.clear()

    def _wrote(self, path: Path, data: bytes) -> bool:
        return self.entries.get(path.relative_to(self.out).as_posix()) == _digest(data)


def read_ledger(path: Path) -> dict[str, str]:
    """Hashes that `write_ledger` kept; none where there is no usable file: then nothing counts as written by us."""
    if not path.is_file():
        return {}
    try:
        return {str(name): str(digest) for name, digest in read_object(path)["pictures"].items()}
    except (InputError, LookupError, AttributeError):
        return {}


def write_ledger(path: Path, ledger: Ledger) -> None:
    """Keep the hashes of what is on the disk for certain.

    Raises:
        OutputError: the disk is full or not writable.
    """
    ledger.sync()
    write_json(path, {"pictures": dict(sorted(ledger.entries.items()))})


def _is_remains(path: Path, data: bytes) -> bool:
    """Whether a file is what a power cut left of one: of a picture a part, of a text zeros."""
    return is_damaged(data) if path.suffix == ".png" else b"\0" in data


def _changed(path: Path) -> InputError:
    return InputError(
        f"{path} was changed since it was written, or is another program's, expected nothing that would be lost: move "
        "it away to have it written again."
    )


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise unwritable(path, error) from error


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def _shows(data: bytes, image: Picture) -> bool:
    """Whether a file holds a picture, pixel by pixel."""
    there = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if there is not None and there.ndim == 3 and there.shape[2] == 3:
        there = cv2.cvtColor(there, cv2.COLOR_BGR2RGB)
    return there is not None and there.dtype == image.dtype and np.array_equal(there, image)
