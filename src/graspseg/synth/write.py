"""Synthetic frames written as a folder or as shards, by any number of processes and machines."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from graspseg.datasets.atomic import write_json
from graspseg.datasets.chunked_writer import Chunk, Written, new_shard, placed, until_stopped, write_chunks
from graspseg.datasets.description import read_object
from graspseg.datasets.folder import FolderWriter
from graspseg.datasets.ledger import Ledger
from graspseg.datasets.manifest import check_unchanged
from graspseg.datasets.output_folder import working_in
from graspseg.datasets.shard_writer import ShardSample, finished_shard
from graspseg.parallel.chunks import THIS_PROCESS, Where
from graspseg.parallel.stop import stopping
from graspseg.synth.colored import ColoredFrame, ColorMaker
from graspseg.synth.generate import FrameMaker, SynthFrame
from graspseg.synth.job import GENERATOR_VERSION, Job, begin, finish


def write_frames(job: Job, *, where: Where = THIS_PROCESS) -> Iterator[int]:
    """Make and write the frames of a job that are not there yet, and yield how many of a chunk are done.

    A frame depends on split, seed and index alone, and a shard on its frames alone, so that who does the work and
    interruptions change nothing.

    Raises:
        InputError: the folder holds another data set or anything else, is worked on by another process, cannot be
            written to, or is not seen by all workers; or see `run_chunks`.
    """
    job = placed(job, where)
    ready, end = functools.partial(begin, job), functools.partial(finish, job)
    with working_in(job.out):
        for written in write_chunks(write_chunk, job.chunks(), where, begin=ready, finish=end):
            yield written.frames


_makers: dict[Job, FrameMaker | ColorMaker] = {}


def write_chunk(chunk: Chunk[Job]) -> Written:
    """Make and write what is not there yet of a chunk; may run in any process that sees the folder.

    Raises:
        InputError: the folder that `begin` made is not seen from here.
        OutputError: the disk is full or not writable.
    """
    chunk.job.check_seen()
    return _write_shard(chunk) if chunk.job.format == "shards" else _write_files(chunk)


def _write_files(chunk: Chunk[Job]) -> Written:
    job = chunk.job
    ledger = Ledger(job.out)
    writer = FolderWriter(job.out, read_object(job.description_file), ledger=ledger)
    for index in chunk.indices:
        if stopping():
            break
        stem = job.stem(index)
        if not _is_there(job, stem, ledger):
            made = _maker(job).make(index)
            color = made.color if isinstance(made, ColoredFrame) else None
            if color is not None:
                write_json(job.out / "color" / f"{stem}.json", color.metadata())
            facts = _facts(job, made, index)
            writer.write(stem, made.frame(), made.labels, color=color.rgb if color else None, facts=facts)
    writer.sync()
    return Written(len(chunk.indices))


def _is_there(job: Job, stem: str, ledger: Ledger) -> bool:
    """Whether a frame was written and is whole; the labels were the last.

    Folders begun before there were facts keep their frames without.
    """
    kinds = ("labels", "depth") if job.color == "none" else ("labels", "depth", "color")
    return all(ledger.is_whole(job.out / kind / f"{stem}.png") for kind in kinds)


def _write_shard(chunk: Chunk[Job]) -> Written:
    job, indices = chunk.job, chunk.indices
    there = finished_shard(chunk.shard, [job.stem(index) for index in indices], split=job.split)
    if there is not None:
        check_unchanged(chunk.shard, there.sha256)
    shard = there or new_shard(chunk.shard, _samples(job, indices), split=job.split)
    return Written(0 if shard is None else len(indices), shard=shard)


def _samples(job: Job, indices: range) -> Iterator[ShardSample]:
    for index in until_stopped(indices):
        made = _maker(job).make(index)
        facts = _facts(job, made, index)
        color = made.color if isinstance(made, ColoredFrame) else None
        if color is not None:
            facts["color_record"] = color.metadata()
        yield ShardSample(job.stem(index), made.frame(), made.labels, color.rgb if color else None, facts)


def _facts(job: Job, made: SynthFrame | ColoredFrame, index: int) -> dict[str, Any]:
    """How a frame is made and what it shows."""
    return {**job.recipe(), **made.facts, "index": index, "generator_version": GENERATOR_VERSION}


def _maker(job: Job) -> FrameMaker | ColorMaker:
    if job not in _makers:
        _makers[job] = job.maker()
    return _makers[job]
