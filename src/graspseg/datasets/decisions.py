"""What people decided about the frames of a folder, as `graspseg review` keeps it in `review.sqlite`."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from graspseg.datasets.dataset import Dataset, Sample
from graspseg.datasets.folder import FolderDataset
from graspseg.datasets.images import decode_labels
from graspseg.errors import InputError

CONFIDENCE_FILE = "confidence.csv"
REVIEW_FILE = "review.sqlite"
DAMAGED = (sqlite3.Error, UnicodeDecodeError)  # the latter where SQLite quotes damaged text in its error
_SETTLED = "SELECT stem FROM frames WHERE decision = ?"
_PENDING = """SELECT stem, png FROM frames JOIN label_images ON label_images.id = labels_id
              WHERE labels_id IS NOT file_id AND png IS NOT NULL"""


@dataclass(frozen=True)
class Decisions:
    """The state of a review.

    Attributes:
        accepted: stems of the frames whose labels are right.
        rejected: stems of those whose labels are not.
        pending: label images (PNG) by stem that were saved but are not yet in `labels/`, as after a power cut.
    """

    accepted: frozenset[str]
    rejected: frozenset[str]
    pending: dict[str, bytes]


def read_decisions(folder: Path) -> Decisions | None:
    """Read what was decided about a folder; None when nothing was.

    Raises:
        InputError: `review.sqlite` is damaged or something else.
    """
    path = folder / REVIEW_FILE
    if not path.is_file():
        return None
    try:
        connection = open_to_read(path)
        try:
            accepted, rejected = (
                frozenset(stem for (stem,) in connection.execute(_SETTLED, (decision,)))
                for decision in ("accepted", "rejected")
            )
            pending = dict(connection.execute(_PENDING).fetchall())
        finally:
            connection.close()
    except DAMAGED as error:
        raise InputError(
            f"{path} cannot be read ({error}), expected the record of graspseg review: restore or remove it."
        ) from error
    return Decisions(accepted, rejected, pending) if accepted or rejected else None


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open a database without changing it, also where nothing beside it can be written.

    Raises:
        sqlite3.Error: it is none.
    """
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        return _copy_in_memory(path)
    except DAMAGED:
        connection.close()
        raise
    return connection


def _copy_in_memory(path: Path) -> sqlite3.Connection:
    """A database with its write-ahead log, which SQLite only reads where it may write."""
    connection = sqlite3.connect(":memory:")
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("", "-wal"):
            source = path.with_name(path.name + suffix)
            if source.is_file():
                shutil.copyfile(source, Path(folder) / f"copy{suffix}")
        copied = sqlite3.connect(Path(folder) / "copy")
        try:
            copied.backup(connection)
        finally:
            copied.close()
    return connection


class AcceptedFrames(FolderDataset):
    """The frames of a folder that people accepted, with the labels they corrected.

    Args:
        path: the folder.
        decisions: what was decided.
        split: only the frames that `dataset.json` lists under this name.

    Raises:
        InputError: no frame was accepted, or see `FolderDataset`.
    """

    def __init__(self, path: Path, decisions: Decisions, *, split: str | None = None) -> None:
        super().__init__(path, split=split)
        found = len(self.stems)
        self._stems = [stem for stem in self.stems if stem in decisions.accepted]
        self._pending = {stem: decisions.pending[stem] for stem in self.stems if stem in decisions.pending}
        if not self.stems:
            raise InputError(
                f"{self.path} has been reviewed ({len(decisions.rejected)} frames rejected) but none of its "
                f"{found} frames here is accepted, expected some: accept frames with graspseg review {self.path}."
            )

    def read(self, index: int) -> Sample:
        """Read one frame and its labels; see `Dataset`."""
        stem = self.stems[index]
        if stem not in self._pending:
            return super().read(index)
        frame = self._frame(stem)
        return Sample(stem, frame, self._decoded(stem, frame.depth.shape), self._facts(stem))

    def _decoded(self, stem: str, shape: tuple[int, int]) -> UInt8[np.ndarray, "h w"]:
        return decode_labels(self._pending[stem], self.path / REVIEW_FILE, shape)

    def unlabeled(self) -> list[str]:
        """Stems of the frames without label image."""
        return [stem for stem in super().unlabeled() if stem not in self._pending]


def accepted_only(
    dataset: Dataset, *, split: str | None = None, say: Callable[[str], None] = lambda sentence: None
) -> Dataset:
    """The accepted frames of a folder that was reviewed; any other data set as it is.

    Args:
        dataset: an opened data set.
        split: the split it was opened with.
        say: called with a sentence on how many frames are left of a folder that was reviewed.

    Raises:
        InputError: see `AcceptedFrames` and `read_decisions`.
    """
    if not isinstance(dataset, FolderDataset):
        return dataset
    decisions = read_decisions(dataset.path)
    if decisions is None:
        if (dataset.path / CONFIDENCE_FILE).is_file():
            say(
                f"{dataset.path}: 0 of {len(dataset):,} frames were reviewed, so all labels are taken as graspseg "
                f"annotate made them, right or wrong: check some with graspseg review {dataset.path}"
            )
        return dataset
    accepted = AcceptedFrames(dataset.path, decisions, split=split)
    say(f"{dataset.path}: {len(accepted):,} of {len(dataset):,} frames, those accepted in {REVIEW_FILE}")
    return accepted
