"""`review.sqlite`: the record of a review, safe against crashes, and shared by several threads and servers."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from weakref import WeakSet

from graspseg.datasets.atomic import OutputError
from graspseg.datasets.decisions import DAMAGED, REVIEW_FILE, open_to_read
from graspseg.errors import InputError

FORMAT_VERSION = 1
_BUSY_S = 10.0

# A frame's row is its state now; `history` says how it came to be and is only ever added to. `labels_id` are the labels
# a frame should have, `file_id` those last written to labels/: they differ while a file is still to be written. Both
# are NULL while nobody changed the labels. A label image without `png` stands for a missing file. `tally` counts the
# frames that are there by state, because counting 100,000 of them after every decision would be felt.
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE label_images (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    frame_id INTEGER NOT NULL REFERENCES frames (id),
    origin TEXT NOT NULL CHECK (origin IN ('file', 'person', 'import')),
    png BLOB
);
CREATE TABLE frames (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    stem TEXT NOT NULL UNIQUE,
    depth TEXT NOT NULL,
    position INTEGER NOT NULL,
    confidence REAL,
    rank REAL NOT NULL DEFAULT -1,
    evidence TEXT NOT NULL DEFAULT '{}',
    present INTEGER NOT NULL DEFAULT 1,
    decision TEXT CHECK (decision IN ('accepted', 'rejected')),
    edited INTEGER NOT NULL DEFAULT 0,
    labels_id INTEGER REFERENCES label_images (id),
    file_id INTEGER REFERENCES label_images (id),
    revision INTEGER NOT NULL DEFAULT 0,
    last_id INTEGER REFERENCES history (id)
);
CREATE TABLE history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    frame_id INTEGER NOT NULL REFERENCES frames (id),
    at_s REAL NOT NULL,
    reviewer TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('accept', 'reject', 'clear', 'labels', 'import', 'undo')),
    decision_before TEXT,
    decision_after TEXT,
    labels_before INTEGER REFERENCES label_images (id),
    labels_after INTEGER REFERENCES label_images (id),
    undoes INTEGER UNIQUE REFERENCES history (id),
    request TEXT UNIQUE
);
CREATE TABLE leases (
    frame_id INTEGER PRIMARY KEY REFERENCES frames (id),
    client TEXT NOT NULL,
    reviewer TEXT NOT NULL,
    until_s REAL NOT NULL
);
CREATE TABLE tally (state TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX frames_by_rank ON frames (present, rank, position);
CREATE INDEX frames_by_name ON frames (present, position);
CREATE INDEX frames_by_decision_rank ON frames (decision, present, rank, position);
CREATE INDEX frames_by_decision_name ON frames (decision, present, position);
CREATE INDEX frames_edited ON frames (present, rank, position) WHERE edited = 1;
CREATE INDEX history_of_frame ON history (frame_id, id);
CREATE INDEX history_of_reviewer ON history (reviewer, id);
CREATE INDEX leases_of_client ON leases (client);
CREATE TRIGGER frames_are_counted AFTER UPDATE OF decision, edited ON frames BEGIN
    UPDATE tally SET number = number + (state = ifnull(NEW.decision, 'todo')) - (state = ifnull(OLD.decision, 'todo'))
        + (state = 'edited') * (NEW.edited - OLD.edited);
END;
CREATE TRIGGER history_is_not_changed BEFORE UPDATE ON history BEGIN SELECT RAISE(ABORT, 'history is kept'); END;
CREATE TRIGGER history_is_not_deleted BEFORE DELETE ON history BEGIN SELECT RAISE(ABORT, 'history is kept'); END;
CREATE TRIGGER images_are_not_changed BEFORE UPDATE ON label_images BEGIN SELECT RAISE(ABORT, 'images are kept'); END;
CREATE TRIGGER images_are_not_deleted BEFORE DELETE ON label_images BEGIN SELECT RAISE(ABORT, 'images are kept'); END;
"""


class ReadOnly(OutputError):
    """The folder can be looked at but not written to."""


class DiskFull(OutputError):
    """What was asked could not be saved; nothing was changed."""


class Busy(InputError):
    """Another process held the database for too long."""


