"""`graspseg synth`: labelled synthetic depth frames from a seed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from graspseg.frame import InputError


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
    format: Literal["folder"] = "folder"
    """how frames are stored"""
    workers: int = os.cpu_count() or 1
    """processes"""


def main(argv: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    options = tyro.cli(Options, prog="graspseg synth", args=list(argv))
    if options.count < 1 or options.workers < 1:
        raise InputError(f"--count is {options.count} and --workers {options.workers}: both must be at least 1.")
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    from graspseg.synth.write import Job, write_frames

    job = Job(options.out, options.count, options.seed, options.split)
    columns = (SpinnerColumn(), TextColumn("frames"), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task("frames", total=options.count)
        for done in write_frames(job, workers=options.workers):
            progress.advance(task, done)
    print(f"{options.count} frames of split {options.split} in {options.out}")
    print(f"look at them with: graspseg sheet {options.out} --out sheet.png")
    return 0
