"""NumPy files of strangers: what an array claims to be is looked at before any memory is taken for it."""

from __future__ import annotations

import io
import math
import zipfile
from io import BufferedIOBase
from pathlib import Path
from typing import Any, cast

import numpy as np

from graspseg.datasets.fields import optics_fields
from graspseg.errors import InputError

_EXPECTED = "expected depth as integers or float meters"
_PIXEL_BYTES = 16
_MOST_MEMBERS = 100
_DEPTH = "depth"


def load_npy(data: bytes, path: Path, *, most: int) -> np.ndarray:
    """The one 2-D array of an NPY file.

    Args:
        data: the file.
        path: what messages call it.
        most: numbers an array may have.

    Raises:
        InputError: damaged, pickled, too large, of another shape.
    """
    try:
        return _read(io.BytesIO(data), len(data), path, most=most)
    except InputError:
        raise
    except Exception as error:  # of damaged files NumPy lets errors of tokenize and others through
        raise InputError(
            f"{path} is no whole NPY array ({type(error).__name__}), {_EXPECTED}: save it again."
        ) from error


def load_npz(data: bytes, path: Path, *, most: int) -> np.ndarray:
    """The 2-D array of an NPZ file: that called `depth`, else the only one.

    Args:
        data: the file.
        path: what messages call it.
        most: numbers an array may have.

    Raises:
        InputError: damaged, pickled, too large, of another shape, or not one such array.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            member = _chosen(archive, path)
            with archive.open(member) as file:
                return _read(cast(BufferedIOBase, file), member.file_size, path, most=most)
    except InputError:
        raise
    except Exception as error:  # of damaged files zipfile lets errors of zlib, lzma and others through
        raise InputError(
            f"{path} is no whole NPZ file ({type(error).__name__}), {_EXPECTED}: save it again."
        ) from error


def unread_optics(data: bytes, path: Path) -> tuple[str, ...]:
    """A sentence on arrays of an NPZ file that say what unit or camera its depth has, where there are any.

    Args:
        data: the file, of which `load_npz` could read the depth.
        path: what messages call it.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [member.filename.removesuffix(".npy") for member in archive.infolist()]
    found = ", ".join(optics_fields(names))
    return (f"{path} holds {found:.80}, which nobody reads: give --depth-unit, --fx or dataset.json",) if found else ()


def load_arrays(data: bytes, *, most_bytes: int, only: str | None = None) -> dict[str, np.ndarray]:
    """Every array of an NPZ file by name.

    Args:
        data: the file.
        most_bytes: the arrays may take together.
        only: read no other than the one of this name.

    Raises:
        ValueError: they would take more; and whatever NumPy raises of a damaged file.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        promised = sum(member.file_size for member in archive.infolist())
        if len(archive.infolist()) > _MOST_MEMBERS or promised > most_bytes:
            raise ValueError(f"arrays of {promised} bytes, expected at most {most_bytes}")
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files if only in (None, name)}


def _chosen(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
    named = [member for name, member in members.items() if name.casefold() == _DEPTH]
    found = named or list(members.values())
    if len(found) != 1:
        names = ", ".join(sorted(members))
        raise InputError(
            f"{path} holds several arrays or none ({names:.200}), expected one, or one called {_DEPTH!r}: save it so."
        )
    return found[0]


def _read(file: BufferedIOBase, length: int, path: Path, *, most: int) -> np.ndarray:
    """An array, after a look at its header."""
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, in_columns, kind = np.lib.format.read_array_header_1_0(file)
    elif version in ((2, 0), (3, 0)):
        shape, in_columns, kind = np.lib.format.read_array_header_2_0(file)
    else:
        raise ValueError(f"version {version}")
    if kind.hasobject:
        raise ValueError("a pickle")
    if len(shape) != 2 or not all(shape):
        raise InputError(f"{path} holds {shape}, expected one array of shape (height, width): save one frame a file.")
    count = math.prod(shape)
    if count > most or kind.itemsize > _PIXEL_BYTES:
        raise InputError(
            f"{path} claims to hold {kind} of shape {shape}, expected at most {most} numbers: it is damaged, or no "
            "depth image."
        )
    if length < count * kind.itemsize:
        raise ValueError("too short")
    data = file.read(count * kind.itemsize)
    array: Any = np.frombuffer(data, kind, count)  # raises if it is too short after all
    return array.reshape(shape, order="F" if in_columns else "C")
