"""Milliseconds of every entry, batch 1, taken in turns so that a busy machine slows all of them alike."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from graspseg.compare.cells import Cell, Progress, one_sentence
from graspseg.compare.entries import TIMED, Hardware, Predictor
from graspseg.compare.frames import CachedFrames, Size
from graspseg.datasets.atomic import read_json, write_json
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics

_CALLS_A_TURN = 5
_FRAMES = 8


@dataclass(frozen=True)
class TimingSettings:
    """How entries are timed.

    Attributes:
        size: of the frames that are timed.
        hardware: where; the runtime is on the CPU always.
        calls: timed calls of every entry; a few in every turn, and one before them that is not timed.
    """

    size: Size
    hardware: Hardware = field(default_factory=Hardware)
    calls: int = 100


def time_cells(
    cells: Sequence[Cell], judged: CachedFrames, out: Path, *, settings: TimingSettings, progress: Progress
) -> dict[str, dict[str, Any]]:
    """Time one cell of every entry, in PyTorch and in the runtime; times of an earlier call are kept.

    A later call that has more entries times all of them again, for times are compared with each other only where they
    were taken side by side.

    Returns:
        By entry, `eager_ms` in PyTorch (the forest: in numba) and `runtime_ms` in OpenVINO, with `p50` and `p99` each
        or None, and `export_failure`, a sentence or None. An exported model runs in OpenVINO only, with its windows.
    """
    path = out / "timing.json"
    requested = {
        "entries": sorted(cell.entry.name for cell in cells),
        "size": str(settings.size),
        "threads": settings.hardware.threads,
        "device": settings.hardware.device,
        "calls": settings.calls,
        "weights": {cell.entry.name: _digest(cell) for cell in cells},
    }
    kept: dict[str, Any] = {}
    with contextlib.suppress(InputError):
        kept = read_json(path)
    # What could not be exported may lie in what surrounds it and is tried again.
    if kept.get("asked") == requested and not any(times["export_failure"] for times in kept["entries"].values()):
        return kept["entries"]
    frames = _frames_of_size(judged, settings.size)
    calls: dict[tuple[str, str], Predictor] = {}
    failures: dict[str, str] = {}
    for cell in cells:
        assert cell.weights is not None
        eager = cell.entry.eager(cell.weights, settings.hardware)
        if eager is not None:
            calls[cell.entry.name, "eager_ms"] = eager
        try:
            runtime = cell.entry.runtime(cell.weights, cell.folder, settings.hardware, settings.size)
            if runtime is not None:
                runtime(frames[0])
                calls[cell.entry.name, "runtime_ms"] = runtime
        except Exception as error:  # of any library that exports or runs
            failures[cell.entry.name] = one_sentence(error)
            (cell.folder / TIMED.format(settings.size)).unlink(missing_ok=True)
    taken = _in_turns(calls, frames, settings, progress)
    entries = {
        cell.entry.name: {
            **{kind: taken.get((cell.entry.name, kind)) for kind in ("eager_ms", "runtime_ms")},
            "export_failure": failures.get(cell.entry.name),
        }
        for cell in cells
    }
    write_json(path, {"asked": requested, "entries": entries})
    return entries


def _in_turns(
    calls: dict[tuple[str, str], Predictor],
    frames: list[Frame],
    settings: TimingSettings,
    progress: Progress,
) -> dict[tuple[str, str], dict[str, float]]:
    milliseconds: dict[tuple[str, str], list[float]] = {key: [] for key in calls}
    turns = range(0, settings.calls, _CALLS_A_TURN)
    for turn, first in enumerate(turns):
        for key, call in calls.items():
            for number in range(min(_CALLS_A_TURN, settings.calls - first) + 1):
                frame = frames[(first + number) % len(frames)]
                start = time.perf_counter()
                call(frame)
                if number:
                    milliseconds[key].append(1000 * (time.perf_counter() - start))
        progress("timing", turn + 1, len(turns))
    quantiles = {key: np.quantile(values, [0.5, 0.99]) for key, values in milliseconds.items()}
    return {key: {"p50": round(float(low), 3), "p99": round(float(high), 3)} for key, (low, high) in quantiles.items()}


def _digest(cell: Cell) -> str:
    """What tells the weights that are timed from others."""
    assert cell.weights is not None
    with cell.weights.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _frames_of_size(judged: CachedFrames, size: Size) -> list[Frame]:
    """A few judged frames at the size that is timed, enlarged by repeating pixels where need be."""
    frames = []
    for index in range(min(_FRAMES, len(judged))):
        frame = judged[index].frame
        height, width = frame.depth.shape
        rows = np.arange(size.height) * height // size.height
        columns = np.arange(size.width) * width // size.width
        camera = frame.intrinsics_or_default()
        scale = size.width / width
        seen = Intrinsics(camera.fx * scale, camera.fy * scale, camera.cx * scale, camera.cy * scale)
        frames.append(Frame(np.ascontiguousarray(frame.depth[np.ix_(rows, columns)]), frame.depth_unit_m, seen))
    return frames
