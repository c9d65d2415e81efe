"""`graspseg compare`: several networks under one budget, in one table with intervals and pictures."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from graspseg.cli.help import Usage
from graspseg.cli.options import parse
from graspseg.errors import InputError, printable

if TYPE_CHECKING:
    from graspseg.compare.cells import Progress
    from graspseg.compare.entries import Entry
    from graspseg.compare.recipes import Scale
    from graspseg.compare.run import Comparison

USAGE = Usage(
    "graspseg compare",
    examples=(
        "graspseg compare synth:interseghands/unseen:200 --out compared --networks fcn8s-small denseattentionseg-small",
        "graspseg compare my_labeled_frames --out judged --models runs/lite --networks forest",
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

    `--size paper` trains the networks of the paper's tables on 46,720 frames of 640x480 with the paper's recipe. A
    comparison that was stopped goes on where it was with --resume, or when the same command is given again; more
    networks, seeds and models can be added to it.
    """

    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")]
    """labeled frames to judge on: folder, shards, or synth:interseghands/unseen:1000"""
    out: Path
    """folder of the comparison: report.html, report.md, report.json, pictures, all cells"""
    networks: tuple[str, ...] = ()
    """names of graspseg networks, or module:function of your own; NAME+contour = the last stage with the contour loss;
    forest"""
    models: tuple[str, ...] = ()
    """models that are trained already: runs, .safetensors, .onnx or .npz files, or shipped ones such as lite"""
    train: str = "synth:interseghands"
    """frames to train on: a labeled data set on disk, or synth:PRESET"""
    frames: int | None = None
    """how many frames to make for --train synth:PRESET; default: 20000, with --size paper 46720"""
    steps: int | None = None
    """optimizer steps of every network; default: 3000, those of --config, or with --size paper 150 epochs"""
    budget_minutes: float | None = None
    """instead of equal steps: so many minutes of training for every network, measured by trying"""
    seeds: tuple[int, ...] = (0, 1, 2)
    """seeds of weights and order of frames; each network is trained once for every seed"""
    size: str = "160x120"
    """size that all frames are reduced to; paper = 640x480, the paper's networks, frames and recipe"""
    batch: int | None = None
    """frames of a step; default: 8, those of --config, or with --size paper 4"""
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
    """processes that make frames, with --size paper also samples; 0 = none; default: one for every CPU"""
    accelerator: Literal["auto", "cpu", "gpu", "mps"] | None = None
    """where networks are trained, judged and timed; default: that of --config, else a card where there is one"""
    precision: Literal["auto", "bf16-mixed", "32-true"] | None = None
    """of training, as in graspseg train; default: that of --config, else auto, with --size paper 32-true"""
    compile: bool | None = None
    """train with torch.compile, as in graspseg train"""
    resume: bool = False
    """go on with the comparison in --out; options that are not given are those it was begun with"""
    title: str = "Networks compared"
    """heading of the report"""


def main(argv: Sequence[str]) -> int:
    """Run the command; 0 done, 1 something in the table failed, 2 bad input."""
    options = read_options(argv)
    from graspseg.compare.run import check_folder
    from graspseg.datasets.output_folder import working_in

    _check(options)
    with working_in(options.out):
        check_folder(options.out)
        with _recorded(options, argv):
            return _compare(options, argv)


def read_options(argv: Sequence[str]) -> Options:
    """Read the command line; with `--resume`, the comparison in `--out` decides what is not given.

    Raises:
        InputError: there is no comparison to go on with, or its record is damaged.
    """
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument("--out", type=Path, default=None)
    first.add_argument("--resume", action="store_true")
    known, _ = first.parse_known_args(list(argv))
    if not known.resume:
        return parse(Options, argv, USAGE)
    from graspseg.compare.run import OPTIONS
    from graspseg.datasets.description import read_object

    if known.out is None or not (known.out / OPTIONS).is_file():
        raise InputError(
            f"--resume found no comparison in --out {known.out}, expected a folder with {OPTIONS}: name it, or give "
            "the whole command without --resume."
        )
    recorded = read_object(known.out / OPTIONS)
    try:
        default = tyro.cli(Options, args=recorded["argv"], prog="graspseg compare", console_outputs=False)
    except (SystemExit, TypeError, LookupError) as error:
        raise InputError(
            f"{known.out / OPTIONS} holds no options of graspseg compare, expected those it was begun with: give the "
            "whole command without --resume."
        ) from error
    return parse(Options, argv, USAGE, default=replace(default, resume=True))


