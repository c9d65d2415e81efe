"""Draw the pictures of what the shipped model does.

    python tools/docs/result_pictures.py REAL

Writes to docs/images: `face.jpg` (real frames beside synthetic ones: README and start page), `real.jpg` (more real
ones), `outputs.jpg` (what comes out of one frame) and `passes.jpg` (where the model looked).

REAL holds the data sets `sr305_gestures` (MIT, Ladislav Ondris) and `zed_pour_water` (CC BY 4.0, Archer Lin); the
synthetic frames are those of `examples/frames`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from graspseg.datasets.atomic import write_bytes
from graspseg.datasets.folder import FolderDataset
from graspseg.frame import Frame
from graspseg.labels import HAND, contact_sheet, overlay, shade_depth
from graspseg.segment.segmenter import Segmenter

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
SIZE = (320, 240)
QUALITY = 88
HEADING_PX = 26, 44
"""Height of a heading over one picture, and over a sheet of them."""
REAL = {"sr305_gestures": (1, 4, 9), "zed_pour_water": (1, 3, 9)}
FACE_REAL = {"sr305_gestures": (4,), "zed_pour_water": (1, 9)}
FACE_SYNTHETIC = (0, 2, 4)
WINDOW_COLORS = ((255, 255, 255), (90, 220, 120), (230, 90, 200))


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    segment = Segmenter(precision="float32")
    real = {name: FolderDataset(Path(sys.argv[1]) / name) for name in REAL}
    examples = [sample.frame for sample in FolderDataset(ROOT / "examples" / "frames")]
    first = [real[name][index].frame for name, chosen in FACE_REAL.items() for index in chosen]
    second = [examples[index] for index in FACE_SYNTHETIC]
    halves = [headed(sheet(segment, first), "real"), headed(sheet(segment, second), "synthetic")]
    gap = np.full((halves[0].shape[0], 12, 3), 255, np.uint8)
    write("face", np.hstack([halves[0], gap, halves[1]]))
    write("real", sheet(segment, [real[name][index].frame for name, chosen in REAL.items() for index in chosen]))
    write("outputs", outputs(segment, examples[2]))
    write("passes", passes(segment, [first[0], real["sr305_gestures"][9].frame]))


def sheet(segment: Segmenter, frames: Sequence[Frame]) -> np.ndarray:
    """Depth above, labels below."""
    depths = [shade_depth(frame.depth) for frame in frames]
    overlays = [overlay(frame.depth, segment(frame).labels) for frame in frames]
    return contact_sheet([small(picture) for picture in depths + overlays], columns=len(frames))


def outputs(segment: Segmenter, frame: Frame) -> np.ndarray:
    """Depth, labels, probability of a hand, depth without the hand."""
    result = segment(frame)
    hand = np.repeat((result.probabilities[HAND] * 255).astype(np.uint8)[..., None], 3, axis=2)
    without = shade_depth(frame.depth)
    without[result.labels == HAND] = 0
    pictures = {
        "depth": shade_depth(frame.depth),
        "labels": overlay(frame.depth, result.labels),
        "probability of hand": hand,
        "hand removed": without,
    }
    return np.hstack([headed(small(picture), title) for title, picture in pictures.items()])


def passes(segment: Segmenter, frames: Sequence[Frame]) -> np.ndarray:
    """The windows of the full pass (white) and the focus passes."""
    pictures = []
    for frame in frames:
        result = segment(frame)
        picture = np.ascontiguousarray(overlay(frame.depth, result.labels))
        for index, view in enumerate(each.view for each in result.looks if each.view is not None):
            half, color = view.size_px / 2, WINDOW_COLORS[index % len(WINDOW_COLORS)]
            corners = [(view.center_x + s * half, view.center_y + s * half) for s in (-1, 1)]
            first, second = (tuple(round(value) for value in corner) for corner in corners)
            cv2.rectangle(picture, first, second, color, 3)
        pictures.append(cv2.resize(picture, (480, 360), interpolation=cv2.INTER_AREA))
    return contact_sheet(pictures, columns=len(frames))


def small(picture: np.ndarray) -> np.ndarray:
    return cv2.resize(picture, SIZE, interpolation=cv2.INTER_AREA)


def headed(picture: np.ndarray, title: str) -> np.ndarray:
    """A picture below its title."""
    high = HEADING_PX[picture.shape[1] > SIZE[0]]
    bar = np.full((high, picture.shape[1], 3), 255, np.uint8)
    cv2.putText(bar, title, (4, high - high // 3), cv2.FONT_HERSHEY_SIMPLEX, high / 42, (40, 40, 40), 1, cv2.LINE_AA)
    return np.vstack([bar, picture])


def write(name: str, picture: np.ndarray) -> None:
    path = IMAGES / f"{name}.jpg"
    done, packed = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    assert done
    write_bytes(path, packed.tobytes())
    print(path)


if __name__ == "__main__":
    main()
