"""`graspseg train`: settings from a preset, a file and the command line, then one run."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro

from graspseg.cli.help import Usage
from graspseg.cli.options import parse
from graspseg.errors import InputError, did_you_mean
from graspseg.training.config_file import read_config
from graspseg.training.presets import PRESET_NAMES, TrainConfig, preset

USAGE = Usage(
    "graspseg train",
    examples=(
        "graspseg train --preset tiny --out runs/first",
        "graspseg train --init lite --data my_labeled_frames --max-minutes 30 --out runs/mine",
    ),
    everyday=(
        "preset",
        "data",
        "init",
        "network",
        "out",
        "steps",
        "max-minutes",
        "batch",
        "seed",
        "validation.data",
        "backgrounds",
        "resume",
        "config",
        "accelerator",
        "workers",
    ),
)


@dataclass(frozen=True)
class Arguments:
    """Train a network, or fine-tune a model on your own labeled frames (`--init MODEL --data DIR`).

    `--network forest` trains the random decision forest, which has settings of its own: `--network forest --help`.

    Attributes:
        settings: what decides the run.
        out: folder of the run; must not hold a run yet, except with `--resume`.
        config: start from the settings of another run's config.json; options given beside it win.
        resume: go on with the interrupted run in `--out`; its settings are taken from there.
    """

    settings: Annotated[TrainConfig, tyro.conf.arg(name="")]
    out: Path
    config: Path | None = None
    resume: bool = False


def main(argv: Sequence[str]) -> int:
    """Run the command; 0 done, 1 done without some frames that could not be used; see `graspseg train --help`."""
    if _asks_for_forest(argv):
        from graspseg.cli.train_forest import main as train_forest

        return train_forest(argv)
    arguments = _with_checked_backgrounds(parse_arguments(argv))
    from graspseg.training.run import report, train
    from graspseg.training.run_folder import leads

    result = train(arguments.settings, arguments.out, resume=arguments.resume)
    report(result)
    # A helper process that ends with another code than 0 makes Lightning kill the others.
    return 1 if result.skipped and leads() else 0


def _with_checked_backgrounds(arguments: Arguments) -> Arguments:
    """The arguments with the background frames left out that show a hand; a resumed run keeps what it knows.

    Raises:
        InputError: the backgrounds cannot be used, or would not be.
    """
    settings = arguments.settings
    if not settings.backgrounds or arguments.resume:
        return arguments
    if settings.data or "rooms" not in settings.recipes:
        beside = "--data" if settings.data else f"--recipes {' '.join(settings.recipes)}"
        raise InputError(
            f"--backgrounds was given with {beside}, with which nothing is put into them: leave --data out and name "
            "rooms among --recipes."
        )
    from graspseg.cli.backgrounds import frames_with_hands

    left_out = settings.left_out or frames_with_hands(settings.backgrounds)
    return replace(arguments, settings=replace(settings, left_out=left_out))


def _asks_for_forest(argv: Sequence[str]) -> bool:
    """Whether the forest is meant, which has no steps, batches or losses: its settings are others altogether."""
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument("--network", default=None)
    return first.parse_known_args(list(argv))[0].network == "forest"


def parse_arguments(argv: Sequence[str]) -> Arguments:
    """Read the command line; the preset, a file or the interrupted run decide what is not given.

    Raises:
        InputError: the file, the preset, or the run to resume cannot be used.
    """
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument("--preset", default=None)
    first.add_argument("--config", type=Path, default=None)
    first.add_argument("--out", type=Path, default=None)
    first.add_argument("--resume", action="store_true")
    known, _ = first.parse_known_args(list(argv))
    if known.preset is not None and known.preset not in PRESET_NAMES:
        meant = did_you_mean(known.preset, PRESET_NAMES, otherwise="choose one.")
        raise InputError(f"--preset is {known.preset!r}, expected one of {', '.join(PRESET_NAMES)}: {meant}")
    file = known.config
    if known.resume:
        if known.out is None or not (known.out / "config.json").is_file():
            raise InputError(
                f"--resume found no run in --out {known.out}, expected a folder with config.json: name it."
            )
        file = known.out / "config.json"
    settings = preset(known.preset or "lite") if file is None else read_config(file)
    default = Arguments(settings, known.out or Path("runs") / settings.preset)
    return parse(Arguments, argv, USAGE, default=default)
