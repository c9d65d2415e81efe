"""A folder to review, the server in a process of its own, and Chromium without a window."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

HEIGHT, WIDTH = 72, 96
PATIENCE_MS = 60_000  # of a machine on which much else runs
SWITCHES = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=PATIENCE_MS)


class Server:
    """`graspseg review` on a port that stays the same when it is started again."""

    def __init__(self, folder: Path, model: str) -> None:
        self.folder = folder
        self.model = model
        self.port = 0
        self.start()

    def start(self) -> None:
        """Start and wait for the address."""
        command = [sys.executable, "-m", "graspseg.cli.main", "review", str(self.folder)]
        options = ["--port", str(self.port), "--model", self.model, "--reviewer", "anna"]
        self.process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert "Review at http" in line, line
        self.url = line.split()[-1]
        address = urllib.parse.urlsplit(self.url)
        self.port = address.port or 80
        self.token = urllib.parse.parse_qs(address.query)["token"][0]

    def kill(self) -> None:
        """Pull the plug: kill -9."""
        self.process.send_signal(signal.SIGKILL)
        self._end()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self._end()

    def _end(self) -> None:
        self.process.wait(timeout=30)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def call(self, method: str, path: str, *, reviewer: str = "test", **options: Any) -> Any:
        """Answer of an API call made by somebody else than the page."""
        headers = {"X-Token": self.token, "X-Reviewer": reviewer, "X-Client": f"test-{reviewer}"}
        answer = httpx.request(method, f"http://127.0.0.1:{self.port}{path}", headers=headers, **options)
        answer.raise_for_status()
        return answer.json()

    def frames(self) -> dict[str, dict[str, Any]]:
        """Every frame by its stem."""
        return {frame["stem"]: frame for frame in self.call("GET", "/api/queue?filter=all&limit=500")["frames"]}

    def decisions(self) -> dict[str, str]:
        """What was decided, by stem."""
        return {stem: frame["decision"] for stem, frame in self.frames().items() if frame["decision"]}

    def labels(self, stem: str, kind: str = "labels") -> np.ndarray:
        """Labels as saved, or those of the model (`prediction`), of shape (height, width)."""
        url = self.frames()[stem]["media"][kind]
        answer = httpx.get(f"http://127.0.0.1:{self.port}{url}", headers={"X-Token": self.token})
        return np.frombuffer(answer.content, np.uint8).reshape(HEIGHT, WIDTH)


def first_labels() -> np.ndarray:
    """Labels as the annotator left them: a hand of 20 x 20 pixels at (10, 10), an object to its right."""
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[10:30, 10:30] = 1
    labels[10:30, 30:50] = 2
    return labels


def write_folder(folder: Path, count: int) -> list[str]:
    """Frames with a hand at 0.40 m and an object at 0.60 m before a wall at 0.9 m; returns stems, worst first."""
    for name in ("depth", "color", "labels"):
        (folder / name).mkdir(parents=True)
    stems = [f"frame-{index:03d}" for index in range(count)]
    depth = np.full((HEIGHT, WIDTH), 900, np.uint16)
    depth[10:30, 10:30] = 400
    depth[10:30, 30:54] = 600
    depth[60:] = 0
    color = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    for index, stem in enumerate(stems):
        color[40:50, :index] = (60, 160, 90)
        cv2.imwrite(str(folder / "depth" / f"{stem}.png"), depth)
        cv2.imwrite(str(folder / "labels" / f"{stem}.png"), first_labels())
        cv2.imwrite(str(folder / "color" / f"{stem}.png"), color)
    (folder / "dataset.json").write_text(json.dumps({"depth_unit_m": 0.001}))
    worst_first = stems[::-1]
    rows = [f"{stem},{0.1 + 0.8 * rank / count:.4f}" for rank, stem in enumerate(worst_first)]
    (folder / "confidence.csv").write_text("\n".join(["stem,confidence", *rows]) + "\n")
    return worst_first


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser; tests are skipped where there is none."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("NOT TESTED: the review page needs Chromium (apt-get install chromium, or set CHROMIUM)")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., tuple[Server, list[str]]]]:
    """Function that serves a new folder of so many frames; returns the server and the stems, worst first."""
    servers: list[Server] = []

    def start(count: int, model: str = "none") -> tuple[Server, list[str]]:
        folder = tmp_path / "frames"
        stems = write_folder(folder, count)
        servers.append(Server(folder, model))
        return servers[-1], stems

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def prepared(chromium: Browser) -> Callable[[str], BrowserContext]:
    """Function that makes a browser profile in which every page first runs a script."""

    def make(script: str) -> BrowserContext:
        context = chromium.new_context(viewport={"width": 1280, "height": 720})
        context.add_init_script(script)
        return context

    return make


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Function that opens a page in a browser profile of its own, or in a given one.

    `routes` says by address pattern what meets a request. They are set before the page is loaded: a page that is there
    already learns of a new route some time after `Page.route` is over, and what it asks for until then gets past.

    A test fails when a page throws, breaks its security policy, or asks another host for anything.
    """
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def note(message: Any) -> None:
        if "Content Security Policy" in message.text:
            wrong.append(message.text)

    def open_page(
        url: str,
        *,
        reviewer: str = "anna",
        context: BrowserContext | None = None,
        routes: Mapping[str, Callable[[Route], None]] | None = None,
    ) -> Page:
        profile = context or chromium.new_context(viewport={"width": 1280, "height": 720})
        profile.set_default_timeout(PATIENCE_MS)
        contexts.append(profile)
        page = profile.new_page()
        for pattern, meet in (routes or {}).items():
            page.route(pattern, meet)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", note)
        page.on("request", lambda requested: None if "//127.0.0.1:" in requested.url else wrong.append(requested.url))
        page.goto(f"{url}&reviewer={reviewer}")
        return page

    yield open_page
    for profile in dict.fromkeys(contexts):
        profile.close()
    assert [line for line in wrong if not line.startswith(("data:", "blob:"))] == []
