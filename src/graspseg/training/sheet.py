"""Pictures of a run: the validation contact sheet and the curves."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from graspseg.datasets.atomic import write_png
from graspseg.labels import contact_sheet, overlay, shade_depth

_MILLIMETERS = 1000.0
_COLUMNS, _HEAD_PX = 6, 18
_HEADINGS = ("depth", "truth", "prediction")
_SHOWN_AS = {"first_look": "whole frame", "second_look": "focus window"}


def write_sheet(path: Path, shown: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> UInt8[np.ndarray, "h w 3"]:
    """Write a contact sheet: depth, truth and prediction side by side under headings, two views a row.

    Args:
        path: PNG to write.
        shown: per view depth in meters `[h w]`, truth and prediction `[h w]`.

    Returns:
        The picture, RGB.

    Raises:
        InputError: the file cannot be written.
    """
    images = []
    across = max(depth.shape[1] for depth, _, _ in shown)
    columns = min(3 * len(shown), _COLUMNS)
    images += [_heading(_HEADINGS[place % 3], across) for place in range(columns)]
    for depth_m, target, prediction in shown:
        depth = np.clip(depth_m * _MILLIMETERS, 0, 65535).astype(np.uint16)
        images += [shade_depth(depth), overlay(depth, target), overlay(depth, prediction)]
    # Headings are a row of their own, as high as they are.
    head, rest = images[:columns], images[columns:]
    sheet = np.vstack([contact_sheet(head, columns), contact_sheet(rest, columns)])
    write_png(path, sheet)
    return sheet


def _heading(text: str, width: int) -> UInt8[np.ndarray, "_h _w 3"]:
    """A strip with a word."""
    strip = np.full((_HEAD_PX, width, 3), 24, np.uint8)
    cv2.putText(strip, text, (4, _HEAD_PX - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (230, 230, 230), 1, cv2.LINE_AA)
    return strip


def _marker(points: Sequence[tuple[float, float]]) -> str:
    """A few points have no line worth the name, one has none at all."""
    return "o" if len(points) < 10 else ""


def _legend(name: str) -> str:
    """A figure's name in words: `val/first_look_mean` is `val: whole frame, mean`."""
    kind, _, figure = name.partition("/")
    for stored, words in _SHOWN_AS.items():
        if figure.startswith(stored + "_"):
            figure = f"{words}, {figure.removeprefix(stored + '_').replace('_', ' ')}"
    return f"{kind}: {figure.replace('_', ' ')}"


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
            *zip(*points, strict=True), label=_legend(name), linewidth=1, marker=_marker(points)
        )
    axes[0].set(title="losses", xlabel="step", yscale="log")
    axes[1].set(title="IoU on the validation set", xlabel="step", ylim=(0, 1))
    for axis in axes:
        if axis.lines:
            axis.legend(fontsize=7)
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
    return True
