"""HO-Cap: nine people and up to four objects on a table, eight RealSense cameras."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from graspseg.datasets.images import read_depth
from graspseg.datasets.public.dataset import Card, LabeledDataset, Source
from graspseg.datasets.public.reading import intrinsics_of, read_array, read_mapping
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics
from graspseg.labels import BACKGROUND, HAND, IGNORE, OBJECT

_TOOLKIT = "https://github.com/IRVLUTD/HO-Cap/blob/main"
_HANDS = (5, 6)
_OBJECTS = (1, 2, 3, 4)
_TOUCH_PX = 5
_SPLIT_FILE = "hocap_hpe.json"
_NAMES_FILE = "hocap_info.yaml"


class HOCap(LabeledDataset):
    """HO-Cap; see `card`. A stem is `subject/sequence/serial/frame`."""

    card = Card(
        name="hocap",
        title="HO-Cap",
        frames="656,000",
        sensor="8 RealSense, 640x480",
        layout="subject_<n>/<sequence>/<serial>/ with depth_*.png and label_*.npz, beside calibration/",
        depth="16-bit PNG of millimeters; calibration/intrinsics/<serial>.yaml, camera `color`",
        classes="hand and object",
        labels="segmentation from fitted models: hands 5 and 6 (they end at the wrist, a bare forearm is background), "
        "objects 1 to 4; an object farther than 5 pixels from a hand is ignored, as nothing says whether it is held",
        splits=("train", "valid", "test"),
        licence="The license of the data is not in the toolkit (its code is GPL-3.0): read the home page first.",
        where="https://irvlutd.github.io/HOCap",
        citation="Wang et al., HO-Cap: A Capture System and Dataset for 3D Reconstruction and Pose Tracking of "
        "Hand-Object Interaction, arXiv 2406.06843",
        sources=(
            Source("layout", f"{_TOOLKIT}/README.md (Download the HOCap Dataset)"),
            Source("depth coding", f"{_TOOLKIT}/hocap_toolkit/loaders/sequence_loader.py (get_depth_image)"),
            Source("depth unit", f"{_TOOLKIT}/hocap_toolkit/loaders/sequence_loader.py (scale 1000)"),
            Source(
                "intrinsics",
                f"{_TOOLKIT}/hocap_toolkit/loaders/sequence_loader.py; "
                "https://github.com/IRVLUTD/HO-Cap/issues/14 (depth is aligned to color)",
            ),
            Source(
                "labels",
                "seg_mask as the toolkit's viewer takes it; its numbers (HO_CAP_SEG_COLOR) as a fork of the "
                "toolkit has them",
                official=False,
            ),
            Source("splits", f"{_TOOLKIT}/config/hocap_hpe.json with config/hocap_info.yaml"),
            Source("licence", "not found", official=False),
        ),
    )

    @classmethod
    def matches(cls, root: Path) -> bool:
        """Whether there are subjects beside the calibration."""
        return (root / "calibration").is_dir() and any(root.glob("subject_*/*/*/depth_*.png"))

    def _find(self) -> list[str]:
        chosen = None if self.split is None else self._listed(self.split)
        stems = []
        for path in sorted(self.path.glob("subject_*/*/*/depth_*.png")):
            stem = f"{path.parent.relative_to(self.path).as_posix()}/{path.stem.removeprefix('depth_')}"
            if chosen is None or stem in chosen:
                stems.append(stem)
        return stems

    def _listed(self, split: str) -> set[str]:
        """Stems of a split, which lists places in lists of names."""
        places, info = (
            read_mapping(self.path / name, f"{_TOOLKIT}/config/{name}") for name in (_SPLIT_FILE, _NAMES_FILE)
        )
        try:
            kinds = [info[key] for key in ("subject_ids", "sequence_ids", "device_serials")]
            return {
                "/".join([*(str(names[place]) for names, place in zip(kinds, item, strict=False)), f"{item[3]:06d}"])
                for item in places[split]
            }
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise InputError(
                f"{self.path / _SPLIT_FILE} does not fit {_NAMES_FILE} ({type(error).__name__}), expected places in "
                "its lists of names: take both files anew."
            ) from error

    def frame(self, stem: str) -> Frame:
        """Read the depth of one frame."""
        folder, _, number = stem.rpartition("/")
        camera = _camera(self.path / "calibration" / "intrinsics" / f"{Path(folder).name}.yaml")
        return read_depth(self.path / folder / f"depth_{number}.png", depth_unit_m=0.001, intrinsics=camera)

    def labels_path(self, stem: str) -> Path:
        """The NPZ file with the segmentation."""
        folder, _, number = stem.rpartition("/")
        return self.path / folder / f"label_{number}.npz"

    def _read_labels(self, path: Path, stem: str, frame: Frame) -> UInt8[np.ndarray, "_h _w"]:
        numbers = read_array(path, "seg_mask", frame.depth.shape)
        hand = np.isin(numbers, _HANDS)
        side = 2 * _TOUCH_PX + 1
        beside_hand = cv2.dilate(hand.astype(np.uint8), np.ones((side, side), np.uint8)) > 0
        table = np.full(256, IGNORE, np.uint8)
        table[0] = BACKGROUND
        table[list(_HANDS)] = HAND
        for number in _OBJECTS:
            if np.any(beside_hand & (numbers == number)):
                table[number] = OBJECT
        return table[numbers]

    def color_path(self, stem: str) -> Path:
        """The picture of the same camera."""
        folder, _, number = stem.rpartition("/")
        return self.path / folder / f"color_{number}.jpg"


@lru_cache(maxsize=64)
def _camera(path: Path) -> Intrinsics:
    return intrinsics_of(read_mapping(path).get("color"), path)
