"""Files appear whole or not at all: written under another name, then renamed."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from jaxtyping import UInt8, UInt16

from graspseg.errors import InputError

try:
    import fcntl
except ModuleNotFoundError:  # Windows
    fcntl = None

_PARTIAL = re.compile(r"\.\d+-\d+\.tmp")
_LONGEST_PNG = 1_000_000  # of libpng
_NAME_ERRORS = {errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL}
_IN_THE_WAY = {errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ELOOP}


class OutputError(InputError):
    """A file or folder that cannot be written."""


class FileOutputError(OutputError):
    """A file that cannot be written because of its own name or content: others can, so that a run goes on."""


def make_folder(path: Path) -> Path:
    """Create a folder with its parents.

    Raises:
        OutputError: it cannot be created or written to.
    """
    try:
        if not path.is_dir():
            added = [folder for folder in (path, *path.parents) if not folder.exists()]
            path.mkdir(parents=True, exist_ok=True)
            sync_folders(folder.parent for folder in added)
    except OSError as error:
        raise unwritable(path, error) from error
    if not os.access(path, os.W_OK):
        raise OutputError(f"{path} cannot be written to, expected a folder with write permission: choose another one.")
    return path


def write_bytes(path: Path, data: bytes | memoryview, *, durable: bool = True) -> None:
    """Write a file, creating its folder; nothing half-written is left on failure, and a file keeps its permissions.

    A symbolic link is followed, and a device or pipe (`/dev/stdout`) is written to: neither is replaced.

    Args:
        path: the file.
        data: all of it.
        durable: return when a power cut would not take it away; without, call `sync_files` on many at once, which is
            several times as fast.

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
    with _replacing(Path(os.path.realpath(path)), path, durable=durable) as file:
        file.write(data)


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file to be written piece by piece; it takes its place when the block ends without error.

    Closing it within the block gives it up: nothing is left, and what stood in its place stays.

    Raises:
        OutputError: the folder cannot be created, the disk is full, or any other failure of the system.
    """
    make_folder(path.parent)
    with _replacing(path, path, durable=True) as file:
        yield file


class StagedFiles:
    """Files written beside their places and on the disk, so that putting them there takes no more space.

    A context manager: what was not put into its place by the end is taken away, with folders made for it.
    """

    def __init__(self) -> None:
        self._staged: dict[Path, Path] = {}
        self._added: list[Path] = []
        self._put: set[Path] = set()

    def __enter__(self) -> StagedFiles:
        return self

    def __exit__(self, *_: object) -> None:
        for partial in self._staged.values():
            with contextlib.suppress(OSError):
                partial.unlink()
        for folder in self._added:
            with contextlib.suppress(OSError):
                folder.rmdir()  # succeeds only when it is empty
        sync_folders(self._put)

    def add(self, path: Path, data: bytes | memoryview) -> None:
        """Write a file that `put` will place.

        Raises:
            OutputError: the folder cannot be created, the disk is full, or any other failure of the system.
        """
        self._added += [folder for folder in (path.parent, *path.parent.parents) if not folder.exists()]
        make_folder(path.parent)
        partial = self._staged[path] = _partial_name(path)
        try:
            with partial.open("wb") as file:
                file.write(data)
                _keep_permissions(path, file)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise unwritable(path, error) from error

    def put(self, path: Path) -> None:
        """Let a file take its place.

        Raises:
            OutputError: the system refuses.
        """
        try:
            os.replace(self._staged[path], path)
        except OSError as error:
            raise unwritable(path, error) from error
        del self._staged[path]
        self._put.add(path.parent)


def _partial_name(target: Path) -> Path:
    """Where a file is written first; random, because processes of two machines that share a folder may have one id."""
    return target.with_name(f".{os.getpid()}-{secrets.randbits(63)}.tmp")


@contextlib.contextmanager
def _replacing(target: Path, named: Path, *, durable: bool) -> Iterator[BinaryIO]:
    """A file under another name that becomes `target` when the block ends, if it is open then; messages say `named`."""
    partial = _partial_name(target)
    try:
        with partial.open("wb") as file:
            _hold(file)
            yield file
            given_up = file.closed
            if not given_up:
                _keep_permissions(target, file)
                file.flush()
                if durable:
                    os.fsync(file.fileno())
        if not given_up:
            os.replace(partial, target)
            if durable:
                sync_folders([target.parent])
    except OSError as error:
        raise unwritable(named, error) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


def _keep_permissions(target: Path, file: BinaryIO) -> None:
    """Give a file the mode, and where the system allows it the owner, of the one it takes the place of."""
    if not hasattr(os, "fchmod"):
        return
    with contextlib.suppress(OSError):
        before = target.stat()
        os.fchmod(file.fileno(), before.st_mode & 0o7777)
        if (before.st_uid, before.st_gid) != (os.getuid(), os.getgid()):
            os.fchown(file.fileno(), before.st_uid, before.st_gid)
            os.fchmod(file.fileno(), before.st_mode & 0o7777)  # a change of owner may take bits away


def sync_files(paths: Iterable[Path]) -> None:
    """Return when a power cut would not take away files that were written without `durable`; missing ones are none.

    Raises:
        OutputError: the disk refuses.
    """
    folders: dict[Path, None] = {}
    for path in paths:
        folders[path.parent] = None
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except OSError:
            continue
        try:
            os.fsync(descriptor)
        except OSError as error:
            raise unwritable(path, error) from error
        finally:
            os.close(descriptor)
    sync_folders(folders)


def sync_folders(folders: Iterable[Path]) -> None:
    """The same for the names in folders, where the system can do that."""
    for folder in folders:
        with contextlib.suppress(OSError):  # file systems, and all of Windows, that know no such thing
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


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

    The lock ends with the process, however that ends; its file goes with the block.

    Raises:
        InputError: another process, or another part of this one, holds it.
        OutputError: it cannot be made.
    """
    if fcntl is None:
        yield
        return
    make_folder(path.parent)
    try:
        file = _locked(path)
    except BlockingIOError as error:
        raise InputError(
            f"{path.parent} is being worked on by another process, expected one at a time: wait for it or stop it."
        ) from error
    except OSError as error:
        raise unwritable(path, error) from error
    _held.add(file)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
        _held.discard(file)
        file.close()


