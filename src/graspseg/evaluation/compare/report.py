"""What a comparison found, as JSON and Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from graspseg import __version__
from graspseg.evaluation.compare.cells import Cell
from graspseg.evaluation.compare.frame_scores import better_share
from graspseg.evaluation.compare.paired import paired_difference, paired_difference_over_seeds
from graspseg.evaluation.compare.run import Comparison
from graspseg.evaluation.machine import describe_machine


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
    Column("hand F1", ("hand_f1",)),
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
BETTER = (
    "Bold: best of its column. Shares are in percent. Hand leak: hand pixels called object. ECE: expected calibration "
    "error where truth or prediction is hand or object; the weights of classes in training distort probabilities."
)


def as_json(comparison: Comparison, *, title: str, reference: str, command: str, budget: str) -> dict[str, Any]:
    """All figures as plain JSON values; shares are fractions of 1, None where there is no figure.

    Args:
        comparison: what was found.
        title: heading of the report.
        reference: name of the entry that the others are compared with.
        command: what was typed.
        budget: what every row was given, in words.
    """
    judged = comparison.frames.judged
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
        "timing": {**asdict(comparison.timing), "size": str(comparison.timing.size)},
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
    if tuple(path) == ("hand_f1",):
        iou = value_at(cell, ("iou_dataset", "hand"))
        return None if iou is None else 2 * iou / (1 + iou)
    value: Any = cell.scores.get("scores")
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return float(value) if isinstance(value, int | float) else None


def _spread(values: Sequence[float | None]) -> dict[str, float | None] | None:
    """Mean and standard deviation (of a sample; None for one value); None when a value is missing."""
    told = [value for value in values if value is not None]
    if not told or len(told) != len(values):
        return None
    return {"mean": float(np.mean(told)), "std": float(np.std(told, ddof=1)) if len(told) > 1 else None}


def _differences(comparison: Comparison, reference: str) -> list[dict[str, Any]]:
    """Every other entry minus the reference, over the seeds that both have."""
    base = {cell.seed: cell.matrices() for cell in comparison.cells_of(reference)}
    found = []
    for entry in comparison.entries:
        own = {cell.seed: cell.matrices() for cell in comparison.cells_of(entry.name)}
        pairs = _pairs(own, base) if entry.name != reference else []
        if pairs:
            ours, theirs = np.stack([pair[0] for pair in pairs]), np.stack([pair[1] for pair in pairs])
            found.append({"name": entry.name, "seeds": len(pairs), **_difference(theirs, ours)})
    return found


def _difference(reference: np.ndarray, entry: np.ndarray) -> dict[str, float]:
    """Difference of the mean IoU with its interval, and the share of frames where the entry is better."""
    several = len(reference) > 1
    found = paired_difference_over_seeds(reference, entry) if several else paired_difference(reference[0], entry[0])
    return {**asdict(found.iou_dataset), "better_share": better_share(reference, entry)}


_Matrices = dict[int | None, np.ndarray]


def _pairs(own: _Matrices, base: _Matrices) -> list[tuple[np.ndarray, np.ndarray]]:
    """Matrices of equal seeds; a model without seeds stands against every seed of the other."""
    seeds = [seed for seed in {**own, **base} if seed is not None] or [None]
    pairs = [(own.get(seed, own.get(None)), base.get(seed, base.get(None))) for seed in seeds]
    return [(ours, ref) for ours, ref in pairs if ours is not None and ref is not None]


def as_markdown(report: dict[str, Any], *, pictures: Sequence[str] = ()) -> str:
    """The report of `as_json` as Markdown, shares in percent.

    Args:
        report: the figures.
        pictures: files beside it to show.
    """
    head, rows = table(report)
    best = best_rows(report, head)
    marked = [
        [f"**{text}**" if (index, number) in best else text for number, text in enumerate(row)]
        for index, row in enumerate(rows)
    ]
    lines = [f"# {report['title']}", ""]
    lines += [line for fact in facts(report) for line in (fact, "")]
    lines += [_line(head), "|---" * len(head) + "|", *map(_line, marked), "", BETTER]
    if report["differences"]:
        lines += [
            "",
            f"## Mean IOU against {report['reference']}",
            "",
            DIFFERENCE_NOTE,
            "",
            _line(DIFFERENCE_HEAD),
            "|---" * len(DIFFERENCE_HEAD) + "|",
            *(_line(difference_row(each)) for each in report["differences"]),
        ]
    lines += [line for name in pictures for line in ("", f"![{name.partition('.')[0]}]({name})")]
    if report["failures"]:
        lines += ["", "## Failed", "", *(f"- {reason}" for reason in report["failures"])]
    return "\n".join(lines) + "\n"


DIFFERENCE_HEAD = ["", "difference, points", "95 % interval", "better on", "seeds"]
DIFFERENCE_NOTE = (
    "Points of percent. The interval is a bootstrap over judged frames, drawn for both alike, widened by what other "
    "seeds may change (Student's t times the standard error over pairs of equal seeds). An interval that holds 0 says "
    "that this comparison cannot tell the two apart. Better on: frames whose own mean IOU is higher, equal ones half."
)


def facts(report: dict[str, Any]) -> list[str]:
    """Sentences that say what was done."""
    frames, timing, machine = report["frames"], report["timing"], report["machine"]
    seeds = sorted({seed for row in report["rows"] for seed in row["seeds"]})
    trained = f" Trained on {frames['trained_on']} frames of {frames['train']}." if frames["trained_on"] else ""
    left_out = f" {len(frames['left_out'])} frames could not be used." if frames["left_out"] else ""
    return [
        f"{frames['judged']} frames of {frames['data']} at {frames['size']}.{left_out}{trained} Seeds: "
        f"{', '.join(map(str, seeds)) or 'none'}. Budget of every row: {report['budget']}. ± is the standard deviation "
        "over seeds.",
        f"Times: batch 1 at {timing['size']}, {timing['threads']} thread(s), median and 99th percentile of "
        f"{timing['calls']} calls, rows in turns, on {machine['processor']}.",
        f"Command: `{report['command']}`",
    ]


def table(report: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the main table; columns that no row has a figure for are left out."""
    rows = report["rows"]
    paper, ours = (
        [column for column in columns if any(row["scores"][column.title] for row in rows)]
        for columns in (PAPER_COLUMNS, OUR_COLUMNS)
    )
    head = ["", *(c.title for c in paper), "time", *(c.title for c in ours), "runtime", "M parameters", "GFLOP"]
    lines = []
    for row in rows:
        if not row["cells"]:
            lines.append([row["name"], f"failed: {row['failures'][0]['reason']}", *[""] * (len(head) - 2)])
            continue
        failed = f" ({len(row['failures'])} of {len(row['failures']) + len(row['cells'])} seeds failed)"
        lines.append(
            [
                row["name"] + (failed if row["failures"] else ""),
                *(_score(row["scores"][column.title], column) for column in paper),
                _times(row["eager_ms"]),
                *(_score(row["scores"][column.title], column) for column in ours),
                _times(row["runtime_ms"]),
                _number(row["parameters_m"]),
                _number(row["gflop"]),
            ]
        )
    return head, lines


