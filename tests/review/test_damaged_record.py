"""A damaged `review.sqlite` ends in a sentence, whatever is damaged and whenever it is noticed."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from graspseg.cli.main import main
from graspseg.datasets.decisions import read_decisions
from graspseg.errors import InputError
from graspseg.review.server.database import Database
from graspseg.review.server.store import Store

from .conftest import client_of, labels_of
from .test_store import ANNA

PAGE = 4096


@pytest.fixture
def record(store: Store, folder: Path) -> Path:
    """The record of a review with decisions and labels."""
    for frame in store.frames():
        store.save_labels(frame.id, labels_of(2), expected_revision=0, who=ANNA)
        store.images.write(frame.id)
        store.decide(frame.id, "accepted", expected_revision=1, who=ANNA)
    store.database.close()
    assert not (folder / "review.sqlite-wal").exists()
    return folder / "review.sqlite"


CALLS = (
    ("GET", "/api/session", None),
    ("GET", "/api/queue?filter=all", None),
    ("GET", "/api/progress", None),
    ("POST", "/api/next", {}),
    ("GET", "/api/frame/3/history", None),
    ("GET", "/media/3/labels?image=2", None),
    ("POST", "/api/frame/3/decision", {"decision": "rejected", "expected_revision": 2}),
    ("POST", "/api/undo", {}),
)


def use(folder: Path) -> None:
    """Open a review and call it; answers are sentences."""
    with client_of(folder, say=lambda sentence: None) as client:
        for method, path, body in CALLS:
            answer = client.request(method, path, json=body)
            if answer.status_code >= 400:
                assert answer.json()["error"].endswith((".", "?")) and "server failed" not in answer.json()["error"]


@pytest.mark.parametrize("seed", range(6))
def test_bytes_that_are_wrong(record: Path, folder: Path, seed: int) -> None:
    draw = random.Random(seed)
    data = bytearray(record.read_bytes())
    if seed % 3 == 0:
        del data[draw.randrange(len(data)) :]
    else:
        start = draw.randrange(len(data) // PAGE) * PAGE if seed % 3 == 1 else draw.randrange(len(data))
        data[start : start + PAGE] = draw.randbytes(len(data[start : start + PAGE]))
    record.write_bytes(data)
    said = []
    for look in (read_decisions, use):
        try:
            look(folder)
        except InputError as error:
            said.append(str(error))
    assert all("expected the record of graspseg review" in sentence for sentence in said)


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("DROP TABLE leases", "it has no leases.client"),
        ("ALTER TABLE frames DROP COLUMN depth", "it has no frames.depth"),
        ("PRAGMA user_version = 0", "is a database of another program"),
        ("UPDATE frames SET evidence = 'no JSON'", "evidence of frame 1 is damaged"),
    ],
)
def test_tables_that_are_wrong(
    record: Path, folder: Path, damage: str, found: str, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = sqlite3.connect(record)
    connection.execute(damage)
    connection.commit()
    connection.close()
    labels = folder / "annotations.xml"
    labels.write_text("<annotations/>")
    assert main(["review", "import", str(folder), str(labels)]) == 2
    assert found in (said := capsys.readouterr().err) and said.count("\n") == 1


def test_damage_that_shows_while_the_server_runs(record: Path, folder: Path) -> None:
    with client_of(folder) as client:
        connection = sqlite3.connect(record)
        connection.execute("DROP TRIGGER images_are_not_changed")
        connection.execute("UPDATE label_images SET png = 7 WHERE id = 2")
        connection.execute("DROP TABLE leases")
        connection.commit()
        connection.close()
        lost = client.get("/api/queue?filter=all")
        assert (
            lost.status_code == 500 and "review.sqlite cannot be read (no such table: leases)" in lost.json()["error"]
        )
        image = client.get("/media/1/labels?image=2")
        assert image.status_code == 500 and "label image 2 is missing or damaged" in image.json()["error"]


def test_something_else_in_its_place(folder: Path) -> None:
    (folder / "review.sqlite").mkdir()
    with pytest.raises(InputError, match=r"review\.sqlite is no file, expected the record"):
        Database(folder)
