"""Pictures of a comparison: curves, frames side by side, attention maps, outlines."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, UInt8
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from graspseg.compare.cells import Cell
from graspseg.compare.entries import Hardware, labels_of
from graspseg.compare.recipes import CONTOUR
from graspseg.compare.run import Comparison
from graspseg.datasets.atomic import write_bytes
from graspseg.datasets.dataset import Sample
from graspseg.labels import CLASS_NAMES, overlay, shade_depth
from graspseg.metrics.confusion import count_pairs, mean_foreground_iou

SHOWN = 6
_DPI = 110
_PANEL_IN = 1.7
# Okabe and Ito's colors without yellow, told apart by people with any kind of color blindness; then line styles.
_COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000")
_STYLES = ("-", "--", ":")


@dataclass(frozen=True)
class Picture:
    """A picture of the report.

    Attributes:
        path: the PNG.
        title: its heading.
        caption: what it shows.
    """

    path: Path
    title: str
    caption: str


def write_pictures(comparison: Comparison, *, hardware: Hardware) -> list[Picture]:
    """Draw everything that the finished cells allow, into the folder of the comparison.

    Raises:
        InputError: a file cannot be written.
    """
    first = [cells[0] for entry in comparison.entries if (cells := comparison.cells_of(entry.name))]
    if not first:
        return []
    chosen = most_different(np.stack([mean_foreground_iou(cell.matrices()) for cell in first]), SHOWN)
    samples = [comparison.frames.judged[index] for index in chosen]
    probabilities = {cell.entry.name: _predicted(cell, samples, hardware) for cell in first}
    drawn = [
        _curves(comparison),
        _side_by_side(comparison.out, samples, probabilities),
        _attention(comparison.out, first, samples),
        _outlines(comparison.out, samples, probabilities),
    ]
    return [picture for picture in drawn if picture is not None]


def most_different(scores: Float64[np.ndarray, "entries frames"], count: int) -> list[int]:
    """Frames on which entries differ most: standard deviation of their mean IoU, largest first."""
    spread = np.nan_to_num(np.std(scores, axis=0), nan=-1.0)
    return [int(index) for index in np.argsort(-spread, kind="stable")[:count]]


def _predicted(cell: Cell, samples: Sequence[Sample], hardware: Hardware) -> list[np.ndarray]:
    assert cell.weights is not None
    predict = cell.entry.predictor(cell.weights, hardware)
    return [predict(sample.frame) for sample in samples]


def _curves(comparison: Comparison) -> Picture | None:
    """Loss and validation IoU of every network over steps, mean of its seeds."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    axes = figure.subplots(1, 2)
    styles = cycle([(color, style) for style in _STYLES for color in _COLORS])
    for entry in comparison.entries:
        logs = [entry.log(cell.folder) for cell in comparison.cells_of(entry.name)]
        logs = [log for log in logs if log]
        if not logs:
            continue
        color, style = next(styles)
        for axis, column in zip(axes, ("train/loss", "val/first_look_mean"), strict=True):
            steps, values = _mean_curve(logs, column)
            axis.plot(steps, values, style, color=color, linewidth=1.5, label=entry.name)
    if not axes[0].lines:
        return None
    axes[0].set(title="loss of training batches", xlabel="step", yscale="log")
    axes[1].set(title="mean IoU on validation frames", xlabel="step", ylim=(0, 1))
    axes[1].legend(fontsize=7)
    for axis in axes:
        axis.grid(alpha=0.3)
    caption = "Mean over seeds. In the last stage, rows with +contour add the contour loss."
    return _save(figure, comparison.out / "curves.png", "Training curves", caption)


def _mean_curve(logs: Sequence[Sequence[dict[str, float]]], column: str) -> tuple[list[float], list[float]]:
    by_step: dict[float, list[float]] = {}
    for row in (row for log in logs for row in log if column in row):
        by_step.setdefault(row["step"], []).append(row[column])
    steps = sorted(by_step)
    return steps, [float(np.mean(by_step[step])) for step in steps]


def _side_by_side(out: Path, samples: Sequence[Sample], probabilities: dict[str, list[np.ndarray]]) -> Picture:
    """Depth, truth and every entry's labels. Paper: Figure 6."""
    titles = ["depth", "truth", *probabilities]
    figure, axes = _grid(len(samples), titles, samples[0])
    for row, sample in enumerate(samples):
        assert sample.labels is not None
        depth = sample.frame.depth
        _show(axes[row, 0], shade_depth(depth))
        _show(axes[row, 1], overlay(depth, sample.labels, alpha=0.8))
        for column, predicted in enumerate(probabilities.values(), start=2):
            labels = labels_of(predicted[row], sample.frame)
            _show(axes[row, column], overlay(depth, labels, alpha=0.8))
            axes[row, column].set_xlabel(_score(labels, sample.labels), fontsize=7, labelpad=2)
    names = " and ".join(f"{name} {color}" for name, color in zip(CLASS_NAMES[1:], ("orange", "blue"), strict=True))
    caption = (
        f"The judged frames on which rows differ most, first seed; {names}; below each its mean IoU. They were chosen "
        "for disagreement and are harder than most."
    )
    return _save(figure, out / "frames.png", "Where networks differ most (the paper's Figure 6)", caption)


