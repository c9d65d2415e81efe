"""`graspseg annotate`: labels from depth and color, each with a confidence."""

from __future__ import annotations

from collections.abc import Sequence
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

    from graspseg.annotate.inputs import Inputs
    from graspseg.annotate.job import Job
    from graspseg.annotate.skin_choice import SkinChoice
    from graspseg.parallel.chunks import Where

_SHOWN = 5
USAGE = Usage(
    "graspseg annotate",
    examples=(
        "graspseg annotate recordings/take1 --out labeled",
        "graspseg annotate take.db3 --out labeled --with-model lite --depth all",
    ),
    everyday=(
        "out",
        "skin",
        "depth-range",
        "calibrate",
        "clicks",
        "with-model",
        "depth",
        "depth-unit",
        "fx",
        "topic",
        "format",
        "workers",
    ),
)


@dataclass(frozen=True)
class Options:
    """Label hand, object and background in recordings of depth and color.

    Writes depth/, color/ (aligned), labels/, confidence.csv and dataset.json below --out, ready for graspseg review. A
    run that was stopped goes on where it was. Exit code 0: all done, 1: some frames could not be used, 2: nothing could
    be done.
    """

    inputs: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="INPUT...", help_behavior_hint="")]
    """folders with depth/ and color/, shards, recordings of RealSense or ROS (.db3, .bag, .mcap, folders of ROS 2), or
    public data sets as NAME:FOLDER"""
    out: Path
    """folder of the data set"""
    camera: Annotated[CameraArguments, tyro.conf.arg(name="")] = field(default_factory=CameraArguments)
    topic: tuple[str, ...] = ()
    """topics of depth and of color in a recording of ROS, where there are several"""
    depth_range: float = 0.16
    """meters behind the nearest surface that are kept; the rest is background"""
    skin: Literal["auto", "hsv", "model"] = "auto"
    """how skin is detected: the paper's thresholds of color (hsv), a model of what the first frames share with depth
    edges (model), or for each recording the way whose result agrees best with depth and color (auto); auto also takes
    tables out of the depth range, and items that no hand touches"""
    calibrate: bool = False
    """find anew how skin is detected; without, what --out was begun with is taken, or the skin.json in a recording"""
    clicks: tuple[str, ...] = ()
    """calibrate on pixels of bare skin: FRAME:X,Y in the depth image; default: on what the first frames share"""
    calibration_frames: int = 30
    """so many frames at the beginning of a recording show the empty hand, or different objects"""
    theta: float | None = None
    """contour filter (paper, eq. 1): segments of no more pixels go; default: 300 with --skin hsv, else 20"""
    phi: float | None = None
    """contour filter: segments of a squared perimeter over area not below this go; default: 600 with hsv, else 1000"""
    with_model: str | None = None
    """a trained model that labels the frames too: the name of a shipped one, or an exported .onnx file"""
    depth: Literal["range", "all"] = "range"
    """store depth within the range only, as the paper does, or all of it: then an arm beyond is called background"""
    format: Literal["folder", "shards"] = "folder"
    """how frames are stored: PNG files, or WebDataset tars of many"""
    shard_size: int = 1024
    """frames of a shard"""
    workers: int | None = None
    """processes; default: as many as this process may use CPUs"""
    cluster: str | None = None
    """annotate on a Ray cluster instead: auto, or host:port of its head; all nodes must share inputs and --out"""


def main(argv: list[str]) -> int:
    """Run the command.

    Raises:
        InputError: nothing can be annotated or written.
    """
    options = parse(Options, argv, USAGE)
    workers = _checked_workers(options)
    from rich.console import Console

    from graspseg.annotate.inputs import Inputs
    from graspseg.annotate.job import Job
    from graspseg.annotate.settings import AnnotateSettings
    from graspseg.datasets.output_folder import working_in
    from graspseg.parallel.chunks import Processes, RayCluster

    where = Processes(workers) if options.cluster is None else RayCluster(options.cluster)
    settings = AnnotateSettings(
        skin=options.skin,
        depth_range_m=options.depth_range,
        theta_px=options.theta,
        phi=options.phi,
        surroundings=options.skin == "auto",
    )
    camera = options.camera.checked()
    topics = options.topic
    job = Job(options.inputs, options.out, settings, camera, options.depth, options.format, options.shard_size, topics)
    inputs = Inputs(options.inputs, camera, topics=topics)
    real = job.out.resolve()
    for path in inputs.paths:
        if path.is_dir() and path.resolve() in real.parents:
            raise InputError(f"{job.out} is inside {path}, expected another place: choose another --out.")
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    for sentence in (*inputs.cut, *inputs.notes):
        console.print(f"graspseg: warning: {printable(sentence)}")
    skins = _skins(options, job, inputs, console)
    with working_in(job.out):
        code = _run(job, inputs, skins, options.with_model, where, console)
    return 1 if inputs.cut else code


