"""RGB-D frames of data sets on disk: folders, shards, public sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from graspseg.cameras.calibration import parse_color_camera, parse_distortion
from graspseg.cameras.rgbd import ColorCamera, RgbdFrame, straighten
from graspseg.cameras.undistort import DepthLens
from graspseg.datasets.dataset import StoredDataset
from graspseg.datasets.description import Description, parse_intrinsics, parse_unit, read_object
from graspseg.datasets.folder import FolderDataset
from graspseg.datasets.images import read_color
from graspseg.datasets.manifest import MANIFEST
from graspseg.datasets.public.dataset import PublicDataset
from graspseg.datasets.public.registry import open_named
from graspseg.datasets.sequences import sequences_by_name
from graspseg.datasets.shards import ShardDataset, is_shards
from graspseg.errors import InputError
from graspseg.frame import Intrinsics, camera_warnings

_CALIBRATION = "calibration.json"
_LOOKED_AT = 3


def open_stored(
    data: str | Path, *, depth_unit_m: float | None = None, intrinsics: Intrinsics | None = None
) -> StoredRgbd:
    """Open a folder with `depth/` and `color/`, shards, or a public data set as `NAME:PATH`.

    Args:
        data: what the user typed.
        depth_unit_m: meters per stored unit; None takes what the data set says, else 0.001.
        intrinsics: the depth camera; None takes what the data set says.

    Raises:
        InputError: nothing is there, it has no color, or its calibration cannot be used.
    """
    public = open_named(data, labeled=False)
    if public is not None:
        return StoredRgbd(public)
    path = Path(data)
    if not path.exists():
        raise InputError(f"{path} does not exist, expected a folder, shards or a recording: check the path.")
    if is_shards(path):
        return StoredRgbd(ShardDataset(path, depth_unit_m=depth_unit_m, intrinsics=intrinsics))
    file = path / _CALIBRATION
    reported = None
    if file.is_file() and not (path / "dataset.json").is_file():
        content = read_object(file)
        reported = Description(parse_unit(content, file), parse_intrinsics(content, file))
    return StoredRgbd(FolderDataset(path, depth_unit_m=depth_unit_m, intrinsics=intrinsics, description=reported))


class StoredRgbd:
    """Frames of a data set that keeps color beside depth.

    Without a field `color` in `dataset.json`, in the manifest or in `calibration.json`, pictures are aligned with the
    depth; see `parse_color_camera`. A field `distortion` there is that of the depth lens, and is corrected.

    Attributes:
        names: stem of every frame.
        sequences: indices of frames that follow each other in time.

    Args:
        dataset: the data set.

    Raises:
        InputError: it has no color, or its calibration cannot be used.
    """

    def __init__(self, dataset: StoredDataset) -> None:
        self._dataset = dataset
        if not any(dataset.has_color(index) for index in range(len(dataset))):
            remedy = "take another one" if isinstance(dataset, PublicDataset) else "put them into color/"
            raise InputError(
                f"{dataset.path} has {len(dataset)} depth images and no color for them, the first would belong to "
                f"{dataset.stems[0]!r}, expected RGB pictures by equal stem: {remedy}."
            )
        content, where = _calibration(dataset)
        self._color_camera = parse_color_camera(content, where)
        self._lens = DepthLens(parse_distortion(content, where))
        self.names = list(dataset.stems)
        self.sequences = self._sequences()

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._dataset.path

    @property
    def cut(self) -> str | None:
        """The sentence for what lies beside the frames and is left out, None for nothing."""
        beside = self._dataset.beside()
        more = f" (and {len(beside) - 1} more such files)" if len(beside) > 1 else ""
        return beside[0] + more if beside else None

    @property
    def notes(self) -> tuple[str, ...]:
        """What is odd about the description, the cameras, and the number of pictures."""
        found = list(self._dataset.description.notes)
        if isinstance(self._dataset, FolderDataset):
            alone = self._dataset.colors_alone()
            if alone:
                found.append(
                    f"{self.path} has {len(alone)} color pictures without a depth image (the first is {alone[0]}) "
                    f"beside {len(self)} depth images: see that pictures of one name were taken at one time"
                )
        if self._color_camera is not None:
            found += self._notes_on_cameras(self._color_camera)
        return tuple(found)

    def _notes_on_cameras(self, color_camera: ColorCamera) -> list[str]:
        """What the first frame that can be read says about the calibration."""
        for index in range(min(len(self), _LOOKED_AT)):
            try:
                rgbd = self[index]
            except InputError:
                continue
            found = [
                f"{self.path}: the color camera: {warning.sentence}"
                for warning in camera_warnings(color_camera.intrinsics, rgbd.color.shape[1], rgbd.color.shape[0])
            ]
            if rgbd.frame.intrinsics is None:
                focal = rgbd.frame.intrinsics_or_default().fx
                found.append(
                    f"{self.path} says where the color camera is and not what the depth camera is, so that has an "
                    f"assumed focal length of {focal:.4g} pixels: give --fx, or intrinsics in dataset.json"
                )
            return found
        return []

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: int) -> RgbdFrame:
        """Read one frame.

        Raises:
            InputError: depth or color of this frame is missing, damaged, of another kind or size.
        """
        sample = self._dataset[index]
        color = self._picture(index, sample.stem)
        if color is None:
            raise InputError(
                f"{self.path} has depth and no color for {sample.stem!r}, expected a picture for every depth image: "
                "add it to color/ or remove the depth image."
            )
        try:
            return straighten(RgbdFrame(sample.stem, sample.frame, color, self._color_camera), self._lens)
        except InputError as error:
            raise InputError(f"{self.path}: {error}") from None

    def _sequences(self) -> list[range]:
        """Frames whose stems differ in the number at the end only follow each other, except single synthetic ones."""
        recipe = self._dataset.description.content.get("recipe")
        if isinstance(recipe, dict) and recipe.get("clip_length") == 0:
            return [range(index, index + 1) for index in range(len(self))]
        return sequences_by_name(self.names)

    def _picture(self, index: int, stem: str) -> UInt8[np.ndarray, "hc wc 3"] | None:
        """The color of a frame in its own size, None when it is missing."""
        if isinstance(self._dataset, FolderDataset):
            path = self._dataset.color_path(index)
        elif isinstance(self._dataset, PublicDataset):
            path = self._dataset.color_path(stem)
        else:
            return self._dataset.color(index)
        return read_color(path, None) if path is not None and path.is_file() else None


def _calibration(dataset: StoredDataset) -> tuple[dict[str, Any], Path]:
    """The object that may hold the field `color`, and what messages call it."""
    path, content = dataset.path, dict(dataset.description.content)
    if isinstance(dataset, ShardDataset):
        return content, (path if path.is_dir() else path.parent) / MANIFEST
    beside = path / _CALIBRATION
    if "color" not in content and isinstance(dataset, FolderDataset) and beside.is_file():
        return read_object(beside), beside
    return content, path / "dataset.json"
