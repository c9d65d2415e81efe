"""One way to open what a user names: a folder of images, shards, one tar, or a public data set."""

from __future__ import annotations

from pathlib import Path

from graspseg.datasets.dataset import StoredDataset
from graspseg.datasets.folder import FolderDataset
from graspseg.datasets.public.registry import open_named
from graspseg.datasets.shards import ShardDataset, is_shards
from graspseg.errors import InputError
from graspseg.frame import Intrinsics


def open_dataset(
    path: str | Path,
    *,
    depth_unit_m: float | None = None,
    intrinsics: Intrinsics | None = None,
    split: str | None = None,
) -> StoredDataset:
    """Open a data set on disk.

    Args:
        path: a folder with `depth/`, a folder of depth images, a folder of tar shards, one tar, or a public data
            set as `NAME:PATH` or `NAME/SPLIT:PATH`, whose frames without labels are left out.
        depth_unit_m: metres per stored unit; None takes what the data set says, else 0.001.
        intrinsics: the camera; None takes what the data set says.
        split: only the frames of this split.

    Raises:
        InputError: nothing is there, or it cannot be used as a data set.
    """
    public = open_named(path, split=split)
    if public is not None:
        if depth_unit_m is not None or intrinsics is not None:
            raise InputError(f"{path} has a unit and camera of its own, expected no --depth-unit: leave it out.")
        return public
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path} does not exist, expected a folder or a .tar of frames: check the path.")
    kind = ShardDataset if is_shards(path) else FolderDataset
    return kind(path, depth_unit_m=depth_unit_m, intrinsics=intrinsics, split=split)
