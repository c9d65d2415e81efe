"""Labels and scores of a model in bf16 and int8 against float32: one table, made anew for another model.

    python benchmarks/speed/precisions.py --json-path benchmarks/results/precisions.json

int8 is listed where the model has an int8 version beside it, see `graspseg export --int8`.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import tyro

from graspseg import Segmenter
from graspseg.datasets.atomic import write_bytes, write_json
from graspseg.evaluation.machine import describe_machine
from graspseg.evaluation.quantization import Judgment, judge
from graspseg.models.header import read_model_info
from graspseg.models.locate import find_model, int8_beside
from graspseg.segment.engine import Precision

SYNTHETIC = ("synth:val:200", "synth:unseen:200", "synth:rooms/val:100")


def main(*, model: str = "lite", data: tuple[str, ...] = SYNTHETIC, json_path: Path | None = None) -> None:
    """Judges every precision on every data set and writes JSON and Markdown.

    Args:
        model: Shipped model by name, or an exported file.
        data: Labeled frames, see `graspseg evaluate`; folders are named by their last part.
        json_path: File for the figures; the table goes beside it.
    """
    path = find_model(model)
    precisions: list[Precision] = ["bf16"]
    if int8_beside(path, read_model_info(path)) is not None:
        precisions.append("int8")
    reference = Segmenter(path, precision="float32")
    rows: list[dict[str, Any]] = []
    lines = [
        "| data | frames | precision | same labels, % | of hand and object, % | mean IoU | float32 | change |",
        "|---|---:|---|---:|---:|---:|---:|---:|",
    ]
    for name in data:
        for precision in precisions:
            found = judge(Segmenter(path, precision=precision), reference, name)
            title = name if name.startswith("synth:") else Path(name).name
            rows.append({"data": title, "precision": precision, **asdict(found), "passes": found.passes})
            lines.append(_line(title, precision, found))
            print(lines[-1], flush=True)
    if json_path is not None:
        write_json(json_path, {"model": path.name, "rows": rows, "machine": describe_machine()})
        write_bytes(json_path.with_suffix(".md"), ("\n".join(lines) + "\n").encode())


def _line(name: str, precision: str, found: Judgment) -> str:
    def percent(value: float | None, digits: int = 1) -> str:
        return "-" if value is None else f"{100 * value:.{digits}f}"

    cells = [
        name,
        str(found.frames),
        precision,
        percent(found.agreement, 3),
        percent(found.agreement_foreground, 2),
        percent(found.iou),
        percent(found.iou_float32),
        f"{100 * found.change:+.2f}",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    tyro.cli(main)
