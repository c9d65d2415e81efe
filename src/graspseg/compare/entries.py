"""What is compared: networks with their settings, trained model files, and the forest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from graspseg.errors import InputError
from graspseg.models.header import find_model
from graspseg.training.presets import LossSettings, TrainConfig, ValidationSettings, preset

CONTOUR = "+contour"
FOREST = "forest"
_BASE = preset("paper").augment


@dataclass(frozen=True)
class Entry:
    """A network that is trained, once for every seed.

    Attributes:
        name: how the report calls it; unique, letters, digits, `+-_.`.
        config: settings of its training; `seed` is replaced.
    """

    name: str
    config: TrainConfig


@dataclass(frozen=True)
class ForestEntry:
    """The random decision forest, trained once for every seed on as many of the same frames as it takes."""

    name: str = FOREST


@dataclass(frozen=True)
class ModelEntry:
    """A model that is trained already.

    Attributes:
        name: how the report calls it.
        path: weights (`.safetensors`), which see whole frames, or an exported model (`.onnx`) with its windows.
    """

    name: str
    path: Path


AnyEntry = Entry | ForestEntry | ModelEntry


def comparison_config() -> TrainConfig:
    """One recipe for every network of a comparison: whole frames, the paper's augmentation without its crop.

    The generator's preset `interseghands` and the paper's data are cropped already. The last 15 % of the steps are the
    stage of the contour loss; without it they are cross-entropy alone, so that every row spends the same steps.
    """
    lite = preset("lite")
    config = replace(
        lite,
        contour=False,
        views=replace(lite.views, kind="frame", per_frame=1),
        augment=replace(_BASE, window_share=0.0),
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


def validation_interval(steps: int) -> int:
    """Steps between validations: eight points make a curve, and short runs do little else than validate."""
    return max(steps // 8, min(steps, 50))


def entries_named(names: Sequence[str], config: TrainConfig) -> list[Entry | ForestEntry]:
    """Entries by short names: `NETWORK`, `NETWORK+contour` (the last stage with the contour loss), `forest`.

    NETWORK is a name in the table, or `module:function` of a user's own.

    Args:
        names: in the order of the table.
        config: what all of them share.

    Raises:
        InputError: no such network.
    """
    from graspseg.networks.table import network_spec

    entries: list[Entry | ForestEntry] = []
    for name in names:
        network = name.removesuffix(CONTOUR)
        if name == FOREST:
            entries.append(ForestEntry())
            continue
        if network == FOREST:
            raise InputError(f"{name} does not exist, the forest has no contour loss: give {FOREST}.")
        network_spec(network)
        entries.append(Entry(_row_name(name), replace(config, network=network, contour=name.endswith(CONTOUR))))
    return entries


def model_entries(paths: Sequence[Path]) -> list[ModelEntry]:
    """Entries of trained models, named by their files; a run's folder means its model, `lite` the shipped one.

    Raises:
        InputError: a file is not there or of no known kind.
    """
    entries = []
    for given in paths:
        path = given / "model.safetensors" if given.is_dir() else given
        if not given.exists() and not given.suffix:
            path = find_model(str(given))
        if not path.is_file() or path.suffix not in (".safetensors", ".onnx"):
            raise InputError(
                f"{given} is no model, expected a run's folder, a shipped model, a .safetensors or .onnx file: "
                "name one."
            )
        stem = given.resolve().name if given.is_dir() else path.stem
        entries.append(ModelEntry(_row_name(stem), path))
    return entries


def _row_name(text: str) -> str:
    """A name that may be part of a path."""
    return re.sub(r"[^\w+.-]", "_", text)


def check_names(entries: Sequence[AnyEntry]) -> None:
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