def _score(labels: UInt8[np.ndarray, "h w"], target: UInt8[np.ndarray, "h w"]) -> str:
    score = float(mean_foreground_iou(count_pairs(labels, target)))
    return "" if np.isnan(score) else f"{100 * score:.0f}"


def _attention(out: Path, cells: Sequence[Cell], samples: Sequence[Sample]) -> Picture | None:
    """Fine and coarse attention of the first network that has some. Paper: Figure 7."""
    shown = [sample.frame for sample in samples[:2]]
    for cell in cells:
        found = [] if cell.weights is None else [cell.entry.attention(cell.weights, frame) for frame in shown]
        if not found or not found[0]:
            continue
        titles = ["depth", *(f"level {number + 1}" for number in range(len(found[0])))]
        figure, axes = _grid(2 * len(shown), titles, samples[0])
        for index, (frame, levels) in enumerate(zip(shown, found, strict=True)):
            _show(axes[2 * index, 0], shade_depth(frame.depth))
            axes[2 * index + 1, 0].set_axis_off()
            for offset, name in enumerate(("fine", "coarse")):
                for column, level in enumerate(levels, start=1):
                    maps = getattr(level, name)
                    axis = axes[2 * index + offset, column]
                    if maps is None:
                        axis.text(
                            0.5, 0.5, f"no {name}", ha="center", va="center", fontsize=8, transform=axis.transAxes
                        )
                    else:
                        _show(axis, maps, extent=(0, frame.depth.shape[1], frame.depth.shape[0], 0))
                        axis.set_xlabel(f"{name} {maps.min():.2f} to {maps.max():.2f}", fontsize=7, labelpad=2)
        caption = (
            f"{cell.entry.name}, seed {cell.seed}: upper row fine attention (product of all finer levels), lower row "
            "coarse attention (product of all coarser levels), mean over channels; dark low, bright high, every map on "
            "a scale of its own."
        )
        return _save(figure, out / "attention.png", "Attention maps (the paper's Figure 7)", caption)
    return None


def _outlines(out: Path, samples: Sequence[Sample], probabilities: dict[str, list[np.ndarray]]) -> Picture | None:
    """Outlines of truth, without and with the contour loss. Paper: Figure 8."""
    from graspseg.training.maps import outlines_of

    pair = next(((name, name + CONTOUR) for name in probabilities if name + CONTOUR in probabilities), None)
    if pair is None:
        return None
    figure, axes = _grid(len(samples), ["depth", "truth", *pair], samples[0])
    for row, sample in enumerate(samples):
        assert sample.labels is not None
        truth = np.stack([sample.labels == label for label in range(len(CLASS_NAMES))]).astype(np.float32)
        _show(axes[row, 0], shade_depth(sample.frame.depth))
        drawn = [outlines_of(each) for each in (truth, *(probabilities[name][row] for name in pair))]
        for axis, outlines in zip(axes[row, 1:], drawn, strict=True):
            _show(axis, outlines, vmin=0, vmax=float(drawn[0].max()))
    caption = (
        "Blurred outlines of hand and object as the contour loss compares them (eqs. 3 and 4), on one scale a row."
    )
    return _save(
        figure, out / "contours.png", "Outlines with and without the contour loss (the paper's Figure 8)", caption
    )


def _grid(rows: int, titles: Sequence[str], sample: Sample) -> tuple[Figure, Any]:
    height, width = sample.frame.depth.shape
    size = (_PANEL_IN * len(titles), (_PANEL_IN * height / width + 0.16) * rows + 0.35)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(rows, len(titles), squeeze=False)
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title.replace("denseattentionseg", "denseattention\nseg"), fontsize=7.5)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
    return figure, axes


def _show(axis: Axes, picture: np.ndarray, **options: Any) -> None:
    axis.imshow(picture, cmap="cividis", interpolation="nearest", **options)


def _save(figure: Figure, path: Path, title: str, caption: str) -> Picture:
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=_DPI)
    write_bytes(path, data.getvalue())
    return Picture(path, title, caption)
