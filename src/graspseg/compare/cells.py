"""One cell of a comparison, an entry with a seed: trained, judged, and kept so that nothing is done twice."""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from graspseg.compare.entries import Entry, Hardware, Predictor, labels_of
from graspseg.compare.frames import CachedFrames
from graspseg.datasets.atomic import OutputError, held, make_folder, new_file, read_json, write_json
from graspseg.errors import InputError
from graspseg.evaluation.evaluate import Evaluation, Prediction, evaluate
from graspseg.evaluation.report import as_json
from graspseg.frame import Frame

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class ComparedFrames:
    """What all cells see.

    Attributes:
        train: to train on; None when nothing is trained.
        val: to draw curves with.
        judged: to judge on.
        described: what decides these frames, as plain JSON values.
    """

    train: CachedFrames | None
    val: CachedFrames | None
    judged: CachedFrames
    described: dict[str, Any] = field(default_factory=dict)

    @property
    def judged_on(self) -> dict[str, Any]:
        """The part of `described` that matters to what is not trained here."""
        return {name: self.described[name] for name in ("data", "size", "data_files") if name in self.described}


@dataclass(frozen=True)
class Cell:
    """A finished cell.

    Attributes:
        entry: what was trained and judged.
        seed: of its weights and its order of frames; None for a model that was trained before.
        folder: where its files are.
        weights: the trained model, None if there is none.
        trained: steps and seconds.
        scores: what the evaluation found, as in `graspseg evaluate --json`.
        failure: why there are no scores, else None.
    """

    entry: Entry
    seed: int | None
    folder: Path
    weights: Path | None = None
    trained: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)
    failure: str | None = None

    def matrices(self) -> Int64[np.ndarray, "frames 3 3"]:
        """Confusion matrix of every judged frame, rows = truth.

        Raises:
            InputError: the file is damaged.
        """
        path = self.folder / "matrices.npz"
        try:
            with np.load(path) as file:
                return file["matrices"]
        except (OSError, ValueError, LookupError, zipfile.BadZipFile) as error:
            raise InputError(
                f"{path} is damaged, expected one matrix for every judged frame: remove {self.folder} to do it again."
            ) from error


def cell_folder(out: Path, entry: Entry, seed: int | None) -> Path:
    """Where a cell's files are."""
    return out / "cells" / (f"{entry.name}-{seed}" if entry.seeded else f"{entry.name}.model")


def run_cell(
    entry: Entry, seed: int | None, out: Path, *, frames: ComparedFrames, hardware: Hardware, progress: Progress
) -> Cell:
    """Do what is not done yet of a cell; whatever goes wrong inside is its result, not the end of the comparison.

    A training that diverged is not tried again: it would take as long and end alike. Other failures may lie in what
    surrounds it, a package that is missing or a disk that is full, and each call tries again.

    Raises:
        InputError: the cell was begun with other settings, another process is at it, or its files cannot be written.
        ModuleNotFoundError: a package that training or judging needs is not installed.
        KeyboardInterrupt: stopped by the user; the next call goes on from there.
    """
    folder = cell_folder(out, entry, seed)
    with held(folder / "lock"):
        return _run_cell(entry, seed, folder, frames, hardware=hardware, progress=progress)


def _run_cell(
    entry: Entry, seed: int | None, folder: Path, frames: ComparedFrames, *, hardware: Hardware, progress: Progress
) -> Cell:
    seen = frames.described if entry.seeded else frames.judged_on
    check_settings(folder / "settings.json", {**seen, "entry": entry.settings(seed)}, entry.name)
    failed = folder / "failed.json"
    if failed.is_file():
        return Cell(entry, seed, folder, failure=read_json(failed)["reason"])
    try:
        trained = _trained(entry, seed, folder, frames)
        weights = entry.weights(folder)
        scores = _judged(folder, frames.judged, lambda: entry.predictor(weights, hardware), progress, model=entry.name)
    except (OutputError, ModuleNotFoundError, MemoryError):
        raise
    except Exception as error:  # of any library a network is made of
        reason = one_sentence(error)
        if _is_divergence(error):
            write_json(failed, {"reason": reason})
        return Cell(entry, seed, folder, failure=reason)
    return Cell(entry, seed, folder, weights, trained, scores)


