"""Tells data on disk from what it was when somebody corrected a label or put another file in its place."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from graspseg.errors import InputError

WHOLE = 4 << 20  # bytes; a larger file, such as a shard, counts with size, time, and as much of its two ends
_DIGITS = 12


def fingerprint(path: Path) -> str:
    """Hexadecimal digits that change with the name or content of a file, or of any file below a folder but hidden ones.

    Links to folders are followed, each folder is read once. Content of more than 4 MiB is not read to the middle; a
    change there shows in the time.

    Raises:
        InputError: a file cannot be read.
    """
    found = hashlib.sha256()
    for name, file in sorted(_files(path)):
        try:
            found.update(f"{name}\0{_content(file)}\n".encode(errors="surrogateescape"))
        except OSError as error:
            raise InputError(
                f"{file} could not be read ({error.strerror}), expected a file of frames to compare on: check it."
            ) from error
    return found.hexdigest()[:_DIGITS]


def _files(path: Path) -> Iterator[tuple[str, Path]]:
    """Name below the path, and place, of every file."""
    if path.is_file():
        yield path.name, path
    seen: set[str] = set()
    for place, folders, names in os.walk(path, followlinks=True):
        seen.add(os.path.realpath(place))
        folders[:] = [folder for folder in folders if os.path.realpath(Path(place, folder)) not in seen]
        for file in (Path(place, name) for name in names if not name.startswith(".")):
            if file.is_file():
                yield file.relative_to(path).as_posix(), file


def _content(path: Path) -> str:
    status = path.stat()
    with path.open("rb") as file:
        if status.st_size <= WHOLE:
            return hashlib.sha256(file.read()).hexdigest()
        ends = hashlib.sha256(file.read(WHOLE // 2))
        file.seek(-(WHOLE // 2), os.SEEK_END)
        ends.update(file.read())
    return f"{status.st_size} {status.st_mtime_ns} {ends.hexdigest()}"
