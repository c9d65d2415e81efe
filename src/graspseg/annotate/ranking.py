"""`confidence.csv`: every annotated frame with its confidence and the numbers it is made of."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from graspseg.annotate.confidence import Kind, add_jumps, add_ratios, score
from graspseg.annotate.job import Job
from graspseg.annotate.opinion import opinion_file
from graspseg.annotate.records import read_records
from graspseg.datasets.atomic import write_bytes

CONFIDENCE = "confidence.csv"


def write_ranking(job: Job, names: Sequence[str], sequences: Sequence[range], *, model: str | None) -> None:
    """Write the confidence of a finished job's frames, in the order of the recording.

    Args:
        job: all its chunks are done.
        names: of all its frames.
        sequences: ranges of indices of frames that follow each other in time.
        model: hash of the model that was asked about every frame, None without one.

    Raises:
        OutputError: the disk is full or not writable.
    """
    found: dict[str, Mapping[str, float]] = {}
    for chunk in job.chunks(len(names)):
        known = read_records(chunk.evidence)
        said = read_records(opinion_file(chunk), made_by=model) if model is not None else None
        for stem, row in (known.rows if known else {}).items():
            found[stem] = add_ratios({**row, **(said.rows[stem] if said else {})})
    jumped = add_jumps([found.get(name) for name in names], sequences)
    rows = {name: row for name, row in zip(names, jumped, strict=True) if row is not None}
    kind: Kind = "alone" if model is None else "with_model"
    confidences = score(list(rows.values()), skin=job.settings.skin, kind=kind).tolist()
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    columns = list(next(iter(rows.values())))
    table.writerow(["stem", "confidence", *columns])
    for (stem, row), confidence in zip(rows.items(), confidences, strict=True):
        table.writerow([stem, f"{confidence:.4f}", *(f"{row[column]:.6g}" for column in columns)])
    write_bytes(job.out / CONFIDENCE, text.getvalue().encode())
