"""`confidence.csv`: every annotated frame with its confidence and the numbers it is made of."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from graspseg.annotate.inputs import Inputs
from graspseg.annotate.job import CONFIDENCE, Job, evidence_file
from graspseg.annotate.quality.confidence import Kind, Row, add_jumps, add_ratios, add_take, score
from graspseg.annotate.records import read_records
from graspseg.annotate.second_model import opinion_file
from graspseg.annotate.settings import SkinMethod
from graspseg.annotate.skin_choice import SkinChoice
from graspseg.datasets.atomic import write_bytes
from graspseg.datasets.csv_cell import as_cell


def write_ranking(job: Job, inputs: Inputs, *, skins: Sequence[SkinChoice] = (), model: str | None) -> None:
    """Write the confidence of a finished job's frames, in the order of the recording.

    Args:
        job: all its chunks are done.
        inputs: its frames.
        skins: how skin was told in each input, or none at all.
        model: hash of the model that was asked about every frame, None without one.

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
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    columns = list(next(iter(rows.values())))
    table.writerow(["stem", "confidence", *columns])
    for (stem, row), confidence in zip(rows.items(), confidences, strict=True):
        table.writerow([as_cell(stem), f"{confidence:.4f}", *(f"{row[column]:.6g}" for column in columns)])
    write_bytes(job.out / CONFIDENCE, text.getvalue().encode())


def _method(job: Job, skin: SkinChoice | None) -> SkinMethod:
    """How skin was told."""
    if job.settings.skin != "auto":
        return job.settings.skin
    return "hsv" if skin is None else skin.method
