"""`graspseg speed`: how long a model takes on this machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from graspseg.cli.camera import CameraArguments
from graspseg.cli.help import Usage
from graspseg.cli.options import parse
from graspseg.errors import InputError, printable

USAGE = Usage(
    "graspseg speed",
    examples=("graspseg speed", "graspseg speed lite --data frames --precision float32 --threads 2"),
    everyday=("data", "depth-unit", "frames", "warm-up", "engine", "precision", "windows", "threads", "json"),
)


@dataclass(frozen=True)
class Options:
    """Time reading a depth image, segmenting it and writing its labels, one frame after the other.

    Stages: read, prepare (windows), network, compose (labels), write. Between frames a product of two matrices is
    timed on the same cores; the ratio tells a slow machine from a slow model. The processor's time (segment cpu) is
    the figure that other work on the machine disturbs least.
    """

    model: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")] = "denseattentionseg-lite"
    """Name of a shipped model, an exported file, or a forest's .npz."""
    data: str = "synth:rooms/val:40"
    """What graspseg segment reads, or synth:val:COUNT for generated frames; read again and again."""
    camera: Annotated[CameraArguments, tyro.conf.arg(name="")] = field(default_factory=CameraArguments)
    frames: int = 400
    """How many frames to time."""
    warm_up: int = 20
    """How many frames to do before."""
    engine: Literal["auto", "openvino", "onnxruntime"] = "auto"
    """What runs a network."""
    precision: Literal["auto", "float32", "bf16", "int8"] = "auto"
    """Arithmetic of a network; auto takes what is fastest here."""
    windows: Literal[1, 2, 3] | None = None
    """How close to look; default: as the model's file says."""
    threads: int | None = None
    """CPU threads; default: all this process may use."""
    json: Path | None = None
    """Also write the figures to this file."""


def main(argv: list[str]) -> int:
    """Run the command.

    Raises:
        InputError: There is no such model or data.
    """
    options = parse(Options, argv, USAGE)
    if options.frames < 1 or options.warm_up < 0:
        raise InputError(
            f"--frames is {options.frames} and --warm-up {options.warm_up}, expected at least 1 and 0: raise them."
        )
    from graspseg import __version__
    from graspseg.datasets.atomic import write_json
    from graspseg.evaluation.machine import describe_machine
    from graspseg.evaluation.speed import as_table, frames_on_disk, measure_speed
    from graspseg.segment.engine import available_threads
    from graspseg.segment.segmenter import Segmenter

    segmenter = Segmenter(
        options.model,
        engine=options.engine,
        precision=options.precision,
        windows=options.windows,
        threads=options.threads,
    )
    with frames_on_disk(options.data) as data:
        figures = measure_speed(
            segmenter, data, frames=options.frames, warm_up=options.warm_up, camera=options.camera.checked()
        )
    threads = options.threads or available_threads()
    report = {
        "data": options.data,
        "model": options.model,
        "engine": segmenter.engine,
        "precision": segmenter.precision,
        "threads": threads,
        **figures,
        "graspseg": __version__,
        "machine": describe_machine(),
    }
    if options.json is not None:
        write_json(options.json, report)
    width, height = figures["size"]
    print(
        printable(
            f"{segmenter.path.name}: {segmenter.engine}, {segmenter.precision}, {threads} threads, "
            f"{figures['frames']} frames of {width}x{height}"
        )
    )
    print(as_table(figures))
    return 0
