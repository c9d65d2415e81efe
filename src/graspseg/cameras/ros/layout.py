"""Which folders are recordings of ROS 2; needs nothing installed."""

from __future__ import annotations

import contextlib
from pathlib import Path, PurePath

METADATA = "metadata.yaml"
METADATA_KEY = "rosbag2_bagfile_information"
_STORAGES = (".db3", ".mcap")
_BEGIN_BYTES = 4096


def is_ros_folder(path: Path) -> bool:
    """Whether a folder is a ROS 2 recording or what is left of one.

    It has the metadata of one, or its files and no depth images.
    """
    with contextlib.suppress(OSError):
        if not path.is_dir():
            return False
        names = [each.name for each in path.iterdir()]
        if any(map(is_storage, names)):
            return METADATA in names or not any(name.lower().endswith((".png", ".npy")) for name in names)
        return METADATA in names and METADATA_KEY in _begin(path / METADATA)
    return False


def is_storage(name: str) -> bool:
    """Whether a file of this name may hold messages."""
    return PurePath(name.lower().removesuffix(".zstd")).suffix in _STORAGES


def _begin(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_BEGIN_BYTES).decode(errors="replace")
