"""`graspseg synth`: labeled synthetic depth frames from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from graspseg.cli.help import Usage
from graspseg.cli.options import parse
from graspseg.errors import InputError, printable
from graspseg.synth.preset_names import PresetName
from graspseg.synth.sensor.profiles import SensorName, describe_sensors

_SENSOR_HELP = "what measures, every frame another unit; default: the preset's; " + "; ".join(describe_sensors())

USAGE = Usage(
    "graspseg synth",
    examples=(
        "graspseg synth --out data/train --count 2000 --preset rooms",
        "graspseg synth --out data/clips --clips 20 --preset wild --format shards --split val",
    ),
    everyday=(
        "out",
        "count",
        "preset",
        "split",
        "seed",
        "sensor",
        "color",
        "backgrounds",
        "clips",
        "format",
        "workers",
    ),
)


@dataclass(frozen=True)
class Options:
    """Make labeled synthetic depth frames (640x480, 0.1 mm, exact labels).

    The same seed gives the same frames on any number of workers; a run that was stopped goes on where it was.
    """

    out: Path
    """folder of the data set"""
    count: int | None = None
    """number of frames; default: as many as the preset's data set has, else 1000"""
    preset: PresetName = "exam1"
    """exam1: as the shipped models' test set; interseghands: like the paper's data set; wild: all kinds of scenes;
    rooms: recorded and modeled rooms, far hands, and frames without any; workplace: a person at a table, or nobody;
    frontal: a person who faces the camera with raised hands"""
    backgrounds: tuple[Path, ...] = ()
    """recorded depth frames without hands that scenes are put into, for example of your own empty workplace (with
    --preset rooms); default: those that ship"""
    clips: int = 0
    """make so many clips at 30 Hz (moving camera, arms and fingers) instead of single frames; not with exam1"""
    length: int = 60
    """frames of a clip"""
    sleeve: Literal["background", "ignore"] = "background"
    """label of sleeves, watches and bracelets; ignore = 255"""
    seed: int = 0
    """every seed is another data set"""
    split: Literal["train", "val", "unseen"] = "train"
    """train and val share the hand, not the objects; unseen has another hand and other objects"""
    sensor: Annotated[SensorName | None, tyro.conf.arg(help=_SENSOR_HELP)] = None
    format: Literal["folder", "shards"] = "folder"
    """how frames are stored: two PNG files each, or WebDataset tars of many"""
    shard_size: int = 1024
    """frames of a shard; a shard is made by one worker, and begun again when the run is stopped"""
    cameras: Literal["one", "many"] = "one"
    """one camera for all frames, or another for every frame or clip (with --format shards)"""
    color: Literal["none", "aligned", "rig"] = "none"
    """also write color: pictures that fit the depth, or those of a camera beside it with its calibration"""
    color_error_px: float = 0.0
    """most by which a color picture misses its calibration"""
    workers: int | None = None
    """processes; default: as many as this process may use CPUs"""
    cluster: str | None = None
    """make the frames on a Ray cluster instead: auto, or host:port of its head; all nodes must share --out"""


def main(argv: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    options = parse(Options, argv, USAGE)
    from graspseg.segment.engine import available_threads

    workers = available_threads() if options.workers is None else options.workers
    count = _count(options)
    if count < 1 or workers < 1:
        raise InputError(f"--count is {count} and --workers {workers}, expected both at least 1: correct them.")
    if options.seed < 0:
        raise InputError(f"--seed is {options.seed}, expected 0 or more: choose another one.")
    if options.shard_size < 1:
        raise InputError(f"--shard-size is {options.shard_size}, expected at least 1: leave it out for 1024.")
    if not 0 <= options.color_error_px <= 50:
        raise InputError(
            f"--color-error-px is {options.color_error_px:g}, expected 0 to 50 pixels: choose another one."
        )
    if options.cluster is not None and options.workers is not None:
        raise InputError(
            f"--workers {workers} was given with --cluster {options.cluster}, expected one of them: leave out --workers"
            " to use all CPUs of the cluster."
        )
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    from graspseg.parallel.chunks import Processes, RayCluster
    from graspseg.synth.job import Job
    from graspseg.synth.write import write_frames

    where = Processes(workers) if options.cluster is None else RayCluster(options.cluster)
    job = Job(
        options.out,
        count,
        options.seed,
        options.split,
        options.format,
        options.shard_size,
        preset=options.preset,
        sleeve=options.sleeve,
        cameras=options.cameras,
        clip_length=options.length if options.clips else 0,
        sensor=options.sensor,
        color=options.color,
        color_error_px=options.color_error_px,
        backgrounds=options.backgrounds,
    )
    if options.backgrounds:
        from graspseg.cli.backgrounds import frames_with_hands

        job = replace(job, left_out=frames_with_hands(options.backgrounds))
    columns = (SpinnerColumn(), TextColumn("frames"), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task("frames", total=count)
        for done in write_frames(job, where=where):
            progress.advance(task, done)
    print(f"{count} frames of split {options.split} in {printable(options.out)}")
    print(f"look at them with: graspseg dataset sheet {printable(options.out)} --out sheet.png")
    return 0


def _count(options: Options) -> int:
    """Number of frames to make.

    Raises:
        InputError: clips and a number of frames are both requested, or clips of no length.
    """
    if options.clips:
        if options.count is not None:
            raise InputError(f"--clips {options.clips} and --count {options.count} were both given: leave one out.")
        if options.clips < 0 or options.length < 2:
            raise InputError(f"--clips is {options.clips} of {options.length} frames, expected 1 of 2 at least.")
        return options.clips * options.length
    if options.count is not None:
        return options.count
    from graspseg.synth.recipe import RECIPES

    sizes = RECIPES[options.preset].count
    return 1000 if sizes is None else sizes[0 if options.split == "train" else 1]