class _Held:
    """A connection that is closed when its thread ends: the server's threads come and go all day."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def __del__(self) -> None:
        self.connection.close()


class Database:
    """Connections to the record of a folder, one a thread.

    Args:
        folder: the data set; `review.sqlite` is made in it. Where that is not possible, a copy elsewhere is worked on
            that ends with this object, and `read_only` says why.

    Raises:
        InputError: the file is a link, damaged, or of a newer version.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / REVIEW_FILE
        self.read_only: str | None = None
        self._local = threading.local()
        self._opened: WeakSet[_Held] = WeakSet()
        self._one_writes = threading.Lock()
        self._elsewhere: tempfile.TemporaryDirectory[str] | None = None
        for suffix in ("", "-wal", "-shm", "-journal"):  # SQLite would write through a link
            path = self.path.with_name(self.path.name + suffix)
            if path.is_symlink():
                raise InputError(f"{path} is a link, expected a file of its own: remove the link.")
        if self.path.exists() and not self.path.is_file():
            raise InputError(f"{self.path} is no file, expected the record of graspseg review: move it elsewhere.")
        with self.sentences():
            self._open_or_copy(folder)

    def _open_or_copy(self, folder: Path) -> None:
        if os.access(folder, os.W_OK) and (not self.path.exists() or os.access(self.path, os.W_OK)):
            try:
                self._prepare()
                return
            except (ReadOnly, DiskFull):
                self.close()
        self.read_only = (
            f"{folder} cannot be written to, so nothing can be saved there: give write permission and free space, or "
            "copy the folder."
        )
        self._elsewhere = tempfile.TemporaryDirectory(prefix="graspseg-review-")
        copy = Path(self._elsewhere.name) / REVIEW_FILE
        if self.path.is_file():
            source, target = open_to_read(self.path), sqlite3.connect(copy)
            source.backup(target)
            source.close()
            target.close()
        self.path = copy
        self._prepare()

    def _prepare(self) -> None:
        """Make the tables of a new database, or see that an old one has them."""
        with self.writing() as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > FORMAT_VERSION:
                raise InputError(
                    f"{self.path} has format version {version}, expected at most {FORMAT_VERSION}: update graspseg."
                )
            if version == 0:
                if connection.execute("SELECT 1 FROM sqlite_schema").fetchone():
                    raise InputError(
                        f"{self.path} is a database of another program, expected the record of graspseg review: move "
                        "it elsewhere."
                    )
                for statement in _statements(_SCHEMA):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
            missing = _expected_columns() - _columns(connection)
            if missing:
                raise sqlite3.DatabaseError(f"it has no {', '.join(sorted(missing))}")

    def connection(self) -> sqlite3.Connection:
        """The connection of this thread, for reading."""
        held: _Held | None = getattr(self._local, "held", None)
        if held is None:
            held = _Held(sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False))
            held.connection.row_factory = sqlite3.Row
            held.connection.execute("PRAGMA foreign_keys = ON")
            self._opened.add(held)
            self._local.held = held
        return held.connection

    @contextlib.contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """A transaction; what it wrote is on the disk when the block is left without error, or not written at all.

        Args:
            durable: wait until the disk has it; without, a power cut (not a crash) may take it back.

        Raises:
            DiskFull: there is no space, or the disk failed.
            ReadOnly: the file or its folder cannot be written to.
            Busy: another process is writing for too long.
        """
        with self._one_writes, self._passing():
            connection = self.connection()
            if not getattr(self._local, "logs", False):
                connection.execute("PRAGMA journal_mode = WAL")
                self._local.logs = True
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def unreadable(self, error: Exception) -> InputError:
        """The sentence for a record that is damaged or none."""
        return InputError(
            f"{self.path} cannot be read ({error}), expected the record of graspseg review: restore or remove it."
        )

    @contextlib.contextmanager
    def sentences(self) -> Iterator[None]:
        """Turn what SQLite says of a damaged record into a sentence.

        Raises:
            InputError: it is damaged.
        """
        try:
            yield
        except DAMAGED as error:
            raise self.unreadable(error) from error

    @contextlib.contextmanager
    def _passing(self) -> Iterator[None]:
        """Turn into sentences what SQLite says of a disk or a folder that may be another one soon."""
        try:
            yield
        except sqlite3.OperationalError as error:
            name = getattr(error, "sqlite_errorname", None) or ""
            if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                raise Busy(f"{self.path} is being written by another program, expected it free: try again.") from error
            if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")):
                raise ReadOnly(f"{self.path} cannot be written ({error}): give write permission.") from error
            if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
                raise DiskFull(
                    f"{self.path} could not be written ({error}), what was there is kept: free space there, then save "
                    "again."
                ) from error
            raise

    def close(self) -> None:
        """Close every connection; the last one of all processes folds the log into the file."""
        for held in list(self._opened):
            held.connection.close()
        self._local = threading.local()
        if self._elsewhere is not None:
            self._elsewhere.cleanup()


def _expected_columns() -> set[str]:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(_SCHEMA)
        return _columns(connection)


def _columns(connection: sqlite3.Connection) -> set[str]:
    """Every column of a database as `table.column`."""
    query = """SELECT tables.name || '.' || columns.name FROM sqlite_schema AS tables
               JOIN pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'"""
    return {name for (name,) in connection.execute(query)}


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, which `executescript` would not run inside a transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
