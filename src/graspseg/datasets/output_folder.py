"""The folder a command writes to: one process at a time, nothing of others, nothing left over from killed runs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from graspseg.datasets.atomic import OutputError, held, make_folder, partial_files
from graspseg.errors import InputError

LOCK = ".graspseg.lock"
_LITTER = {LOCK, ".DS_Store", "Thumbs.db", "desktop.ini"}


@contextlib.contextmanager
def working_in(out: Path) -> Iterator[None]:
    """Make a folder and hold it for one run; when the run leaves nothing in it, it goes again.

    Raises:
        InputError: another process is working in it.
        OutputError: it cannot be made or written to.
    """
    added = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        make_folder(out)
        with held(out / LOCK):
            yield
    finally:
        with contextlib.suppress(OSError):
            for folder in added:
                folder.rmdir()  # succeeds only when it is empty


def contents(out: Path) -> list[Path]:
    """What is in a folder, without our lock, what killed runs left half-written, and litter of file browsers."""
    if not out.is_dir():
        return []
    partial = set(partial_files(out))
    return [path for path in sorted(out.iterdir()) if path.name not in _LITTER and path not in partial]


def foreign(out: Path, found: Path | str, command: str, *, why: str = "") -> InputError:
    """The sentence for a folder in which something lies that is not a command's own.

    Args:
        out: the folder.
        found: what lies there.
        command: such as `graspseg annotate`.
        why: what about it is not as the command would have left it.
    """
    found = found.relative_to(out) if isinstance(found, Path) else found
    because = f": {why}" if why else ""
    return InputError(
        f"{out} holds something else ({found}{because}), expected a new folder or one begun by {command}: choose "
        "another --out."
    )


def refuse_foreign(out: Path, patterns: Iterable[str], command: str) -> None:
    """Refuse to write where files lie that a command would replace, and nothing says they are its own.

    Args:
        out: the folder.
        patterns: what the command writes, as in `Path.glob`.
        command: such as `graspseg annotate`.

    Raises:
        InputError: there is such a file.
    """
    for pattern in patterns:
        found = next(iter(sorted(out.glob(pattern))), None)
        if found is not None:
            raise foreign(out, found, command)


def clear_partial(out: Path, *folders: str) -> None:
    """Remove what killed runs left half-written in a folder of ours.

    Args:
        out: the folder itself.
        folders: those below it that are looked through as well, with all in them; `.` = all.

    Raises:
        OutputError: a file cannot be removed.
    """
    places = [out, *(Path(place) for name in folders for place, _, _ in os.walk(out / name))]
    try:
        for place in places:
            for path in partial_files(place):
                path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"{out} could not be cleared of half-written files ({error.strerror}), expected a folder with write "
            "permission: choose another one."
        ) from error


def remove_results(paths: Iterable[Path], top: Path) -> int:
    """Remove results of an earlier run, and folders below `top` that become empty; the number of files.

    Raises:
        OutputError: one cannot be removed.
    """
    count, folders = 0, set()
    for path in filter(os.path.lexists, paths):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(
                f"{path} could not be removed ({error.strerror}), expected a folder with write permission: choose "
                "another --out."
            ) from error
        count += 1
        folders.add(path.parent)
    remove_empty(folders, top)
    return count


def remove_empty(folders: Iterable[Path], top: Path) -> None:
    """Remove folders below `top` that hold nothing, and those above them that then do neither."""
    for folder in sorted(folders, key=lambda folder: len(folder.parts), reverse=True):
        with contextlib.suppress(OSError):
            while folder != top:
                folder.rmdir()  # succeeds only when it is empty
                folder = folder.parent
