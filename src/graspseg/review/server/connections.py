"""The HTTP server with bounds: on how many are connected, on how long each may keep it waiting, on open files."""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import Any, Literal

import anyio.to_thread
import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from graspseg.review.server.access import Application

try:
    import resource
except ModuleNotFoundError:  # Windows
    resource = None

Phase = Literal["head", "content", "answer"]
_STOPPING_S = 2
# How long a connection may be in a phase: a request's head is coming (also: nothing is asked), its content, the answer.
_PATIENCE_S: dict[Phase, float] = {"head": 10.0, "content": 60.0, "answer": 180.0}
_MOST_CONNECTIONS = 256
_BACKLOG = 8  # taken at once before any is looked at
_THREADS = 16
_FILES_A_THREAD = 3  # of SQLite: the database, its log, its shared memory
_OWN_FILES = 20
_QUIET_S = 60.0


def bounds(descriptors: int) -> tuple[int, int]:
    """How many connections and how many working threads may be open so that descriptors do not run out.

    Args:
        descriptors: how many the system lets this process have.
    """
    threads = max(1, min(_THREADS, descriptors // 4 // _FILES_A_THREAD))
    left = descriptors - _OWN_FILES - threads * (_FILES_A_THREAD + 1) - _BACKLOG
    return max(4, min(_MOST_CONNECTIONS, left)), threads


def _descriptors() -> int:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0] if resource is not None else -1
    return sys.maxsize if limit < 0 else limit


class _Config(uvicorn.Config):
    most_connections = _MOST_CONNECTIONS


class BoundedServer(uvicorn.Server):
    """A server that nobody can keep from answering the others by opening connections and saying little.

    Args:
        application: what is served.
    """

    def __init__(self, application: Application) -> None:
        # One line a request would hide what matters; the application has no start or end of its own; failures go to
        # stderr as those of any library do.
        config = _Config(
            application,
            http=_Connection,
            ws="none",
            log_config=None,
            log_level="error",
            access_log=False,
            lifespan="off",
            backlog=_BACKLOG,
            timeout_graceful_shutdown=_STOPPING_S,
        )
        config.most_connections, self._threads = bounds(_descriptors())
        super().__init__(config)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        asyncio.get_running_loop().set_exception_handler(_Complaints())
        anyio.to_thread.current_default_thread_limiter().total_tokens = self._threads
        await super().startup(sockets)


class _Connection(H11Protocol):
    """A connection that is ended when it takes too long, or to make room for a new one while nothing is answered."""

    _phase: Phase | None = None
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._follow()
        self._make_room()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._follow()

    def on_response_complete(self) -> None:
        self._phase = None  # also where the next request is there already
        super().on_response_complete()
        self._follow()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def _follow(self) -> None:
        """Begin to count anew when another phase begins: a byte now and then buys no time."""
        state = self.conn.their_state
        phase = "head" if state is h11.IDLE else "content" if state is h11.SEND_BODY else "answer"
        if phase == self._phase or self.transport.is_closing():
            return
        if self._timer is not None:
            self._timer.cancel()
        self._phase = phase
        self._timer = self.loop.call_later(_PATIENCE_S[phase], self._end)

    def _end(self) -> None:
        self.transport.abort()

    def _make_room(self) -> None:
        """End the connection that has waited longest when there are too many; one that is answered goes on."""
        assert isinstance(self.config, _Config)
        others = [
            other
            for other in self.connections
            if isinstance(other, _Connection) and other is not self and not other.transport.is_closing()
        ]
        if len(others) < self.config.most_connections:
            return
        waiting = [other for other in others if other._waits]
        (min(waiting, key=_Connection._rank) if waiting else self)._end()

    @property
    def _waits(self) -> bool:
        """Whether the other side is to do something: ask, or take its answer."""
        return self._phase != "answer" or self.flow.write_paused

    def _rank(self) -> tuple[int, float]:
        """Who makes room first: heads before contents before answers, each by the time that is left to them."""
        return list(_PATIENCE_S).index(self._phase or "head"), self._timer.when() if self._timer else 0.0


class _Complaints:
    """Reports what fails in the event loop; a full table of files, which fails again at once, in a line a minute."""

    def __init__(self) -> None:
        self._quiet_until = 0.0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not (isinstance(error, OSError) and context.get("message", "").startswith("socket.accept")):
            loop.default_exception_handler(context)
        elif loop.time() >= self._quiet_until:
            self._quiet_until = loop.time() + _QUIET_S
            print(f"graspseg: A connection could not be taken ({error.strerror}).", file=sys.stderr, flush=True)
