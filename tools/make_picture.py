"""Draw README's picture: the example frames and the shipped model's labels on them.

    python tools/make_picture.py

Writes docs/images/overlays.png.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from graspseg.datasets.atomic import write_png
from graspseg.datasets.folder import FolderDataset
from graspseg.labels import contact_sheet, overlay, shade_depth
from graspseg.segment.segmenter import Segmenter

ROOT = Path(__file__).parents[1]


def main() -> None:
    segment = Segmenter()
    samples = list(FolderDataset(ROOT / "examples" / "frames"))
    depths = [shade_depth(sample.frame.depth) for sample in samples]
    overlays = [overlay(sample.frame.depth, segment(sample.frame).labels) for sample in samples]
    pictures = [picture[::2, ::2] for picture in depths + overlays]
    path = ROOT / "docs" / "images" / "overlays.png"
    write_png(path, np.ascontiguousarray(contact_sheet(pictures, columns=len(samples))))
    print(path)


if __name__ == "__main__":
    main()
