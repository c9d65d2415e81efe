"""`graspseg evaluate`: measure a model on labeled frames."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from rich.console import Console
from rich.progress import Progress

from graspseg.cli.camera import CameraArguments
from graspseg.cli.help import Usage
from graspseg.cli.options import parse
from graspseg.errors import InputError, printable

if TYPE_CHECKING:
    from graspseg.datasets.dataset import Dataset
    from graspseg.evaluation.evaluate import Evaluation
    from graspseg.frame import Frame
    from graspseg.segment.segmenter import Segmenter

USAGE = Usage(
    "graspseg evaluate",
    examples=(
        "graspseg evaluate my_labeled_frames",
        "graspseg evaluate synth:val:200 --model forest --all --json figures.json",
    ),
    everyday=(
        "model",
        "all",
        "json",
        "html",
        "sheet",
        "split",
        "limit",
        "rules",
        "depth-unit",
        "fx",
        "threads",
    ),
)


@dataclass(frozen=True)
class Arguments:
    """Measure a model on labeled frames, beside what trivial rules reach there.

    Attributes:
        data: Folder or shards, a folder of several data sets (one table for all), synth:val:1000 / synth:unseen:1000
            for that many frames of the test set (synth:wild/val:1000 for another preset of the generator), or a public
            data set as NAME:FOLDER, such as ho3d/train:HO3D_v3.
        model: Shipped model by name, an exported .onnx file, or a forest's .npz.
        all: Print every figure as Markdown, not only what people ask first.
        json: Also write every figure to this file.
        html: Also write a page with every figure and the worst frames, to this file.
        sheet: Also draw the worst frames into this PNG: depth, truth, prediction.
        split: Only the frames that the data set, or the makers of a public one, list under this name.
        skip: Leave out so many frames at the beginning.
        limit: Judge at most so many frames.
        rules: Also judge the trivial rules.
        threads: CPU threads; default: as many as this process may use.
        precision: Arithmetic of a network; figures in float32 are the same on every machine.
        camera: Unit and camera of a folder's depth images.
    """

    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")]
    model: str = "denseattentionseg-lite"
    all: bool = False
    json: Path | None = None
    html: Path | None = None
    sheet: Path | None = None
    split: str | None = None
    skip: int = 0
    limit: int | None = None
    rules: bool = True
    threads: int | None = None
    precision: Literal["auto", "float32", "bf16", "int8"] = "float32"
    camera: Annotated[CameraArguments, tyro.conf.arg(name="")] = field(default_factory=CameraArguments)


def main(argv: Sequence[str]) -> int:
    """Run the command; 0 done, 1 some frames could not be used, or something beside them was left out."""
    arguments = parse(Arguments, argv, USAGE)
    from graspseg.datasets.atomic import make_folder, write_bytes, write_json, write_png
    from graspseg.datasets.collection import data_sets_in
    from graspseg.datasets.frame_warnings import warnings_of
    from graspseg.evaluation.report import as_json, as_markdown, worst_sheet
    from graspseg.evaluation.samples import open_samples
    from graspseg.evaluation.summary import as_html, as_table
    from graspseg.segment.segmenter import Segmenter

    if arguments.sheet is not None and arguments.sheet.suffix.lower() != ".png":
        raise InputError(f"--sheet is {arguments.sheet}, expected a name ending in .png: choose one.")
    for path in (arguments.json, arguments.html, arguments.sheet):
        if path is not None:
            if path.is_dir():
                raise InputError(f"{path} is a folder, expected a file to write: add a name.")
            make_folder(path.parent)
    camera = arguments.camera.checked()
    folders = [str(path) for path in data_sets_in(arguments.data)]
    sets = {
        name: open_samples(name, split=arguments.split, camera=camera, skip=arguments.skip, limit=arguments.limit)
        for name in folders or [arguments.data]
    }
    if arguments.threads is not None and arguments.threads < 1:
        raise InputError(f"--threads is {arguments.threads}, expected at least 1: leave it out for all.")
    for sentence in dict.fromkeys(sentence for each in sets.values() for sentence in warnings_of(each)):
        print(f"graspseg: warning: {printable(sentence)}", file=sys.stderr)
    segmenter = Segmenter(arguments.model, threads=arguments.threads, precision=arguments.precision)
    evaluations, unusable = _evaluate_sets(segmenter, sets, rules=arguments.rules)
    unusable += dict.fromkeys(sentence for each in sets.values() for sentence in each.beside())
    reports = {
        name: as_json(evaluation, data=name, model=str(arguments.model), camera=camera)
        for name, evaluation in evaluations.items()
    }
    report = reports.get(arguments.data, {"data": arguments.data, "model": str(arguments.model), "sets": reports})
    everything = _table_of_sets(evaluations) if folders else as_markdown(report)
    table = everything if folders or arguments.all else as_table(report)
    print(printable(table, lines=True), end="", flush=True)
    if arguments.json is not None:
        write_json(arguments.json, report)
    sheet = worst_sheet(*evaluations.values())
    if arguments.html is not None:
        write_bytes(arguments.html, as_html(f"{arguments.model} on {arguments.data}", everything, sheet).encode())
    if arguments.sheet is not None and sheet is not None:
        write_png(arguments.sheet, sheet)
    failures = [reason for evaluation in evaluations.values() for reason in evaluation.failures]
    for reason in [*unusable, *failures]:
        print(f"graspseg: skipped: {printable(reason)}", file=sys.stderr)
    return 1 if unusable or failures else 0


def _evaluate_sets(
    segmenter: Segmenter, sets: Mapping[str, Dataset], *, rules: bool
) -> tuple[dict[str, Evaluation], list[str]]:
    """Evaluations by name, and why the other sets could not be judged.

    Raises:
        InputError: None could.
    """
    from graspseg.evaluation.evaluate import Prediction, evaluate
    from graspseg.evaluation.scene_scores import closer_windows

    def segment(frame: Frame) -> Prediction:
        found = segmenter(frame)
        return Prediction(found.labels, found.probabilities, closer_windows(found))

    console = Console(stderr=True)
    evaluations, unusable = {}, []
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        for name, samples in sets.items():
            task = progress.add_task(Path(name).name, total=len(samples))
            try:
                evaluations[name] = evaluate(
                    segment,
                    samples,
                    rules=rules,
                    progress=lambda done, task=task: progress.update(task, completed=done),
                )
            except InputError as error:
                unusable.append(f"{name}: {error}" if len(sets) > 1 else str(error))
    if not evaluations:
        raise InputError(unusable[0])
    return evaluations, unusable


def _table_of_sets(evaluations: Mapping[str, Evaluation]) -> str:
    from graspseg.evaluation.scene_report import scene_table
    from graspseg.evaluation.scene_scores import merged

    rows = {Path(name).name: evaluation.scenes.summary() for name, evaluation in evaluations.items()}
    return scene_table(rows | {"all": merged([evaluation.scenes for evaluation in evaluations.values()]).summary()})
