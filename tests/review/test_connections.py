"""Nobody keeps the server from answering the others: connections are few, heads are awaited for a while only."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from graspseg.review.server import connections
from graspseg.review.server.connections import bounds

FEW = 64
# So many connections are made at once; one beyond the backlog would be tried again by the system a second later.
AT_ONCE = connections._BACKLOG // 2
# Patience is what the server has in a second argument, so that a test need not wait for as long as a person would.
PROGRAM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[1])))
from graspseg.review.server import connections
if float(sys.argv[2]):
    connections._PATIENCE_S.update(dict.fromkeys(("head", "content"), float(sys.argv[2])))
from graspseg.cli.main import main
main(["review", sys.argv[3], "--model", "none", "--port", "0"])
"""


class Server:
    """`graspseg review` with few descriptors."""

    def __init__(self, folder: Path, log: Path, *, patience_s: float = 0.0) -> None:
        self.log = log
        command = [sys.executable, "-c", PROGRAM, str(FEW), str(patience_s), str(folder)]
        with log.open("wb") as reported:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=reported, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert "Review at" in line, log.read_text()
        self.base, self.token = line.split()[-1].split("/?token=")
        host, _, port = self.base.removeprefix("http://").rpartition(":")
        self.address = (host, int(port))

    def answers(self) -> None:
        """See that somebody new is answered at once."""
        end = time.monotonic() + 60
        while True:
            try:
                answer = httpx.get(f"{self.base}/api/session", headers={"X-Token": self.token}, timeout=20)
                break
            except httpx.TransportError:  # on a busy machine a newcomer may be the one that makes room
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)
        assert answer.status_code == 200, answer.text

    def take_all(self) -> None:
        """Wait until the server has taken all connections that were made."""
        end = time.monotonic() + 60
        while waiting_connections(self.address[1]):
            assert time.monotonic() < end, "the server takes no more connections"
            time.sleep(0.001)

    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def end(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=30)


@pytest.fixture
def server(folder: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    started = Server(folder, tmp_path / "log", patience_s=getattr(request, "param", 0.0))
    yield started
    started.end()


def waiting_connections(port: int) -> int:
    """How many connections to a port that is listened on are made but not yet taken."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, queues, *_ = line.split()
        if state == "0A" and int(local.rpartition(":")[2], 16) == port:
            return int(queues.rpartition(":")[2], 16)
    raise AssertionError(f"nobody listens on port {port}")


@contextlib.contextmanager
def flood(server: Server, count: int, sent: bytes) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        opened = []
        for index in range(count):
            if index % AT_ONCE == 0:
                server.take_all()
            each = stack.enter_context(socket.create_connection(server.address, timeout=20))
            with contextlib.suppress(OSError):
                each.sendall(sent)
            opened.append(each)
        yield opened


HEAD = b"GET /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.mark.parametrize("server", [3600.0], indirect=True)  # so that only how many there may be makes room
def test_half_open_connections_lock_nobody_out(server: Server) -> None:
    server.answers()
    for sent in (b"", HEAD, f"POST /api/undo HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Token: {server.token}\r\n".encode()):
        with flood(server, 200, sent):
            for _ in range(3):
                server.answers()
            assert server.open_files() < FEW
    content = f"POST /api/undo HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Token: {server.token}\r\nContent-Length: 20\r\n\r\n"
    with flood(server, 100, content.encode()):
        server.answers()
    assert server.log.stat().st_size < 1000, server.log.read_text()[:2000]


def test_many_who_ask_in_full_are_answered(server: Server) -> None:
    with flood(server, 100, HEAD + f"X-Token: {server.token}\r\n\r\n".encode()):
        server.answers()
    assert server.log.stat().st_size < 1000


def test_who_does_not_take_the_answers_locks_nobody_out(server: Server) -> None:
    requested = b"GET /static/app.js HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 1000
    with flood(server, 40, b"") as opened:
        for each in opened:
            each.settimeout(0.05)
            with contextlib.suppress(OSError):
                each.sendall(requested)
        server.answers()


def closed_after(each: socket.socket, *, drip: bytes) -> float:
    """Seconds until the server ends a connection to which a byte is sent now and then."""
    begin = time.monotonic()
    each.settimeout(0.2)
    while time.monotonic() - begin < 20:
        try:
            each.sendall(drip)
            if each.recv(1000) == b"":
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - begin


@pytest.mark.parametrize("server", [1.0], indirect=True)
def test_a_head_or_content_that_drips_in_is_ended(server: Server) -> None:
    token = f"X-Token: {server.token}\r\n".encode()
    content = b"POST /api/undo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9999\r\n" + token + b"\r\n"
    whole = HEAD + token + b"\r\n"
    for sent, drip in ((HEAD + b"X-Long: ", b"a"), (content, b" "), (whole + HEAD + b"X-Long: ", b"a")):
        with socket.create_connection(server.address) as each:
            each.sendall(sent)
            assert 0.5 < closed_after(each, drip=drip) < 10
    server.answers()


def test_a_full_table_of_files_is_reported_in_a_line_a_minute(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    loop = asyncio.new_event_loop()
    other: list[dict[str, object]] = []
    now_s = 1000.0
    monkeypatch.setattr(loop, "time", lambda: now_s)
    monkeypatch.setattr(loop, "default_exception_handler", other.append)
    complaints = connections._Complaints()
    full = {"message": "socket.accept() out of system resource", "exception": OSError(errno.EMFILE, "Too many")}
    for _ in range(1000):
        complaints(loop, full)
    assert capsys.readouterr().err == "graspseg: A connection could not be taken (Too many).\n" and other == []
    now_s += 61.0
    complaints(loop, full)
    assert capsys.readouterr().err.count("\n") == 1
    complaints(loop, {"message": "another failure", "exception": OSError(errno.EMFILE, "Too many")})
    assert len(other) == 1 and capsys.readouterr().err == ""
    loop.close()


@pytest.mark.parametrize("descriptors", [32, 64, 256, 1024, 1 << 20, sys.maxsize])
def test_bounds_leave_descriptors_for_the_work(descriptors: int) -> None:
    most, threads = bounds(descriptors)
    assert 4 <= most <= connections._MOST_CONNECTIONS and 1 <= threads <= 16
    if descriptors >= FEW:
        assert most + 4 * threads + connections._BACKLOG < descriptors
