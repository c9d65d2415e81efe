"""ROS 1 bags: the messages of each topic."""

from __future__ import annotations

import contextlib
import io
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from rosbags.interfaces import Connection
from rosbags.rosbag1 import Reader
from rosbags.rosbag1.reader import Header, RecordType, read_bytes, read_uint32

from graspseg.cameras.ros.bag_recovery import CutReader
from graspseg.cameras.ros.chunks import ChunkedFile, DamagedError, decompress
from graspseg.cameras.ros.messages import MessageFile, Topic, damage_reported, reason
from graspseg.errors import InputError


class _Place(NamedTuple):
    """Where a message is: when it was written, position of its chunk, and its own in what the chunk holds."""

    time_ns: int
    chunk: int
    offset: int
    connection: int


class BagFile(ChunkedFile, MessageFile):
    """A ROS 1 bag; one without an index (recording or copying was interrupted) is walked once.

    Args:
        path: the file.

    Raises:
        InputError: it is no bag of version 2.0, encrypted, or not one message is whole.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lost = None
        places: dict[str, list[_Place]] = defaultdict(list)
        connections: dict[str, Connection] = {}
        with contextlib.closing(_opened(path)) as reader, damage_reported(path, "a whole bag"):
            listed = sum(sum(chunk.connection_counts.values()) for chunk in reader.chunk_infos)
            if isinstance(reader, CutReader):
                self.lost = "was cut"
            elif listed != sum(map(len, reader.indexes.values())):
                self.lost = f"lists {listed} messages and has an index to fewer or more of them"
            for each in reader.connections:
                connections.setdefault(each.topic, each)
                places[each.topic] += [
                    _Place(entry.time, entry.chunk_pos, entry.offset, each.id) for entry in reader.indexes[each.id]
                ]
        self._places = {topic: sorted(found) for topic, found in places.items()}
        self.topics = {
            topic: Topic(topic, each.msgtype, "ros1", [place.time_ns for place in self._places[topic]])
            for topic, each in connections.items()
        }

    def raw(self, topic: str, index: int) -> bytes:
        """Bytes of a message; see `MessageFile`."""
        place = self._places[topic][index]
        with damage_reported(self.path):
            chunk = self._chunks.get(place.chunk, lambda: self._chunk(place.chunk))
            return _message(chunk, place)

    def _chunk(self, place: int) -> bytes:
        """What the chunk at a position holds."""
        self._bio.seek(place)
        compression = Header.read(self._bio, RecordType.CHUNK).get_string("compression")
        size = read_uint32(self._bio)
        # A recorder that was killed had not filled in the length; then the chunk ends with the file.
        data = self._bio.read(size) if size else self._bio.read()
        return decompress(data, compression)


def _message(chunk: bytes, place: _Place) -> bytes:
    """The message at a place, after a look whether it is the one that was listed."""
    bio = io.BytesIO(chunk)
    bio.seek(place.offset)
    header = Header.read(bio)
    while header.get_uint8("op") == RecordType.CONNECTION:
        bio.seek(read_uint32(bio), io.SEEK_CUR)
        header = Header.read(bio)
    if header.get_uint8("op") != RecordType.MSGDATA or header.get_uint32("conn") != place.connection:
        raise DamagedError("the index leads to something else than a message")
    if header.get_time("time") != place.time_ns:
        raise DamagedError("the index leads to a message of another time")
    return read_bytes(bio, read_uint32(bio))


def _opened(path: Path) -> Reader:
    """An open reader of a bag; one without a whole index is walked.

    Raises:
        InputError: it cannot be read at all.
    """
    _check_head(path)
    reader = Reader(path)
    try:
        reader.open()
    except Exception as error:  # of damaged files rosbags lets errors of struct, assertions and others through
        reader = CutReader(path)
        try:
            reader.open()
        except Exception:
            raise _unreadable(path, reason(error)) from error
    return reader


def _check_head(path: Path) -> None:
    """Look at the first records.

    Raises:
        InputError: another version, or encrypted.
    """
    try:
        with path.open("rb") as bio:
            magic = bio.readline(32)
            if magic != b"#ROSBAG V2.0\n":
                version = magic.removeprefix(b"#ROSBAG ").strip().decode(errors="replace")
                raise _unreadable(path, f"its version is {version!r}, not V2.0")
            encryptor = Header.read(bio, RecordType.BAGHEADER).get("encryptor", b"")
    except InputError:
        raise
    except Exception as error:
        raise _unreadable(path, reason(error)) from error
    if encryptor:
        raise _unreadable(path, f"it is encrypted with {encryptor.decode(errors='replace')}")


def _unreadable(path: Path, found: str) -> InputError:
    return InputError(
        f"{path} is no readable recording ({found}), expected a whole ROS 1 bag: record or copy it again."
    )
