"""HOGraspNet: 99 people, 30 objects, four cameras; crops around the hand with pseudo masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from graspseg.datasets.images import read_depth
from graspseg.datasets.public.dataset import Card, LabeledDataset, Source
from graspseg.datasets.public.reading import intrinsics_of, read_index_picture, read_mapping
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics
from graspseg.labels import BACKGROUND, HAND, OBJECT

_TOOLKIT = "https://github.com/UVR-WJCHO/HOGraspNet/blob/main"
_CAMERAS = ("mas", "sub1", "sub2", "sub3")
_TEST_OBJECTS = {"10", "02", "12", "20", "04", "06", "11"}
_TEST_GRASPS = {"23", "25", "29", "16"}
_FULL_SIZE = (1920, 1080)
_CROP_SIZE = (640, 480)
_MARKED = 255


class HOGraspNet(LabeledDataset):
    """HOGraspNet's crops; see `card`. A stem is `sequence/trial/camera/camera_frame`."""

    card = Card(
        name="hograspnet",
        title="HOGraspNet",
        frames="1.5 million",
        sensor="4 Azure Kinect, crops of 640x480",
        layout="source_augmented/, extra_data/ and labeling_data/ with <sequence>/trial_<n>/, as in the folder data/",
        depth="16-bit PNG in source_augmented/.../depth_crop, millimeters; calibration in labeling_data/ moved by the "
        "crop around the projected hand",
        classes="hand and object",
        labels="pseudo masks, 255 in extra_data/.../{hand_mask,obj_mask}; the hand where both mark",
        splits=("s0_train", "s0_test", "s2_train", "s2_test", "s3_train", "s3_test", "s4_train", "s4_test"),
        licence="Academic research only, non-commercial, no redistribution.",
        where="https://hograspnet2024.github.io",
        citation="Cho et al., Dense Hand-Object (HO) GraspNet with Full Grasping Taxonomy and Dynamics, ECCV 2024",
        sources=(
            Source("layout", f"{_TOOLKIT}/docs/data_structure.md"),
            Source("depth coding", f"{_TOOLKIT}/scripts/HOG_dataloader.py (IMREAD_UNCHANGED)"),
            Source("depth unit", "inferred: the Azure Kinect SDK gives millimeters", official=False),
            Source("intrinsics", f"{_TOOLKIT}/scripts/HOG_dataloader.py and scripts/util/utils.py (extractBbox)"),
            Source("labels", f"{_TOOLKIT}/scripts/manual_augmentation.py"),
            Source(
                "splits", f"{_TOOLKIT}/scripts/HOG_dataloader.py; s1 depends on the order of a disk, so it is left out"
            ),
            Source("licence", f"{_TOOLKIT}/README.md (Terms and conditions)"),
        ),
    )

    @classmethod
    def matches(cls, root: Path) -> bool:
        """Whether there are crops and annotations."""
        return _part(root, "source_augmented").is_dir() and _part(root, "labeling_data").is_dir()

    def _find(self) -> list[str]:
        crops = _part(self.path, "source_augmented")
        stems = []
        for sequence in sorted(path for path in crops.iterdir() if path.is_dir()):
            for order, trial in enumerate(sorted(path for path in sequence.iterdir() if path.is_dir())):
                for camera in _CAMERAS:
                    if _is_in(self.split, sequence.name, order, camera):
                        files = sorted((trial / "depth_crop" / camera).glob("*.png"))
                        stems += [f"{sequence.name}/{trial.name}/{camera}/{path.stem}" for path in files]
        return stems

    def _file(self, part: str, stem: str, folder: str, suffix: str) -> Path:
        trial, camera, name = stem.rsplit("/", 2)
        return _part(self.path, part) / trial / folder / camera / f"{name}{suffix}"

    def frame(self, stem: str) -> Frame:
        """Read the depth of one crop."""
        camera = _camera_of_crop(self._file("labeling_data", stem, "annotation", ".json"))
        path = self._file("source_augmented", stem, "depth_crop", ".png")
        return read_depth(path, depth_unit_m=0.001, intrinsics=camera)

    def labels_path(self, stem: str) -> Path:
        """The hand's mask."""
        return self._file("extra_data", stem, "hand_mask", ".png")

    def _read_labels(self, path: Path, stem: str, frame: Frame) -> UInt8[np.ndarray, "_h _w"]:
        held = self._file("extra_data", stem, "obj_mask", ".png")
        labels = np.full(frame.depth.shape, BACKGROUND, np.uint8)
        labels[read_index_picture(held, frame.depth.shape) == _MARKED] = OBJECT
        labels[read_index_picture(path, frame.depth.shape) == _MARKED] = HAND
        return labels

    def color_path(self, stem: str) -> Path:
        """The picture of the same crop."""
        return self._file("source_augmented", stem, "rgb_crop", ".jpg")


def _part(root: Path, name: str) -> Path:
    """A top folder, spelled as in the document or as the makers' script unpacks it."""
    path = root / name
    return path if path.is_dir() else root / name.capitalize()


def _is_in(split: str | None, sequence: str, trial: int, camera: str) -> bool:
    """Whether a trial seen by a camera belongs to a split; sequences are named date_S01_obj_01_grasp_02."""
    if split is None:
        return True
    parts = sequence.split("_")
    if len(parts) != 6:
        raise InputError(f"{sequence} is no sequence of HOGraspNet, expected date_S<n>_obj_<n>_grasp_<n>: remove it.")
    held_out = {
        "s0": trial == 0,
        "s2": camera == _CAMERAS[-1],
        "s3": parts[3] in _TEST_OBJECTS,
        "s4": parts[5] in _TEST_GRASPS,
    }
    setup, _, which = split.partition("_")
    return held_out[setup] == (which == "test")


def _camera_of_crop(path: Path) -> Intrinsics:
    """The camera of a crop: that of the whole image, moved to the crop's corner.

    The crop has a fixed size around the middle of the hand's projected joints and stays inside the image; its corner is
    cut to whole pixels.
    """
    content = read_mapping(path)
    try:
        whole = intrinsics_of(np.squeeze(np.asarray(content["calibration"]["intrinsic"])), path)
        joints = np.squeeze(np.asarray(content["hand"]["projected_2D_pose_per_cam"], np.float64))[:, :2]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path} lacks calibration or projected joints ({error}), expected both: download it again."
        ) from error
    middle = (joints.min(axis=0) + joints.max(axis=0)) / 2
    corner = np.maximum(middle - np.array(_CROP_SIZE) / 2, 0)
    corner = np.minimum(corner, np.array(_FULL_SIZE) - np.array(_CROP_SIZE)).astype(int)
    return Intrinsics(whole.fx, whole.fy, whole.cx - float(corner[0]), whole.cy - float(corner[1]))
