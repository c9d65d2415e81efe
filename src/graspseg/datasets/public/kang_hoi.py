"""Kang's hand segmentation for hand-object interaction: the depth the paper's first comparison was made on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from graspseg.datasets.images import read_depth
from graspseg.datasets.public.dataset import Card, LabeledDataset, Source, label_hand_only
from graspseg.datasets.public.reading import read_index_picture
from graspseg.frame import Frame

_REPOSITORY = "https://github.com/byeongkeun-kang/HOI-dataset"
_FOLDERS = {"train": "training_data", "val": "validation_data", "test": "testing_data"}


class KangHOI(LabeledDataset):
    """Kang's data set; see `card`. A stem is `folder/number`."""

    card = Card(
        name="kang-hoi",
        title="Kang HOI",
        frames="27,525",
        sensor="Kinect v2",
        layout="training_data/, validation_data/ and testing_data/ with depth/<n>.png and label/<n>.png, also inside "
        "the folders of their archives",
        depth="16-bit PNG, millimeters; no intrinsics",
        classes="hand",
        labels="hand or not: what is not hand but within 15 cm of the hand's depth may be the held object or the "
        "forearm and is ignored; the rest is background",
        splits=tuple(_FOLDERS),
        licence="Educational, research and non-profit purposes, without fee; others ask the University of California.",
        where=_REPOSITORY,
        citation="Kang et al., Hand Segmentation for Hand-Object Interaction from Depth Map, GlobalSIP 2017",
        sources=(
            Source(
                "layout",
                "training_data/{depth,label}/%06d.png as one other reader takes it; the rest by analogy",
                False,
            ),
            Source("depth coding", "16-bit PNG as one other reader takes it", official=False),
            Source("depth unit", "inferred: Kinect v2 gives millimeters", official=False),
            Source("intrinsics", "none found", official=False),
            Source("labels", "nonzero = hand as one other reader takes it", official=False),
            Source("splits", f"{_REPOSITORY} README (three archives)"),
            Source("licence", f"{_REPOSITORY}/blob/master/copyright.txt"),
        ),
    )

    @classmethod
    def matches(cls, root: Path) -> bool:
        """Whether one of the three parts is there."""
        return any(_part(root, name) is not None for name in _FOLDERS.values())

    def _find(self) -> list[str]:
        stems = []
        for name in _FOLDERS.values() if self.split is None else (_FOLDERS[self.split],):
            part = _part(self.path, name)
            if part is not None:
                stems += [f"{name}/{path.stem}" for path in sorted((part / "depth").glob("*.png"))]
        return stems

    def _file(self, stem: str, folder: str) -> Path:
        name, _, number = stem.partition("/")
        return (_part(self.path, name) or self.path / name) / folder / f"{number}.png"

    def frame(self, stem: str) -> Frame:
        """Read the depth of one frame."""
        return read_depth(self._file(stem, "depth"), depth_unit_m=0.001)

    def labels_path(self, stem: str) -> Path:
        """The mask."""
        return self._file(stem, "label")

    def _read_labels(self, path: Path, stem: str, frame: Frame) -> UInt8[np.ndarray, "_h _w"]:
        return label_hand_only(read_index_picture(path, frame.depth.shape) != 0, frame.depth_m())


def _part(root: Path, name: str) -> Path | None:
    """One of the three parts, directly or inside the folder of its archive."""
    for path in (root / name, root / f"HOI_{name}" / name, root / f"HOI_{name}"):
        if (path / "depth").is_dir():
            return path
    return None
