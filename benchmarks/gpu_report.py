"""What was found: report.json, report.md, a sheet of overlays, loss curves and the confusion matrix of every frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from gpu_evaluate import SHOWN, Row, report_rows
from gpu_frames import PRESET, MappedFrames
from gpu_plan import EXAMS, PEER, Split, State
from gpu_roofline import DATASHEET, DATASHEET_SOURCE
from gpu_speed import cells
from gpu_tables import markdown
from gpu_train import read_progress
from graspseg.datasets.atomic import make_folder, write_bytes, write_json, write_png
from graspseg.evaluation.machine import describe_machine
from graspseg.labels import contact_sheet, overlay, shade_depth
from graspseg.metrics import paired_difference
from graspseg.networks.table import cost
from graspseg.training.sheet import write_curves

REPORT_FILES = ("report.json", "report.md", "sheet.png", "curves.png", "frames.npz")
_THUMBNAIL = (240, 180)


def write_report(state: State, out: Path) -> list[Path]:
    """Write what there is so far; the files."""
    make_folder(out)
    rows = report_rows(state)
    report = gathered_report(state, rows)
    write_json(out / "report.json", report)
    write_bytes(out / "report.md", markdown(report).encode())
    judged = [row for row in rows if _scores(state, row, "unseen")]
    if judged:
        _write_sheet(state, judged, out / "sheet.png")
        matrices = {
            f"{row.name}.{split}": _matrices(state, row, split)
            for row in judged
            for split in EXAMS
            if _scores(state, row, split)
        }
        np.savez_compressed(out / "frames.npz", allow_pickle=False, **matrices)
    losses = [
        {"step": float(row["step"]), f"train/{run.name}": row["loss"]}
        for run in state.runs
        for row in read_progress(state, run).get("rows", [])
    ]
    write_curves(out / "curves.png", losses)
    return [out / name for name in REPORT_FILES if (out / name).is_file()]


def gathered_report(state: State, rows: list[Row]) -> dict[str, Any]:
    """Everything that was measured, as plain JSON values."""
    progress = {run.name: read_progress(state, run) for run in state.runs}
    return {
        "machine": {**describe_machine(), **state.read("ceilings.json")},
        "datasheet": {**DATASHEET, "source": DATASHEET_SOURCE},
        "frames": {"preset": PRESET, "train": state.scale.train_frames, "exam": state.scale.exam_frames}
        | {"width": state.scale.width, "height": state.scale.height, "made": state.read("data.json")},
        "plan": state.read("plan.json"),
        "pace": state.read("pace.json"),
        "training": [
            {"run": run.name, "network": run.network, "contour": run.contour, "branch_of": run.branch_of}
            | {key: value for key, value in progress[run.name].items() if key != "rows"}
            for run in state.runs
            if progress[run.name]
        ],
        "networks": {name: _cost(state, name) for name in state.networks},
        "scores": [
            {"row": row.name, "run": row.run.name, **{split: _scores(state, row, split) for split in EXAMS}}
            for row in rows
        ],
        "differences": differences(state, rows),
        "speed": [figures for cell in cells(state) if (figures := state.read(cell.file))],
    }


def _cost(state: State, name: str) -> dict[str, float]:
    known = state.read("networks.json")
    if name not in known:
        parameters, flops = cost(state.scale.network(name), width=state.scale.width, height=state.scale.height)
        known[name] = {"parameters_m": round(parameters / 1e6, 2), "gflop": round(flops / 1e9, 2)}
        state.write("networks.json", known)
    return known[name]


def _scores(state: State, row: Row, split: Split) -> dict[str, Any]:
    return state.read(f"evaluation/{row.name}.{split}.json")


def _matrices(state: State, row: Row, split: Split) -> np.ndarray:
    with np.load(state.folder / "evaluation" / f"{row.name}.{split}.npz") as kept:
        return kept["matrices"]


def differences(state: State, rows: list[Row]) -> list[dict[str, Any]]:
    """Mean IoU of hand and object minus that of the peer on the same frames, in points, and of each contour stage."""
    named = {row.name: row for row in rows}
    pairs = [(row.name, PEER) for row in rows if row.name != PEER]
    pairs += [(row.name, f"{row.name}-crossentropy") for row in rows if row.run.contour]
    found = []
    for one, other in pairs:
        for split in EXAMS:
            if other in named and _scores(state, named[one], split) and _scores(state, named[other], split):
                reference, entry = (_matrices(state, named[name], split) for name in (other, one))
                difference = paired_difference(reference, entry).iou_dataset
                points, low, high = (round(100 * x, 3) for x in (difference.value, difference.low, difference.high))
                found.append({"row": one, "minus": other, "split": split, "points": points, "interval_95": (low, high)})
    return found


def _write_sheet(state: State, rows: list[Row], path: Path) -> None:
    """Unseen frames, one a line: depth, truth, and what every row made of it."""
    frames = MappedFrames(state, "unseen")
    shown = {}
    for row in rows:
        with np.load(state.folder / "evaluation" / f"{row.name}.unseen.npz") as kept:
            shown[row.name] = kept["shown"]
    pictures = []
    for index in range(min(SHOWN, len(frames))):
        depth, target = (np.array(values) for values in frames.raw(index))
        pictures += [_small(shade_depth(depth), "depth"), _small(overlay(depth, target), "truth")]
        pictures += [_small(overlay(depth, labels[index]), name) for name, labels in shown.items()]
    write_png(path, contact_sheet(pictures, 2 + len(rows)))


def _small(picture: np.ndarray, title: str) -> np.ndarray:
    picture = cv2.resize(picture, _THUMBNAIL, interpolation=cv2.INTER_AREA)
    return cv2.putText(picture, title, (4, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.36, (255, 255, 255), 1, cv2.LINE_AA)
