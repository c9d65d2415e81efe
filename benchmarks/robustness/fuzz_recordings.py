"""Recordings of cameras: ROS 1 and 2, RealSense SDKs old and new."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import realsense_samples
import ros_samples
from fuzz_kind import Kind, Reading, all_of
from graspseg.errors import InputError
from ros_samples import Form, RosWriter, compressed_depth, depth_mm, write_realsense_bag, write_take

FORMS: tuple[tuple[Form, str], ...] = (
    ("bag", "a.bag"),
    ("bag-bz2", "a.bag"),
    ("bag-lz4", "a.bag"),
    ("db3", "a.db3"),
    ("db3-message", "a.db3"),
    ("mcap", "a.mcap"),
    ("mcap-zstd", "a.mcap"),
)


def _take(form: Form, name: str, *, png: bool = False) -> Callable[[Path], Path]:
    """A recording whose depth is plain, or PNG in `compressedDepth` messages."""

    def make(folder: Path) -> Path:
        if not png:
            return write_take(folder / name, form, frames=5)
        writer = RosWriter(folder / name, form)
        for number in range(5):
            data = compressed_depth(depth_mm(number), "png")
            writer.compressed("/d", data, "16UC1; compressedDepth png", time_ns=ros_samples.START_NS + number)
        writer.close()
        return folder / name

    return make


def _ros_folder(folder: Path) -> Path:
    return write_take(folder / "take", "folder-mcap", frames=3) / "metadata.yaml"


def _read_take(path: Path) -> Reading:
    from graspseg.cameras.recording import RecordedRgbd
    from graspseg.cameras.recordings import open_recording

    recording = open_recording(path)
    found = all_of(len(recording), lambda index: recording.frame(index).depth, said_loss=recording.cut is not None)
    try:
        source = RecordedRgbd(recording)
        all_of(len(source), lambda index: source[index].color)
    except InputError:
        pass  # without color
    return found


def _read_ros_folder(path: Path) -> Reading:
    return _read_take(path.parent)


def _realsense_db3(folder: Path) -> Path:
    return Path(shutil.copy(_made_by_sdk(), folder / "a.db3"))


@functools.cache
def _made_by_sdk() -> Path:
    """One recording for the whole process: the SDK takes seconds, and its clock makes each another one."""
    import pyrealsense2

    home = Path(tempfile.mkdtemp(prefix="fuzz-sdk-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    return realsense_samples.write_db3(pyrealsense2, home / "a.db3", 5)


def _has_sdk() -> bool:
    try:
        import pyrealsense2  # noqa: F401
    except ImportError:
        return False
    return True


def kinds() -> Iterator[Kind]:
    """All of them; those of the SDK only where it is."""
    for form, name in FORMS:
        yield Kind(f"ros {form}", _take(form, name), _read_take, share=30)
    yield Kind("realsense bag", lambda folder: write_realsense_bag(folder / "a.bag"), _read_take, share=20)
    if _has_sdk():
        yield Kind("realsense db3", _realsense_db3, _read_take, share=15)
    yield Kind("ros bag of png", _take("bag", "a.bag", png=True), _read_take, checked=True, share=30)
    yield Kind("ros metadata.yaml", _ros_folder, _read_ros_folder, has_end=False, share=15)
