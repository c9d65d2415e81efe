"""HandSeg: two hands in colored gloves, labeled by color; no objects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from graspseg.datasets.images import read_depth
from graspseg.datasets.listing import natural_order
from graspseg.datasets.public.dataset import Card, LabeledDataset, Source, label_hand_only
from graspseg.datasets.public.reading import read_index_picture
from graspseg.frame import Frame

_PAGE = "https://vision.uvic.ca/pubs/2019/bojja2019handseg/page.md"


class HandSeg(LabeledDataset):
    """HandSeg; see `card`. A stem is `user-<subject>.<frame>`."""

    card = Card(
        name="handseg",
        title="HandSeg",
        frames="158,000",
        sensor="RealSense SR300, 640x480",
        layout="images/user-<s>.<f>.png and masks/user-<s>.<f>.png",
        depth="16-bit PNG, 0.125 mm; no intrinsics",
        classes="hand",
        labels="hands only, in gloves (1 right, 2 left): what is not hand but within 15 cm of the hand's depth may be "
        "the forearm and is ignored; the rest is background",
        splits=(),
        licence="None stated: ask the authors before any use but research.",
        where=_PAGE,
        citation="Bojja et al., HandSeg: An Automatically Labeled Dataset for Hand Segmentation from Depth Images, "
        "CRV 2019",
        sources=(
            Source("layout", f"{_PAGE} (Dataset instructions)"),
            Source("depth coding", f"{_PAGE} (code snippet)"),
            Source("depth unit", "inferred: the SR300's usual unit; on the page depths average 10,000", official=False),
            Source("intrinsics", "none found", official=False),
            Source("labels", f"{_PAGE} (Dataset instructions)"),
            Source("splits", f"{_PAGE} (none)"),
            Source("licence", "not found", official=False),
        ),
    )

    @classmethod
    def matches(cls, root: Path) -> bool:
        """Whether there are images and masks named by user."""
        return (root / "masks").is_dir() and any((root / "images").glob("user-*.png"))

    def _find(self) -> list[str]:
        return sorted((path.stem for path in (self.path / "images").glob("user-*.png")), key=natural_order)

    def frame(self, stem: str) -> Frame:
        """Read the depth of one frame."""
        return read_depth(self.path / "images" / f"{stem}.png", depth_unit_m=0.000125)

    def labels_path(self, stem: str) -> Path:
        """The mask."""
        return self.path / "masks" / f"{stem}.png"

    def _read_labels(self, path: Path, stem: str, frame: Frame) -> UInt8[np.ndarray, "_h _w"]:
        return label_hand_only(read_index_picture(path, frame.depth.shape) != 0, frame.depth_m())
