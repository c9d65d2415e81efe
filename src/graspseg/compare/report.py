"""What a comparison found, as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Int64

from graspseg import __version__
from graspseg.compare.cells import Cell
from graspseg.compare.run import Comparison
from graspseg.evaluation.machine import describe_machine
from graspseg.metrics.confusion import mean_foreground_iou
from graspseg.metrics.paired import paired_difference_over_seeds


@dataclass(frozen=True)
class Column:
    """A figure of the table.

    Attributes:
        title: its head.
        path: where it stands in a cell's scores.
        factor: what it is shown times; 100 for shares.
        more_is_better: whether the highest or the lowest is the best.
    """

    title: str
    path: tuple[str, ...]
    factor: float = 100.0
    more_is_better: bool = True


PAPER_COLUMNS = (
    Column("mean IOU", ("iou_dataset", "mean")),
    Column("pixel acc.", ("pixel_accuracy",)),
    Column("mean acc.", ("mean_accuracy",)),
    Column("mean IU", ("mean_iu",)),
    Column("f.w. IU", ("frequency_weighted_iu",)),
)
OUR_COLUMNS = (
    Column("hand IOU", ("iou_dataset", "hand")),
    Column("object IOU", ("iou_dataset", "object")),
    Column("hand F1", ("f1_dataset", "hand")),
    Column("IOU per image", ("iou_image", "mean")),
    Column("boundary F 2 px", ("boundary_f", "mean", "2px")),
    Column("boundary IOU 2 px", ("boundary_iou", "dataset", "mean", "2px")),
    Column("hand outline mm", ("boundary_error", "hand", "mean_mm"), factor=1.0, more_is_better=False),
    Column("object outline mm", ("boundary_error", "object", "mean_mm"), factor=1.0, more_is_better=False),
    Column("contact F1 2 px", ("contact_f", "2px")),
    Column("hand leak", ("hand_leak", "rate"), more_is_better=False),
    Column("ECE", ("calibration", "foreground", "ece"), more_is_better=False),
)
COLUMNS = {column.title: column for column in (*PAPER_COLUMNS, *OUR_COLUMNS)}


def as_json(
    comparison: Comparison, *, title: str, reference: str, command: str, budget: str, device: str = "cpu"
) -> dict[str, Any]:
    """All figures as plain JSON values; shares are fractions of 1, None where there is no figure.

    Args:
        comparison: what was found.
        title: heading of the report.
        reference: name of the entry that the others are compared with.
        command: what was typed.
        budget: what every row was given, in words.
        device: name of what networks were timed on in PyTorch.
    """
    judged, timing = comparison.frames.judged, comparison.timing
    return {
        "title": title,
        "command": command,
        "budget": budget,
        "frames": {
            **comparison.frames.described,
            "judged": len(judged),
            "trained_on": len(comparison.frames.train) if comparison.frames.train is not None else None,
            "left_out": judged.failures,
        },
        "timing": {
            "size": str(timing.size),
            "threads": timing.hardware.threads,
            "device": device,
            "calls": timing.calls,
        },
        "reference": reference,
        "rows": [_row(comparison, entry.name) for entry in comparison.entries],
        "differences": _differences(comparison, reference),
        "failures": comparison.failures,
        "graspseg": __version__,
        "machine": describe_machine(),
    }


def _row(comparison: Comparison, name: str) -> dict[str, Any]:
    cells = comparison.cells_of(name)
    times = comparison.times.get(name, {})
    steps = sorted({cell.trained["steps"] for cell in cells if cell.trained.get("steps")})
    return {
        "name": name,
        "seeds": [cell.seed for cell in cells if cell.seed is not None],
        "scores": {
            title: _spread([value_at(cell, column.path) for cell in cells]) for title, column in COLUMNS.items()
        },
        "cells": [{"seed": cell.seed, "scores": cell.scores.get("scores"), **cell.trained} for cell in cells],
        "steps": steps,
        "eager_ms": times.get("eager_ms"),
        "runtime_ms": times.get("runtime_ms"),
        **comparison.costs.get(name, {"parameters_m": None, "gflop": None}),
        "failures": [
            {"seed": cell.seed, "reason": cell.failure}
            for cell in comparison.cells
            if cell.entry.name == name and cell.failure is not None
        ],
    }


def value_at(cell: Cell, path: Sequence[str]) -> float | None:
    """A figure in a cell's scores, None where it is not there or could not be judged."""
    return figure_at(cell.scores.get("scores"), path)


def figure_at(scores: Any, path: Sequence[str]) -> float | None:
    """A figure in what an evaluation found, None where it is not there or could not be judged."""
    value = scores
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return float(value) if isinstance(value, int | float) else None


def _spread(values: Sequence[float | None]) -> dict[str, float | None] | None:
    """Mean and standard deviation (of a sample; None for one value); None when a value is missing."""
    reported = [value for value in values if value is not None]
    if not reported or len(reported) != len(values):
        return None
    return {"mean": float(np.mean(reported)), "std": float(np.std(reported, ddof=1)) if len(reported) > 1 else None}


def _differences(comparison: Comparison, reference: str) -> list[dict[str, Any]]:
    """Every other entry minus the reference, over the seeds that both have."""
    base = {cell.seed: cell.matrices() for cell in comparison.cells_of(reference)}
    found = []
    for entry in comparison.entries:
        own = {cell.seed: cell.matrices() for cell in comparison.cells_of(entry.name)}
        # One frame cannot be drawn anew.
        pairs = seed_pairs(own, base) if entry.name != reference and len(comparison.frames.judged) > 1 else []
        if pairs:
            ours, theirs = np.stack([pair[0] for pair in pairs]), np.stack([pair[1] for pair in pairs])
            # Two models that exist can be told apart on frames; a recipe that was trained once says nothing of itself.
            reported = len(pairs) > 1 or not (own.keys() | base.keys()) - {None}
            found.append({"name": entry.name, "seeds": len(pairs), **_difference(theirs, ours, interval=reported)})
    return found


def _difference(reference: np.ndarray, entry: np.ndarray, *, interval: bool) -> dict[str, float | None]:
    """Difference of the mean IoU with its interval, and the share of frames where the entry is better."""
    found = paired_difference_over_seeds(reference, entry).iou_dataset
    low, high = (found.low, found.high) if interval else (None, None)
    return {"value": found.value, "low": low, "high": high, "better_share": better_share(reference, entry)}


def better_share(first: Int64[np.ndarray, "s n 3 3"], second: Int64[np.ndarray, "s n 3 3"]) -> float:
    """Share of frames on which the second has the higher mean IoU, equal ones counted half; 0.5 without any."""
    difference = mean_foreground_iou(second) - mean_foreground_iou(first)
    judged = np.sign(difference[np.isfinite(difference)])
    return float((judged.mean() + 1) / 2) if judged.size else 0.5


_T = TypeVar("_T")


def seed_pairs(own: Mapping[int | None, _T | None], base: Mapping[int | None, _T | None]) -> list[tuple[_T, _T]]:
    """What belongs to equal seeds; a model without seeds stands against every seed of the other."""
    seeds = [seed for seed in {**own, **base} if seed is not None] or [None]
    pairs = [(own.get(seed, own.get(None)), base.get(seed, base.get(None))) for seed in seeds]
    return [(ours, ref) for ours, ref in pairs if ours is not None and ref is not None]
