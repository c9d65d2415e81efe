"""The list of frames to review: found on disk, with their confidence, and kept so that a big folder opens fast."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping

from graspseg.datasets.atomic import OutputError
from graspseg.datasets.confidence import CONFIDENCE, Confidence, parse_confidence
from graspseg.datasets.folder import list_frames
from graspseg.errors import InputError
from graspseg.review.server.database import Busy, Database
from graspseg.review.server.folder import ReviewFolder

_COUNT = """
INSERT INTO tally SELECT 'all', count(*) FROM frames WHERE present = 1
UNION ALL SELECT 'todo', count(*) FROM frames WHERE present = 1 AND decision IS NULL
UNION ALL SELECT 'accepted', count(*) FROM frames WHERE present = 1 AND decision = 'accepted'
UNION ALL SELECT 'rejected', count(*) FROM frames WHERE present = 1 AND decision = 'rejected'
UNION ALL SELECT 'edited', count(*) FROM frames WHERE present = 1 AND edited = 1"""
_UNKNOWN_RANK = -1.0  # frames nobody is confident of come first


def update_index(database: Database, folder: ReviewFolder) -> int:
    """Bring the list up to date: frames that came, went or moved, and a new `confidence.csv`.

    What was decided of a frame is kept, also while its file is gone.

    Returns:
        The number of frames there are now.

    Raises:
        InputError: there are no frames, or `confidence.csv` cannot be used.
        OutputError: the list cannot be stored.
    """
    found = [(stem, path.relative_to(folder.root).as_posix()) for stem, path, _ in list_frames(folder.root)]
    for stem, _ in found:
        if not stem.isprintable():  # nor of any encoding: neither a page nor another program could name it
            raise InputError(f"{folder.root} has the frame {stem!a}, expected a printable name: rename its files.")
    version = folder.version(CONFIDENCE) if folder.has(CONFIDENCE) else ""
    stale = ranking_version(database.connection()) != version
    read = dict(read_confidence(folder)) if version and (stale or _has_new(database, found)) else {}
    with database.writing() as connection:
        known = {
            row["stem"]: row for row in connection.execute("SELECT stem, id, depth, position, present FROM frames")
        }
        changed = [
            (depth, position, known[stem]["id"])
            for position, (stem, depth) in enumerate(found)
            if stem in known
            and (known[stem]["depth"], known[stem]["position"], known[stem]["present"]) != (depth, position, 1)
        ]
        new = [(stem, depth, position) for position, (stem, depth) in enumerate(found) if stem not in known]
        connection.executemany("UPDATE frames SET depth = ?, position = ?, present = 1 WHERE id = ?", changed)
        connection.executemany("INSERT INTO frames (stem, depth, position) VALUES (?, ?, ?)", new)
        gone = known.keys() - {stem for stem, _ in found}
        connection.executemany("UPDATE frames SET present = 0 WHERE stem = ?", [(stem,) for stem in gone])
        if stale:
            _forget_ranks(connection, version)
        _set_ranks(connection, read)
        connection.execute("DELETE FROM tally")
        connection.execute(_COUNT)
    return len(found)


def ranking_version(connection: sqlite3.Connection) -> str:
    """Which `confidence.csv` the frames are ranked by: changes whenever the order does; "" without one."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'confidence'").fetchone()
    return row["value"] if row else ""


class Ranking:
    """The order of the frames, which follows `confidence.csv` while the server runs.

    Args:
        database: where it is kept.
        folder: where the file is.
        say: called with a sentence when a new file cannot be used.
    """

    def __init__(self, database: Database, folder: ReviewFolder, *, say: Callable[[str], None]) -> None:
        self._database = database
        self._folder = folder
        self._say = say
        self._one_reads = threading.Lock()
        self._refused = ""
        self._said = ""

    def follow(self) -> None:
        """Rank by the file that is there now; one that is gone or cannot be used leaves the order as it is.

        Whoever asks while another thread reads the file goes on with the old order.
        """
        if not self._folder.has(CONFIDENCE) or not self._one_reads.acquire(blocking=False):
            return
        version = ""
        try:
            version = self._folder.version(CONFIDENCE)
            if version not in (self._refused, ranking_version(self._database.connection())):
                read = dict(read_confidence(self._folder))
                with self._database.writing() as connection:
                    _forget_ranks(connection, version)
                    _set_ranks(connection, read)
        except (Busy, OutputError):
            pass  # tried again with the next question
        except InputError as error:
            self._refused = version
            if self._said != str(error):
                self._said = str(error)
                self._say(f"The order of the frames stays as it was: {error}")
        finally:
            self._one_reads.release()


def _forget_ranks(connection: sqlite3.Connection, version: str) -> None:
    connection.execute("UPDATE frames SET confidence = NULL, rank = ?, evidence = '{}'", (_UNKNOWN_RANK,))
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('confidence', ?)", (version,))


def _set_ranks(connection: sqlite3.Connection, read: Mapping[str, Confidence]) -> None:
    rows = [
        (each.value, _UNKNOWN_RANK if each.value is None else each.value, json.dumps(each.evidence), stem)
        for stem, each in read.items()
    ]
    connection.executemany("UPDATE frames SET confidence = ?, rank = ?, evidence = ? WHERE stem = ?", rows)


def _has_new(database: Database, found: list[tuple[str, str]]) -> bool:
    known = {row["stem"] for row in database.connection().execute("SELECT stem FROM frames")}
    return any(stem not in known for stem, _ in found)


def read_confidence(folder: ReviewFolder) -> Iterator[tuple[str, Confidence]]:
    """Stem, confidence and evidence of every line of `confidence.csv`; see `parse_confidence`."""
    return parse_confidence(folder.bytes_of(CONFIDENCE), folder.root / CONFIDENCE)
