from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest

from graspseg.datasets.images import read_labels
from graspseg.errors import InputError
from graspseg.review.server import database as database_module
from graspseg.review.server.database import Busy, Database, DiskFull, ReadOnly
from graspseg.review.server.state import Reviewer
from graspseg.review.server.store import Store

from .conftest import SHAPE, client_of, labels_of

ANNA = Reviewer("Anna", "tab")


def number_of(store: Store, stem: str) -> int:
    return next(frame.id for frame in store.frames() if frame.stem == stem)


def files_of(folder: Path) -> dict[Path, bytes]:
    """Files and their content without SQLite's shared memory, in which readers leave their marks."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and not path.match("*-shm")}


def test_what_happened_cannot_be_changed(store: Store) -> None:
    frame = number_of(store, "take/0")
    store.save_labels(frame, labels_of(3), expected_revision=0, who=ANNA)
    for statement in (
        "UPDATE history SET reviewer = 'Ben'",
        "DELETE FROM history",
        "UPDATE label_images SET png = NULL",
        "DELETE FROM label_images",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="kept"):
            store.database.connection().execute(statement)


def test_a_server_killed_before_it_wrote_the_file(store: Store, folder: Path) -> None:
    frame, path = number_of(store, "take/0"), folder / "labels" / "take" / "0.png"
    store.save_labels(frame, labels_of(3), expected_revision=0, who=ANNA)
    assert store.frame(frame).pending
    np.testing.assert_array_equal(read_labels(path, SHAPE), labels_of(0))
    shown = store.images.present(store.frame(frame), SHAPE)
    np.testing.assert_array_equal(shown, labels_of(3))
    with client_of(folder):  # the next server
        np.testing.assert_array_equal(read_labels(path, SHAPE), labels_of(3))
    assert not store.frame(frame).pending and store.images.write_pending() == []


def test_labels_another_program_wrote_meanwhile_are_kept(store: Store, folder: Path) -> None:
    frame, path = number_of(store, "take/0"), folder / "labels" / "take" / "0.png"
    for revision in (0, 1):
        store.save_labels(frame, labels_of(revision + 1), expected_revision=revision, who=ANNA)
        store.images.write(frame)
        path.write_bytes((folder / "labels" / "take" / "3.png").read_bytes())
    store.save_labels(frame, labels_of(2), expected_revision=2, who=ANNA)
    replaced = [line["labels_before"] for line in store.history(frame)]
    assert len(set(replaced)) == 3
    kept = store.database.connection().execute("SELECT png FROM label_images WHERE id = ?", (replaced[0],))
    assert kept.fetchone()[0] == (folder / "labels" / "take" / "3.png").read_bytes()


def test_a_full_disk_changes_nothing(store: Store, folder: Path) -> None:
    frame = number_of(store, "take/0")
    connection = store.database.connection()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    noise = np.random.default_rng(0).choice(np.array([0, 1, 2, 255], np.uint8), SHAPE)

    def save_many() -> None:
        for revision in range(200):
            store.save_labels(frame, noise, expected_revision=revision, who=ANNA)

    with pytest.raises(DiskFull, match=r"review\.sqlite could not be written .*free space"):
        save_many()
    saved = store.frame(frame).revision
    assert saved == len(store.history(frame)) < 200
    connection.execute(f"PRAGMA max_page_count = {pages + 1000}")
    store.save_labels(frame, labels_of(1), expected_revision=saved, who=ANNA)
    assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_a_file_that_cannot_be_written_waits(folder: Path) -> None:
    with client_of(folder) as client:
        frame = client.get("/api/queue", params={"order": "name", "limit": 1}).json()["frames"][0]
        path = folder / "labels" / "take" / "0.png"
        path.unlink()
        address = f"/api/frame/{frame['id']}/labels"
        path.mkdir()  # nothing can be put in its place
        answer = client.put(f"{address}?expected_revision=0", content=labels_of(3).tobytes())
        assert answer.status_code == 404 and "Is a directory" in answer.json()["error"]
        path.rmdir()
        client.get(f"/api/frame/{frame['id']}")  # the labels that were there are gone, which is seen now
        client.put(f"{address}?expected_revision=0", content=labels_of(3).tobytes())
        path.unlink()
        path.mkdir()
        answer = client.post("/api/undo", json={"frame": None})
        assert answer.status_code == 200 and "Saved in the record, but not yet in labels/" in answer.json()["warning"]
        path.rmdir()
    with client_of(folder):
        assert not path.exists()  # as it was before the labels


def test_a_frame_without_labels_cannot_be_accepted(store: Store, folder: Path) -> None:
    frame = number_of(store, "take/4")
    with pytest.raises(InputError, match="take/4 has no labels that could be accepted: draw some"):
        store.decide(frame, "accepted", expected_revision=0, who=ANNA)
    store.save_labels(frame, labels_of(1), expected_revision=0, who=ANNA)  # not yet in labels/
    store.decide(frame, "accepted", expected_revision=1, who=ANNA)
    store.decide(number_of(store, "take/3"), "rejected", expected_revision=0, who=ANNA)


def test_threads_that_end_leave_no_file_open(store: Store, folder: Path) -> None:
    def count() -> int:
        return sum(path.name.startswith("review.sqlite") for path in map(_target, Path("/proc/self/fd").iterdir()))

    def decide(frame: int) -> None:
        store.decide(frame, "rejected", expected_revision=0, who=ANNA)

    counts = []
    for frame in store.frames():
        thread = threading.Thread(target=decide, args=(frame.id,))
        thread.start()
        thread.join()
        counts.append(count())
    assert counts == counts[:1] * 5 and store.progress()["rejected"] == 5


def _target(link: Path) -> Path:
    try:
        return link.readlink()
    except OSError:  # of the listing itself
        return link


def test_another_program_holds_the_record(store: Store, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(database_module, "_BUSY_S", 0.05)
    database = Database(folder)
    waiting = Store(database, store.folder)
    other = sqlite3.connect(folder / "review.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy, match="by another program"):
        waiting.decide(number_of(store, "take/0"), "accepted", expected_revision=0, who=ANNA)
    other.execute("ROLLBACK")
    other.close()
    waiting.decide(number_of(store, "take/0"), "accepted", expected_revision=0, who=ANNA)
    assert store.frame(number_of(store, "take/0")).decision == "accepted"
    database.close()


def test_a_folder_that_can_only_be_read(store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.decide(number_of(store, "take/0"), "accepted", expected_revision=0, who=ANNA)
    before = files_of(folder)
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and access(path, mode))
    reported: list[str] = []
    with client_of(folder, say=reported.append) as client:
        session = client.get("/api/session").json()
        assert "cannot be written to, so nothing can be saved there" in session["read_only"]
        assert reported == [session["read_only"]] and session["progress"]["accepted"] == 1
        (frame,) = client.post("/api/next", json={"count": 1}).json()["frames"]
        assert client.get(frame["media"]["labels"]).status_code == 200
        body = {"decision": "rejected", "expected_revision": 0}
        calls = (
            client.post(f"/api/frame/{frame['id']}/decision", json=body),
            client.put(f"/api/frame/{frame['id']}/labels?expected_revision=0", content=labels_of(3).tobytes()),
            client.post("/api/undo", json={"frame": None}),
        )
        for answer in calls:
            assert answer.status_code == 403 and answer.json()["error"] == session["read_only"]
    assert files_of(folder) == before


def test_records_that_are_none(folder: Path, tmp_path: Path) -> None:
    (folder / "review.sqlite").write_bytes(b"no database at all, but long enough to be looked at" * 10)
    with pytest.raises(InputError, match=r"review\.sqlite cannot be read \(file is not a database\)"):
        Database(folder)
    (folder / "review.sqlite").unlink()
    for name in ("review.sqlite", "review.sqlite-wal", "review.sqlite-shm", "review.sqlite-journal"):
        (folder / name).symlink_to(tmp_path / "elsewhere")
        with pytest.raises(InputError, match=f"{name} is a link"):
            Database(folder)
        (folder / name).unlink()
    assert not (tmp_path / "elsewhere").exists()
    connection = sqlite3.connect(folder / "review.sqlite")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(InputError, match="format version 99, expected at most 1: update graspseg"):
        Database(folder)


def test_a_review_that_may_not_be_written_refuses_to_import(store: Store) -> None:
    store.database.read_only = "The folder can only be read."
    with pytest.raises(ReadOnly, match="only be read"):
        store.decide(1, "accepted", expected_revision=0, who=ANNA)


def test_what_a_killed_server_left_half_written_goes_at_the_next_start(folder: Path) -> None:
    (folder / "labels" / "take" / ".1-2.tmp").write_bytes(b"half")
    (folder / "labels" / "take" / ".mine.tmp").write_bytes(b"mine")
    with client_of(folder):
        assert [path.name for path in folder.rglob(".*.tmp")] == [".mine.tmp"]
