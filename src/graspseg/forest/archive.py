"""A forest's file as it lies on disk: arrays in an .npz without pickle, and a JSON header. Needs no numba."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from graspseg.datasets.arrays import load_arrays
from graspseg.datasets.files import read_file
from graspseg.errors import InputError

FORMAT = "graspseg-forest 1"
STAGES = ("find", "segment")
ARRAYS = {"splits": (np.uint8, 1), "sizes": (np.int32, 1), "offsets": (np.int8, 2), "edges": (np.uint8, 1)}
ARRAYS["leaves"] = (np.uint8, 2)
HEADER = "header"
_KEYS = {"format", "settings", "weights", "trained", "sha256"}
_MOST_BYTES = 1 << 29
_DAMAGE = (OSError, ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError)
_WIDTHS = {"offsets": 4, "leaves": 2}


def read_header(path: Path) -> dict[str, Any]:
    """What a forest says about itself.

    Raises:
        InputError: the file is missing, damaged, or of another format.
    """
    return read_archive(path)[0]


def read_archive(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of the right kinds, as they were written.

    Raises:
        InputError: the file is missing, damaged, or of another format.
    """
    try:
        arrays = load_arrays(read_file(path), most_bytes=_MOST_BYTES)
        header = json.loads(arrays.pop(HEADER).tobytes())
    except InputError:
        raise
    except _DAMAGE as error:
        raise no_forest(path, "a file that is not whole or of another kind") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT or set(header) != _KEYS:
        found = header.get("format") if isinstance(header, dict) else None
        raise no_forest(path, f"format {str(found)[:40]!r}")
    expected = {f"{stage}_{name}" for stage in STAGES for name in ARRAYS}
    if set(arrays) != expected:
        raise no_forest(path, f"arrays {', '.join(sorted(set(arrays) ^ expected))[:80]} too many or too few")
    for name, array in arrays.items():
        kind, axes = ARRAYS[name.partition("_")[2]]
        width = _WIDTHS.get(name.partition("_")[2])
        if array.dtype != kind or array.ndim != axes or (width is not None and array.shape[1] != width):
            raise no_forest(path, f"{name} of {array.dtype} and shape {array.shape}")
    if header["sha256"] != array_digest(arrays) or not isinstance(header["trained"], dict):
        raise no_forest(path, "another SHA-256 than it was written with")
    return header, arrays


def no_forest(path: Path, found: str) -> InputError:
    """The error that a file is no forest, with what was found instead."""
    return InputError(
        f"{path} is no forest that can be used: found {found}, expected a file of {FORMAT!r}: copy it again, or train "
        "one with graspseg train --network forest."
    )


def array_digest(arrays: dict[str, np.ndarray]) -> str:
    """SHA-256 of names and contents, hexadecimal."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()