_held: set[BinaryIO] = set()


def _let_go() -> None:
    """In a forked child: it shall not hold what its parent held when that is killed."""
    while _held:
        _held.pop().close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


def _locked(path: Path) -> BinaryIO:
    """The open and locked file at a path; a holder removes it, so that what was opened may not be there any more."""
    assert fcntl is not None
    while True:
        file = path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise
        except OSError:  # a file system without locks
            return file
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()


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
    path: Path,
    image: UInt8[np.ndarray, "h w"] | UInt8[np.ndarray, "h w 3"] | UInt16[np.ndarray, "h w"],
    *,
    durable: bool = True,
) -> None:
    """Write a gray 8-bit, gray 16-bit or RGB picture.

    Raises:
        OutputError: too large, or see `write_bytes`.
    """
    check_png_size(path, image)
    write_bytes(path, encode_png(image), durable=durable)


def check_png_size(path: Path, image: np.ndarray) -> None:
    """See that a picture fits the format.

    Raises:
        OutputError: it does not.
    """
    if max(image.shape) > _LONGEST_PNG:
        raise FileOutputError(
            f"{path} would be {image.shape[1]}x{image.shape[0]} pixels, expected at most {_LONGEST_PNG} a side: "
            "draw less or smaller."
        )


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
        raise FileOutputError(
            f"{path} would hold NaN or infinity, expected finite numbers: correct the source."
        ) from error
    write_bytes(path, (text + "\n").encode())


def unwritable(path: Path, error: OSError) -> OutputError:
    """The sentence for a failure of the system while writing."""
    failed = f"{path} could not be written ({error.strerror or error})"
    if error.errno in _NAME_ERRORS:
        return FileOutputError(f"{failed}, expected a name that this system can hold: choose a shorter one.")
    if error.errno in _IN_THE_WAY:
        return FileOutputError(f"{failed}: remove what is in the way or choose another output folder.")
    return OutputError(f"{failed}: free space there or choose another output folder.")


def ends_run(error: InputError) -> bool:
    """Whether what a frame failed for would stop all others too: a full disk does, a name that is too long does not."""
    return isinstance(error, OutputError) and not isinstance(error, FileOutputError)
