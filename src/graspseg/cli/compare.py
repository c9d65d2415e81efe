"""`graspseg compare`: several networks under one budget, in one table with intervals and pictures."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from graspseg.cli.help import Usage
from graspseg.cli.options import parse
from graspseg.errors import InputError, printable

if TYPE_CHECKING:
    from graspseg.compare.cells import Progress
    from graspseg.compare.entries import AnyEntry
    from graspseg.compare.run import Comparison

USAGE = Usage(
    "graspseg compare",
    examples=(
        "graspseg compare synth:interseghands/unseen:200 --out compared --networks fcn8s-small denseattentionseg-small",
        "graspseg compare my_labelled_frames --out judged --models runs/lite --networks forest",
    ),
    everyday=(
        "out",
        "networks",
        "models",
        "train",
        "frames",
        "steps",
        "budget-minutes",
        "seeds",
        "size",
        "batch",
        "reference",
        "threads",
    ),
)


@dataclass(frozen=True)
class Options:
    """Train several networks on the same frames under one budget, judge and time them side by side, and write a report.

    A comparison that was stopped goes on where it was when the same command is given again; more networks, seeds and
    models can be added to it.
    """

    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")]
    """labelled frames to judge on: folder, shards, or synth:interseghands/unseen:1000"""
    out: Path
    """folder of the comparison: report.html, report.md, report.json, pictures, all cells"""
    networks: tuple[str, ...] = ()
    """names of graspseg networks, or module:function of your own; NAME+contour = the last stage with the
    contour loss; forest"""
    models: tuple[Path, ...] = ()
    """models that are trained already: runs, shipped ones by name, .safetensors or .onnx files"""
    train: str = "synth:interseghands"
    """frames to train on: a labelled data set on disk, or synth:PRESET"""
    frames: int = 20_000
    """how many frames to make for --train synth:PRESET"""
    steps: int | None = None
    """optimizer steps of every network; default: 3000, or those of --config"""
    budget_minutes: float | None = None
    """instead of equal steps: so many minutes of training for every network, measured by trying"""
    seeds: tuple[int, ...] = (0, 1, 2)
    """seeds of weights and order of frames; each network is trained once for every seed"""
    size: str = "160x120"
    """size that all frames are reduced to; 640x480 = not at all for the paper's camera"""
    batch: int | None = None
    """frames of a step; default: 8, or those of --config"""
    config: Path | None = None
    """a config.json with the settings all networks share, instead of the comparison's own; options beside it win"""
    reference: str | None = None
    """row that the others are compared with; default: deeplabv3plus-small if it is there, else the first"""
    time_size: str | None = None
    """size of the frames that are timed; default: --size"""
    time_threads: int = 1
    """CPU threads while times are taken"""
    time_calls: int = 100
    """timed calls of every network, in PyTorch and in the runtime"""
    threads: int | None = None
    """CPU threads while networks are trained and judged; default: as many as this process may use"""
    workers: int | None = None
    """processes that make frames, 0 = this one; default: as many as this process may use CPUs"""
    title: str = "Networks compared"
    """heading of the report"""


def main(argv: Sequence[str]) -> int:
    """Run the command; 0 done, 1 something in the table failed, 2 bad input."""
    options = parse(Options, argv, USAGE)
    from graspseg.compare.run import check_folder
    from graspseg.datasets.output_folder import working_in

    _check(options)
    with working_in(options.out):
        check_folder(options.out)
        return _compare(options, argv)


