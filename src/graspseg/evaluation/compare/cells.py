"""One cell of a comparison, an entry with a seed: trained, judged, and kept so that nothing is done twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from graspseg.datasets.atomic import OutputError, make_folder, new_file, write_json
from graspseg.evaluation.compare.entries import AnyEntry, ModelEntry
from graspseg.evaluation.compare.frames import CachedFrames
from graspseg.evaluation.compare.rows import Predictor, labels_of, predictor, settings_of, train_entry
from graspseg.evaluation.evaluate import Evaluation, Prediction, evaluate
from graspseg.evaluation.report import as_json
from graspseg.frame import Frame, InputError

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
        return {name: self.described.get(name) for name in ("data", "size")}


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

    entry: AnyEntry
    seed: int | None
    folder: Path
    weights: Path | None = None
    trained: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)
    failure: str | None = None

    def matrices(self) -> Int64[np.ndarray, "frames 3 3"]:
        """Confusion matrix of every judged frame, rows = truth."""
        with np.load(self.folder / "matrices.npz") as file:
            return file["matrices"]


def cell_folder(out: Path, entry: AnyEntry, seed: int | None) -> Path:
    """Where a cell's files are."""
    return out / "cells" / (entry.name if seed is None else f"{entry.name}-{seed}")


def run_cell(
    entry: AnyEntry, seed: int | None, out: Path, *, frames: ComparedFrames, threads: int, progress: Progress
) -> Cell:
    """Do what is not done yet of a cell; whatever goes wrong inside is its result, not the end of the comparison.

    Raises:
        InputError: the cell was begun with other settings, or its files cannot be written.
        KeyboardInterrupt: stopped by the user; the next call goes on from there.
    """
    folder = cell_folder(out, entry, seed)
    seen = frames.judged_on if isinstance(entry, ModelEntry) else frames.described
    check_settings(folder / "settings.json", {**seen, "entry": settings_of(entry, seed)}, entry.name)
    failed = folder / "failed.json"
    if failed.is_file():
        return Cell(entry, seed, folder, failure=json.loads(failed.read_text())["reason"])
    try:
        trained = _trained(entry, seed, folder, frames)
        weights = entry.path if isinstance(entry, ModelEntry) else folder / trained["weights"]
        scores = _judged(entry, weights, folder, frames.judged, threads=threads, progress=progress)
    except OutputError:
        raise
    except Exception as error:  # of any library a network is made of
        reason = _sentence(error)
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
    recorded = _flat(json.loads(path.read_text()))
    given = _flat(json.loads(json.dumps(settings)))
    for key in sorted(recorded.keys() | given.keys()):
        if recorded.get(key) != given.get(key):
            raise InputError(
                f"{path.parent} was begun with {key} = {recorded.get(key)!r}, expected {given.get(key)!r} as asked for "
                f"now: choose another --out, or remove that folder to do {name} again."
            )


def _flat(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by dotted names."""
    flat: dict[str, Any] = {}
    for name, value in content.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat


def _sentence(error: Exception) -> str:
    """What an error says, in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0][:300] if lines else "no message"
    return text if isinstance(error, InputError) else f"{type(error).__name__}: {text}"


def _trained(entry: AnyEntry, seed: int | None, folder: Path, frames: ComparedFrames) -> dict[str, Any]:
    path = folder / "trained.json"
    if path.is_file():
        return json.loads(path.read_text())
    if isinstance(entry, ModelEntry):
        result: dict[str, Any] = {"weights": entry.path.name, "steps": None, "seconds": None}
    else:
        assert frames.train is not None and frames.val is not None
        done = train_entry(entry, make_folder(folder), seed=seed, train=frames.train, val=frames.val)
        result = {"weights": str(done.weights.relative_to(folder)), "steps": done.steps, "seconds": done.seconds}
    write_json(path, result)
    return result


def _judged(
    entry: AnyEntry, weights: Path, folder: Path, judged: CachedFrames, *, threads: int, progress: Progress
) -> dict[str, Any]:
    path = folder / "judged.json"
    if path.is_file():
        return json.loads(path.read_text())
    evaluation, matrices = judge(
        predictor(entry, weights, threads=threads), judged, progress=lambda done: progress("judging", done, len(judged))
    )
    with new_file(folder / "matrices.npz") as file:
        np.savez_compressed(file, matrices=matrices)
    report = as_json(evaluation, data="", model=entry.name)
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
