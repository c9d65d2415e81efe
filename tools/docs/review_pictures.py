"""Pictures of the review page for the documentation.

    python tools/docs/review_pictures.py FOLDER

FOLDER holds frames with color, depth, labels and confidence.csv; a copy of it is reviewed. Writes
`docs/images/review-*.jpg`.
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright

IMAGES = Path(__file__).parents[2] / "docs" / "images"
SWITCHES = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
QUALITY = 85
WIDEST_PX = 1920
START = ["a", "a", "r", "a", "a", "s", "a"]
PICTURES = {
    "review-both": (1280, 720, [*START, "b", "ArrowLeft", "ArrowLeft"]),
    "review-differ": (1280, 720, ["s", "m", "x", "i"]),
    "review-keys": (1280, 720, ["?"]),
    "review-4k": (3840, 2160, [*START, "f", "Shift+ArrowLeft", *["ArrowDown"] * 4]),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", choices=PICTURES, help="one picture")
    options = parser.parse_args()
    with sync_playwright() as driver:
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = driver.chromium.launch(executable_path=path, args=SWITCHES)
        for name in [options.only] if options.only else PICTURES:
            with tempfile.TemporaryDirectory() as temporary:
                copy = Path(temporary) / "recording"
                shutil.copytree(options.folder, copy, ignore=shutil.ignore_patterns("review*"))
                _write(name, _take(browser, copy, name))


def _take(browser: Browser, folder: Path, name: str) -> bytes:
    width, height, keys = PICTURES[name]
    command = [sys.executable, "-m", "graspseg.cli.main", "review", str(folder), "--port", "0", "--reviewer", "anna"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(server.stdout.readline().split()[-1])
        expect(page.locator("#stem")).not_to_contain_text("Loading", timeout=60_000)
        page.wait_for_timeout(8000)  # the first predictions are made
        for key in keys:
            page.keyboard.press(key)
            page.wait_for_timeout(600)
        page.wait_for_timeout(3000)  # short messages are gone
        return page.screenshot()
    finally:
        server.terminate()
        server.wait()


def _write(name: str, shot: bytes) -> None:
    picture = Image.open(io.BytesIO(shot)).convert("RGB")
    if picture.width > WIDEST_PX:
        picture = picture.resize((WIDEST_PX, WIDEST_PX * picture.height // picture.width), Image.Resampling.LANCZOS)
    path = IMAGES / f"{name}.jpg"
    picture.save(path, quality=QUALITY, subsampling=0, optimize=True)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
