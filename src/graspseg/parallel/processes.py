"""Chunks in several processes of this machine."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.synchronize import Event
from typing import TypeVar

from graspseg.errors import InputError
from graspseg.parallel.contexts import worker_context
from graspseg.parallel.stop import stop_when

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")


def in_processes(function: Callable[[Chunk], Result], chunks: Sequence[Chunk], count: int) -> Iterator[Result]:
    """Do chunks in `count` processes; see `run_chunks`.

    Raises:
        InputError: a process is ended from outside, or a chunk raises it.
    """
    context = worker_context()
    stop = context.Event()
    pool = ProcessPoolExecutor(count, context, initializer=_begin, initargs=(stop,))
    try:
        with _deaf_children():
            futures = [pool.submit(function, chunk) for chunk in chunks]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise InputError(
            f"A process that did part of the work was ended from outside, expected memory for {count}: run the "
            "command again with fewer --workers, it goes on where it was."
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


def _begin(stop: Event) -> None:
    """Tell a process what ends its chunk early, and end it when the one that started it is killed."""
    stop_when(stop.is_set)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)
