"""How each kind of entry is trained, and how it says what it sees in a frame."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from graspseg.compare.entries import AnyEntry, Entry, ForestEntry
from graspseg.compare.frames import CachedFrames
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics

Predictor = Callable[[Frame], Float32[np.ndarray, "3 h w"]]
RUN = "run"
_FOREST_FILE = "forest.npz"


@dataclass(frozen=True)
class Trained:
    """What training left behind.

    Attributes:
        weights: the file that `predictor` reads.
        steps: optimizer steps; None where there are none.
    """

    weights: Path
    steps: int | None


def settings_of(entry: AnyEntry, seed: int | None) -> dict[str, Any]:
    """Everything about an entry that decides its results, as plain JSON values."""
    if isinstance(entry, Entry):
        from graspseg.training.config_file import config_dict

        settings = config_dict(replace(entry.config, seed=seed or 0))
        return {name: value for name, value in settings.items() if name != "compute"}
    if isinstance(entry, ForestEntry):
        return {"network": entry.name, "seed": seed}
    with entry.path.open("rb") as file:
        return {"model": entry.path.name, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def train_entry(entry: AnyEntry, folder: Path, *, seed: int | None, train: CachedFrames, val: CachedFrames) -> Trained:
    """Train an entry, or go on where an earlier call was stopped.

    Raises:
        InputError: it cannot be trained; other errors of its libraries may come as well.
    """
    if isinstance(entry, Entry):
        from graspseg.training.run import train as train_network
        from graspseg.training.run_folder import MODEL

        out = folder / RUN
        config = replace(entry.config, seed=seed or 0)
        if not (out / MODEL).is_file():
            train_network(config, out, resume=(out / "config.json").is_file(), frames=(train, val))
        return Trained(out / MODEL, config.steps)
    if isinstance(entry, ForestEntry):
        from graspseg.forest.file import write_forest
        from graspseg.forest.settings import ForestSettings
        from graspseg.forest.training import train_forest

        write_forest(folder / _FOREST_FILE, train_forest(train, ForestSettings(), seed=seed or 0))
        return Trained(folder / _FOREST_FILE, None)
    return Trained(entry.path, None)


def predictor(entry: AnyEntry, weights: Path, *, threads: int) -> Predictor:
    """What a trained entry says of a frame: probabilities of background, hand and object.

    Raises:
        InputError: the weights cannot be used, or hold another network than the entry names.
    """
    if isinstance(entry, ForestEntry):
        from graspseg.forest.file import read_forest

        forest = read_forest(weights)
        return lambda frame: forest.probabilities(frame.depth_m(), frame.intrinsics_or_default())
    if weights.suffix == ".onnx":
        from graspseg.segment.segmenter import Segmenter

        segmenter = Segmenter(weights, threads=threads, precision="float32")
        return lambda frame: segmenter(frame).probabilities
    from graspseg.training.eager import load_eager

    engine, card = load_eager(weights, threads=threads)
    if isinstance(entry, Entry):
        from graspseg.training.model_file import network_name

        expected = network_name(entry.config)
        if card.network != expected:
            raise InputError(f"{weights} holds the network {card.network}, expected {expected}: remove its folder.")
    return lambda frame: engine(frame.depth_m(), pixel_angle(frame.intrinsics_or_default()))


def pixel_angle(camera: Intrinsics) -> float:
    """Radians a pixel of a whole frame covers, as training on whole frames has it."""
    return 1.0 / camera.fx


def labels_of(probabilities: Float32[np.ndarray, "3 h w"], frame: Frame) -> UInt8[np.ndarray, "h w"]:
    """The likeliest class; background where nothing was measured."""
    labels = probabilities.argmax(axis=0).astype(np.uint8)
    labels[frame.depth == 0] = 0
    return labels
