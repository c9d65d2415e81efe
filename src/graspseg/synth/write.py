"""Synthetic frames written as a folder or as shards, by any number of processes and machines."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Iterator
from dataclasses import replace

from graspseg.datasets.atomic import write_json
from graspseg.datasets.description import read_object
from graspseg.datasets.folder import FolderWriter
from graspseg.datasets.ledger import Ledger
from graspseg.datasets.manifest import check_unchanged
from graspseg.datasets.output_folder import working_in
from graspseg.datasets.shard_writer import ShardSample, finished_shard, write_shard
from graspseg.errors import InputError
from graspseg.parallel.chunks import THIS_PROCESS, RayCluster, Where, run_chunks
from graspseg.parallel.stop import stopping
from graspseg.synth.colored import ColoredFrame, ColorMaker
from graspseg.synth.generate import FrameMaker
from graspseg.synth.job import GENERATOR_VERSION, Chunk, Job, Written, begin, finish


def write_frames(job: Job, *, where: Where = THIS_PROCESS) -> Iterator[int]:
    """Make and write the frames of a job that are not there yet, and yield how many of a chunk are done.

    A frame depends on split, seed and index alone, and a shard on its frames alone, so that who does the work and
    interruptions change nothing.

    Raises:
        InputError: the folder holds another data set or anything else, is worked on by another process, cannot be
            written to, or is not seen by all workers; or see `run_chunks`.
    """
    if isinstance(where, RayCluster):
        job = replace(job, out=job.out.absolute())  # the current folder of workers is another one
    results = run_chunks(write_chunk, job.chunks(), where)
    with working_in(job.out):
        begin(job)
        done: list[Written] = []
        for written in results:
            done.append(written)
            yield written.frames
        finish(job, done)


_makers: dict[Job, FrameMaker | ColorMaker] = {}


class _StoppedError(Exception):
    """The run ends before a shard is full."""


def write_chunk(chunk: Chunk) -> Written:
    """Make and write what is not there yet of a chunk; may run in any process that sees the folder.

    Raises:
        InputError: the folder that `begin` made is not seen from here.
        OutputError: the disk is full or not writable.
    """
    if not chunk.job.description_file.is_file():
        raise InputError(
            f"{chunk.job.out} is not seen by {platform.node()}, expected a folder that all workers share: choose --out "
            "on shared storage."
        )
    return _write_shard(chunk) if chunk.job.format == "shards" else _write_files(chunk)


def _write_files(chunk: Chunk) -> Written:
    job = chunk.job
    ledger = Ledger(job.out)
    writer = FolderWriter(job.out, read_object(job.description_file), ledger=ledger)
    for index in range(chunk.start, chunk.stop):
        if stopping():
            break
        if not _is_there(job, job.stem(index), ledger):
            made = _maker(job).make(index)
            color = made.color if isinstance(made, ColoredFrame) else None
            if color is not None:
                write_json(job.out / "color" / f"{job.stem(index)}.json", color.metadata())
            writer.write(job.stem(index), made.frame(), made.labels, color=color.rgb if color else None)
    writer.sync()
    return Written(chunk.stop - chunk.start)


def _is_there(job: Job, stem: str, ledger: Ledger) -> bool:
    """Whether a frame was written and is whole; the labels were the last."""
    kinds = ("labels", "depth") if job.color == "none" else ("labels", "depth", "color")
    return all(ledger.is_whole(job.out / kind / f"{stem}.png") for kind in kinds)


def _write_shard(chunk: Chunk) -> Written:
    job, indices = chunk.job, range(chunk.start, chunk.stop)
    there = finished_shard(chunk.shard, [job.stem(index) for index in indices], split=job.split)
    if there is not None:
        check_unchanged(chunk.shard, there.sha256)
    with contextlib.suppress(_StoppedError):
        return Written(len(indices), there or write_shard(chunk.shard, _samples(job, indices), split=job.split))
    return Written(0)


def _samples(job: Job, indices: range) -> Iterator[ShardSample]:
    for index in indices:
        if stopping():
            raise _StoppedError
        made = _maker(job).make(index)
        facts = {**job.recipe(), **made.facts, "index": index, "generator_version": GENERATOR_VERSION}
        color = made.color if isinstance(made, ColoredFrame) else None
        if color is not None:
            facts["color_record"] = color.metadata()
        yield ShardSample(job.stem(index), made.frame(), made.labels, color.rgb if color else None, facts)


def _maker(job: Job) -> FrameMaker | ColorMaker:
    if job not in _makers:
        _makers[job] = job.maker()
    return _makers[job]
