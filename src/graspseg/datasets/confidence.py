"""`confidence.csv`, in which `graspseg annotate` says how sure it is of each frame."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from graspseg.datasets.csv_cell import from_cell
from graspseg.errors import InputError

CONFIDENCE = "confidence.csv"


class Confidence(NamedTuple):
    """What `graspseg annotate` wrote of a frame: how sure it is, 0 to 1, and the evidence it judged by."""

    value: float | None
    evidence: dict[str, float]


def parse_confidence(data: bytes, path: Path) -> Iterator[tuple[str, Confidence]]:
    """Stem, confidence and evidence of every line; cells that hold no number are left out.

    Args:
        data: the file.
        path: what messages call it.

    Raises:
        InputError: it cannot be read, lacks a column, or has a confidence outside 0 to 1.
    """
    try:
        lines = csv.DictReader(io.StringIO(data.decode("utf-8-sig")), strict=True)
        if not {"stem", "confidence"} <= set(lines.fieldnames or ()):
            raise InputError(
                f"{path} has the columns {lines.fieldnames}, expected stem, confidence and any others: make it again "
                "with graspseg annotate."
            )
        for number, line in enumerate(lines, start=2):
            value = _number(line["confidence"])
            if value is not None and not 0 <= value <= 1:
                raise InputError(
                    f"{path} has the confidence {value:g} in line {number}, expected 0 to 1: make it again with "
                    "graspseg annotate."
                )
            cells = ((name, _number(cell)) for name, cell in line.items() if name not in ("stem", "confidence", None))
            yield from_cell(line["stem"]), Confidence(value, {name: cell for name, cell in cells if cell is not None})
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no table ({error}), expected comma-separated UTF-8: make it again.") from error


def _number(cell: object) -> float | None:
    try:
        value = float(cell) if isinstance(cell, str) else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None
