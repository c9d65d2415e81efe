"""Synthetic frames written as a folder data set, by any number of processes."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path

from graspseg.datasets.folder import FolderWriter
from graspseg.frame import InputError, Intrinsics
from graspseg.synth.generate import DEPTH_UNIT_M, HEIGHT, WIDTH, FrameMaker
from graspseg.synth.objects import Split
from graspseg.synth.sensor_profiles import SensorName

CHUNK = 16
GENERATOR_VERSION = 1


@dataclass(frozen=True)
class Job:
    """A data set to make: `count` frames of a split from a seed, measured by one kind of sensor."""

    out: Path
    count: int
    seed: int
    split: Split
    sensor: SensorName = "mixed"

    def description(self) -> dict[str, object]:
        """Content of `dataset.json`."""
        camera = Intrinsics.default(WIDTH, HEIGHT)
        return {
            "depth_unit_m": DEPTH_UNIT_M,
            "intrinsics": {"fx": camera.fx, "fy": camera.fy, "cx": camera.cx, "cy": camera.cy},
            "licence": "CC-BY-4.0",
            "sensor": self.sensor,
            "provenance": (
                f"graspseg synth, generator {GENERATOR_VERSION}, split {self.split}, seed {self.seed}, "
                f"sensor {self.sensor}"
            ),
        }

    def stem(self, index: int) -> str:
        """File name of frame `index`, without suffix."""
        return f"{self.split}-{index:07d}"


def write_frames(job: Job, *, workers: int = 1) -> Iterator[int]:
    """Make and write the frames of a job that are not there yet, and yield how many of a chunk are done.

    A frame depends on split, seed and index alone, so that the number of processes and interruptions change nothing.

    Raises:
        InputError: the folder holds another data set, or cannot be written to.
    """
    check_folder(job)
    FolderWriter(job.out, job.description())
    chunks = [(job, range(start, min(start + CHUNK, job.count))) for start in range(0, job.count, CHUNK)]
    if workers == 1:
        yield from map(_write_chunk, chunks)
        return
    yield from _in_processes(chunks, min(workers, len(chunks)))


def _in_processes(chunks: list[tuple[Job, range]], workers: int) -> Iterator[int]:
    """Write chunks in several processes; when one fails or the user stops the run, begun frames are finished."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    pool = ProcessPoolExecutor(workers, context, initializer=_stop_at, initargs=(stop,))
    try:
        with _deaf_children():
            futures = [pool.submit(_write_chunk, chunk) for chunk in chunks]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise InputError(
            f"A process that wrote to {chunks[0][0].out} was ended from outside, expected memory for {workers}: "
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


def check_folder(job: Job) -> None:
    """Refuse to mix two data sets in one folder.

    Raises:
        InputError: the `dataset.json` there was not written by this job.
    """
    path = job.out / "dataset.json"
    if not path.is_file():
        return
    try:
        there = json.loads(path.read_text(encoding="utf-8")).get("provenance")
    except (OSError, ValueError, RecursionError, AttributeError) as error:
        raise InputError(f"{path} is no readable description ({error}): choose another --out.") from error
    expected = job.description()["provenance"]
    if there != expected:
        raise InputError(
            f"{job.out} holds another data set ({there}), expected an empty folder or one begun by {expected}: "
            "choose another --out."
        )


_makers: dict[tuple[Split, int, SensorName], FrameMaker] = {}
_stop: Event | None = None


def _stop_at(event: Event) -> None:
    """Tell a process what ends its chunk early."""
    global _stop
    _stop = event


def _write_chunk(chunk: tuple[Job, range]) -> int:
    job, indices = chunk
    writer = FolderWriter(job.out, job.description())
    for index in indices:
        if _stop is not None and _stop.is_set():
            break
        if (job.out / "labels" / f"{job.stem(index)}.png").is_file():
            continue
        key = (job.split, job.seed, job.sensor)
        if key not in _makers:
            camera = Intrinsics.default(WIDTH, HEIGHT)
            _makers[key] = FrameMaker(job.split, job.seed, intrinsics=camera, sensor=job.sensor)
        made = _makers[key].make(index)
        writer.write(job.stem(index), made.frame(), made.labels)
    return len(indices)
