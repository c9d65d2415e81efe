"""Synthetic frames written as a folder or as shards, by any number of processes."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.synchronize import Event

from graspseg.datasets.atomic import write_json
from graspseg.datasets.folder import FolderWriter
from graspseg.datasets.shard_writer import ShardSample, finished_shard, write_shard
from graspseg.frame import InputError
from graspseg.synth.colored import ColoredFrame, ColorMaker
from graspseg.synth.generate import FrameMaker
from graspseg.synth.job import GENERATOR_VERSION, Chunk, Job, Written, begin, finish


def write_frames(job: Job, *, workers: int = 1) -> Iterator[int]:
    """Make and write the frames of a job that are not there yet, and yield how many of a chunk are done.

    A frame depends on split, seed and index alone, and a shard on its frames alone, so that the number of processes and
    interruptions change nothing.

    Raises:
        InputError: the folder holds another data set, or cannot be written to.
    """
    begin(job)
    chunks = job.chunks()
    done: list[Written] = []
    for written in map(write_chunk, chunks) if workers == 1 else _in_processes(chunks, min(workers, len(chunks))):
        done.append(written)
        yield written.frames
    finish(job, done)


def _in_processes(chunks: list[Chunk], workers: int) -> Iterator[Written]:
    """Write chunks in several processes; when one fails or the user stops the run, begun frames are finished."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    pool = ProcessPoolExecutor(workers, context, initializer=_stop_at, initargs=(stop,))
    try:
        with _deaf_children():
            futures = [pool.submit(write_chunk, chunk) for chunk in chunks]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise InputError(
            f"A process that wrote to {chunks[0].job.out} was ended from outside, expected memory for {workers}: "
            "run the command again with fewer --workers, it goes on where it was."
        ) from error
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _deaf_children() -> Iterator[None]:
    """Processes started meanwhile never hear Ctrl-C, which a terminal sends to all: only this one shall react."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_makers: dict[Job, FrameMaker | ColorMaker] = {}
_stop: Event | None = None


class _StoppedError(Exception):
    """The run ends before a shard is full."""


def _stop_at(event: Event) -> None:
    """Tell a process what ends its chunk early, and end it when the one that started it is killed."""
    global _stop
    _stop = event
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)


def write_chunk(chunk: Chunk) -> Written:
    """Make and write what is not there yet of a chunk; may run in any process that sees the folder.

    Raises:
        OutputError: the disk is full or not writable.
    """
    return _write_shard(chunk) if chunk.job.format == "shards" else _write_files(chunk)


def _write_files(chunk: Chunk) -> Written:
    job = chunk.job
    writer = FolderWriter(job.out, job.description())
    for index in range(chunk.start, chunk.stop):
        if _stopped():
            break
        if not (job.out / "labels" / f"{job.stem(index)}.png").is_file():
            made = _maker(job).make(index)
            if isinstance(made, ColoredFrame):
                write_json(job.out / "color" / f"{job.stem(index)}.json", made.color.metadata())
            writer.write(job.stem(index), made.frame(), made.labels)
    return Written(chunk.stop - chunk.start)


def _write_shard(chunk: Chunk) -> Written:
    job, indices = chunk.job, range(chunk.start, chunk.stop)
    there = finished_shard(chunk.shard, [job.stem(index) for index in indices], split=job.split)
    with contextlib.suppress(_StoppedError):
        return Written(len(indices), there or write_shard(chunk.shard, _samples(job, indices), split=job.split))
    return Written(0)


def _samples(job: Job, indices: range) -> Iterator[ShardSample]:
    for index in indices:
        if _stopped():
            raise _StoppedError
        made = _maker(job).make(index)
        facts = {**job.recipe(), "index": index, "generator_version": GENERATOR_VERSION}
        if isinstance(made, ColoredFrame):
            facts["color_record"] = made.color.metadata()
        yield ShardSample(job.stem(index), made.frame(), made.labels, facts=facts)


def _stopped() -> bool:
    return _stop is not None and _stop.is_set()


def _maker(job: Job) -> FrameMaker | ColorMaker:
    if job not in _makers:
        _makers[job] = job.maker()
    return _makers[job]
