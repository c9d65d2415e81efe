"""Numbers about frames, kept beside a data set while it is made: one JSON file for each chunk of the work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from graspseg.datasets.atomic import write_json
from graspseg.datasets.description import read_object
from graspseg.errors import InputError


@dataclass(frozen=True)
class Records:
    """What is known of a chunk's frames.

    Attributes:
        rows: named numbers by stem, in order.
        failed: sentences of the frames that could not be used.
        made_by: what decided the numbers beyond the frames; another one makes them void.
        sources: hash of what each number was found in, by stem.
        pictures: hashes of the pictures that were written, as a `Ledger` has them.
    """

    rows: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    failed: tuple[str, ...] = ()
    made_by: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)
    pictures: Mapping[str, str] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Keep them.

        Raises:
            OutputError: the disk is full or not writable.
        """
        hashes = {"sources": self.sources, "pictures": self.pictures}
        write_json(path, {"made_by": self.made_by, "rows": self.rows, "failed": list(self.failed), **hashes})


def read_records(path: Path, *, made_by: str = "") -> Records | None:
    """Read what `Records.write` kept; None where nothing usable of the same making is there: it is then made anew."""
    if not path.is_file():
        return None
    try:
        content = read_object(path)
        if content["made_by"] != made_by:
            return None
        rows = {stem: {key: float(value) for key, value in row.items()} for stem, row in content["rows"].items()}
        failed = tuple(str(sentence) for sentence in content["failed"])
        # Records from before there were hashes say nothing of them.
        hashes = [
            {str(key): str(digest) for key, digest in content.get(name, {}).items()} for name in ("sources", "pictures")
        ]
        return Records(rows, failed, made_by, *hashes)
    except (InputError, LookupError, AttributeError, TypeError, ValueError):
        return None