def _compare(options: Options, argv: Sequence[str]) -> int:
    from graspseg.compare.data import compared_frames
    from graspseg.compare.figures import write_pictures
    from graspseg.compare.frames import Size
    from graspseg.compare.page import as_html
    from graspseg.compare.report import as_json
    from graspseg.compare.run import PICTURES, compare, with_equal_time
    from graspseg.compare.tables import as_markdown
    from graspseg.compare.timing import TimingSettings
    from graspseg.datasets.atomic import write_bytes, write_json
    from graspseg.datasets.output_folder import remove_results
    from graspseg.segment.engine import available_threads

    size = Size.parse(options.size)
    timing = TimingSettings(
        Size.parse(options.time_size or options.size), threads=options.time_threads, calls=options.time_calls
    )
    threads = options.threads or available_threads()
    entries = _entries(options, threads)
    with _progress() as progress:
        frames = compared_frames(
            options.data,
            options.train if options.networks else None,
            count=options.frames,
            size=size,
            folder=options.out / "frames",
            workers=available_threads() if options.workers is None else options.workers,
            progress=progress,
        )
        if options.budget_minutes is not None:
            entries = with_equal_time(entries, frames, options.out, minutes=options.budget_minutes)
        try:
            comparison = compare(
                entries, frames, options.out, seeds=options.seeds, timing=timing, threads=threads, progress=progress
            )
        except KeyboardInterrupt:
            raise KeyboardInterrupt("with all cells so far kept: the same command goes on from there") from None
    report = as_json(
        comparison,
        title=options.title,
        reference=_reference(options, comparison),
        command=shlex.join(["graspseg", "compare", *argv]),
        budget=_budget(options, entries),
    )
    pictures = write_pictures(comparison, threads=threads)
    drawn = {picture.path.name for picture in pictures}
    remove_results((options.out / name for name in PICTURES if name not in drawn), options.out)
    write_json(options.out / "report.json", report)
    write_bytes(options.out / "report.md", as_markdown(report, pictures=[p.path.name for p in pictures]).encode())
    write_bytes(options.out / "report.html", as_html(report, pictures).encode())
    print(printable(as_markdown(report), lines=True), end="", flush=True)
    return 1 if comparison.failures or report["frames"]["left_out"] else 0


def _check(options: Options) -> None:
    numbers = {"--steps": options.steps, "--batch": options.batch, "--time-threads": options.time_threads}
    numbers |= {"--time-calls": options.time_calls, "--threads": options.threads}
    for name, value in numbers.items():
        if value is not None and value < 1:
            raise InputError(f"{name} is {value}, expected at least 1: give a larger one.")
    if options.workers is not None and options.workers < 0:
        raise InputError(f"--workers is {options.workers}, expected 0 or more: 0 makes frames in this process.")
    if options.budget_minutes is not None and not 0 < options.budget_minutes < inf:
        raise InputError(f"--budget-minutes is {options.budget_minutes}, expected more than 0: give another number.")
    seeds = set(options.seeds)
    if not seeds or len(seeds) < len(options.seeds) or not 0 <= min(seeds) <= max(seeds) < 1 << 32:
        raise InputError(
            f"--seeds are {options.seeds}, expected different numbers from 0 to {(1 << 32) - 1}: try --seeds 0 1 2."
        )


def _entries(options: Options, threads: int) -> list[AnyEntry]:
    from graspseg.compare.entries import (
        check_names,
        comparison_config,
        entries_named,
        model_entries,
        with_budget,
    )
    from graspseg.training.config_file import check_ranges, read_config

    config = comparison_config() if options.config is None else read_config(options.config)
    config = with_budget(config, steps=options.steps, batch=options.batch, threads=threads)
    check_ranges(config)
    entries: list[AnyEntry] = [*entries_named(options.networks, config), *model_entries(options.models)]
    check_names(entries)
    if options.reference is not None and options.reference not in [entry.name for entry in entries]:
        names = ", ".join(entry.name for entry in entries)
        raise InputError(f"--reference is {options.reference}, expected one of the rows {names}: name one of them.")
    return entries


def _reference(options: Options, comparison: Comparison) -> str:
    names = [entry.name for entry in comparison.entries]
    usual = "deeplabv3plus-small"
    return options.reference or (usual if usual in names else names[0])


def _budget(options: Options, entries: Sequence[AnyEntry]) -> str:
    from graspseg.compare.entries import Entry

    if options.budget_minutes is not None:
        return f"{options.budget_minutes:g} minutes of training"
    config = next((entry.config for entry in entries if isinstance(entry, Entry)), None)
    return "none is trained" if config is None else f"{config.steps} steps of {config.batch} frames"


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar on terminals, else a line where a stage begins."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, SpinnerColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        stage = ""

        def report(name: str, done: int, total: int) -> None:
            nonlocal stage
            if name != stage:
                stage = name
                bar.reset(task, description=name)
                training = name.startswith("cell ")
                if training or not console.is_terminal:
                    bar.stop()  # training has a bar of its own
                    print(f"graspseg compare: {name} ({done} of {total} done)", file=sys.stderr, flush=True)
                else:
                    bar.start()
            bar.update(task, completed=done, total=total)

        yield report