def _compare(options: Options, argv: Sequence[str]) -> int:
    from graspseg.compare.data import compared_frames
    from graspseg.compare.entries import Hardware
    from graspseg.compare.figures import write_pictures
    from graspseg.compare.frames import Size
    from graspseg.compare.recipes import scale_named
    from graspseg.compare.render import as_html, as_markdown
    from graspseg.compare.report import as_json
    from graspseg.compare.run import PICTURES, compare, with_equal_time
    from graspseg.compare.timing import TimingSettings
    from graspseg.datasets.atomic import write_bytes, write_json
    from graspseg.datasets.output_folder import remove_results
    from graspseg.segment.engine import available_threads
    from graspseg.training.eager import device_name, find_device

    scale = scale_named(options.size)
    threads = options.threads or available_threads()
    entries = chosen_entries(options, scale, threads)
    device = find_device(options.accelerator or scale.config.compute.accelerator)
    timing = TimingSettings(
        Size.parse(options.time_size) if options.time_size else scale.size,
        Hardware(options.time_threads, device),
        options.time_calls,
    )
    hardware = Hardware(threads, device)
    with _progress() as progress:
        frames = compared_frames(
            options.data,
            options.train if any(entry.seeded for entry in entries) else None,
            count=options.frames or scale.frames,
            size=scale.size,
            folder=options.out / "frames",
            workers=available_threads() if options.workers is None else options.workers,
            progress=progress,
        )
        if options.budget_minutes is not None:
            entries = with_equal_time(entries, frames, options.out, minutes=options.budget_minutes)
        try:
            comparison = compare(
                entries, frames, options.out, seeds=options.seeds, timing=timing, hardware=hardware, progress=progress
            )
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"with all cells so far kept, go on with the same command or with --resume --out {options.out}"
            ) from None
    report = as_json(
        comparison,
        title=options.title,
        reference=_reference(options, comparison),
        command=_command(options.out, argv),
        budget=_budget(options, entries),
        device=device_name(device),
    )
    pictures = write_pictures(comparison, hardware=hardware)
    drawn = {picture.path.name for picture in pictures}
    remove_results((options.out / name for name in PICTURES if name not in drawn), options.out)
    write_json(options.out / "report.json", report)
    write_bytes(options.out / "report.md", as_markdown(report, pictures=[p.path.name for p in pictures]).encode())
    write_bytes(options.out / "report.html", as_html(report, pictures).encode())
    print(printable(as_markdown(report), lines=True), end="", flush=True)
    return 1 if comparison.failures or report["frames"]["left_out"] else 0


def _check(options: Options) -> None:
    numbers = {"--steps": options.steps, "--batch": options.batch, "--time-threads": options.time_threads}
    numbers |= {"--time-calls": options.time_calls, "--threads": options.threads, "--frames": options.frames}
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


def chosen_entries(options: Options, scale: Scale, threads: int) -> list[Entry]:
    """The rows of the table.

    Raises:
        InputError: a row or a setting that does not exist, or none.
    """
    from graspseg.compare.recipes import check_names, entries_named, model_entries, with_budget
    from graspseg.training.config_file import check_ranges, read_config

    config = scale.config if options.config is None else read_config(options.config)
    config = with_budget(config, steps=options.steps, batch=options.batch, threads=threads)
    given = {"accelerator": options.accelerator, "precision": options.precision, "compile": options.compile}
    # Frames of the small size are varied faster than they travel between processes.
    given["workers"] = options.workers if config.compute.workers else None
    compute = {name: value for name, value in given.items() if value is not None}
    config = replace(config, compute=replace(config.compute, **compute))
    check_ranges(config)
    networks = options.networks or (() if options.models else scale.networks)
    entries = [*entries_named(networks, config), *model_entries(options.models)]
    check_names(entries)
    if options.reference is not None and options.reference not in [entry.name for entry in entries]:
        names = ", ".join(entry.name for entry in entries)
        raise InputError(f"--reference is {options.reference}, expected one of the rows {names}: name one of them.")
    return entries


def _reference(options: Options, comparison: Comparison) -> str:
    names = [entry.name for entry in comparison.entries]
    usual = [name for name in ("deeplabv3plus", "deeplabv3plus-small") if name in names]
    return options.reference or (usual or names)[0]


def _budget(options: Options, entries: Sequence[Entry]) -> str:
    if options.budget_minutes is not None:
        return f"{options.budget_minutes:g} minutes of training"
    return next((entry.budget for entry in entries if entry.budget is not None), "none is trained")


@contextmanager
def _recorded(options: Options, argv: Sequence[str]) -> Iterator[None]:
    """Keep the options for `--resume`; those of a command that is refused are forgotten."""
    from graspseg.compare.run import OPTIONS
    from graspseg.datasets.atomic import write_bytes, write_json

    path = options.out / OPTIONS
    before = path.read_bytes() if path.is_file() else None
    if not options.resume:
        write_json(path, {"argv": list(argv)})
    try:
        yield
    except InputError:
        if before is None:
            path.unlink(missing_ok=True)
        else:
            write_bytes(path, before)
        raise


def _command(out: Path, argv: Sequence[str]) -> str:
    """What was typed; of a comparison that was gone on with, what it was begun with before."""
    from graspseg.compare.run import OPTIONS
    from graspseg.datasets.description import read_object

    begun = read_object(out / OPTIONS)["argv"]
    lines = [begun] if begun == list(argv) else [begun, argv]
    return ", then ".join(shlex.join(["graspseg", "compare", *words]) for words in lines)


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
                    print(f"graspseg compare: {printable(name)} ({done} of {total} done)", file=sys.stderr, flush=True)
                else:
                    bar.start()
            bar.update(task, completed=done, total=total)

        yield report
