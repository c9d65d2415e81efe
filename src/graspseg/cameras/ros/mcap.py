"""MCAP files: the messages of each topic (https://mcap.dev/spec).

Listed here record by record, because rosbags reads them forward only, wants a whole index, and decompresses without
limit.
"""

from __future__ import annotations

import struct
import zlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from graspseg.cameras.ros.chunks import MOST_BYTES, ChunkedFile, DamagedError, decompress
from graspseg.cameras.ros.messages import MessageFile, Topic, damage_reported

MAGIC = b"\x89MCAP0\r\n"
_FOOTER, _SCHEMA, _CHANNEL, _MESSAGE, _CHUNK, _MESSAGE_INDEX, _STATISTICS = 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0B
_RECORD = struct.Struct("<BQ")
_MESSAGE_HEAD = struct.Struct("<HIQQ")  # channel, sequence, time of writing, time of publishing
_CHUNK_HEAD = struct.Struct("<QQQI")  # first and last time, size when decompressed, checksum of that
_SERIALIZATIONS = {"ros1": "ros1", "cdr": "cdr"}


class _Place(NamedTuple):
    """Where a message is: when it was written, position of its chunk (-1 = in none), its own in there, its channel."""

    time_ns: int
    chunk: int
    offset: int
    channel: int


class _Channel(NamedTuple):
    schema: int
    topic: str
    encoding: str


