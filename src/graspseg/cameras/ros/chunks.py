"""Compressed pieces of ROS files: decompressed up to a limit, and kept while their neighbors are read."""

from __future__ import annotations

import bz2
import sys
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import lz4.frame

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MOST_BYTES = 1 << 28  # a message holds one image, a chunk a few
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_KEPT_BYTES = 1 << 26


class DamagedError(ValueError):
    """What a file holds is not as its format says; the text completes "it is damaged (...)"."""


def decompress(data: bytes, compression: str) -> bytes:
    """Decompress what a chunk holds.

    Args:
        data: its bytes.
        compression: as bags and MCAP files name it: `none` or nothing, `bz2`, `lz4`, `zstd`.

    Raises:
        DamagedError: not whole, of another compression, or of more than `MOST_BYTES` bytes.
    """
    if compression in ("", "none"):
        return data
    makers: dict[str, Callable[[], Any]] = {
        "bz2": bz2.BZ2Decompressor,
        "lz4": lz4.frame.LZ4FrameDecompressor,
        "zstd": zstd.ZstdDecompressor,
    }
    if compression not in makers:
        raise DamagedError(f"chunks are compressed with {compression!r}, which is not known")
    decompressor = makers[compression]()
    try:
        found = decompressor.decompress(data, MOST_BYTES + 1)
    except (OSError, ValueError, RuntimeError, EOFError, zstd.ZstdError) as error:
        raise DamagedError(f"a chunk is not whole {compression} data") from error
    if len(found) > MOST_BYTES:
        raise DamagedError(f"a chunk holds more than {MOST_BYTES >> 20} MiB")
    if not decompressor.eof:
        raise DamagedError(f"a chunk of {compression} data ends early")
    return found


class ChunkCache:
    """The chunks read last, at least one and at most 64 MiB of them."""

    def __init__(self) -> None:
        self._chunks: OrderedDict[Hashable, bytes] = OrderedDict()

    def get(self, place: Hashable, read: Callable[[], bytes]) -> bytes:
        """The chunk at a place; `read` reads it when it is not there."""
        if place in self._chunks:
            self._chunks.move_to_end(place)
            return self._chunks[place]
        chunk = self._chunks[place] = read()
        while len(self._chunks) > 1 and sum(map(len, self._chunks.values())) > _KEPT_BYTES:
            self._chunks.popitem(last=False)
        return chunk


class ChunkedFile:
    """A file that is read chunk by chunk, opened on first use.

    Attributes:
        path: the file.
    """

    path: Path

    def __getstate__(self) -> dict[str, Any]:
        """What travels to another process: no open file."""
        return {name: value for name, value in self.__dict__.items() if name not in ("_bio", "_chunks")}

    @cached_property
    def _bio(self) -> BinaryIO:
        bio = self.path.open("rb")
        weakref.finalize(self, bio.close)
        return bio

    @cached_property
    def _chunks(self) -> ChunkCache:
        return ChunkCache()
