"""Which paths are recordings, and how one is opened: by what it holds, not by its name alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from graspseg.cameras.recording import Recording
from graspseg.cameras.ros.layout import METADATA, is_ros_folder
from graspseg.errors import InputError

if TYPE_CHECKING:
    from graspseg.cameras.ros.messages import MessageFile

SUFFIXES = (".db3", ".bag", ".mcap")
_OPEN_BAG = ".bag.active"
_EXPECTED = {
    ".bag": ("ROS 1 bag", b"#ROSBAG V"),
    ".db3": ("SQLite file", b"SQLite format 3\0"),
    ".mcap": ("MCAP file", b"\x89MCAP0\r\n"),
}
_OTHERS = {
    b"PK\x03\x04": "zip archive",
    b"PK\x05\x06": "empty zip archive",
    b"\x1f\x8b": "gzip file",
    b"BZh": "bzip2 file",
    b"\xfd7zXZ": "xz file",
    b"\x28\xb5\x2f\xfd": "zstd file",
    b"\x04\x22\x4d\x18": "lz4 file",
    b"\x89PNG": "PNG image",
    b"\xff\xd8\xff": "JPEG image",
    b"\x1aE\xdf\xa3": "Matroska video",
    b"RIFF": "RIFF (AVI or WAV) file",
    b"\x93NUMPY": "NumPy array",
}
_REALSENSE = re.compile(r"/device_\d+/sensor_\d+/[A-Za-z]+_\d+/image/")


def is_recording(path: Path) -> bool:
    """Whether a path names a recording, whether it is there or not."""
    return is_ros_folder(path) if path.is_dir() else _suffix(path) in SUFFIXES


def open_recording(path: Path, *, topics: Sequence[str] = ()) -> Recording:
    """Open a recording of a RealSense camera (`.db3` by the SDK, `.bag` without it) or of ROS.

    Args:
        path: a `.bag`, `.db3` or `.mcap`, or the folder of a ROS 2 recording.
        topics: of depth and, where there are several, of color; none = found by themselves. For ROS only.

    Raises:
        InputError: it is not there, is none, holds no depth, or several topics of it.
    """
    if path.is_dir():
        from graspseg.cameras.ros.folder import FolderFile

        if not is_ros_folder(path):
            raise InputError(f"{path} has no {METADATA}, expected the folder of a ROS 2 recording: check the path.")
        return _of_ros(FolderFile(path), topics)
    suffix = _suffix(path)
    _check_content(path, suffix)
    if suffix == ".mcap":
        from graspseg.cameras.ros.mcap import McapFile

        return _of_ros(McapFile(path), topics)
    if suffix == ".bag":
        return _bag(path, topics)
    return _db3(path, topics)


def _suffix(path: Path) -> str:
    """The suffix that says what a file is; that of a bag whose recorder was killed is `.bag.active`."""
    return ".bag" if path.name.lower().endswith(_OPEN_BAG) else path.suffix.lower()


def _check_content(path: Path, suffix: str) -> None:
    """Look at how a file begins.

    Raises:
        InputError: it is not there, cannot be read, or is something else than its name says.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist, expected a recording (.db3, .bag or .mcap): check the path.")
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise InputError(f"{path} could not be read ({error.strerror}), expected a recording: check it.") from error
    expected, magic = _EXPECTED[suffix]
    if head.startswith(magic):
        return
    what, remedy = _name(head)
    raise InputError(f"{path} is {what}, expected a {expected} ({suffix}): {remedy}")


def _name(head: bytes) -> tuple[str, str]:
    """What a file that begins so is, and what to do about it."""
    for suffix, (kind, magic) in _EXPECTED.items():
        if head.startswith(magic):
            return f"{'an' if kind[0] in 'AEM' else 'a'} {kind}", f"rename it to end in {suffix}, or copy it again."
    for magic, kind in _OTHERS.items():
        if head.startswith(magic):
            return f"a {kind}", "extract or convert it, or copy the recording again."
    return ("an empty file" if not head else "of an unknown kind"), "record or copy it again."


def _bag(path: Path, topics: Sequence[str]) -> Recording:
    from graspseg.cameras.ros.bag import BagFile

    file = BagFile(path)
    if not any(map(_REALSENSE.match, file.topics)):
        return _of_ros(file, topics)
    from graspseg.cameras.realsense.bag import BagRecording

    refuse_topics(topics, path)
    return BagRecording(file)


def _db3(path: Path, topics: Sequence[str]) -> Recording:
    from graspseg.cameras.ros.database import DatabaseFile

    file = DatabaseFile(path)
    if not any(map(_REALSENSE.match, file.topics)):
        return _of_ros(file, topics)
    from graspseg.cameras.realsense.db3 import Db3Recording

    refuse_topics(topics, path)
    return Db3Recording(file)


def _of_ros(file: MessageFile, topics: Sequence[str]) -> Recording:
    from graspseg.cameras.ros.recording import RosRecording

    return RosRecording(file, topics)


def refuse_topics(topics: Sequence[str], path: str | Path) -> None:
    """Say that topics mean nothing for an input.

    Raises:
        InputError: some are named.
    """
    if topics:
        raise InputError(
            f"--topic {topics[0]} was given and {path} is no recording of ROS, expected one: leave it out."
        )
