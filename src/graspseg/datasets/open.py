"""One way to open what a user names: a folder of images, shards, one tar, or a public data set."""

from __future__ import annotations

import os
from pathlib import Path

from graspseg.datasets.dataset import Dataset, StoredDataset
from graspseg.datasets.folder import FolderDataset
from graspseg.datasets.public.registry import open_named, public_name_meant
from graspseg.datasets.shards import ShardDataset, is_shards
from graspseg.errors import InputError
from graspseg.factory import call_factory, is_factory
from graspseg.frame import Intrinsics


def open_dataset(
    path: str | Path,
    *,
    depth_unit_m: float | None = None,
    intrinsics: Intrinsics | None = None,
    split: str | None = None,
) -> Dataset:
    """Open a data set on disk.

    Args:
        path: a folder with `depth/`, a folder of depth images, a folder of tar shards, one tar, or a public data
            set as `NAME:PATH` or `NAME/SPLIT:PATH`, whose frames without labels are left out; or `module:function` of a
            user's own, which returns a `graspseg.datasets.dataset.Dataset`.
        depth_unit_m: meters per stored unit; None takes what the data set says, else 0.001.
        intrinsics: the camera; None takes what the data set says.
        split: only the frames of this split.

    Raises:
        InputError: nothing is there, or it cannot be used as a data set.
    """
    if not isinstance(path, str | os.PathLike):
        raise InputError(f"The path is a {type(path).__name__}, expected text or a pathlib.Path: name the data set.")
    public = open_named(path, split=split)
    if public is not None:
        if depth_unit_m is not None or intrinsics is not None:
            raise InputError(f"{path} has a unit and camera of its own, expected no --depth-unit: leave it out.")
        return public
    if is_factory(str(path)):
        if depth_unit_m is not None or intrinsics is not None:
            raise InputError(f"{path} gives frames with unit and camera, expected no --depth-unit: leave it out.")
        return _own(str(path), split)
    path = Path(path)
    if not path.exists():
        meant = public_name_meant(path) or "check the path."
        raise InputError(f"{path} does not exist, expected a folder or a .tar of frames: {meant}")
    kind = ShardDataset if is_shards(path) else FolderDataset
    return kind(path, depth_unit_m=depth_unit_m, intrinsics=intrinsics, split=split)


def open_on_disk(path: str | Path, *, split: str | None = None) -> StoredDataset:
    """Open a data set that has a place, as its parts are taken from there.

    Raises:
        InputError: see `open_dataset`; or it is made by a user's function.
    """
    dataset = open_dataset(path, split=split)
    if not isinstance(dataset, StoredDataset):
        raise InputError(
            f"{path} is made by a function, expected a data set on disk: write it first, with graspseg dataset convert."
        )
    return dataset


def _own(text: str, split: str | None) -> Dataset:
    """The data set that a user's function returns.

    Raises:
        InputError: it returns none, or a split is requested.
    """
    if split is not None:
        raise InputError(f"{text} is a data set of your own, expected no split {split!r}: write a function for each.")
    meant = public_name_meant(text)
    try:
        made = call_factory(text)
    except InputError as error:
        raise InputError(f"{text} is no public data set: {meant}") if meant else error from error
    if not isinstance(made, Dataset):
        kind = type(made).__name__
        raise InputError(f"{text}() returns a {kind}, expected a graspseg.datasets.dataset.Dataset: return one.")
    return made
