"""Chunks as tasks of a Ray cluster, whose nodes share a file system."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import ray
from ray.exceptions import RayError, RayTaskError

import graspseg
from graspseg import __version__
from graspseg.errors import InputError
from graspseg.parallel.start import without_current_folder
from graspseg.parallel.stop import stop_when
from graspseg.signals import kept_signals

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")

RETRIES = 5
_IN_FLIGHT = 1000  # few enough for the head, more than there are CPUs, so that a cluster that can grow does
_REACH_S, _ANSWER_S = 5.0, 30.0
_STOP_S = 60.0
_LOOK_S = 0.2
# In a process of its own, because connecting tries for minutes and cannot be interrupted.
_TRIAL = """
import logging, sys, ray
print("imported", flush=True)
try:
    ray.init(sys.argv[1], log_to_driver=False, logging_level=logging.CRITICAL)
except BaseException as error:
    print(" ".join(str(error).split()))
    sys.exit(1)
"""


def on_ray(function: Callable[[Chunk], Result], chunks: Sequence[Chunk], address: str) -> Iterator[Result]:
    """Do chunks as Ray tasks of one CPU each; see `run_chunks`.

    A chunk whose worker or node is lost is done again, up to `RETRIES` times.

    Raises:
        InputError: the address is none, the cluster does not answer or cannot do the work, or a chunk raises it.
    """
    address = _checked(address)
    _try(address)
    return _results(function, chunks, address)


def _checked(address: str) -> str:
    """The address as Ray wants it.

    Raises:
        InputError: it is none, or that of Ray's client.
    """
    named = "--cluster"
    if address == "auto" and os.environ.get("RAY_ADDRESS", "auto") != "auto":
        named, address = "RAY_ADDRESS", os.environ["RAY_ADDRESS"]
    if address.startswith("ray://"):
        raise InputError(
            f"{named} is {address}, which means Ray's client, expected auto or host:port: run the command on a node of "
            "the cluster, or submit it with `ray job submit -- graspseg ... --cluster auto`."
        )
    if address != "auto" and not re.fullmatch(r"[^/\s]+:\d{1,5}", address):
        raise InputError(f"{named} is {address!r}, expected auto or host:port of the cluster's head: correct it.")
    return address


def _try(address: str) -> None:
    """Connect once and let go again.

    Raises:
        InputError: the cluster cannot be reached, does not answer in time, or refuses.
    """
    if address != "auto":
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), _REACH_S).close()
        except (OSError, OverflowError) as error:
            raise _unreachable(address, getattr(error, "strerror", None) or str(error)) from error
    command = [sys.executable, "-P", "-c", _TRIAL, address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as trial:
        assert trial.stdout is not None
        try:
            trial.stdout.readline()  # loading Ray may take long and says nothing of the cluster
            reported, _ = trial.communicate(timeout=_ANSWER_S)
        except subprocess.TimeoutExpired as error:
            raise _unreachable(address, f"no answer in {_ANSWER_S:.0f} s") from error
        finally:
            trial.kill()
    if trial.returncode:
        raise _unreachable(address, reported.strip().rstrip(".") or "it refused")


def _unreachable(address: str, reason: str) -> InputError:
    return InputError(
        f"No Ray cluster can be used at {address} ({reason}), expected one that runs and has this machine among its "
        "nodes: start it with `ray start`, or submit the command as a Ray Job."
    )


def _results(function: Callable[[Chunk], Result], chunks: Sequence[Chunk], address: str) -> Iterator[Result]:
    with kept_signals():  # Ray's own handlers and signal stack outlive its shutdown
        yield from _connected_results(function, chunks, address)


def _connected_results(function: Callable[[Chunk], Result], chunks: Sequence[Chunk], address: str) -> Iterator[Result]:
    try:
        # Ray puts the folder in which it is started first on the import path of all workers: the one that this program
        # comes from is there anyhow.
        with without_current_folder(), contextlib.chdir(Path(graspseg.__file__).parents[1]):
            ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise _unreachable(address, str(error)) from error
    task = ray.remote(max_retries=RETRIES)(_do)
    waiting = iter(chunks)
    pending: list[ray.ObjectRef] = []
    try:
        with _interrupts() as requested:
            while True:
                free = _IN_FLIGHT - len(pending)
                pending += [task.remote(function, chunk, __version__) for chunk in itertools.islice(waiting, free)]
                if not pending:
                    break
                done, pending = ray.wait(pending, timeout=_LOOK_S)
                yield from map(_result, done)
                if requested.is_set():
                    raise KeyboardInterrupt
    finally:
        for reference in pending:
            ray.cancel(reference)
        if pending:
            ray.wait(pending, num_returns=len(pending), timeout=_STOP_S)
        ray.shutdown()


@contextlib.contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """Ctrl-C as an event: an exception that reaches Ray's callbacks is lost there."""
    requested = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield requested
        return
    before = signal.signal(signal.SIGINT, lambda *_: requested.set())
    try:
        yield requested
    finally:
        signal.signal(signal.SIGINT, before)


def _do(function: Callable[[Chunk], Result], chunk: Chunk, version: str) -> Result:
    """Do a chunk in a worker; being cancelled, which Ray says with SIGINT, asks it to stop like any other."""
    if version != __version__:
        raise InputError(
            f"A node of the cluster has graspseg {__version__}, expected {version} as here: install that one on all "
            "nodes."
        )
    requested = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: requested.set())
    stop_when(requested.is_set)
    try:
        return function(chunk)
    finally:
        stop_when(None)
        signal.signal(signal.SIGINT, before)


def _result(reference: ray.ObjectRef) -> Any:
    """What a chunk returned.

    Raises:
        InputError: it raised that, or its workers were lost too often.
    """
    try:
        return ray.get(reference)
    except RayTaskError as error:
        raise error.cause from error
    except RayError as error:
        raise InputError(
            f"Ray gave up a part of the work ({type(error).__name__}; it tries again {RETRIES} times), expected nodes "
            "that stay and memory for each of their CPUs: run the command again, it goes on where it was."
        ) from error
