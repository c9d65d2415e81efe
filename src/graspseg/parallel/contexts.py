"""Contexts of multiprocessing whose processes start without the current folder; see `start`."""

from __future__ import annotations

import sys
from multiprocessing.context import BaseContext, SpawnContext, SpawnProcess

from graspseg.parallel.start import without_current_folder


class _SpawnProcess(SpawnProcess):
    def start(self) -> None:
        with without_current_folder():
            super().start()


class Spawn(SpawnContext):
    """New interpreters."""

    Process = _SpawnProcess


if sys.platform != "win32":
    from multiprocessing import resource_tracker
    from multiprocessing.context import ForkServerContext, ForkServerProcess

    class _ForkServerProcess(ForkServerProcess):
        def start(self) -> None:
            with without_current_folder():  # the first one also starts the server
                super().start()

    class ForkServer(ForkServerContext):
        """Forks of a server process."""

        Process = _ForkServerProcess


def start_tracker() -> None:
    """Start the process that cleans up behind all others, which the first lock or queue would start otherwise."""
    if sys.platform != "win32":
        with without_current_folder():
            resource_tracker.ensure_running()


def worker_context() -> Spawn:
    """The way to start processes of a pool.

    Forks of this process are no choice: its threads may hold locks for ever.
    """
    start_tracker()
    return Spawn()


def preloaded_context(module: str) -> BaseContext:
    """Like `worker_context`, but where there are such, processes are forks of a server that has imported a module."""
    start_tracker()
    if sys.platform == "win32":
        return Spawn()
    context = ForkServer()
    context.set_forkserver_preload([module])
    return context
