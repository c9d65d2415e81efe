"""SQLite files that hold recordings: opened without writing beside them, and read up to a cut."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path

from graspseg.datasets.atomic import unwritable
from graspseg.errors import InputError

MAGIC = b"SQLite format 3\0"
_HEADER = 100
_LAST = 64  # messages; more than SQLite keeps in memory (2 MB) before it writes
_EXPECTED = "a whole .db3 of ROS 2 or the RealSense SDK"


class UnwrittenError(InputError):
    """Some page of the file is none of SQLite's: a killed recorder may leave zeros in their place."""


@contextlib.contextmanager
def connect(path: Path, *, called: Path | None = None) -> Iterator[sqlite3.Connection]:
    """Open the tables for reading; what is wrong with them becomes one sentence, about `called`."""
    try:
        with contextlib.closing(open_database(path)) as database:
            yield database
    except (sqlite3.Error, UnicodeDecodeError, OverflowError) as error:
        reported = " ".join(str(error).split())  # parts of the file, lines among them
        damaged = isinstance(error, sqlite3.DatabaseError) and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_CORRUPT
        raise (UnwrittenError if damaged else InputError)(
            f"{called or path} is no readable recording ({reported}), expected {_EXPECTED}: record or copy it again."
        ) from error


def open_database(path: Path) -> sqlite3.Connection:
    """Open the tables for reading; the caller closes them.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    # Immutable: else SQLite may make files beside it.
    address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    database = sqlite3.connect(address, uri=True, check_same_thread=False)
    database.execute("PRAGMA trusted_schema = OFF")
    return database


def check_tables(database: sqlite3.Connection, path: Path) -> None:
    """Refuse what is no recording; a view in place of a table could run anything.

    Raises:
        InputError: `messages` or `topics` is not a table.
    """
    kinds = dict(database.execute("SELECT name, type FROM sqlite_master WHERE name IN ('messages', 'topics')"))
    if kinds != {"messages": "table", "topics": "table"}:
        found = ", ".join(sorted(name for (name,) in database.execute("SELECT name FROM sqlite_master LIMIT 5")))
        raise InputError(
            f"{path} is a database with {found or 'nothing in it'}, expected the tables messages and topics of a "
            "recording: check the path, or copy it again."
        )


def is_whole(path: Path) -> bool:
    """Whether a file is as long as its header says.

    Raises:
        InputError: it cannot be read, or is no SQLite file.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER)
    except OSError as error:
        raise InputError(f"{path} could not be read ({error.strerror}), expected a recording: check it.") from error
    if len(head) < _HEADER or not head.startswith(MAGIC):
        found = "an empty file" if not head else "no whole SQLite file"
        raise InputError(f"{path} is {found}, expected {_EXPECTED}: record or copy it again.")
    page, pages = _pages(head)
    return path.stat().st_size >= page * pages


def read_last(database: sqlite3.Connection) -> None:
    """Read the last messages in full, among which unwritten pages are.

    Raises:
        sqlite3.DatabaseError: one is.
    """
    last = "SELECT max(substr(data, -1)) FROM messages WHERE id > (SELECT max(id) FROM messages) - ?"
    database.execute(last, (_LAST,)).fetchone()


def has_journal(path: Path) -> bool:
    """Whether rows wait beside a file, in the write-ahead log of a recorder that was killed."""
    journal = _journal_of(path)
    return journal.is_file() and journal.stat().st_size > 0


def with_journal(owner: object, path: Path) -> Path:
    """A copy that holds those rows too; it is removed with its owner.

    Raises:
        InputError: it is damaged.
        OutputError: there is no room for it.
    """
    whole = _temporary(owner) / path.name
    try:
        shutil.copyfile(path, whole)
        shutil.copyfile(_journal_of(path), _journal_of(whole))
    except OSError as error:
        raise unwritable(whole, error) from error
    try:
        with contextlib.closing(sqlite3.connect(whole)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            database.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise InputError(
            f"{path} and the log beside it are damaged ({error}), expected {_EXPECTED}: copy both again."
        ) from error
    return whole


def saved_rows(owner: object, path: Path) -> Path:
    """A copy of every row before the cut; it is removed with its owner.

    Raises:
        InputError: not even the list of topics is left.
        OutputError: there is no room for it.
    """
    folder = _temporary(owner)
    damaged, saved = folder / "damaged.db3", folder / path.name
    try:
        shutil.copyfile(path, damaged)
        with damaged.open("r+b") as file:
            page, _ = _pages(file.read(_HEADER))
            file.seek(28)
            file.write((damaged.stat().st_size // max(page, 512)).to_bytes(4, "big"))  # SQLite refuses shorter files
    except OSError as error:
        raise unwritable(damaged, error) from error
    with connect(damaged, called=path) as source, contextlib.closing(sqlite3.connect(saved)) as target, target:
        check_tables(source, path)
        _copy_rows(source, target)
    damaged.unlink()
    return saved


def _copy_rows(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    schema = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND type IN ('table', 'index')"
    for (statement,) in source.execute(schema):
        target.execute(statement)
    topics = source.execute("SELECT * FROM topics").fetchall()
    if topics:
        target.executemany(f"INSERT INTO topics VALUES ({', '.join('?' * len(topics[0]))})", topics)
    rows = source.execute("SELECT id, topic_id, timestamp, data FROM messages NOT INDEXED ORDER BY id")
    with contextlib.suppress(sqlite3.DatabaseError):  # at the cut
        for row in rows:
            target.execute("INSERT INTO messages (id, topic_id, timestamp, data) VALUES (?, ?, ?, ?)", row)


def _journal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _temporary(owner: object) -> Path:
    """A folder that is removed with its owner."""
    folder = tempfile.TemporaryDirectory(prefix="graspseg-", ignore_cleanup_errors=True)
    weakref.finalize(owner, folder.cleanup)
    return Path(folder.name)


def _pages(head: bytes) -> tuple[int, int]:
    """Bytes of a page and number of pages (SQLite file format, section 1.3)."""
    page, pages = int.from_bytes(head[16:18], "big"), int.from_bytes(head[28:32], "big")
    return 65536 if page == 1 else page, pages
