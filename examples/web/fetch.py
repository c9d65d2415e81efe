"""Fetches what the page needs into `vendor/`: onnxruntime-web through npm, and the shipped model with its settings.

python examples/web/fetch.py
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from graspseg import Segmenter
from graspseg.models.locate import DEFAULT_MODEL, find_model

RUNTIME = "onnxruntime-web@1.22.0"
FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")


def main(out: str | Path = Path(__file__).parent / "vendor", model: str = DEFAULT_MODEL) -> None:
    """Fill the folder anew; what npm says is shown where it fails."""
    folder, path = Path(out), find_model(model)
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is not installed, expected it to fetch onnxruntime-web: install Node.js.")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        ran = subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", place, RUNTIME],
            capture_output=True,
            text=True,
        )
        if ran.returncode:
            raise SystemExit(f"npm could not fetch {RUNTIME}: {ran.stderr.strip()[-300:]}")
        for name in FILES:
            shutil.copyfile(Path(place, "node_modules", "onnxruntime-web", "dist", name), folder / name)
    shutil.copyfile(path, folder / "model.onnx")
    loaded = Segmenter(path, precision="float32")
    settings = {"name": path.stem, "side": loaded.info.side, "passes": loaded.windows, "hands": loaded.hands}
    (folder / "model.json").write_text(json.dumps(settings) + "\n")
    print(f"{folder}: {RUNTIME} and {path.name}. Then: python -m http.server --directory {folder.parent}")


if __name__ == "__main__":
    main(*sys.argv[1:])
