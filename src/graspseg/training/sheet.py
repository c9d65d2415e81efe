"""Pictures of a run: the validation contact sheet and the curves."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from graspseg.datasets.atomic import write_png
from graspseg.labels import contact_sheet, overlay, shade_depth

_MILLIMETERS = 1000.0


def write_sheet(path: Path, shown: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> None:
    """Write a contact sheet: depth, truth and prediction side by side, two views a row.

    Args:
        path: PNG to write.
        shown: per view depth in meters `[h w]`, truth and prediction `[h w]`.

    Raises:
        InputError: the file cannot be written.
    """
    images = []
    for depth_m, target, prediction in shown:
        depth = np.clip(depth_m * _MILLIMETERS, 0, 65535).astype(np.uint16)
        images += [shade_depth(depth), overlay(depth, target), overlay(depth, prediction)]
    write_png(path, contact_sheet(images, 6))


def _marker(points: Sequence[tuple[float, float]]) -> str:
    """A few points have no line worth the name, one has none at all."""
    return "o" if len(points) < 10 else ""


def read_log(path: Path, *, before_step: int | None = None) -> list[dict[str, float]]:
    """Rows of a run's metrics.csv, empty cells left out; none when there is no file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        rows = [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]
    return [row for row in rows if before_step is None or row["step"] < before_step]


def write_curves(path: Path, rows: Sequence[dict[str, float]]) -> bool:
    """Draw losses and validation scores over steps; False when matplotlib is not installed or there is nothing."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        return False
    names = sorted({name for row in rows for name in row if name.startswith(("train/", "val/"))})
    if not names:
        return False
    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.subplots(1, 2)
    for name in names:
        points = [(row["step"], row[name]) for row in rows if name in row]
        axes[int(name.startswith("val/"))].plot(
            *zip(*points, strict=True), label=name, linewidth=1, marker=_marker(points)
        )
    axes[0].set(title="losses", xlabel="step", yscale="log")
    axes[1].set(title="IoU on the validation set", xlabel="step", ylim=(0, 1))
    for axis in axes:
        if axis.lines:
            axis.legend(fontsize=7)
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
    return True
