"""`graspseg record`: depth and color of a RealSense camera under fixed light."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from graspseg.cli.help import Usage
from graspseg.cli.options import parse
from graspseg.errors import InputError, printable

if TYPE_CHECKING:
    from graspseg.cameras.realsense.record import Recorded, RecordSettings

USAGE = Usage(
    "graspseg record",
    examples=(
        "graspseg record --out take1.db3 --seconds 30",
        "graspseg record --out take2 --width 1280 --height 720 --fps 15",
    ),
)


@dataclass(frozen=True)
class Options:
    """Record depth and color of a RealSense camera.

    Exposure, white balance and gain of the color are locked after a short while, so that skin keeps its color. Every
    frame is on disk at once. Ctrl-C ends the recording. Exit code 0: recorded, 1: it ended early, 2: nothing could be
    recorded.
    """

    out: Path
    """A new .db3 file, or a new folder of PNG images."""
    seconds: float | None = None
    """Length; default: until Ctrl-C."""
    width: int = 640
    """Pixels of depth and color."""
    height: int = 480
    """Pixels of depth and color."""
    fps: int = 30
    """Frames a second."""
    serial: str | None = None
    """Serial number of the camera; default: the only one."""
    settle: float = 2.0
    """Seconds in which the camera finds exposure and white balance by itself."""
    exposure: float | None = None
    """Fixed exposure of the color in the camera's units; default: what it found."""
    gain: float | None = None
    """Fixed gain of the color; default: what it found."""
    white_balance: float | None = None
    """Fixed white balance in kelvin; default: what it found."""


def main(argv: Sequence[str]) -> int:
    """Run the command; returns the exit code.

    Raises:
        InputError: no camera, or nothing can be recorded or written.
    """
    options = parse(Options, argv, USAGE)
    from graspseg.cameras.realsense.capture import Mode
    from graspseg.cameras.realsense.record import RecordSettings, find_camera

    settings = RecordSettings(
        options.out,
        Mode(options.width, options.height, options.fps),
        options.seconds,
        options.settle,
        exposure=options.exposure,
        gain=options.gain,
        white_balance=options.white_balance,
    )
    done = _record(find_camera(options.serial), settings)
    if not done.frames:
        raise InputError(f"Nothing was recorded, expected frames of depth and color: {done.ended or 'it was stopped'}.")
    lost = f", {done.lost} lost" if done.lost else ""
    print(f"{done.frames} frames recorded{lost}, in {printable(options.out)}")
    print(f"label them with: graspseg annotate {printable(options.out)} --out DIR")
    if done.ended:
        print(
            f"graspseg: the recording ended early, what came before is kept: {printable(done.ended)}", file=sys.stderr
        )
    return 1 if done.ended else 0


def _record(device: object, settings: RecordSettings) -> Recorded:
    """Record with a progress bar."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from graspseg.cameras.realsense.record import Reporter, record

    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed} frames"),
        TimeElapsedColumn(),
    )
    total = None if settings.seconds is None else round(settings.seconds * settings.mode.fps)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("record", total=total)
        report = Reporter(
            lambda: progress.update(bar, description="settle"),
            lambda sentence: console.print(f"graspseg: warning: {printable(sentence)}"),
            lambda frames: progress.update(bar, completed=frames, description="record"),
        )
        return record(device, settings, report)