def difference_row(difference: dict[str, Any]) -> list[str]:
    """One difference as texts, in points of percent."""
    mean, low, high = (100 * difference[name] for name in ("value", "low", "high"))
    share = f"{100 * difference['better_share']:.0f} % of frames"
    return [difference["name"], f"{mean:+.2f}", f"{low:+.2f} to {high:+.2f}", share, str(difference["seeds"])]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


def best_rows(report: dict[str, Any], head: Sequence[str]) -> set[tuple[int, int]]:
    """Row and column of the best figure of every column that can have one."""
    best: set[tuple[int, int]] = set()
    for number, title in enumerate(head):
        column = COLUMNS.get(title)
        if column is None:
            continue
        told = [(row["scores"][title] or {}).get("mean") for row in report["rows"]]
        values = [value for value in told if value is not None]
        highest = (max if column.more_is_better else min)(values)
        best |= {(index, number) for index, value in enumerate(told) if value == highest}
    return best


def _score(spread: dict[str, float | None] | None, column: Column) -> str:
    if spread is None or spread["mean"] is None:
        return "-"
    text = f"{column.factor * spread['mean']:.2f}"
    return text if spread["std"] is None else f"{text} ± {column.factor * spread['std']:.2f}"


def _times(times: dict[str, float] | None) -> str:
    return "-" if times is None else f"{times['p50']:.1f} / {times['p99']:.1f} ms"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
