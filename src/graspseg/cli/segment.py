"""`graspseg segment`: depth images in, label images out."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from graspseg.cli.camera import CameraArguments
from graspseg.cli.help import Usage
from graspseg.cli.options import parse
from graspseg.errors import InputError, printable

if TYPE_CHECKING:
    from rich.console import Console

    from graspseg.segment.inputs import CameraOptions, Source

_SHOWN = 5
USAGE = Usage(
    "graspseg segment",
    examples=(
        "graspseg segment frames/ --out results",
        "graspseg segment frame.png --out results --depth-unit 0.0001 --fx 475 --save cloud handless",
    ),
    everyday=(
        "out",
        "model",
        "save",
        "overlays",
        "depth-unit",
        "fx",
        "fy",
        "cx",
        "cy",
        "engine",
        "threads",
    ),
)


@dataclass(frozen=True)
class Options:
    """Label hand, object and background in depth images.

    Writes labels/, overlays/ and summary.json below --out; a second run there replaces the results of the first. Exit
    code 0: all done, 1: some frames could not be used, 2: nothing could be done.
    """

    inputs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="INPUT...", help_behavior_hint="")]
    """Depth images (16-bit PNG, TIFF or PGM, NPY, NPZ, EXR), folders of them (one that holds depth/ means that), .tar
    shards, recordings of RealSense or ROS (.db3, .bag, .mcap, folders of ROS 2), or a public data set as NAME:FOLDER,
    such as ho3d/evaluation:HO3D_v3."""
    out: Path
    """Folder for the results."""
    camera: Annotated[CameraArguments, tyro.conf.arg(name="")] = field(default_factory=CameraArguments)
    topic: tuple[str, ...] = ()
    """Topic of the depth in a recording of ROS, where there are several."""
    model: str = "denseattentionseg-lite"
    """Name of a shipped model (forest is the fastest), an exported .onnx file, or a forest's .npz."""
    engine: Literal["auto", "openvino", "onnxruntime"] = "auto"
    """What runs a network; a forest needs none."""
    overlays: bool = True
    """Draw the labels over the depth."""
    save: tuple[Literal["probabilities", "cloud", "handless"], ...] = ()
    """Also write class probabilities (NPZ), hand and object clouds (PLY), or depth without the hand (PNG)."""
    mirror: bool = True
    """Look at closer windows a second time, mirrored, where the model's file says so; without it is faster."""
    precision: Literal["auto", "float32", "bf16", "int8"] = "auto"
    """Arithmetic of a network; auto takes what is fastest here, measured once and remembered. Labels differ a
    little between them: name one where every machine shall give the same."""
    threads: int | None = None
    """CPU threads; default: all this process may use."""


def main(argv: list[str]) -> int:
    """Run the command.

    Raises:
        InputError: nothing can be segmented or written.
    """
    options = parse(Options, argv, USAGE)
    from graspseg.segment.inputs import find_sources

    if options.threads is not None and options.threads < 1:
        raise InputError(f"--threads is {options.threads}, expected at least 1: leave it out for all.")
    if not options.inputs:
        raise InputError("There is no input, expected depth images or folders: graspseg segment INPUT... --out DIR.")
    camera = options.camera.checked()
    sources = find_sources(options.inputs, options.out, topics=options.topic)
    return _run(options, sources, camera)


def _run(options: Options, sources: list[Source], camera: CameraOptions) -> int:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from graspseg.datasets.output_folder import working_in
    from graspseg.segment.inputs import notes_on
    from graspseg.segment.run import Reporter, run
    from graspseg.segment.segmenter import Segmenter

    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    message_log = _FrameLog(console)
    for note in notes_on(sources):
        console.print(f"graspseg: warning: {printable(note)}")
    columns = (TextColumn("segment"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with working_in(options.out):
        mirror = None if options.mirror else False
        segmenter = Segmenter(
            options.model, engine=options.engine, threads=options.threads, precision=options.precision, mirror=mirror
        )
        with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
            bar = progress.add_task("segment", total=len(sources))
            totals = run(
                segmenter,
                sources,
                options.out,
                camera=camera,
                overlays=options.overlays,
                save=options.save,
                report=Reporter(
                    message_log.failed, message_log.warned, message_log.noticed, lambda: progress.advance(bar)
                ),
            )
    message_log.close(summary=totals.segmented > 0)
    where = f"results in {options.out}" if totals.segmented else "nothing was written"
    bare = f", no hand found in {totals.without_hand:,} of them" if totals.without_hand else ""
    print(printable(f"{totals.segmented} of {len(sources)} frames segmented{bare}, {where}"), file=sys.stderr)
    return 0 if not totals.failed else 1 if totals.segmented else 2


class _FrameLog:
    """Says the first few of each kind of message and counts the rest."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._counts = {"failed": 0, "warned": 0}

    def failed(self, sentence: str) -> None:
        self._say("failed", f"graspseg: {sentence}")

    def warned(self, name: str, text: str) -> None:
        self._say("warned", f"graspseg: warning: {name}: {text}")

    def noticed(self, sentence: str) -> None:
        self._console.print(f"graspseg: {printable(sentence)}")

    def close(self, *, summary: bool) -> None:
        """Say how many messages were kept back, and where they are if a summary was written."""
        for kind, count in self._counts.items():
            if count > _SHOWN:
                where = ", all are in summary.json" if summary else ""
                self._console.print(f"graspseg: {count - _SHOWN} more frames {kind}{where}")

    def _say(self, kind: str, text: str) -> None:
        self._counts[kind] += 1
        if self._counts[kind] <= _SHOWN:
            self._console.print(printable(text))
