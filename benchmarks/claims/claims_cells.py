"""The cells that claims compare: networks trained with cross-entropy, and what is fine-tuned from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from graspseg.compare.cells import Cell, ComparedFrames, cell_folder, run_cell
from graspseg.compare.entries import Hardware, NetworkEntry
from graspseg.compare.report import value_at
from graspseg.training.presets import LossSettings, TrainConfig

THEN = "-then-"
# Other frames and noise than those the first stage began with.
SECOND_SEED = 100
MEAN_IOU = ("iou_dataset", "mean")


@dataclass(frozen=True)
class SecondStage:
    """What a model of cross-entropy is fine-tuned with, from the first step on."""

    contour: bool
    loss: LossSettings


def _second(*, contour: bool = True, **settings: Any) -> SecondStage:
    return SecondStage(contour, replace(LossSettings(contour_share=1.0), **settings))


SECOND_STAGES = {
    "ce": _second(contour=False),
    "contour": _second(),
    "contour-strong": _second(beta=0.05),
    "contour-mean": _second(contour_normalizer="mean"),
    "contour-summed": _second(contour_per_class=False),
    # Divided by the support, outlines of logits outweigh the cross-entropy as soon as the network is sure.
    "contour-logits": _second(contour_input="logits", contour_normalizer="mean"),
    "contour-literal": _second(contour_input="logits", contour_normalizer="mean", contour_per_class=False),
    "lovasz": _second(contour=False, extra="lovasz", gamma=1.0),
    "boundary": _second(contour=False, extra="boundary", gamma=0.05),
}


def cells_needed(names: Sequence[str]) -> list[str]:
    """Cells and those they start from, each once and after what it starts from."""
    first = [name.partition(THEN)[0] for name in names]
    return list(dict.fromkeys([*first, *names]))


def run_cells(
    names: Sequence[str],
    frames: ComparedFrames,
    out: Path,
    *,
    seeds: Sequence[int],
    config: TrainConfig,
    fine_steps: int,
    threads: int,
) -> dict[tuple[str, int], Cell]:
    """Train and judge every cell that is not done yet, seed by seed.

    Args:
        names: see `cells_needed`.
        frames: what all cells see.
        out: folder of the cells.
        seeds: of the first stage; the second adds `SECOND_SEED`.
        config: recipe of the first stage.
        fine_steps: steps of the second.
        threads: CPU threads while frames are judged.
    """
    cells: dict[tuple[str, int], Cell] = {}
    for number, (seed, name) in enumerate([(seed, name) for seed in seeds for name in names], start=1):
        network, _, stage = name.partition(THEN)
        entry = NetworkEntry(name, replace(config, network=network))
        of = seed
        if stage:
            first, of = cells[network, seed], seed + SECOND_SEED
            if first.weights is None:
                folder = cell_folder(out, entry, of)
                cells[name, seed] = Cell(entry, of, folder, failure=f"its first stage failed: {first.failure}")
                continue
            second = SECOND_STAGES[stage]
            settings = replace(
                entry.config,
                init=str(first.weights),
                steps=fine_steps,
                contour=second.contour,
                loss=second.loss,
                validation=replace(config.validation, every_steps=fine_steps),
            )
            entry = NetworkEntry(name, settings)
        cell = run_cell(entry, of, out, frames=frames, hardware=Hardware(threads), progress=lambda *_: None)
        score = cell.failure or f"mean IoU {100 * (value_at(cell, MEAN_IOU) or 0):.2f}"
        print(f"{number}/{len(seeds) * len(names)} {name}, seed {seed}: {score}", flush=True)
        cells[name, seed] = cell
    return cells
