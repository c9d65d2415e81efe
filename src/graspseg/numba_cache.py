"""Where numba keeps what it compiled, also where neither the installation nor the home folder can be written to."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

VARIABLE = "NUMBA_CACHE_DIR"


def provide_cache() -> None:
    """Name a temporary folder if numba would find none and refuse to work; worker processes inherit it."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    if VARIABLE in os.environ or _writable(Path(__file__).parent) or _writable(home):
        return
    folder = tempfile.mkdtemp(prefix="graspseg-numba-")
    os.environ[VARIABLE] = folder
    atexit.register(shutil.rmtree, folder, ignore_errors=True)


def _writable(folder: Path) -> bool:
    """Whether a folder can be written to, or be made."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    return os.access(there, os.W_OK)
