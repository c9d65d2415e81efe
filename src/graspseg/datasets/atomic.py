"""Files appear whole or not at all: written under another name, then renamed."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from jaxtyping import UInt8, UInt16

from graspseg.frame import InputError

try:
    import fcntl
except ModuleNotFoundError:  # Windows
    fcntl = None

_PARTIAL = re.compile(r"\.\d+-\d+\.tmp")
_LONGEST_PNG = 1_000_000  # of libpng


class OutputError(InputError):
    """A file or folder that cannot be written."""


def make_folder(path: Path) -> Path:
    """Create a folder with its parents.

    Raises:
        OutputError: it cannot be created or written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error
    if not os.access(path, os.W_OK):
        raise OutputError(f"{path} cannot be written to, expected a folder with write permission: choose another one.")
    return path


def write_bytes(path: Path, data: bytes | memoryview) -> None:
    """Write a file, creating its folder; nothing half-written is left on failure.

    A symbolic link is followed, and a device or pipe (`/dev/stdout`) is written to: neither is replaced.

    Raises:
        OutputError: the folder cannot be created, the disk is full, or any other failure of the system.
    """
    make_folder(path.parent)
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
    except OSError as error:
        raise unwritable(path, error) from error
    with _replacing(Path(os.path.realpath(path)), path) as file:
        file.write(data)


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file to be written piece by piece; it takes its place when the block ends without error.

    Closing it within the block gives it up: nothing is left, and what stood in its place stays.

    Raises:
        OutputError: the folder cannot be created, the disk is full, or any other failure of the system.
    """
    make_folder(path.parent)
    with _replacing(path, path) as file:
        yield file
        if not file.closed:
            file.flush()
            os.fsync(file.fileno())


@contextlib.contextmanager
def _replacing(target: Path, named: Path) -> Iterator[BinaryIO]:
    """A file under another name that becomes `target` when the block ends, if it is open then; messages say `named`."""
    # Random, because processes of two machines that share the folder may have one number.
    partial = target.with_name(f".{os.getpid()}-{secrets.randbits(63)}.tmp")
    try:
        with partial.open("wb") as file:
            _hold(file)
            yield file
            given_up = file.closed
        if not given_up:
            os.replace(partial, target)
    except OSError as error:
        raise unwritable(named, error) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


def partial_files(folder: Path) -> list[Path]:
    """Files that processes which are no more left half-written in a folder."""
    return [path for path in sorted(folder.glob(".*.tmp")) if _PARTIAL.fullmatch(path.name) and _is_abandoned(path)]


def _hold(file: BinaryIO) -> None:
    """Lock a file until it is closed or the process ends, however that happens."""
    if fcntl is not None:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_abandoned(path: Path) -> bool:
    """Whether nobody holds a file any more; where that cannot be found out, somebody does."""
    if fcntl is None:
        return False
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a lock file, so that two processes do not write the same things; where there are no locks, they may.

    Raises:
        InputError: another process holds it.
        OutputError: it cannot be made.
    """
    if fcntl is None:
        yield
        return
    make_folder(path.parent)
    try:
        file = path.open("ab")
    except OSError as error:
        raise unwritable(path, error) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"{path.parent} is being worked on by another process, expected one at a time: wait for it or stop it."
            ) from error
        except OSError:  # a file system without locks
            pass
        yield


def read_json(path: Path) -> Any:
    """Read a JSON file that this program wrote.

    Raises:
        InputError: it cannot be read or is damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) else "no whole JSON"
        raise InputError(
            f"{path} cannot be used ({what}), expected it as graspseg wrote it: remove {path.parent} to have it made "
            "again."
        ) from error


def write_png(
    path: Path, image: UInt8[np.ndarray, "h w"] | UInt8[np.ndarray, "h w 3"] | UInt16[np.ndarray, "h w"]
) -> None:
    """Write a gray 8-bit, gray 16-bit or RGB picture.

    Raises:
        OutputError: too large, or see `write_bytes`.
    """
    if max(image.shape) > _LONGEST_PNG:
        raise OutputError(
            f"{path} would be {image.shape[1]}x{image.shape[0]} pixels, expected at most {_LONGEST_PNG} a side: "
            "draw less or smaller."
        )
    write_bytes(path, encode_png(image))


def encode_png(
    image: UInt8[np.ndarray, "h w"] | UInt8[np.ndarray, "h w 3"] | UInt16[np.ndarray, "h w"],
) -> memoryview:
    """A gray 8-bit, gray 16-bit or RGB picture as the bytes of a PNG file."""
    _, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image)
    return data.data


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file.

    Raises:
        OutputError: a number is not finite, which JSON cannot say, or see `write_bytes`.
    """
    try:
        text = json.dumps(content, indent=1, allow_nan=False)
    except ValueError as error:
        raise OutputError(f"{path} would hold NaN or infinity, expected finite numbers: correct the source.") from error
    write_bytes(path, (text + "\n").encode())


def unwritable(path: Path, error: OSError) -> OutputError:
    """The sentence for a failure of the system while writing."""
    reason = error.strerror or str(error)
    return OutputError(f"{path} could not be written ({reason}): free space there or choose another output folder.")
