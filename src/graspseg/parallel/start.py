"""How worker processes start: none of them imports from the current folder, where a stranger's `pickle.py` may lie.

Python puts the current folder first on the import path of `python -c` and `python -m`, and multiprocessing starts its
processes, and those that help them, with `python -c`. Only what Python has loaded anyhow is imported here: it runs
before that folder is off the path of `python -m graspseg.cli.main`.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder

_SWITCH = "PYTHONSAFEPATH"


def leave_current_folder() -> None:
    """Take the current folder off the import path of this process, and of every process it starts from now on."""
    sys.path[:] = _safe_path()
    os.environ[_SWITCH] = "1"


@contextlib.contextmanager
def without_current_folder() -> Iterator[None]:
    """Python processes that are started meanwhile do not have the current folder on their import path."""
    path, switch = list(sys.path), os.environ.get(_SWITCH)
    leave_current_folder()
    try:
        yield
    finally:
        sys.path[:] = path
        if switch is None:
            os.environ.pop(_SWITCH, None)
        else:
            os.environ[_SWITCH] = switch


def _safe_path() -> list[str]:
    """The import path of this process without the current folder.

    Python puts it first, by name for `python -m` and as "" where there is no program file. It stays where the
    program itself comes from it (`python -m own_module`): its person chose to run what lies there.
    """
    first, *rest = sys.path or [""]
    kept = [first] if first and not _is_put_by_python(first) else []
    return kept + [entry for entry in rest if entry]


def _is_put_by_python(first: str) -> bool:
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if sys.flags.safe_path or spec is None:
        return False
    try:
        current = os.path.samefile(first, os.curdir)
    except OSError:
        return False
    return current and PathFinder.find_spec(spec.name.partition(".")[0], [first]) is None
