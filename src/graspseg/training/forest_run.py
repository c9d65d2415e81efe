"""One training of the forest from settings to a file. Imports no torch."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from graspseg.datasets.atomic import write_json
from graspseg.datasets.output_folder import clear_partial, refuse_foreign, working_in
from graspseg.errors import InputError
from graspseg.forest.file import write_forest
from graspseg.forest.training import train_forest
from graspseg.training.forest_config import ForestConfig
from graspseg.training.presets import TrainConfig
from graspseg.training.sources import Skipped, check_frames, open_frames

FOREST_FILE = Path("forest.npz")


def run_forest(config: ForestConfig, out: Path, *, progress: Callable[[str, float], None] | None = None) -> Skipped:
    """Train a forest and write config.json and forest.npz into a folder.

    Frames are split into those to train on and those the decision is adjusted on as for networks; see `open_frames`.

    Returns:
        The frames that could not be used.

    Raises:
        InputError: settings, frames or folder cannot be used.
    """
    with working_in(out):
        return _run(config, out, progress)


def _run(config: ForestConfig, out: Path, progress: Callable[[str, float], None] | None) -> Skipped:
    """See `run_forest`; the folder is held."""
    if (out / FOREST_FILE).exists():
        raise InputError(f"{out} already holds a forest, expected a new folder: choose another --out.")
    refuse_foreign(out, ("config.json",), "graspseg train --network forest")
    clear_partial(out)
    if config.seed < 0:
        raise InputError(f"--seed is {config.seed}, expected at least 0: give another one.")
    skipped = Skipped()
    plain = TrainConfig()
    train, val = open_frames(
        replace(
            plain,
            data=config.data,
            recipes=config.recipes,
            seed=config.seed,
            validation=replace(plain.validation, frames=config.forest.validation_frames),
        )
    )
    if config.data:
        check_frames(train, ", ".join(map(str, config.data)), same_size=False, skipped=skipped)
    forest = train_forest(
        train,
        config.forest,
        seed=config.seed,
        validation=val,
        progress=progress,
        skip=lambda reason: skipped.add([reason]),
    )
    described = {"folders": [path.name for path in config.data]} if config.data else {"synthetic": list(config.recipes)}
    trained = {**forest.trained, **described, "frames_skipped": len(skipped.reasons)}
    write_forest(out / FOREST_FILE, replace(forest, trained=trained))
    write_json(out / "config.json", json.loads(json.dumps(asdict(config), default=str)))
    return skipped
