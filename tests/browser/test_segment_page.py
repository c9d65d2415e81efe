"""The static page of examples/web segments what is dropped as Python does."""

from __future__ import annotations

import functools
import http.server
import json
import runpy
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from graspseg import Frame, Segmenter
from graspseg.datasets.folder import FolderDataset
from graspseg.synth.generate import FrameMaker
from graspseg.synth.recipe import RECIPES

ROOT = Path(__file__).parents[2]
FRAMES = FolderDataset(ROOT / "examples" / "frames")
LEAST = 0.995

pytestmark = [pytest.mark.browser, pytest.mark.slow]


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a copy of the page is served, with what it needs."""
    if shutil.which("npm") is None:
        pytest.skip("NOT TESTED: the page of examples/web needs npm to fetch onnxruntime-web (install Node.js)")
    folder = tmp_path_factory.mktemp("page") / "web"
    shutil.copytree(ROOT / "examples" / "web", folder, ignore=shutil.ignore_patterns("vendor", "node_modules"))
    try:
        runpy.run_path(str(folder / "fetch.py"))["main"](folder / "vendor")
    except SystemExit as error:
        pytest.skip(f"NOT TESTED: the page of examples/web: {error}")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def page(chromium: Browser, address: str) -> Iterator[Page]:
    """The page; a test fails when it throws or asks another host for anything."""
    wrong: list[str] = []
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(60_000)
    opened = context.new_page()
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on(
        "request",
        lambda asked: wrong.append(asked.url) if asked.url.startswith("http") and address not in asked.url else None,
    )
    opened.goto(address)
    expect(opened.locator("#engine")).to_contain_text("WebAssembly")
    yield opened
    context.close()
    assert wrong == []


def labels_of(page: Page, name: str, data: bytes, time_before: str) -> np.ndarray:
    """Drop a file and wait for its labels."""
    page.locator("#file").set_input_files({"name": name, "mimeType": "image/png", "buffer": data})
    page.wait_for_function("before => document.getElementById('time').textContent !== before", arg=time_before)
    shown = json.loads(
        page.evaluate("() => { const s = graspsegShown(); return JSON.stringify([s.frame.width, [...s.labels]]); }")
    )
    return np.array(shown[1], np.uint8).reshape(-1, shown[0])


def test_labels_agree_with_python(page: Page) -> None:
    segmenter = Segmenter(threads=1, precision="float32", presence=False)
    page.locator("#unit").fill(str(FRAMES[0].frame.depth_unit_m))
    shares = {}
    for sample in map(FRAMES.__getitem__, range(len(FRAMES))):
        camera = sample.frame.intrinsics_or_default()
        page.evaluate("() => { document.getElementById('time').textContent = '' }")
        page.evaluate("value => { document.getElementById('focal').value = value }", str(camera.fx))
        data = (ROOT / "examples/frames/depth" / f"{sample.stem}.png").read_bytes()
        found, expected = labels_of(page, f"{sample.stem}.png", data, ""), segmenter(sample.frame).labels
        foreground = (found > 0) | (expected > 0)
        shares[sample.stem] = float(np.mean(found == expected)), float(np.mean((found == expected)[foreground]))
    print(shares)
    assert min(share for share, _ in shares.values()) >= LEAST, shares
    assert min(share for _, share in shares.values()) >= 0.98, shares


def test_labels_agree_where_windows_are_closer_and_sizes_odd(page: Page) -> None:
    """Hands far away, two at once, and a size that cells of 8 pixels do not divide: several windows a frame."""
    segmenter, maker = (
        Segmenter(threads=1, precision="float32", presence=False),
        FrameMaker("unseen", 91, recipe=RECIPES["wild"]),
    )
    runs = []
    for index in (0, 1, 6):
        whole = maker.make(index).frame()
        for frame in (whole, Frame(np.ascontiguousarray(whole.depth[:397, :501]), whole.depth_unit_m)):
            page.locator("#unit").fill(str(frame.depth_unit_m))
            page.locator("#focal").fill(str(frame.intrinsics_or_default().fx))
            page.evaluate("() => { document.getElementById('time').textContent = '' }")
            data = cv2.imencode(".png", frame.depth)[1].tobytes()
            found, expected = labels_of(page, "frame.png", data, ""), segmenter(frame).labels
            assert found.shape == expected.shape and np.mean(found == expected) >= LEAST
            assert np.count_nonzero(found != expected) <= 0.02 * np.count_nonzero(expected)
            runs.append(int(page.locator("#runs").inner_text()))
    assert max(runs) >= 3


@pytest.mark.parametrize("level", [0, 1, 9])
def test_the_decoder_reads_what_opencv_writes(page: Page, level: int) -> None:
    """Every value and every row filter, an odd width."""
    rng = np.random.default_rng(level)
    depth = np.concatenate(
        [
            np.arange(65536, dtype=np.uint16).reshape(-1, 256)[:, :255],
            rng.integers(0, 65536, (40, 255), dtype=np.uint16),
        ]
    )
    for strategy in range(5):
        ok, coded = cv2.imencode(
            ".png", depth, [cv2.IMWRITE_PNG_COMPRESSION, level, cv2.IMWRITE_PNG_STRATEGY, strategy]
        )
        assert ok
        decoded = page.evaluate(
            "async bytes => { const { decodeDepth } = await import('./png16.js');"
            " const found = await decodeDepth(Uint8Array.from(bytes).buffer);"
            " return [found.width, [...found.depth]]; }",
            coded.tolist(),
        )
        np.testing.assert_array_equal(np.array(decoded[1], np.uint16).reshape(-1, decoded[0]), depth)


def test_what_is_no_depth_png_is_said_in_a_sentence(page: Page) -> None:
    gray, color = np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3), np.uint8)
    whole = cv2.imencode(".png", np.full((64, 64), 900, np.uint16))[1].tobytes()
    for data, sentence in (
        (b"no picture", "no PNG file"),
        (cv2.imencode(".png", gray)[1].tobytes(), "8 bits a channel, gray"),
        (cv2.imencode(".png", color)[1].tobytes(), "8 bits a channel, color"),
        (whole[: len(whole) // 2], "damaged"),
    ):
        page.locator("#file").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": data})
        expect(page.locator("#message")).to_contain_text(sentence)
    page.locator("#unit").fill("0")
    page.locator("#file").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": whole})
    expect(page.locator("#message")).to_contain_text("expected a number above 0")