def check_settings(path: Path, settings: dict[str, Any], name: str) -> None:
    """Record what decides a cell, or see that it is what was recorded.

    Raises:
        InputError: it is not.
    """
    if not path.is_file():
        write_json(path, settings)
        return
    recorded = _flat(read_json(path))
    given = _flat(json.loads(json.dumps(settings)))
    for key in sorted(recorded.keys() | given.keys()):
        if recorded.get(key) != given.get(key):
            raise InputError(
                f"{path.parent} was begun with {key} = {recorded.get(key)!r}, expected {given.get(key)!r} as requested "
                f"now: choose another --out, or remove that folder to do {name} again."
            )


def _flat(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by dotted names."""
    flat: dict[str, Any] = {}
    for name, value in content.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat


def _is_divergence(error: Exception) -> bool:
    if not isinstance(error, InputError):
        return False
    from graspseg.training.callbacks import DivergedError

    return isinstance(error, DivergedError)


def one_sentence(error: Exception) -> str:
    """What an error says, in one line, with its kind where the words are not ours."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or ["no message"]
    return lines[0] if isinstance(error, InputError) else f"{type(error).__name__}: {lines[0][:300]}"


def _trained(entry: Entry, seed: int | None, folder: Path, frames: ComparedFrames) -> dict[str, Any]:
    path = folder / "trained.json"
    if path.is_file():
        return read_json(path)
    weights = entry.weights(folder)
    result: dict[str, Any] = {"weights": weights.name, "steps": None, "seconds": None}
    if entry.seeded:
        assert frames.train is not None and frames.val is not None
        with _stopwatch(make_folder(folder) / "seconds.json") as seconds:
            steps = entry.train(folder, seed=seed, train=frames.train, val=frames.val)
        result = {"weights": str(weights.relative_to(folder)), "steps": steps, "seconds": seconds()}
    write_json(path, result)
    return result


@contextmanager
def _stopwatch(path: Path) -> Iterator[Callable[[], float]]:
    """Count seconds over all calls of the same kind; those of a call that is killed are lost."""
    before = read_json(path) if path.is_file() else 0.0
    start = time.monotonic()

    def seconds() -> float:
        return round(before + time.monotonic() - start, 1)

    try:
        yield seconds
    finally:
        write_json(path, seconds())


def _judged(
    folder: Path, judged: CachedFrames, load: Callable[[], Predictor], progress: Progress, *, model: str
) -> dict[str, Any]:
    path = folder / "judged.json"
    if path.is_file():
        return read_json(path)
    evaluation, matrices = judge(load(), judged, progress=lambda done: progress("judging", done, len(judged)))
    with new_file(folder / "matrices.npz") as file:
        np.savez_compressed(file, matrices=matrices)
    report = as_json(evaluation, data="", model=model)
    result = {name: report[name] for name in ("frames", "failed", "scores")}
    write_json(path, result)
    return result


def judge(
    predict: Predictor, samples: CachedFrames, *, progress: Callable[[int], None]
) -> tuple[Evaluation, Int64[np.ndarray, "frames 3 3"]]:
    """All scores on all frames, and the confusion matrix of each; the one place that knows how `evaluate` is called."""
    matrices: list[np.ndarray] = []

    def segment(frame: Frame) -> Prediction:
        probabilities = predict(frame)
        return Prediction(labels_of(probabilities, frame), probabilities)

    evaluation = evaluate(
        segment, samples, rules=False, worst=0, progress=progress, on_frame=lambda frame: matrices.append(frame.matrix)
    )
    return evaluation, np.stack(matrices)
