"""A forest on disk: arrays in an .npz without pickle, and a JSON header that says what it is. Needs no numba."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graspseg.datasets.arrays import load_arrays
from graspseg.datasets.atomic import write_bytes
from graspseg.datasets.files import read_file
from graspseg.forest.settings import ForestSettings, StageSettings
from graspseg.frame import InputError

if TYPE_CHECKING:
    from graspseg.forest.forest import Forest
    from graspseg.forest.trees import Trees

FORMAT = "graspseg-forest 1"
_STAGES = ("find", "segment")
_ARRAYS = {"splits": (np.uint8, 1), "sizes": (np.int32, 1), "offsets": (np.int8, 2), "edges": (np.uint8, 1)}
_ARRAYS["leaves"] = (np.uint8, 2)
_HEADER = "header"
_KEYS = {"format", "settings", "weights", "trained", "sha256"}
_MOST_BYTES = 1 << 29
_DAMAGE = (OSError, ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError)
_WIDTHS = {"offsets": 4, "leaves": 2}


def write_forest(path: Path, forest: Forest) -> None:
    """Write a forest.

    Raises:
        OutputError: the file cannot be written.
    """
    arrays = {
        **{f"find_{name}": array for name, array in _packed(forest.find).items()},
        **{f"segment_{name}": array for name, array in _packed(forest.segment).items()},
    }
    header = {
        "format": FORMAT,
        "settings": asdict(forest.settings),
        "weights": list(forest.weights),
        "trained": dict(forest.trained),
        "sha256": _digest(arrays),
    }
    data = io.BytesIO()
    text = np.frombuffer(json.dumps(header).encode(), np.uint8)
    np.savez_compressed(data, allow_pickle=False, **{_HEADER: text}, **arrays)
    write_bytes(path, data.getbuffer())


def read_forest(path: Path) -> Forest:
    """Read a forest, strictly.

    Raises:
        InputError: the file is missing, damaged, of another format, or no forest.
    """
    from graspseg.forest.forest import Forest

    header, arrays = _read(path)
    try:
        settings = _settings(header["settings"])
        weights = tuple(float(weight) for weight in header["weights"])
        find, segment = (_unpacked(arrays, stage, getattr(settings, stage).reach_m) for stage in _STAGES)
    except (TypeError, ValueError, LookupError, AttributeError, OverflowError) as error:
        raise _no_forest(path, str(error).partition(", expected")[0] or type(error).__name__) from error
    if len(weights) != 3 or not all(0 < weight < 1e6 for weight in weights):
        raise _no_forest(path, f"weights {weights}")
    for stage, trees in zip(_STAGES, (find, segment), strict=True):
        problem = trees.problem()
        if problem is not None:
            raise _no_forest(path, f"in stage {stage} {problem}")
    return Forest(settings, find, segment, weights, header["trained"])


def read_header(path: Path) -> dict[str, Any]:
    """What a forest says about itself.

    Raises:
        InputError: see `read_forest`.
    """
    return _read(path)[0]


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of the right kinds, as they were written."""
    try:
        arrays = load_arrays(read_file(path), most_bytes=_MOST_BYTES)
        header = json.loads(arrays.pop(_HEADER).tobytes())
    except InputError:
        raise
    except _DAMAGE as error:
        raise _no_forest(path, "a file that is not whole or of another kind") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT or set(header) != _KEYS:
        found = header.get("format") if isinstance(header, dict) else None
        raise _no_forest(path, f"format {str(found)[:40]!r}")
    expected = {f"{stage}_{name}" for stage in _STAGES for name in _ARRAYS}
    if set(arrays) != expected:
        raise _no_forest(path, f"arrays {', '.join(sorted(set(arrays) ^ expected))[:80]} too many or too few")
    for name, array in arrays.items():
        kind, axes = _ARRAYS[name.partition("_")[2]]
        width = _WIDTHS.get(name.partition("_")[2])
        if array.dtype != kind or array.ndim != axes or (width is not None and array.shape[1] != width):
            raise _no_forest(path, f"{name} of {array.dtype} and shape {array.shape}")
    if header["sha256"] != _digest(arrays) or not isinstance(header["trained"], dict):
        raise _no_forest(path, "another SHA-256 than it was written with")
    return header, arrays


def _no_forest(path: Path, found: str) -> InputError:
    return InputError(
        f"{path} is no forest that can be used: found {found}, expected a file of {FORMAT!r}: copy it again, or train "
        "one with graspseg train --network forest."
    )


def _packed(trees: Trees) -> dict[str, np.ndarray]:
    return {name: np.packbits(trees.splits) if name == "splits" else getattr(trees, name) for name in _ARRAYS}


def _unpacked(arrays: dict[str, np.ndarray], stage: str, reach_m: float) -> Trees:
    from graspseg.forest.trees import Trees

    own = {name: arrays[f"{stage}_{name}"] for name in _ARRAYS}
    count = int(own["sizes"].sum(dtype=np.int64))
    if count > 8 * len(own["splits"]) or count < 0:
        raise ValueError(f"{len(own['splits'])} bytes for {count} nodes")
    own["splits"] = np.unpackbits(own["splits"], count=count).astype(bool)
    return Trees(**own, reach_m=reach_m)


def _digest(arrays: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def _settings(values: object) -> ForestSettings:
    """Settings of the header; unknown or missing ones are errors."""
    names = {field.name for field in fields(ForestSettings)}
    if not isinstance(values, dict):
        raise TypeError(f"settings of type {type(values).__name__}")
    if set(values) != names:
        raise ValueError(f"settings {', '.join(sorted(names ^ set(values)))} too many or too few")
    stages = {name: StageSettings(**values[name]) for name in _STAGES}
    return ForestSettings(**{**values, **stages})
