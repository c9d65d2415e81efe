"""Results in a page of this machine: one picture that moves (MJPEG over HTTP) and the figures below it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import Any

import cv2

from graspseg.errors import InputError
from graspseg.labels import overlay
from graspseg.live.stream import LiveResult

HOST = "127.0.0.1"
_LOCAL = (HOST, "localhost")
_LEAST_S = 1 / 15
_QUALITY = 80
_WAIT_S = 0.5
_LONGEST_SIDE = 1280
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>graspseg live</title>
<link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width">
<style>body{margin:0;background:#181818;color:#ddd;font:15px/1.5 system-ui,sans-serif;text-align:center}
img{max-width:100%;max-height:85vh;image-rendering:auto}b{padding:0 .6em}
.hand{color:#e69f00}.object{color:#56b4e9}</style>
<main><img src="/stream.mjpg" alt="depth, hand in orange, object in blue">
<p id="state" role="status">waiting for the first frame</p>
<p><b class="hand">hand</b><b class="object">object</b></p></main>
<script src="/page.js"></script></html>"""
_SCRIPT = """const line = document.getElementById("state");
setInterval(async () => {
  try {
    line.textContent = (await (await fetch("/state.json", {cache: "no-store"})).json()).line;
  } catch { line.textContent = "the stream has ended"; }
}, 500);"""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data:; script-src 'self'; "
    "style-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class WebSink:
    """Serves the newest result to browsers of this machine; nobody else can reach it.

    Pictures are only made while somebody looks, at most 15 a second.

    Args:
        state: gives the line of figures.
        port: to listen at, 0 takes a free one.

    Raises:
        InputError: the port is taken.
    """

    def __init__(self, state: Callable[[], str], *, port: int = 0) -> None:
        self._state = state
        self._changed = threading.Condition()
        self._picture: bytes | None = None
        self._count = self._watchers = 0
        self._over = False
        self._shown_s = -1.0
        sink = self

        class Handler(_Handler):
            web = sink

        try:
            self._server = _Server((HOST, port), Handler)
        except OSError as error:
            raise InputError(
                f"Port {port} of {HOST} cannot be used ({error.strerror}), expected a free one: choose another --port."
            ) from error
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self._server.server_address[1]}/"

    def add(self, result: LiveResult) -> None:
        """See `Sink`."""
        now_s = monotonic()
        if not self._watchers or now_s - self._shown_s < _LEAST_S:
            return
        self._shown_s = now_s
        picture = overlay(result.frame.depth, result.segmentation.labels)
        scale = _LONGEST_SIDE / max(picture.shape)
        if scale < 1:
            picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        _, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        with self._changed:
            self._picture, self._count = data.tobytes(), self._count + 1
            self._changed.notify_all()

    def close(self) -> None:
        """See `Sink`: pages say that the stream has ended."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()

    def state(self) -> str:
        """The line of figures."""
        return self._state()

    def pictures(self, write: Callable[[bytes], object]) -> None:
        """Hand pictures to somebody who looks, until the stream ends or `write` fails."""
        with self._changed:
            self._watchers += 1
        seen = 0
        try:
            while not self._over:
                with self._changed:
                    if self._count == seen:
                        self._changed.wait(_WAIT_S)
                    if self._over or self._count == seen or self._picture is None:
                        continue
                    picture, seen = self._picture, self._count
                write(picture)
        finally:
            with self._changed:
                self._watchers -= 1


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pages that are closed are no error."""


class _Handler(BaseHTTPRequestHandler):
    web: WebSink
    timeout = 10

    def do_GET(self) -> None:
        """Answer a browser of this machine."""
        name = (self.headers.get("Host") or "").rpartition(":")[0] or self.headers.get("Host")
        if name not in _LOCAL:  # another site's name that points here (DNS rebinding)
            self.send_error(403, "only by the name 127.0.0.1 or localhost")
            return
        path = self.path.partition("?")[0]
        if path == "/stream.mjpg":
            self._stream()
        elif path in ("/", "/page.js", "/state.json"):
            kind, text = {
                "/": ("text/html; charset=utf-8", _PAGE),
                "/page.js": ("text/javascript; charset=utf-8", _SCRIPT),
            }.get(path, ("application/json", json.dumps({"line": self.web.state()})))
            self._begin(kind, len(data := text.encode()))
            self.wfile.write(data)
        else:
            self.send_error(404)

    def _stream(self) -> None:
        self._begin("multipart/x-mixed-replace; boundary=frame", None)

        def write(picture: bytes) -> None:
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
            self.wfile.write(head.encode() + picture + b"\r\n")

        self.web.pictures(write)

    def _begin(self, kind: str, length: int | None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for header, value in _HEADERS.items():
            self.send_header(header, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
