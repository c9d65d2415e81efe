"""report.md: the tables of report.json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gpu_plan import EXAMS


def markdown(report: dict[str, Any]) -> str:
    """The report for people."""
    frames, plan, machine = report["frames"], report["plan"], report["machine"]
    lines = [
        "# The paper's table on a GPU",
        "",
        f"{machine.get('card', 'no card measured')}, torch {machine.get('torch', '?')}, {machine['cores']} cores. "
        f"{frames['train']} training frames of {frames['width']}x{frames['height']}, preset {frames['preset']}; "
        f"exams of {frames['exam']} frames. One seed. All frames are synthetic.",
        "",
        f"Every network: {plan.get('steps', '?')} steps of {plan.get('batch', '?')} frames, the same frames in the "
        f"same order, {plan.get('train_minutes', '?')} minutes shared over all; the last "
        f"{plan.get('contour_share', 0):.0%} of the steps are the contour stage of `denseattentionseg`, and "
        "cross-entropy alone for the others. A run that stopped earlier says so.",
        "",
        "## Training",
        "",
        *_table(("run", "steps", "frames seen", "minutes", "waited for frames", "state"), _training_rows(report)),
        "",
        "Frames a second in training, bf16:",
        "",
        *_table(("network", "frames/s", "pieces", "GB", "M parameters", "GFLOP"), _pace_rows(report)),
        "",
    ]
    for split in EXAMS:
        rows = [(each["row"], each[split]) for each in report["scores"] if each[split]]
        head = ("row", "steps", "hand IoU", "object IoU", "mean IoU", "per image", "pixel acc.", "mean acc.", "mean IU")
        lines += [f"## {split}", "", *_table((*head, "f.w. IU", "BF 1 px", "BF 2 px"), map(_score_row, rows)), ""]
    lines += ["## Differences of the mean IoU, in points, 95 % over frames", ""]
    lines += _table(("row", "minus", "exam", "difference", "interval"), map(_difference_row, report["differences"]))
    lines += ["", "## One frame: latency on this card", "", _ceilings(report), ""]
    head = ("network", "precision", "mode", "median ms", "p99 ms", "GFLOP", "MB moved", "roofline ms", "share")
    lines += _table(head, map(_speed_row, report["speed"]))
    return "\n".join(lines) + "\n"


def _table(head: Sequence[str], rows: Any) -> list[str]:
    lines = [" | ".join(head), " | ".join("---" for _ in head), *(" | ".join(map(str, row)) for row in rows)]
    return [f"| {line} |" for line in lines]


def _training_rows(report: dict[str, Any]) -> list[tuple[Any, ...]]:
    rows = []
    for run in report["training"]:
        done, steps = run["step"], run["steps"]
        state = f"failed: {run['failed']}" if "failed" in run else "finished" if done >= steps else "unfinished"
        waited = f"{run.get('waited_s', 0):.1f} s"
        minutes = f"{run.get('own_seconds', 0) / 60:.2f}"
        rows.append((run["run"], f"{done} of {steps}", run.get("frames_seen", 0), minutes, waited, state))
    return rows


def _pace_rows(report: dict[str, Any]) -> list[tuple[Any, ...]]:
    rows = []
    for name, pace in report["pace"].items():
        cost = report["networks"].get(name, {})
        figures = [pace.get(key, pace.get("failed", "-")) for key in ("frames_per_second", "pieces", "memory_gb")]
        rows.append((name, *figures, cost.get("parameters_m"), cost.get("gflop")))
    return rows


def _score_row(row: tuple[str, dict[str, Any]]) -> tuple[str, ...]:
    name, scores = row
    iou = scores["iou_dataset"]
    values = [iou["hand"], iou["object"], iou["mean"], scores["iou_image"]["mean"], scores["pixel_accuracy"]]
    values += [scores["mean_accuracy"], scores["mean_iu"], scores["frequency_weighted_iu"]]
    values += [scores["boundary_f"]["mean"][tolerance] for tolerance in ("1px", "2px")]
    return name, str(scores["step"]), *("-" if value is None else f"{100 * value:.2f}" for value in values)


def _difference_row(found: dict[str, Any]) -> tuple[str, ...]:
    low, high = found["interval_95"]
    return found["row"], found["minus"], found["split"], f"{found['points']:+.2f}", f"{low:+.2f} to {high:+.2f}"


def _ceilings(report: dict[str, Any]) -> str:
    machine = report["machine"]
    if "copy" not in machine:
        return "Not measured."
    name = next((name for name in report["datasheet"] if name in machine["card"]), None)
    sheet = report["datasheet"].get(name, {})
    parts = [
        f"{label} {machine[key]:.4g} {unit}" + (f" (datasheet {sheet[key]:.4g})" if sheet else "")
        for key, label, unit in (
            ("bf16", "matrix product in bf16", "TFLOP/s"),
            ("fp32", "in fp32", "TFLOP/s"),
            ("copy", "copy", "TB/s"),
        )
    ]
    return (
        f"Ceilings measured on this card: {', '.join(parts)}. Roofline: sum over convolutions and matrix products of "
        "the longer of operations / TFLOP/s and bytes (inputs, weights and outputs once) / TB/s."
    )


def _speed_row(cell: dict[str, Any]) -> tuple[str, ...]:
    named = (cell["network"], cell["precision"], cell["mode"])
    if "failed" in cell:
        return (*named, cell["failed"], *"-----")
    figures = [f"{cell[key]:.3f}" for key in ("median_ms", "p99_ms")]
    figures += [f"{cell[key]:.1f}" for key in ("gflop", "mb_moved")] + [f"{cell['roofline_ms']:.3f}"]
    return (*named, *figures, f"{cell['roofline_share']:.1%}")
