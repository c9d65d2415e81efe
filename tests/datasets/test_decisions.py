from __future__ import annotations

import pickle
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graspseg.datasets.dataset import Sample
from graspseg.datasets.decisions import AcceptedFrames, accepted_only, open_to_read, read_decisions
from graspseg.datasets.folder import FolderDataset, FolderWriter
from graspseg.datasets.manifest import is_manifest
from graspseg.datasets.shards import ShardDataset
from graspseg.errors import InputError
from graspseg.frame import Frame
from graspseg.review.server.database import Database
from graspseg.review.server.folder import ReviewFolder
from graspseg.review.server.index import update_index
from graspseg.review.server.state import Decision, Reviewer
from graspseg.review.server.store import Store

SHAPE = (4, 6)
WHO = Reviewer("Anna", "tab")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Frames a to e, each labeled hand everywhere, half of them in each split."""
    writer = FolderWriter(tmp_path / "set", {"splits": {"train": ["a", "b", "c"], "val": ["d", "e"]}})
    for stem in "abcde":
        writer.write(stem, Frame(np.full(SHAPE, 500, np.uint16)), np.full(SHAPE, 1, np.uint8))
    return tmp_path / "set"


def review(folder: Path, decisions: dict[str, Decision], *, corrected: str = "", written: bool = True) -> None:
    database, reviewed = Database(folder), ReviewFolder(folder)
    update_index(database, reviewed)
    store = Store(database, reviewed)
    for frame in store.frames():
        if frame.stem in decisions:
            store.decide(frame.id, decisions[frame.stem], expected_revision=0, who=WHO)
        if frame.stem in corrected:
            labels = np.full(SHAPE, 2, np.uint8)
            store.save_labels(frame.id, labels, expected_revision=int(frame.stem in decisions), who=WHO)
            if written:
                store.images.write(frame.id)
    database.close()


def values(sample: Sample) -> set[int]:
    assert sample.labels is not None
    return {int(value) for value in np.unique(sample.labels)}


def test_accepted_frames_only(folder: Path) -> None:
    review(folder, {"a": "accepted", "b": "rejected", "e": "accepted"}, corrected="a")
    said: list[str] = []
    found = accepted_only(FolderDataset(folder), say=said.append)
    assert found.stems == ["a", "e"] and found.unlabeled() == []
    assert [values(found[index]) for index in range(2)] == [{2}, {1}]
    assert said == [f"{folder}: 2 of 5 frames, those accepted in review.sqlite"]
    assert accepted_only(FolderDataset(folder, split="train"), split="train").stems == ["a"]


def test_labels_that_are_not_yet_in_the_folder(folder: Path) -> None:
    review(folder, {"a": "accepted", "b": "accepted"}, corrected="a", written=False)
    (folder / "labels" / "a.png").unlink()
    found = pickle.loads(pickle.dumps(accepted_only(FolderDataset(folder))))  # as it travels to other processes
    assert found.unlabeled() == []
    assert [values(found[index]) for index in range(2)] == [{2}, {1}]


def test_nothing_decided_is_no_review(folder: Path, tmp_path: Path, make_shards) -> None:
    dataset = FolderDataset(folder)
    assert read_decisions(folder) is None and accepted_only(dataset) is dataset
    review(folder, {}, corrected="a")
    assert read_decisions(folder) is None and accepted_only(dataset) is dataset
    shards = ShardDataset(make_shards())
    (shards.path / "review.sqlite").write_bytes(b"of another program")
    assert is_manifest(shards.path / "manifest.json") and accepted_only(shards) is shards


def test_nothing_accepted(folder: Path) -> None:
    review(folder, {"a": "rejected", "d": "accepted"})
    with pytest.raises(InputError, match=r"1 frames rejected\) but none of its 3 frames here is accepted"):
        accepted_only(FolderDataset(folder, split="train"), split="train")
    assert AcceptedFrames(folder, _decided(folder)).stems == ["d"]


def _decided(folder: Path):
    decisions = read_decisions(folder)
    assert decisions is not None
    return decisions


def test_a_damaged_record(folder: Path) -> None:
    (folder / "review.sqlite").write_bytes(b"no database, whatever its name says " * 20)
    with pytest.raises(InputError, match=r"review\.sqlite cannot be read .* expected the record of graspseg review"):
        accepted_only(FolderDataset(folder))


@pytest.mark.parametrize("logged", [True, False])
def test_a_record_that_sqlite_refuses_to_open_in_place(
    folder: Path, monkeypatch: pytest.MonkeyPatch, logged: bool
) -> None:
    """In a folder nobody may write to, a record and its log are read from copies."""
    database, reviewed = Database(folder), ReviewFolder(folder)
    update_index(database, reviewed)
    store = Store(database, reviewed)
    store.decide(1, "accepted", expected_revision=0, who=WHO)
    if not logged:
        database.close()
    assert (folder / "review.sqlite-wal").exists() == logged
    connect = sqlite3.connect

    class Refusing(sqlite3.Connection):
        def execute(self, *arguments: Any) -> sqlite3.Cursor:
            raise sqlite3.OperationalError("attempt to write a readonly database")

    def connect_in_folder(path: str | Path, *, uri: bool = False) -> sqlite3.Connection:
        return connect(path, uri=uri, factory=Refusing if uri else sqlite3.Connection)

    monkeypatch.setattr(sqlite3, "connect", connect_in_folder)
    connection = open_to_read(folder / "review.sqlite")
    assert connection.execute("SELECT stem FROM frames WHERE decision = 'accepted'").fetchall() == [("a",)]
    connection.close()
    database.close()


def test_annotated_frames_that_nobody_reviewed_are_told(tmp_path: Path) -> None:
    writer = FolderWriter(tmp_path / "set", {})
    for number in range(3):
        writer.write(str(number), Frame(np.full((8, 8), 500, np.uint16)), np.ones((8, 8), np.uint8))
    said: list[str] = []
    assert len(accepted_only(FolderDataset(tmp_path / "set"), say=said.append)) == 3 and not said
    (tmp_path / "set" / "confidence.csv").write_text("stem,confidence\n")
    assert len(accepted_only(FolderDataset(tmp_path / "set"), say=said.append)) == 3
    assert len(said) == 1 and "0 of 3 frames were reviewed" in said[0] and "graspseg review" in said[0]
