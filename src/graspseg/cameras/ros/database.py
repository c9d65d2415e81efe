"""ROS 2 recordings in SQLite (`.db3`): the messages of each topic."""

from __future__ import annotations

import sqlite3
import weakref
from collections import defaultdict
from functools import cached_property
from pathlib import Path
from typing import Any

from graspseg.cameras.ros.chunks import MOST_BYTES, ZSTD_MAGIC, DamagedError, decompress
from graspseg.cameras.ros.messages import MessageFile, Topic, damage_reported
from graspseg.cameras.sqlite_file import (
    UnwrittenError,
    check_tables,
    connect,
    has_journal,
    is_whole,
    open_database,
    read_last,
    saved_rows,
    with_journal,
)

_HEAD_BYTES = 64
_ROW_BYTES = 4  # at least


class DatabaseFile(MessageFile):
    """A `.db3`.

    Of one that was cut, or that a killed recorder left without some of its pages, the rows before that are copied to a
    temporary file.

    Args:
        path: the file.

    Raises:
        InputError: it is no SQLite file, or holds no topics and messages.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._whole = is_whole(path) or has_journal(path)
        self.lost = None if self._whole else "was cut"
        try:
            self._rows, self.topics = self._listed()
        except UnwrittenError:
            if not self._whole or has_journal(path):
                raise
            self._whole, self.lost = False, "was never finished by its recorder"
            del self.file
            self._rows, self.topics = self._listed()

    def _listed(self) -> tuple[dict[str, list[int]], dict[str, Topic]]:
        """Row of each message by topic, and the topics."""
        with damage_reported(self.path, "a whole .db3"), connect(self.file, called=self.path) as database:
            check_tables(database, self.path)
            read_last(database)
            return _list(database, most=self.path.stat().st_size // _ROW_BYTES)

    def raw(self, topic: str, index: int) -> bytes:
        """Bytes of a message; see `MessageFile`."""
        return self._data(topic, index, "data")

    def head(self, topic: str, index: int) -> bytes:
        """The first bytes of a message; see `MessageFile`."""
        head = self._data(topic, index, f"substr(data, 1, {_HEAD_BYTES})", whole=False)
        return self.raw(topic, index) if head.startswith(ZSTD_MAGIC) else head

    def __getstate__(self) -> dict[str, Any]:
        """What travels to another process: no open file, no temporary copy."""
        return {name: value for name, value in self.__dict__.items() if name not in ("_database", "file")}

    @cached_property
    def file(self) -> Path:
        """The file that is read: the recording itself, or what can be saved of it."""
        if has_journal(self.path):
            return with_journal(self, self.path)
        return self.path if self._whole else saved_rows(self, self.path)

    @cached_property
    def _database(self) -> sqlite3.Connection:
        database = open_database(self.file)
        weakref.finalize(self, database.close)
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_BYTES)
        return database

    def _data(self, topic: str, index: int, what: str, *, whole: bool = True) -> bytes:
        row = self._rows[topic][index]
        with damage_reported(self.path):
            found = self._database.execute(f"SELECT {what} FROM messages WHERE id = ?", (row,)).fetchone()
            if found is None or not isinstance(found[0], bytes):
                raise DamagedError(f"message {row} holds no bytes")
            if whole and found[0].startswith(ZSTD_MAGIC):  # no message of ROS 2 begins so: compressed one by one
                return decompress(found[0], "zstd")
            return found[0]


def _list(database: sqlite3.Connection, *, most: int) -> tuple[dict[str, list[int]], dict[str, Topic]]:
    """Row of each message and the topics; two rows of one topic (several publishers) are one."""
    reported: dict[int, tuple[str, str, str]] = {}
    for number, *texts in database.execute("SELECT id, name, type, serialization_format FROM topics"):
        if not all(isinstance(text, str) for text in texts):
            raise DamagedError("a topic has no name")
        reported[number] = (texts[0], texts[1], texts[2])
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for row, number, time_ns in database.execute("SELECT id, topic_id, timestamp FROM messages"):
        if not isinstance(row, int) or not isinstance(time_ns, int):
            raise DamagedError("a message has no time")
        most -= 1
        if most < 0:  # pages that are damaged may lead round in a circle
            raise DamagedError("it lists more messages than fit into it")
        if number in reported:
            found[reported[number][0]].append((time_ns, row))
    rows = {name: sorted(listed) for name, listed in found.items()}
    topics = {
        name: Topic(name, kind, serialization, [time_ns for time_ns, _ in rows.get(name, ())])
        for name, kind, serialization in reported.values()
    }
    return {name: [row for _, row in listed] for name, listed in rows.items()}, topics
