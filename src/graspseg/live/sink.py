"""Where results go: a viewer or files. What writes files does so in a thread, so that frames do not wait for a disk."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from typing import Protocol, runtime_checkable

from graspseg.errors import InputError
from graspseg.live.stream import LiveResult

_WAITING = 32  # results in memory, about 40 MB at 640x480


class SinkClosedError(InputError):
    """A viewer was closed by whoever looked at it."""


@runtime_checkable
class Sink(Protocol):
    """Takes the results of a stream."""

    def add(self, result: LiveResult) -> None:
        """Take a result.

        Raises:
            SinkClosedError: nobody looks any more.
            OutputError: it cannot be written, and others neither.
        """
        ...

    def close(self) -> None:
        """Finish what was begun.

        Raises:
            OutputError: that fails.
        """
        ...


class Background:
    """Another sink, fed by a thread of its own.

    Args:
        sink: what takes the results.
        wait: wait for the sink when it is far behind; else results are left out, and counted.

    Attributes:
        lost: results that were left out.
    """

    def __init__(self, sink: Sink, *, wait: bool = False) -> None:
        self._sink, self._wait = sink, wait
        self._changed = threading.Condition()
        self._results: deque[LiveResult] = deque()
        self._over = False
        self._error: InputError | None = None
        self.lost = 0
        self._thread = threading.Thread(target=self._run, name="sink", daemon=True)
        self._thread.start()

    def add(self, result: LiveResult) -> None:
        """See `Sink`; what went wrong with an earlier result is raised now."""
        with self._changed:
            if self._wait:
                self._changed.wait_for(lambda: len(self._results) < _WAITING or self._error is not None)
            if self._error is not None:
                raise self._error
            if len(self._results) >= _WAITING:
                self.lost += 1
                return
            self._results.append(result)
            self._changed.notify_all()

    def close(self) -> None:
        """See `Sink`; waits for the results that are in memory."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
        self._thread.join()
        if self._error is not None:
            with contextlib.suppress(InputError):
                self._sink.close()
            raise self._error
        self._sink.close()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._results) or self._over)
                if not self._results:
                    return
                result = self._results.popleft()
                self._changed.notify_all()
            try:
                self._sink.add(result)
            except InputError as error:
                with self._changed:
                    self._error = error
                    self._results.clear()
                    self._changed.notify_all()
                return
