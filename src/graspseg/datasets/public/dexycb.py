"""DexYCB: a person picks one of several YCB objects up, eight RealSense cameras."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from graspseg.datasets.images import read_depth
from graspseg.datasets.public.dataset import Card, LabeledDataset, Source
from graspseg.datasets.public.reading import intrinsics_of, read_array, read_mapping
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics
from graspseg.labels import BACKGROUND, HAND, OBJECT

_TOOLKIT = "https://github.com/NVlabs/dex-ycb-toolkit/blob/master"
_SUBJECT = re.compile(r"\d{8}-subject-(\d\d)")
_DEPTH = re.compile(r"aligned_depth_to_color_(\d{6})\.png")
_SERIALS = (
    "836212060125",
    "839512060362",
    "840412060917",
    "841412060263",
    "932122060857",
    "932122060861",
    "932122061900",
    "932122062010",
)
_SEQUENCES = 100  # of each subject; splits count them in order of their names
_SEGMENTED_HAND = 255

_ALL_SUBJECTS = range(10)
_ALL_CAMERAS = range(8)
_ALL_SEQUENCES = frozenset(range(_SEQUENCES))
_EACH_FIFTH = frozenset(range(4, _SEQUENCES, 5))
_VAL_OBJECTS = frozenset(i for i in range(_SEQUENCES) if i // 5 in (3, 19))
_TEST_OBJECTS = frozenset(i for i in range(_SEQUENCES) if i // 5 in (7, 11, 15))
_EVERYTHING = (_ALL_SUBJECTS, _ALL_CAMERAS, _ALL_SEQUENCES)
# Subjects, cameras and sequences of each split, counted from 0. `train`, `val` and `test` are the makers' s0.
_SPLITS = {
    "train": (_ALL_SUBJECTS, _ALL_CAMERAS, _ALL_SEQUENCES - _EACH_FIFTH),
    "val": ((0, 1), _ALL_CAMERAS, _EACH_FIFTH),
    "test": (range(2, 10), _ALL_CAMERAS, _EACH_FIFTH),
    "s1_train": ((0, 1, 2, 3, 4, 5, 9), _ALL_CAMERAS, _ALL_SEQUENCES),
    "s1_val": ((6,), _ALL_CAMERAS, _ALL_SEQUENCES),
    "s1_test": ((7, 8), _ALL_CAMERAS, _ALL_SEQUENCES),
    "s2_train": (_ALL_SUBJECTS, range(6), _ALL_SEQUENCES),
    "s2_val": (_ALL_SUBJECTS, (6,), _ALL_SEQUENCES),
    "s2_test": (_ALL_SUBJECTS, (7,), _ALL_SEQUENCES),
    "s3_train": (_ALL_SUBJECTS, _ALL_CAMERAS, _ALL_SEQUENCES - _VAL_OBJECTS - _TEST_OBJECTS),
    "s3_val": (_ALL_SUBJECTS, _ALL_CAMERAS, _VAL_OBJECTS),
    "s3_test": (_ALL_SUBJECTS, _ALL_CAMERAS, _TEST_OBJECTS),
}


class DexYCB(LabeledDataset):
    """DexYCB; see `card`. A stem is `subject/sequence/serial/frame`."""

    card = Card(
        name="dexycb",
        title="DexYCB",
        frames="582,000 (465,504 in train)",
        sensor="8 RealSense, 640x480",
        layout="<date>-subject-<nn>/<sequence>/<serial>/ with aligned_depth_to_color_*.png and labels_*.npz, beside "
        "calibration/",
        depth="16-bit PNG of millimeters; calibration/intrinsics/<serial>_640x480.yml, camera `color`",
        classes="hand and object",
        labels="segmentation of what is visible, from fitted models: the hand (it ends at the wrist, a bare forearm is "
        "background) and the object that is grasped, also before it is; other objects on the table are background",
        splits=tuple(_SPLITS),
        licence="CC BY-NC 4.0, non-commercial.",
        where="https://dex-ycb.github.io",
        citation="Chao et al., DexYCB: A Benchmark for Capturing Hand Grasping of Objects, CVPR 2021",
        sources=(
            Source("layout", f"{_TOOLKIT}/dex_ycb_toolkit/dex_ycb.py"),
            Source("depth coding", f"{_TOOLKIT}/dex_ycb_toolkit/sequence_loader.py (_load_frame_rgbd)"),
            Source("depth unit", f"{_TOOLKIT}/dex_ycb_toolkit/sequence_loader.py (_deproject_depth_and_filter_points)"),
            Source("intrinsics", f"{_TOOLKIT}/dex_ycb_toolkit/dex_ycb.py"),
            Source("labels", f"{_TOOLKIT}/README.md (Loading Dataset and Visualizing Samples)"),
            Source("splits", f"{_TOOLKIT}/dex_ycb_toolkit/dex_ycb.py"),
            Source("licence", "stated by a redistribution (QFun/MANUS-DexYCB); the home page decides", official=False),
        ),
    )

    @classmethod
    def matches(cls, root: Path) -> bool:
        """Whether there are subjects beside the calibration."""
        return (root / "calibration").is_dir() and any(_SUBJECT.fullmatch(entry.name) for entry in root.iterdir())

    def _find(self) -> list[str]:
        subjects, cameras, sequences = _SPLITS[self.split] if self.split else _EVERYTHING
        stems = []
        for subject in sorted(self.path.iterdir()):
            number = _SUBJECT.fullmatch(subject.name)
            if number is None or int(number[1]) - 1 not in subjects:
                continue
            for folder in self._chosen(subject, sequences):
                for camera in cameras:
                    stems += _frames(folder / _SERIALS[camera], self.path)
        return stems

    def _chosen(self, subject: Path, sequences: frozenset[int]) -> list[Path]:
        folders = sorted(entry for entry in subject.iterdir() if entry.is_dir())
        if sequences == _ALL_SEQUENCES:
            return folders
        if len(folders) != _SEQUENCES:
            raise InputError(
                f"{subject} holds {len(folders)} sequences, expected all {_SEQUENCES} because split {self.split!r} "
                "counts them: complete the download, or take a split that starts with s1 or s2."
            )
        return [folders[index] for index in sorted(sequences)]

    def frame(self, stem: str) -> Frame:
        """Read the depth of one frame."""
        folder, _, number = stem.rpartition("/")
        camera = _camera(self.path / "calibration" / "intrinsics" / f"{Path(folder).name}_640x480.yml")
        path = self.path / folder / f"aligned_depth_to_color_{number}.png"
        return read_depth(path, depth_unit_m=0.001, intrinsics=camera)

    def labels_path(self, stem: str) -> Path:
        """The NPZ file with the segmentation."""
        folder, _, number = stem.rpartition("/")
        return self.path / folder / f"labels_{number}.npz"

    def _read_labels(self, path: Path, stem: str, frame: Frame) -> UInt8[np.ndarray, "_h _w"]:
        table = np.full(256, BACKGROUND, np.uint8)
        table[_SEGMENTED_HAND] = HAND
        table[_grasped(path.parent.parent / "meta.yml")] = OBJECT
        return table[read_array(path, "seg", frame.depth.shape)]

    def color_path(self, stem: str) -> Path:
        """The picture of the same camera."""
        folder, _, number = stem.rpartition("/")
        return self.path / folder / f"color_{number}.jpg"


def _frames(folder: Path, root: Path) -> list[str]:
    if not folder.is_dir():
        return []
    numbers = sorted(found[1] for entry in folder.iterdir() if (found := _DEPTH.fullmatch(entry.name)))
    return [f"{folder.relative_to(root).as_posix()}/{number}" for number in numbers]


@lru_cache(maxsize=64)
def _camera(path: Path) -> Intrinsics:
    return intrinsics_of(read_mapping(path).get("color"), path)


@lru_cache(maxsize=1024)
def _grasped(meta: Path) -> int:
    """Number of the object that is grasped in a sequence."""
    content = read_mapping(meta)
    try:
        return int(content["ycb_ids"][content["ycb_grasp_ind"]])
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise InputError(
            f"{meta} names no grasped object ({error}), expected ycb_ids and ycb_grasp_ind: download it again."
        ) from error
