"""A forest from and to its file, see `archive.py`."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np

from graspseg.datasets.atomic import write_bytes
from graspseg.forest.archive import ARRAYS, FORMAT, HEADER, STAGES, array_digest, no_forest, read_archive
from graspseg.forest.forest import Forest
from graspseg.forest.settings import ForestSettings, StageSettings
from graspseg.forest.trees import Trees


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
        "sha256": array_digest(arrays),
    }
    data = io.BytesIO()
    text = np.frombuffer(json.dumps(header).encode(), np.uint8)
    np.savez_compressed(data, allow_pickle=False, **{HEADER: text}, **arrays)
    write_bytes(path, data.getbuffer())


def read_forest(path: Path) -> Forest:
    """Read a forest, strictly.

    Raises:
        InputError: the file is missing, damaged, of another format, or no forest.
    """
    header, arrays = read_archive(path)
    try:
        settings = _settings(header["settings"])
        weights = tuple(float(weight) for weight in header["weights"])
        find, segment = (_unpacked(arrays, stage, getattr(settings, stage).reach_m) for stage in STAGES)
    except (TypeError, ValueError, LookupError, AttributeError, OverflowError) as error:
        raise no_forest(path, str(error).partition(", expected")[0] or type(error).__name__) from error
    if len(weights) != 3 or not all(0 < weight < 1e6 for weight in weights):
        raise no_forest(path, f"weights {weights}")
    for stage, trees in zip(STAGES, (find, segment), strict=True):
        problem = trees.problem()
        if problem is not None:
            raise no_forest(path, f"in stage {stage} {problem}")
    return Forest(settings, find, segment, weights, header["trained"])


def _packed(trees: Trees) -> dict[str, np.ndarray]:
    return {name: np.packbits(trees.splits) if name == "splits" else getattr(trees, name) for name in ARRAYS}


def _unpacked(arrays: dict[str, np.ndarray], stage: str, reach_m: float) -> Trees:

    own = {name: arrays[f"{stage}_{name}"] for name in ARRAYS}
    count = int(own["sizes"].sum(dtype=np.int64))
    if count > 8 * len(own["splits"]) or count < 0:
        raise ValueError(f"{len(own['splits'])} bytes for {count} nodes")
    own["splits"] = np.unpackbits(own["splits"], count=count).astype(bool)
    return Trees(**own, reach_m=reach_m)


def _settings(values: object) -> ForestSettings:
    """Settings of the header; unknown or missing ones are errors."""
    names = {field.name for field in fields(ForestSettings)}
    if not isinstance(values, dict):
        raise TypeError(f"settings of type {type(values).__name__}")
    if set(values) != names:
        raise ValueError(f"settings {', '.join(sorted(names ^ set(values)))} too many or too few")
    stages = {name: StageSettings(**values[name]) for name in STAGES}
    return ForestSettings(**{**values, **stages})
