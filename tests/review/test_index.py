from __future__ import annotations

import re
from pathlib import Path

import pytest

from graspseg.errors import InputError
from graspseg.review.server.folder import ReviewFolder
from graspseg.review.server.index import Ranking, update_index
from graspseg.review.server.state import Reviewer
from graspseg.review.server.store import Store
from graspseg.review.server.worklist import Worklist


def order_of(store: Store) -> list[str]:
    page = Worklist(store.database).page(order="confidence", only="all", offset=0, limit=9)
    return [frame.stem for frame in page.frames]


def test_frames_that_come_and_go_keep_their_decisions(store: Store, folder: Path) -> None:
    (first,) = (frame for frame in store.frames() if frame.stem == "take/0")
    store.decide(first.id, "rejected", expected_revision=0, who=Reviewer("Anna", "tab"))
    path = folder / "depth" / "take" / "0.png"
    path.rename(folder / "away")
    (folder / "depth" / "take" / "00.png").write_bytes((folder / "away").read_bytes())
    assert update_index(store.database, store.folder) == 5
    assert [frame.stem for frame in store.frames()] == [f"take/{name}" for name in ("00", "1", "2", "3", "4")]
    assert store.progress()["all"] == 5 and store.progress()["rejected"] == 0
    (folder / "away").rename(path)
    assert update_index(store.database, store.folder) == 6
    assert store.frame(first.id).decision == "rejected" and store.progress()["rejected"] == 1
    assert order_of(store)[0] == "take/00"  # of which nobody is confident


def test_a_new_ranking_counts(store: Store, folder: Path) -> None:
    assert order_of(store)[0] == "take/2"
    (folder / "confidence.csv").write_text("stem,confidence\ntake/4,0.01\ntake/2,0.5\ntake/9,0.2\n")
    update_index(store.database, store.folder)
    assert order_of(store) == ["take/0", "take/1", "take/3", "take/4", "take/2"]
    (frame,) = (frame for frame in store.frames() if frame.stem == "take/2")
    assert frame.confidence == 0.5 and frame.evidence == {}
    (folder / "confidence.csv").unlink()
    update_index(store.database, store.folder)
    assert order_of(store) == [f"take/{number}" for number in range(5)]
    assert not Worklist(store.database).has_confidence()


def test_a_ranking_is_followed_while_the_server_runs(store: Store, folder: Path) -> None:
    reported: list[str] = []
    ranking = Ranking(store.database, store.folder, say=reported.append)
    table = folder / "confidence.csv"
    ranking.follow()
    assert order_of(store)[0] == "take/2"
    table.write_text("stem,confidence\ntake/0,0.1\ntake/1,0.2\ntake/2,0.9\ntake/3,0.3\ntake/4,0.4\n")
    ranking.follow()
    assert order_of(store) == ["take/0", "take/1", "take/3", "take/4", "take/2"]
    table.write_text("stem,confidence\ntake/2,7\n")
    for _ in range(2):
        ranking.follow()
    table.unlink()
    ranking.follow()
    assert order_of(store)[0] == "take/0"
    (sentence,) = reported
    assert sentence.startswith("The order of the frames stays as it was: ") and "confidence 7 in line 2" in sentence


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "has the columns None, expected stem, confidence"),
        (b"name,confidence\na,1\n", "has the columns ['name', 'confidence'], expected stem, confidence"),
        (b"stem,confidence\ntake/0,1\ntake/1,1.5\n", "has the confidence 1.5 in line 3, expected 0 to 1"),
        (b"stem,confidence\n\xff\xfe,1\n", "is no table"),
        (b'stem,confidence\n"take/0,1\n', "is no table"),
    ],
)
def test_confidence_that_cannot_be_used(store: Store, folder: Path, content: bytes, sentence: str) -> None:
    (folder / "confidence.csv").write_bytes(content)
    with pytest.raises(InputError, match=re.escape(f"confidence.csv {sentence}")):
        update_index(store.database, store.folder)
    assert order_of(store)[0] == "take/2"


def test_tables_are_not_read_from_elsewhere(store: Store, folder: Path, tmp_path: Path) -> None:
    for name in ("confidence.csv", "dataset.json"):
        (folder / name).rename(tmp_path / name)
        (folder / name).symlink_to(tmp_path / name)
    with pytest.raises(InputError, match=r"confidence\.csv leads out of"):
        update_index(store.database, store.folder)
    with pytest.raises(InputError, match=r"dataset\.json leads out of"):
        ReviewFolder(folder)


def test_folders_that_cannot_be_reviewed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no depth/, expected a folder data set"):
        ReviewFolder(tmp_path)


@pytest.mark.parametrize("name", ["a\n", "a\x1b", "a\udcff"])
def test_names_nobody_can_write(store: Store, folder: Path, name: str) -> None:
    (folder / "depth" / "take" / f"{name}.png").touch()
    with pytest.raises(InputError, match=r"has the frame 'take/a\\.*expected a printable name"):
        update_index(store.database, store.folder)
