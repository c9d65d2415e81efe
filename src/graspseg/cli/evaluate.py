"""`graspseg evaluate`: measure a model on labelled frames."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.progress import Progress

from graspseg.cli.camera import CameraArguments
from graspseg.frame import Frame, InputError


@dataclass(frozen=True)
class Arguments:
    """Measure a model on labelled frames, beside what trivial rules reach there.

    Attributes:
        data: Folder or shards, synth:val:1000 / synth:unseen:1000 for that many frames of the exam (synth:wild/val:1000
            for another preset of the generator), or a public data set as NAME:FOLDER, such as ho3d/train:HO3D_v3.
        model: Shipped model by name, an exported .onnx file, or a forest's .npz.
        json: Also write every figure to this file.
        sheet: Also draw the worst frames into this PNG: depth, truth, prediction.
        split: Only the frames that the data set, or the makers of a public one, list under this name.
        skip: Leave out so many frames at the beginning.
        limit: Judge at most so many frames.
        rules: Also judge the trivial rules.
        threads: CPU threads; default: as many as this process may use.
        camera: Unit and camera of a folder's depth images.
    """

    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")]
    model: str = "denseattentionseg-lite"
    json: Path | None = None
    sheet: Path | None = None
    split: str | None = None
    skip: int = 0
    limit: int | None = None
    rules: bool = True
    threads: int | None = None
    camera: Annotated[CameraArguments, tyro.conf.arg(name="")] = field(default_factory=CameraArguments)


def main(argv: Sequence[str]) -> int:
    """Run the command; 0 done, 1 some frames could not be used."""
    arguments = tyro.cli(Arguments, args=argv, prog="graspseg evaluate")
    from graspseg.datasets.atomic import make_folder, write_json, write_png
    from graspseg.evaluation.evaluate import Prediction, evaluate
    from graspseg.evaluation.report import as_json, as_markdown, worst_sheet
    from graspseg.evaluation.samples import open_samples
    from graspseg.segment.segmenter import Segmenter

    if arguments.sheet is not None and arguments.sheet.suffix.lower() != ".png":
        raise InputError(f"--sheet is {arguments.sheet}, expected a name ending in .png: choose one.")
    for path in (arguments.json, arguments.sheet):
        if path is not None:
            if path.is_dir():
                raise InputError(f"{path} is a folder, expected a file to write: add a name.")
            make_folder(path.parent)
    camera = arguments.camera.checked()
    samples = open_samples(
        arguments.data,
        split=arguments.split,
        camera=camera,
        skip=arguments.skip,
        limit=arguments.limit,
    )
    if arguments.threads is not None and arguments.threads < 1:
        raise InputError(f"--threads is {arguments.threads}, expected at least 1: leave it out for all.")
    for sentence in samples.doubts():
        print(f"graspseg: warning: {sentence}", file=sys.stderr)
    segmenter = Segmenter(arguments.model, threads=arguments.threads)

    def segment(frame: Frame) -> Prediction:
        found = segmenter(frame)
        return Prediction(found.labels, found.probabilities)

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("frames", total=len(samples))
        evaluation = evaluate(
            segment,
            samples,
            sequences=samples.sequences,
            rules=arguments.rules,
            progress=lambda done: progress.update(task, completed=done),
        )
    report = as_json(evaluation, data=arguments.data, model=str(arguments.model), camera=camera)
    print(as_markdown(report), end="", flush=True)
    if arguments.json is not None:
        write_json(arguments.json, report)
    sheet = worst_sheet(evaluation)
    if arguments.sheet is not None and sheet is not None:
        write_png(arguments.sheet, sheet)
    for reason in evaluation.failures:
        print(f"graspseg: skipped: {reason}", file=sys.stderr)
    return 1 if evaluation.failed else 0
