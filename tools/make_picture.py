"""Draw README's pictures: frames and the shipped model's labels on them.

    python tools/make_picture.py            # the example frames: docs/images/overlays.png
    python tools/make_picture.py REAL       # real frames: docs/images/real.png

REAL holds the data sets `sr305_gestures` (MIT, Ladislav Ondris) and `zed_pour_water` (CC BY 4.0, Archer Lin).
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from graspseg.datasets.atomic import write_png
from graspseg.datasets.folder import FolderDataset
from graspseg.frame import Frame
from graspseg.labels import contact_sheet, overlay, shade_depth
from graspseg.segment.segmenter import Segmenter

ROOT = Path(__file__).parents[1]


REAL = {"sr305_gestures": (1, 4, 9), "zed_pour_water": (1, 3, 9)}
SIZE = (320, 240)


def main() -> None:
    if len(sys.argv) > 1:
        sets = {name: FolderDataset(Path(sys.argv[1]) / name) for name in REAL}
        draw([sets[name][index].frame for name, chosen in REAL.items() for index in chosen], "real.png")
    else:
        draw([sample.frame for sample in FolderDataset(ROOT / "examples" / "frames")], "overlays.png")


def draw(frames: list[Frame], name: str) -> None:
    """Depth above, labels below."""
    segment = Segmenter(precision="float32")
    depths = [shade_depth(frame.depth) for frame in frames]
    overlays = [overlay(frame.depth, segment(frame).labels) for frame in frames]
    pictures = [cv2.resize(picture, SIZE, interpolation=cv2.INTER_AREA) for picture in depths + overlays]
    path = ROOT / "docs" / "images" / name
    write_png(path, np.ascontiguousarray(contact_sheet(pictures, columns=len(frames))))
    print(path)


if __name__ == "__main__":
    main()
