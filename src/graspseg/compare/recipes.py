"""What the options of a comparison mean: its rows, at which size, and how their networks are trained."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from graspseg.compare.entries import (
    Entry,
    ExportedEntry,
    ForestEntry,
    NetworkEntry,
    WeightsEntry,
    validation_interval,
)
from graspseg.compare.frames import Size
from graspseg.errors import InputError
from graspseg.models.header import FOREST
from graspseg.models.locate import find_model
from graspseg.training.presets import LossSettings, TrainConfig, ValidationSettings, preset

CONTOUR = "+contour"
PAPER_TABLE = (
    "fcn32s",
    "fcn16s",
    "fcn8s",
    "gcn",
    "refinenet",
    "deeplabv3plus",
    "denseattentionseg-noattention",
    "denseattentionseg",
    "denseattentionseg+contour",
)
"""The rows of the paper's Tables 2 and 3, in their order."""


@dataclass(frozen=True)
class Scale:
    """What a comparison does unless told otherwise.

    Attributes:
        size: of all frames.
        networks: the rows.
        frames: how many are made to train on.
        config: recipe of every network.
    """

    size: Size
    networks: tuple[str, ...]
    frames: int
    config: TrainConfig


def scale_named(text: str) -> Scale:
    """The scale that `--size` means: `paper`, or WIDTHxHEIGHT for small networks.

    Raises:
        InputError: it is neither.
    """
    if text == "paper":
        return Scale(Size(640, 480), PAPER_TABLE, preset("paper").frames, paper_config())
    return Scale(Size.parse(text), (), 20_000, comparison_config())


def paper_config() -> TrainConfig:
    """The paper's recipe (its section 4.5, preset `paper`); with fewer steps, its schedule shrinks with them."""
    return replace(preset("paper"), contour=False)


def comparison_config() -> TrainConfig:
    """One recipe for every small network of a comparison: whole frames, the paper's augmentation without its crop.

    The generator's preset `interseghands` and the paper's data are cropped already. The last 15 % of the steps are the
    stage of the contour loss; without it they are cross-entropy alone, so that every row spends the same steps.
    """
    lite = preset("lite")
    config = replace(
        lite,
        contour=False,
        views=replace(lite.views, kind="frame", per_frame=1),
        augment=replace(preset("paper").augment, window_share=0.0),
        optimizer=replace(lite.optimizer, rate=1e-3, average_decay=0.99),
        loss=LossSettings(contour_share=0.15),
        validation=ValidationSettings(frames=64, sheet_views=8),
        compute=replace(lite.compute, workers=0, checkpoint_minutes=2.0),
    )
    return with_budget(config, steps=3000, batch=8)


def with_budget(
    config: TrainConfig, *, steps: int | None = None, batch: int | None = None, threads: int = 0
) -> TrainConfig:
    """A recipe with another budget; how often it validates and logs follows from the steps.

    Args:
        config: the recipe.
        steps: optimizer steps, both stages together; None = as they are.
        batch: frames of one step; None = as they are.
        threads: CPU threads of PyTorch; 0 = all.
    """
    config = replace(config, batch=batch or config.batch, compute=replace(config.compute, threads=threads))
    if steps is None:
        return config
    return replace(
        config,
        steps=steps,
        validation=replace(config.validation, every_steps=validation_interval(steps)),
        compute=replace(config.compute, log_every_steps=min(20, steps)),
    )


def entries_named(names: Sequence[str], config: TrainConfig) -> list[Entry]:
    """Entries by short names: `NETWORK`, `NETWORK+contour` (the last stage with the contour loss), `forest`.

    NETWORK is a name in the table, or `module:function` of a user's own.

    Args:
        names: in the order of the table.
        config: what all of them share.

    Raises:
        InputError: no such network.
    """
    from graspseg.networks.table import network_spec

    entries: list[Entry] = []
    for name in names:
        network = name.removesuffix(CONTOUR)
        if name == FOREST:
            entries.append(ForestEntry())
            continue
        if network == FOREST:
            raise InputError(f"{name} does not exist, the forest has no contour loss: give {FOREST}.")
        network_spec(network)
        entries.append(NetworkEntry(_row_name(name), replace(config, network=network, contour=name.endswith(CONTOUR))))
    return entries


def model_entries(given: Sequence[str]) -> list[Entry]:
    """Entries of models that exist: files, folders of runs, or shipped models by name; named by their files.

    Raises:
        InputError: one is not there or of no known kind.
    """
    kinds = {".safetensors": WeightsEntry, ".onnx": ExportedEntry, ".npz": ExportedEntry}
    entries: list[Entry] = []
    for text in given:
        named = Path(text)
        path = named / "model.safetensors" if named.is_dir() else named
        if not named.exists() and not named.suffix:
            path = find_model(text)
        if not path.is_file() or path.suffix not in kinds:
            raise InputError(
                f"{text} is no model, expected the folder of a run, a .safetensors, .onnx or .npz file, or the name of "
                "a shipped model such as lite: name one."
            )
        stem = named.resolve().name if named.is_dir() else path.stem
        entries.append(kinds[path.suffix](_row_name(stem), path))
    return entries


def _row_name(text: str) -> str:
    """A name that may be part of a path."""
    return re.sub(r"[^\w+.-]", "_", text)


def check_names(entries: Sequence[Entry]) -> None:
    """See that every row has a name of its own.

    Raises:
        InputError: two have the same one, or there is none.
    """
    names = [entry.name for entry in entries]
    if not names:
        raise InputError("There is nothing to compare, expected --networks or --models: see graspseg networks.")
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise InputError(f"{doubled[0]} is listed twice, expected every row once: leave one out or rename its file.")
