"""`graspseg synth`: labelled synthetic depth frames from a seed."""

from __future__ import annotations

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
    format: Literal["folder", "shards"] = "folder"
    """how frames are stored: two PNG files each, or WebDataset tars of many"""
    shard_size: int = 1024
    """frames of a shard; a shard is made by one worker, and begun again when the run is stopped"""
    workers: int | None = None
    """processes; default: as many as this process may use CPUs"""
    cluster: str | None = None
    """make the frames on a Ray cluster instead: auto, or host:port of its head; all nodes must share --out"""


def main(argv: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    options = tyro.cli(Options, prog="graspseg synth", args=list(argv))
    from graspseg.segment.engine import available_threads

    workers = available_threads() if options.workers is None else options.workers
    if options.count < 1 or workers < 1:
        raise InputError(f"--count is {options.count} and --workers {workers}, expected both at least 1: correct them.")
    if options.seed < 0:
        raise InputError(f"--seed is {options.seed}, expected 0 or more: choose another one.")
    if options.shard_size < 1:
        raise InputError(f"--shard-size is {options.shard_size}, expected at least 1: leave it out for 1024.")
    if options.cluster is not None and options.workers is not None:
        raise InputError(
            f"--workers {workers} was given with --cluster {options.cluster}, expected one of them: leave out --workers"
            " to use all CPUs of the cluster."
        )
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    from graspseg.synth.job import Job
    from graspseg.synth.write import write_frames
    from graspseg.workers.chunks import Processes, RayCluster

    where = Processes(workers) if options.cluster is None else RayCluster(options.cluster)
    job = Job(options.out, options.count, options.seed, options.split, options.format, options.shard_size)
    columns = (SpinnerColumn(), TextColumn("frames"), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task("frames", total=options.count)
        for done in write_frames(job, where=where):
            progress.advance(task, done)
    print(f"{options.count} frames of split {options.split} in {options.out}")
    print(f"look at them with: graspseg dataset sheet {options.out} --out sheet.png")
    return 0
