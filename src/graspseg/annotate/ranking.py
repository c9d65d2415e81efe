"""`confidence.csv`: every annotated frame with its confidence and the numbers it is made of."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from graspseg.annotate.inputs import Inputs
from graspseg.annotate.job import CONFIDENCE, Job, evidence_file
from graspseg.annotate.quality.confidence import Kind, Row, add_jumps, add_ratios, add_take, score
from graspseg.annotate.records import read_records
from graspseg.annotate.second_model import opinion_file
from graspseg.annotate.settings import SkinMethod
from graspseg.annotate.skin_choice import SkinChoice
from graspseg.datasets.atomic import write_bytes
from graspseg.datasets.csv_cell import as_cell

_MANY = 0.25
"""Share of frames without a hand, or without an object, that is worth a word."""


class Ranking(NamedTuple):
    """What the confidences of a job are like.

    Attributes:
        confidence: 5 % quantile, median and 95 % quantile over the frames, 0 to 1.
        frames: number of frames.
        without_hand: how many of them show no hand.
        without_object: how many of them show no object.
    """

    confidence: tuple[float, float, float]
    frames: int
    without_hand: int
    without_object: int

    def sentences(self) -> list[str]:
        """What a person is told at the end: the quantiles, what is missing, and what to do where much is."""
        low, median, high = self.confidence
        said = [
            f"confidence {median:.2f} (median; 5 to 95 %: {low:.2f} to {high:.2f}); no hand in {self.without_hand:,} "
            f"frames, no object in {self.without_object:,}"
        ]
        for missing, name, why in (
            (self.without_hand, "hand", "its skin may look different here"),
            (self.without_object, "object", "it may be called hand, or lie beyond --depth-range"),
        ):
            if missing > _MANY * self.frames:
                said.append(
                    f"no {name} was found in {missing / self.frames:.0%} of the frames ({why}): look at some, and "
                    "where that is wrong annotate again with --calibrate --clicks on bare skin, or another "
                    "--depth-range"
                )
        return said


def write_ranking(job: Job, inputs: Inputs, *, skins: Sequence[SkinChoice] = (), model: str | None) -> Ranking:
    """Write the confidence of a finished job's frames, in the order of the recording.

    Args:
        job: all its chunks are done.
        inputs: its frames.
        skins: how skin was detected in each input, or none at all.
        model: hash of the model that was asked about every frame, None without one.

    Returns:
        What the confidences are like.

    Raises:
        OutputError: the disk is full or not writable.
    """
    found: dict[str, Mapping[str, float]] = {}
    for chunk in job.chunks_of(len(inputs)):
        known = read_records(evidence_file(chunk))
        said = read_records(opinion_file(chunk), made_by=model) if model is not None else None
        for stem, row in (known.rows if known else {}).items():
            found[stem] = add_ratios({**row, **(said.rows[stem] if said else {})})
    jumped = add_jumps([found.get(name) for name in inputs.names], inputs.sequences)
    kind: Kind = "alone" if model is None else "with_model"
    rows: dict[str, Row] = {}
    confidences: list[float] = []
    for number in range(len(inputs.titles)):
        skin = skins[number] if skins else None
        own = inputs.of_input(number)
        added = add_take([jumped[index] for index in own], agreement=None if skin is None else skin.agreement)
        part = {inputs.names[index]: row for index, row in zip(own, added, strict=True) if row is not None}
        confidences += score(list(part.values()), skin=_method(job, skin), kind=kind).tolist()
        rows |= part
    write_bytes(job.out / CONFIDENCE, as_table(rows, confidences))
    low, median, high = np.percentile(confidences, (5, 50, 95)).tolist()
    bare = [sum(not row[name] for row in rows.values()) for name in ("hand_px", "object_px")]
    return Ranking((low, median, high), len(rows), *bare)


def as_table(rows: Mapping[str, Row], confidences: Sequence[float]) -> bytes:
    """The table of a ranking as CSV in UTF-8, with names that no spreadsheet runs as formulas.

    Args:
        rows: quality features by stem, at least one; all have the same.
        confidences: of the same frames, from 0 to 1.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    columns = list(next(iter(rows.values())))
    table.writerow(["stem", "confidence", *columns])
    for (stem, row), confidence in zip(rows.items(), confidences, strict=True):
        table.writerow([as_cell(stem), f"{confidence:.4f}", *(f"{row[column]:.6g}" for column in columns)])
    return text.getvalue().encode()


def _method(job: Job, skin: SkinChoice | None) -> SkinMethod:
    """How skin was told."""
    if job.settings.skin != "auto":
        return job.settings.skin
    return "hsv" if skin is None else skin.method
