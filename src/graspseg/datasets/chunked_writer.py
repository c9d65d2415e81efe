"""How many frames are written: in chunks done by anyone in any order, resumed where a run stopped, whole or not at all.

A job says where to and how frames are stored. Its folder gets a description before any frame; each chunk is frames of a
folder or one shard; a manifest that says `complete` comes last.
"""

from __future__ import annotations

import platform
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, Literal, NamedTuple, TypeVar, get_args

from graspseg.datasets.manifest import MANIFEST, ShardEntry, write_manifest
from graspseg.datasets.output_folder import clear_partial
from graspseg.datasets.shard_writer import ShardSample, write_shard
from graspseg.errors import InputError
from graspseg.parallel.chunks import RayCluster, Where, run_chunks
from graspseg.parallel.stop import stopping

Format = Literal["folder", "shards"]
DESCRIPTION = "dataset.json"


class ChunkedJob(ABC):
    """Frames to write; a frozen dataclass of its own kind.

    Attributes:
        out: the data set.
        format: how frames are stored.
        shard_size: frames of a shard.
    """

    out: Path
    format: Format
    shard_size: int

    @property
    @abstractmethod
    def chunk_size(self) -> int:
        """Frames of a chunk of a folder."""

    @property
    @abstractmethod
    def shard_name(self) -> str:
        """What the names of shards begin with."""

    @property
    @abstractmethod
    def folders(self) -> tuple[str, ...]:
        """Folders below `out` that are written to."""

    @property
    def description_file(self) -> Path:
        """Where the description is written before any frame."""
        return self.out / (MANIFEST if self.format == "shards" else DESCRIPTION)

    @property
    def other_description(self) -> Path:
        """Where it would be if frames were stored the other way."""
        return self.out / (DESCRIPTION if self.format == "shards" else MANIFEST)

    def absolute(self: OneJob) -> OneJob:
        """The same job with paths that mean the same in the current folder of another process."""
        return replace(self, out=self.out.absolute())  # pyright: ignore[reportArgumentType] (each kind is a dataclass)

    def chunks_of(self: OneJob, frames: int) -> list[Chunk[OneJob]]:
        """The work in pieces that may be done in any order, by anyone; a shard is one piece."""
        size = self.shard_size if self.format == "shards" else self.chunk_size
        return [Chunk(self, start, min(start + size, frames)) for start in range(0, frames, size)]

    def stored_otherwise(self) -> InputError:
        """The sentence for a folder whose frames are stored the other way."""
        kind = next(kind for kind in get_args(Format) if kind != self.format)
        return InputError(
            f"{self.out} holds {self.other_description.name}, so its frames are stored as {kind}, expected "
            f"{self.format}: choose another --out or --format {kind}."
        )

    def check_seen(self) -> None:
        """See that the folder that was begun is seen by this process.

        Raises:
            InputError: it is not.
        """
        if not self.description_file.is_file():
            raise InputError(
                f"{self.out} is not seen by {platform.node()}, expected a folder that all workers share: choose --out "
                "on shared storage."
            )

    def clear(self) -> None:
        """Remove what lost workers left half-written.

        Raises:
            OutputError: a file cannot be removed.
        """
        clear_partial(self.out, *self.folders)

    def finish(self, description: Mapping[str, Any], done: Iterable[Written]) -> None:
        """Clear, and say in the manifest that all chunks are there.

        Raises:
            OutputError: it cannot be written.
        """
        self.clear()
        if self.format == "shards":
            rows = sorted((written.shard for written in done if written.shard), key=lambda shard: shard.name)
            write_manifest(self.out, description, rows)


OneJob = TypeVar("OneJob", bound=ChunkedJob)
AnyJob = TypeVar("AnyJob", bound=ChunkedJob, covariant=True)


@dataclass(frozen=True)
class Chunk(Generic[AnyJob]):
    """Frames `start` to `stop` (excluded) of a job."""

    job: AnyJob
    start: int
    stop: int

    @property
    def indices(self) -> range:
        """Of its frames."""
        return range(self.start, self.stop)

    @property
    def shard(self) -> Path:
        """Its file, where a job writes shards."""
        return self.job.out / f"{self.job.shard_name}-{self.start // self.job.shard_size:06d}.tar"


class Written(NamedTuple):
    """What became of a chunk.

    Attributes:
        frames: those that are there now.
        failures: sentences of those that could not be used.
        shard: its row of the manifest, if it is a shard.
    """

    frames: int
    failures: tuple[str, ...] = ()
    shard: ShardEntry | None = None


def write_chunks(
    write: Callable[[Chunk[OneJob]], Written],
    chunks: Sequence[Chunk[OneJob]],
    where: Where,
    *,
    begin: Callable[[], None],
    finish: Callable[[list[Written]], None],
) -> Iterator[Written]:
    """Do the chunks of a job and yield what became of each.

    Args:
        write: does a chunk; a function of a module.
        chunks: of a job whose paths mean the same to all workers.
        where: who does them.
        begin: makes the folder ready, once it is known that `where` answers.
        finish: called with all results after the last chunk.

    Raises:
        InputError: whatever `begin`, `write` and `finish` raise; or see `run_chunks`.
    """
    results = run_chunks(write, chunks, where)
    begin()
    done: list[Written] = []
    for written in results:
        done.append(written)
        yield written
    finish(done)


def placed(job: OneJob, where: Where) -> OneJob:
    """A job as its workers must know it: the current folder of those of a cluster is another one."""
    return job.absolute() if isinstance(where, RayCluster) else job


class _StoppedError(Exception):
    """The run ends before a shard is full."""


def until_stopped(indices: Iterable[int]) -> Iterator[int]:
    """Indices of the frames of a new shard; ends `new_shard` where the run is to end."""
    for index in indices:
        if stopping():
            raise _StoppedError
        yield index


def new_shard(path: Path, samples: Iterable[ShardSample], *, split: str | None = None) -> ShardEntry | None:
    """Write a shard of frames that go by `until_stopped`; None, and nothing is written, where the run ended before.

    Raises:
        InputError, OutputError: see `write_shard`.
    """
    try:
        return write_shard(path, samples, split=split)
    except _StoppedError:
        return None
