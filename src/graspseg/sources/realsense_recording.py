"""Recordings of RealSense cameras: which files are some, and how one is opened."""

from __future__ import annotations

from pathlib import Path

from graspseg.frame import InputError
from graspseg.sources.recording import Recording

SUFFIXES = (".db3", ".bag")


def is_recording(path: Path) -> bool:
    """Whether a path names a recording, whether it is there or not."""
    return path.suffix.lower() in SUFFIXES and not path.is_dir()


def open_recording(path: Path) -> Recording:
    """Open a `.db3` (by the SDK) or a `.bag` (without it).

    Raises:
        InputError: it is not there, is none, or holds no depth.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist, expected a recording (.db3 or .bag): check the path.")
    if path.suffix.lower() == ".bag":
        from graspseg.sources.realsense_bag import BagRecording

        return BagRecording(path)
    from graspseg.sources.realsense_db3 import Db3Recording

    return Db3Recording(path)
