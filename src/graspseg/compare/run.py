"""The comparison itself: frames, then cells, then times, then the report."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graspseg.compare.cells import Cell, ComparedFrames, Progress, run_cell
from graspseg.compare.entries import Entry, Hardware
from graspseg.compare.recipes import check_names
from graspseg.compare.timing import TimingSettings, time_cells
from graspseg.datasets.atomic import make_folder, read_json, write_json
from graspseg.datasets.description import read_object
from graspseg.datasets.output_folder import clear_partial, refuse_foreign
from graspseg.errors import InputError

PICTURES = ("curves.png", "frames.png", "attention.png", "contours.png")
OPTIONS = "options.json"
_REPORT = ("report.json", "report.md", "report.html", "timing.json", "paces.json", OPTIONS)
_WRITTEN = (*_REPORT, *PICTURES, "cells/*/*.json", "frames/*/*.json", "frames/*/*.npy")


@dataclass(frozen=True)
class Comparison:
    """What a comparison found.

    Attributes:
        out: its folder.
        cells: every entry with every seed, entries in the order they were given.
        times: see `time_cells`, by entry.
        costs: see `Entry.cost`, by entry.
        frames: what all cells saw.
        timing: how times were taken.
    """

    out: Path
    cells: tuple[Cell, ...]
    frames: ComparedFrames
    timing: TimingSettings
    times: dict[str, dict[str, Any]] = field(default_factory=dict)
    costs: dict[str, dict[str, float | None]] = field(default_factory=dict)

    @property
    def entries(self) -> list[Entry]:
        """Every entry once."""
        return list({cell.entry.name: cell.entry for cell in self.cells}.values())

    def cells_of(self, name: str) -> list[Cell]:
        """The cells of an entry that have scores, by seed."""
        return [cell for cell in self.cells if cell.entry.name == name and cell.failure is None]

    @property
    def failures(self) -> list[str]:
        """What went wrong, a sentence each: cells without scores, and models that could not be exported."""
        cells = [f"{cell.folder.name}: {cell.failure}" for cell in self.cells if cell.failure is not None]
        exports = [
            f"{name} could not be exported: {times['export_failure']}"
            for name, times in self.times.items()
            if times["export_failure"]
        ]
        return cells + exports


def check_folder(out: Path) -> None:
    """See that a folder is new or a comparison's, which has its frames before all else.

    Raises:
        InputError: another program's files lie where a comparison writes.
    """
    ours = False
    for name, keys in (("frames/judged/frames.json", {"parts", "size", "count"}), (OPTIONS, {"argv"})):
        with contextlib.suppress(InputError):  # a damaged file is named where it is read
            ours = ours or ((out / name).is_file() and read_object(out / name).keys() >= keys)
    if not ours:
        refuse_foreign(out, _WRITTEN, "graspseg compare")
    clear_partial(out, "cells", "frames")


def compare(
    entries: Sequence[Entry],
    frames: ComparedFrames,
    out: Path,
    *,
    seeds: Sequence[int],
    timing: TimingSettings,
    hardware: Hardware,
    progress: Progress,
) -> Comparison:
    """Train, judge and time every entry with every seed; what an earlier call finished is not done again.

    Seeds are the outer loop, so that a comparison that is stopped has all entries with the seeds it got to.

    Args:
        entries: what is compared.
        frames: what all of them see.
        out: folder of the comparison.
        seeds: of weights and of the order of frames.
        timing: how times are taken.
        hardware: where frames are judged.
        progress: called with a stage, and steps done and in all.

    Raises:
        InputError: two entries have one name, or the folder holds cells of other settings.
        KeyboardInterrupt: stopped by the user; the next call goes on from there.
    """
    check_names(entries)
    planned: list[tuple[Entry, int | None]] = [(entry, seed) for seed in seeds for entry in entries if entry.seeded]
    planned += [(entry, None) for entry in entries if not entry.seeded]
    done: dict[tuple[str, int | None], Cell] = {}
    for number, (entry, seed) in enumerate(planned):
        progress(f"cell {entry.name}" + ("" if seed is None else f", seed {seed}"), number, len(planned))
        cell = run_cell(entry, seed, out, frames=frames, hardware=hardware, progress=progress)
        done[entry.name, seed] = cell
    order = [entry.name for entry in entries]
    cells = sorted(done.values(), key=lambda cell: order.index(cell.entry.name))
    first = list({cell.entry.name: cell for cell in reversed(cells) if cell.failure is None}.values())[::-1]
    times = time_cells(first, frames.judged, out, settings=timing, progress=progress) if first else {}
    costs = {cell.entry.name: cell.entry.cost(cell.weights, timing.size) for cell in first if cell.weights is not None}
    return Comparison(out, tuple(cells), frames, timing, times, costs)


def with_equal_time(entries: Sequence[Entry], frames: ComparedFrames, out: Path, *, minutes: float) -> list[Entry]:
    """The entries with as many steps as each can do in `minutes`; paces of an earlier call are kept.

    Raises:
        InputError: a network cannot be tried.
    """
    path = make_folder(out) / "paces.json"
    kept: dict[str, dict[str, float]] = read_json(path) if path.is_file() else {}
    for entry in entries:
        if not entry.seeded or kept.get(entry.name, {}).get("minutes") == minutes:
            continue
        assert frames.train is not None
        tried = entry.pace(minutes, frames.train)
        if tried is not None:
            kept[entry.name] = {"minutes": minutes, "steps": tried[0], "pace_s": tried[1]}
            write_json(path, kept)
    return [entry.with_steps(int(kept[entry.name]["steps"])) if entry.name in kept else entry for entry in entries]
