"""ROS 1 bags without the index at their end, because recording or copying them was interrupted."""

from __future__ import annotations

import functools
import io
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import BinaryIO

from rosbags.interfaces import Connection
from rosbags.rosbag1 import Reader, ReaderError
from rosbags.rosbag1.reader import Chunk, ChunkInfo, Header, IndexData, RecordType, read_uint32

from graspseg.cameras.ros.chunks import DamagedError, decompress


class CutReader(Reader):
    """Finds the messages of a bag by walking it once; after that it reads like any other.

    A message that the cut goes through is left out.

    Raises:
        ReaderError: not even one message is whole.
    """

    def open(self) -> None:
        """Walk the file, chunk by chunk (http://wiki.ros.org/Bags/Format/2.0)."""
        self.bio = self.path.open("rb")
        try:
            if not re.fullmatch(rb"#ROSBAG V2\.0\n", self.bio.readline(32)):
                raise ReaderError("File magic is invalid.")
            Header.read(self.bio, RecordType.BAGHEADER)
            start = self.bio.seek(read_uint32(self.bio), os.SEEK_CUR)
            size = self.bio.seek(0, os.SEEK_END)
            self.bio.seek(start)
            found: dict[int, list[IndexData]] = defaultdict(list)
            for place, chunk in _chunks(self.bio, size):
                self.chunks[place] = chunk
                self._walk(place, chunk, found)
            if not any(found.values()):
                raise ReaderError("Not one message is whole.")
            self.indexes = {each.id: sorted(found[each.id]) for each in self.connections}
            self.connections = [
                Connection(*each[:5], len(self.indexes[each.id]), *each[6:]) for each in self.connections
            ]
        except BaseException:
            self.close()
            raise

    def _walk(self, place: int, chunk: Chunk, found: dict[int, list[IndexData]]) -> None:
        """List the messages of a chunk, and keep the connections that are new."""
        bio, known = self.bio, {each.id for each in self.connections}
        assert bio is not None
        bio.seek(chunk.datapos)
        try:
            data = io.BytesIO(chunk.decompressor(bio.read(chunk.datasize)))
        except DamagedError:  # the cut goes through a compressed chunk
            return
        size, self.bio = len(data.getbuffer()), data  # `read_connection` reads from there
        counts: dict[int, int] = defaultdict(int)
        times: list[int] = []
        try:
            while (offset := data.tell()) < size:
                head = Header.read(data)
                if head.get_uint8("op") == RecordType.CONNECTION:
                    data.seek(offset)
                    connection = self.read_connection()
                    if connection.id not in known:
                        known.add(connection.id)
                        self.connections.append(connection)
                    continue
                length = read_uint32(data)
                if data.seek(length, os.SEEK_CUR) > size:
                    break
                connection_id, time = head.get_uint32("conn"), head.get_time("time")
                found[connection_id].append(IndexData(time, place, offset))
                counts[connection_id] += 1
                times.append(time)
        except (ReaderError, ValueError):  # at the cut
            pass
        finally:
            self.bio = bio
        if times:
            self.chunk_infos.append(ChunkInfo(place, min(times), max(times) + 1, dict(counts)))


def _chunks(bio: BinaryIO, size: int) -> Iterator[tuple[int, Chunk]]:
    """Place and extent of every chunk; the last one may end with the file."""
    while (place := bio.tell()) < size:
        try:
            head = Header.read(bio)
            length = read_uint32(bio)
            kind = head.get_uint8("op")
            start = bio.tell()
            if kind == RecordType.CHUNK:
                # The writer fills in the length when it closes a chunk.
                extent = min(length or size - start, size - start)
                compression = head.get_string("compression")
                yield place, Chunk(extent, start, functools.partial(decompress, compression=compression))
                length = extent
        except (ReaderError, KeyError, ValueError):
            return
        bio.seek(start + length)
