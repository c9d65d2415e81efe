"""NYU hand pose: one hand, three Kinects, packed depth; a rendered hand model stands in for masks."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from graspseg.datasets.public.dataset import Card, LabeledDataset, Source, label_hand_only
from graspseg.datasets.public.reading import read_packed_depth
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics
from graspseg.labels import IGNORE

_SPLITS = ("train", "test")
_DEPTH = re.compile(r"depth_([123]_\d{7})\.png")
_CAMERA = Intrinsics(588.036865, 587.075073, 320.0, 240.0)
_UNIT_M = 0.001
_AGREE_UNITS = 30
_SCRIPTS = "visualize_training_example.m in nyu_hand_dataset_v2.zip (J. Tompson, 2014)"


class NYU(LabeledDataset):
    """NYU hand pose data set; see `card`. A stem is `split/camera_frame`."""

    card = Card(
        name="nyu",
        title="NYU hand pose",
        frames="72,757 train, 8,252 test, three views each",
        sensor="3 Kinect v1, 640x480",
        layout="train/ and test/ (or dataset/train/ and dataset/test/) with depth_<camera>_<frame>.png and "
        "synthdepth_<camera>_<frame>.png",
        depth="8-bit color PNG, value = 256 x green + blue, millimeters; f = 588.04, 587.08, center 320, 240",
        classes="hand",
        labels="no masks: hand is where the rendered hand model lies within 3 cm of the measurement; where it does "
        "not, and what else is within 15 cm of the hand's depth, is ignored; no objects",
        splits=_SPLITS,
        licence="None stated: ask the authors before any use but research.",
        where="https://jonathantompson.github.io/NYU_Hand_Pose_Dataset.htm",
        citation="Tompson et al., Real-Time Continuous Pose Recovery of Human Hands Using Convolutional Networks, "
        "TOG 2014",
        sources=(
            Source("layout", _SCRIPTS),
            Source("depth coding", _SCRIPTS),
            Source("depth unit", "as other people's readers take it", official=False),
            Source("intrinsics", "convert_uvd_to_xyz of the same archive, as copies of it say", official=False),
            Source("labels", "our own rule from synthdepth", official=False),
            Source("splits", "folders train and test, as other people list them", official=False),
            Source("licence", "not found", official=False),
        ),
    )

    @classmethod
    def matches(cls, root: Path) -> bool:
        """Whether one of the two folders holds depth images."""
        return any(any((_base(root) / split).glob("depth_[123]_*.png")) for split in _SPLITS)

    def _find(self) -> list[str]:
        stems = []
        for split in _SPLITS if self.split is None else (self.split,):
            folder = _base(self.path) / split
            entries = folder.iterdir() if folder.is_dir() else ()
            stems += sorted(f"{split}/{found[1]}" for path in entries if (found := _DEPTH.fullmatch(path.name)))
        return stems

    def _file(self, stem: str, kind: str) -> Path:
        split, _, name = stem.partition("/")
        return _base(self.path) / split / f"{kind}_{name}.png"

    def frame(self, stem: str) -> Frame:
        """Read the depth of one frame."""
        return Frame(read_packed_depth(self._file(stem, "depth"), high="green", low="blue"), _UNIT_M, _CAMERA)

    def labels_path(self, stem: str) -> Path:
        """The rendered hand model."""
        return self._file(stem, "synthdepth")

    def _read_labels(self, path: Path, stem: str, frame: Frame) -> UInt8[np.ndarray, "_h _w"]:
        model = read_packed_depth(path, high="green", low="blue")
        if model.shape != frame.depth.shape:
            raise InputError(
                f"{path} has shape {model.shape}, expected {frame.depth.shape} like its depth: download it again."
            )
        apart = np.abs(model.astype(np.int32) - frame.depth)
        hand = (model > 0) & (frame.depth > 0) & (apart <= _AGREE_UNITS)
        labels = label_hand_only(hand, frame.depth_m())
        labels[(model > 0) & ~hand] = IGNORE
        return labels

    def color_path(self, stem: str) -> Path:
        """The picture registered with the depth."""
        return self._file(stem, "rgb")


def _base(root: Path) -> Path:
    return root / "dataset" if (root / "dataset").is_dir() else root
