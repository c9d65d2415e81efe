"""From key pressed to next frame painted, in headless Chromium, with many frames in the folder.

    graspseg synth --out set --count 50 --color aligned
    python benchmarks/speed/review_latency.py set --frames 10000

The folder under review holds links to the frames given, again and again. Frames are accepted, every tenth rejected;
for every key the later of two times counts: when the page had drawn the frame, and when the browser had presented it
(event timing). Writes `benchmarks/results/review_latency.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, expect, sync_playwright

from graspseg.evaluation.machine import describe_machine

RESULT = Path(__file__).parents[1] / "results" / "review_latency.json"
SWITCHES = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
FOLDERS = ("depth", "labels", "color")
DRAWN = "performance.getEntriesByName('key-to-picture').map(entry => [entry.startTime, entry.duration])"
WATCH = """() => {
  window.presented = [];
  const keep = ({ name, startTime, duration }) => name === "keydown" && presented.push([startTime, duration]);
  const observer = new PerformanceObserver((list) => list.getEntries().forEach(keep));
  observer.observe({ type: "event", durationThreshold: 16 });
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="folder of frames, with color")
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--keys", type=int, default=200)
    parser.add_argument("--pause-s", type=float, default=1.0, help="between a painted frame and the next key")
    parser.add_argument("--model", default="none", help="network whose predictions are shown, or none")
    parser.add_argument("--size", default="1280x720")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "frames"
        _link(options.source, folder, options.frames)
        durations_ms = _review(folder, options)
    result = {
        "frames": options.frames,
        "keys": len(durations_ms),
        "pause_s": options.pause_s,
        "model": options.model,
        "window": options.size,
        "p50_ms": round(float(np.percentile(durations_ms, 50)), 1),
        "p95_ms": round(float(np.percentile(durations_ms, 95)), 1),
        "largest_ms": round(max(durations_ms), 1),
        "load_average": round(os.getloadavg()[0], 1),
        "machine": describe_machine(),
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


def _link(source: Path, folder: Path, frames: int) -> None:
    stems = sorted(path.stem for path in (source / "depth").glob("*.png"))
    draw = random.Random(0)
    rows = ["stem,confidence"]
    for name in FOLDERS:
        (folder / name).mkdir(parents=True)
    for index in range(frames):
        stem = f"{index:06d}"
        for name in FOLDERS:
            os.link(source / name / f"{stems[index % len(stems)]}.png", folder / name / f"{stem}.png")
        rows.append(f"{stem},{draw.random():.6f}")
    (folder / "confidence.csv").write_text("\n".join(rows) + "\n")
    shutil.copy(source / "dataset.json", folder)


def _review(folder: Path, options: argparse.Namespace) -> list[float]:
    command = [sys.executable, "-m", "graspseg.cli.main", "review", str(folder), "--model", options.model]
    server = subprocess.Popen([*command, "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = server.stdout.readline().split()[-1]
        width, height = map(int, options.size.split("x"))
        with sync_playwright() as driver:
            path = shutil.which("chromium") or shutil.which("chromium-browser")
            browser = driver.chromium.launch(executable_path=path, args=SWITCHES)
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(url)
            return _press(page, options.keys, options.pause_s)
    finally:
        server.terminate()
        server.wait()


def _press(page: Page, keys: int, pause_s: float) -> list[float]:
    stem = page.locator("#stem")
    expect(stem).not_to_contain_text("Loading", timeout=60_000)
    page.evaluate(WATCH)
    for index in range(keys):
        time.sleep(pause_s)
        page.keyboard.press("r" if index % 10 == 9 else "a")
        while len(page.evaluate(DRAWN)) <= index:
            time.sleep(0.02)
    page.wait_for_timeout(1000)
    presented = {round(start): duration for start, duration in page.evaluate("presented")}
    return [max(duration, presented.get(round(start), 0)) for start, duration in page.evaluate(DRAWN)]


if __name__ == "__main__":
    main()
