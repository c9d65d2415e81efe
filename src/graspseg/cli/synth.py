"""`graspseg synth`: labelled synthetic depth frames from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from graspseg.frame import InputError
from graspseg.synth.sensor_profiles import SensorName, describe_sensors

_SENSOR_HELP = "what measures, every frame another unit; " + "; ".join(describe_sensors())


@dataclass(frozen=True)
class Options:
    """Make labelled synthetic depth frames (640x480, 0.1 mm, exact labels).

    The same seed gives the same frames on any number of workers; a run that was stopped goes on where it was.
    """

    out: Path
    """folder of the data set"""
    count: int = 1000
    """number of frames"""
    seed: int = 0
    """every seed is another data set"""
    split: Literal["train", "val", "unseen"] = "train"
    """train and val share the hand, not the objects; unseen has another hand and other objects"""
    sensor: Annotated[SensorName, tyro.conf.arg(help=_SENSOR_HELP)] = "mixed"
    format: Literal["folder"] = "folder"
    """how frames are stored"""
    workers: int | None = None
    """processes; default: as many as this process may use CPUs"""


def main(argv: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    options = tyro.cli(Options, prog="graspseg synth", args=list(argv))
    from graspseg.segment.engine import available_threads

    workers = available_threads() if options.workers is None else options.workers
    if options.count < 1 or workers < 1:
        raise InputError(f"--count is {options.count} and --workers {workers}, expected both at least 1: correct them.")
    if options.seed < 0:
        raise InputError(f"--seed is {options.seed}, expected 0 or more: choose another one.")
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    from graspseg.synth.write import Job, write_frames

    job = Job(options.out, options.count, options.seed, options.split, options.sensor)
    columns = (SpinnerColumn(), TextColumn("frames"), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task("frames", total=options.count)
        for done in write_frames(job, workers=workers):
            progress.advance(task, done)
    print(f"{options.count} frames of split {options.split}, sensor {options.sensor}, in {options.out}")
    print(f"look at them with: graspseg sheet {options.out} --out sheet.png")
    return 0