def _checked_workers(options: Options) -> int:
    """Number of processes.

    Raises:
        InputError: options that make no sense, alone or together.
    """
    from graspseg.segment.engine import available_threads

    workers = available_threads() if options.workers is None else options.workers
    if not options.inputs:
        raise InputError("There is no input, expected recordings or folders: graspseg annotate INPUT... --out DIR.")
    if workers < 1 or options.shard_size < 1:
        raise InputError(
            f"--workers is {workers} and --shard-size {options.shard_size}, expected both at least 1: correct them."
        )
    if options.cluster is not None and options.workers is not None:
        raise InputError(
            f"--workers {workers} was given with --cluster {options.cluster}, expected one of them: leave out --workers"
            " to use all CPUs of the cluster."
        )
    if options.calibration_frames < 1:
        raise InputError(f"--calibration-frames is {options.calibration_frames}, expected at least 1: correct it.")
    if options.clicks and not options.calibrate:
        raise InputError("--clicks was given without --calibrate, expected both: add --calibrate.")
    return workers


def _skins(options: Options, job: Job, inputs: Inputs, console: Console) -> list[SkinChoice]:
    """How skin is detected in each input; nothing where the paper's own thresholds are requested.

    Raises:
        InputError: they cannot be found.
    """
    from graspseg.annotate.recorded_skin import find_skins, load_skins

    if options.skin == "hsv" and not options.calibrate:
        return []

    def warn(sentence: str) -> None:
        console.print(f"graspseg: warning: {printable(sentence)}")

    there = [] if options.calibrate else load_skins(job, inputs, say=warn)
    known = [skin is not None and skin.serves(options.skin) for skin in there]
    if there and all(known):
        return [skin for skin in there if skin is not None]
    if any(known):
        title = inputs.titles[known.index(False)]
        raise InputError(
            f"{title} has no skin.json, unlike other inputs, expected one for each: copy one from skin/ of an "
            "annotation of it, or add --calibrate."
        )
    return find_skins(job, inputs, clicks=options.clicks, first=options.calibration_frames, given=there)


def _run(
    job: Job, inputs: Inputs, skins: Sequence[SkinChoice], model: str | None, where: Where, console: Console
) -> int:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from graspseg.annotate.ranking import write_ranking
    from graspseg.annotate.second_model import ask_model, model_identity
    from graspseg.annotate.write import annotate_inputs

    identity = None if model is None else model_identity(model)
    done, failed = 0, 0
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("annotate", total=len(inputs))
        for written in annotate_inputs(job, inputs, skins=skins, where=where):
            for number, sentence in enumerate(written.failures, failed):
                if number < _SHOWN:
                    console.print(f"graspseg: {printable(sentence)}")
            done, failed = done + written.frames, failed + len(written.failures)
            progress.advance(bar, written.frames + len(written.failures))
        if model is not None:
            bar = progress.add_task("ask model", total=done)
            for count in ask_model(job.chunks_of(len(inputs)), model, where=where):
                progress.advance(bar, count)
    ranking = write_ranking(job, inputs, skins=skins, model=identity)
    if failed > _SHOWN:
        console.print(f"graspseg: {failed - _SHOWN} more frames failed, all are in {printable(job.out / 'evidence')}")
    print(f"{done} of {len(inputs)} frames annotated in {printable(job.out)}")
    for title, skin in zip(inputs.titles, skins, strict=bool(skins)):
        print(f"skin in {printable(title)}: {printable(skin.sentence())}")
    for sentence in ranking.sentences():
        print(printable(sentence))
    print(f"check them, lowest confidence first: graspseg review {printable(job.out)}")
    return 1 if failed else 0
