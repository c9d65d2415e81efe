"""What several tests of `graspseg compare` do."""

from pathlib import Path

import numpy as np

from graspseg.datasets.folder import FolderWriter
from graspseg.frame import Frame
from graspseg.labels import HAND, OBJECT

PLAIN, CONTOUR = "denseattentionseg-small", "denseattentionseg-small+contour"
OPTIONS = ["--steps", "3", "--batch", "2", "--size", "64x48", "--threads", "1", "--workers", "1", "--time-calls", "2"]


def write_folder(path: Path, count: int, *, first: int, classes: bool = True) -> Path:
    """Frames of 128 x 96: a wall, a hand before it and an object beside the hand."""
    writer = FolderWriter(path, {"depth_unit_m": 0.0001})
    for index in range(first, first + count):
        rng = np.random.default_rng(index)
        labels = np.zeros((96, 128), np.uint8)
        x, y = int(rng.integers(10, 60)), int(rng.integers(10, 50))
        labels[y : y + 36, x : x + 24] = HAND
        labels[y + 8 : y + 28, x + 20 : x + 44] = OBJECT
        depth = np.array([5_500, 4_500, 4_200], np.uint16)[labels]
        writer.write(str(index), Frame(depth, 0.0001), labels if classes else np.zeros_like(labels))
    return path


def command(data: tuple[Path, Path], out: Path, *networks: str, **options: str) -> list[str]:
    words = ["compare", str(data[1]), "--train", str(data[0]), "--out", str(out), *OPTIONS]
    words += ["--networks", *networks] if networks else []
    for name, value in {"seeds": "0 1", **options}.items():
        words += [f"--{name.replace('_', '-')}", *value.split()]
    return words


def stamps(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