class McapFile(ChunkedFile, MessageFile):
    """An MCAP file; one without an end (recording or copying was interrupted) is read up to there.

    Args:
        path: the file.

    Raises:
        InputError: it is none, or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with damage_reported(path, "a whole MCAP file"), path.open("rb") as bio:
            listing = _Listing(bio, path.stat().st_size)
        self.lost = listing.lost
        self._places = {topic: sorted(places) for topic, places in listing.by_topic().items()}
        self.topics = {
            channel.topic: Topic(
                channel.topic,
                _kind(listing.schemas.get(channel.schema, "")),
                _SERIALIZATIONS.get(channel.encoding, channel.encoding),
                [place.time_ns for place in self._places.get(channel.topic, ())],
            )
            for channel in listing.channels.values()
        }

    def raw(self, topic: str, index: int) -> bytes:
        """Bytes of a message; see `MessageFile`."""
        place = self._places[topic][index]
        with damage_reported(self.path):
            if place.chunk < 0:
                self._bio.seek(place.offset)
                op, size = _RECORD.unpack(self._bio.read(_RECORD.size))
                record = self._bio.read(min(size, MOST_BYTES))
            else:
                chunk = self._chunks.get(place.chunk, lambda: self._chunk(place.chunk))
                op, size = _RECORD.unpack_from(chunk, place.offset)
                begin = place.offset + _RECORD.size
                record = chunk[begin : begin + size]
            channel, _, time_ns, _ = _MESSAGE_HEAD.unpack_from(record)
            if op != _MESSAGE or len(record) != size or (channel, time_ns) != (place.channel, place.time_ns):
                raise DamagedError("the index leads to something else than its message")
            return record[_MESSAGE_HEAD.size :]

    def _chunk(self, place: int) -> bytes:
        self._bio.seek(place)
        return _read_chunk(self._bio)


class _Listing:
    """What a walk through a file finds.

    Attributes:
        schemas: name by number.
        channels: by number.
        places: of all messages.
        lost: what is missing.
    """

    def __init__(self, bio: BinaryIO, size: int) -> None:
        self._bio, self._size = bio, size
        self.schemas: dict[int, str] = {}
        self.channels: dict[int, _Channel] = {}
        self.places: list[_Place] = []
        self.lost: str | None = "was cut"
        self._chunks: dict[int, set[int]] = {}  # channels of the messages in its index, by position of the chunk
        self._declared: int | None = None
        if bio.read(len(MAGIC)) != MAGIC:
            raise DamagedError("it does not begin like one")
        self._walk()
        self._complete()

    def by_topic(self) -> dict[str, list[_Place]]:
        """Places of messages whose channel is known."""
        found: dict[str, list[_Place]] = defaultdict(list)
        for place in self.places:
            if place.channel in self.channels:
                found[self.channels[place.channel].topic].append(place)
        return found

    def _walk(self) -> None:
        """Go from record to record without reading what is large."""
        bio, chunk = self._bio, -1
        while len(head := bio.read(_RECORD.size)) == _RECORD.size:
            op, length = _RECORD.unpack(head)
            begin = bio.tell()
            if op == 0 or begin + length > self._size:
                return
            if op == _FOOTER:
                self.lost = None
                return
            if op == _CHUNK:
                chunk = begin - _RECORD.size
                self._chunks[chunk] = set()
            elif op == _MESSAGE_INDEX and chunk >= 0:
                self._add_index(chunk, bio.read(length))
            elif op == _MESSAGE:
                channel, _, time_ns, _ = _MESSAGE_HEAD.unpack(bio.read(_MESSAGE_HEAD.size))
                self.places.append(_Place(time_ns, -1, begin - _RECORD.size, channel))
            elif op in (_SCHEMA, _CHANNEL):
                self._add_description(op, bio.read(length))
            elif op == _STATISTICS:
                (self._declared,) = struct.unpack_from("<Q", bio.read(length))
            bio.seek(begin + length)

    def _complete(self) -> None:
        """Look into chunks that have no index, or that may describe channels which are not known yet."""
        if self.lost and self._chunks:  # of the last chunk, a part of the index may be missing
            last = max(self._chunks)
            self.places = [place for place in self.places if place.chunk != last]
            self._chunks[last] = set()
        for place, listed in self._chunks.items():
            if listed and listed <= self.channels.keys():
                continue
            try:
                self._bio.seek(place)
                self._look_into(place, _read_chunk(self._bio), list_messages=not listed)
            except (DamagedError, struct.error, UnicodeDecodeError):
                self.lost = self.lost or "has a chunk that is damaged"
        if self.lost is None and self._declared not in (None, len(self.places)):
            self.lost = f"says that it holds {self._declared} messages and {len(self.places)} are found"

    def _look_into(self, place: int, chunk: bytes, *, list_messages: bool) -> None:
        for op, begin, length in _records(chunk):
            if op in (_SCHEMA, _CHANNEL):
                self._add_description(op, chunk[begin : begin + length])
            elif op == _MESSAGE and list_messages:
                channel, _, time_ns, _ = _MESSAGE_HEAD.unpack_from(chunk, begin)
                self.places.append(_Place(time_ns, place, begin - _RECORD.size, channel))

    def _add_index(self, chunk: int, record: bytes) -> None:
        channel, size = struct.unpack_from("<HI", record)
        entries = record[6 : 6 + size]
        for time_ns, offset in struct.iter_unpack("<QQ", entries[: len(entries) // 16 * 16]):
            self.places.append(_Place(time_ns, chunk, offset, channel))
            self._chunks[chunk].add(channel)

    def _add_description(self, op: int, record: bytes) -> None:
        if op == _SCHEMA:
            (number,) = struct.unpack_from("<H", record)
            self.schemas.setdefault(number, _text(record, 2)[0])
            return
        number, schema = struct.unpack_from("<HH", record)
        topic, end = _text(record, 4)
        self.channels.setdefault(number, _Channel(schema, topic, _text(record, end)[0]))


def _records(chunk: bytes) -> Iterator[tuple[int, int, int]]:
    """Kind, beginning of the content, and length of each record in a chunk."""
    position = 0
    while position + _RECORD.size <= len(chunk):
        op, length = _RECORD.unpack_from(chunk, position)
        begin = position + _RECORD.size
        if op == 0 or begin + length > len(chunk):
            raise DamagedError("a record reaches past its chunk")
        yield op, begin, length
        position = begin + length


def _read_chunk(bio: BinaryIO) -> bytes:
    """What the chunk that begins here holds, after a look at its checksum."""
    op, length = _RECORD.unpack(bio.read(_RECORD.size))
    record = bio.read(min(length, MOST_BYTES))
    if op != _CHUNK or len(record) != length:
        raise DamagedError("a chunk is not whole, or too large")
    _, _, size, checksum = _CHUNK_HEAD.unpack_from(record)
    compression, end = _text(record, _CHUNK_HEAD.size)
    (stored,) = struct.unpack_from("<Q", record, end)
    if size > MOST_BYTES or stored != len(record) - end - 8:
        raise DamagedError(f"a chunk says that it holds {size} bytes, {stored} when compressed")
    content = decompress(record[end + 8 :], compression)
    if len(content) != size or (checksum and zlib.crc32(content) != checksum):
        raise DamagedError("a chunk does not fit its checksum")
    return content


def _text(record: bytes, position: int) -> tuple[str, int]:
    """A text with its length before it, and where it ends."""
    (size,) = struct.unpack_from("<I", record, position)
    end = position + 4 + size
    if end > len(record):
        raise DamagedError("a text reaches past its record")
    return record[position + 4 : end].decode(), end


def _kind(name: str) -> str:
    """A message type as ROS 2 writes it."""
    package, _, message = name.partition("/")
    return f"{package}/msg/{message}" if message and "/" not in message else name
