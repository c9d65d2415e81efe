"""RealSense recordings of the current SDK: `.db3`, an SQLite file."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import UInt8

from graspseg.cameras.pixels import RawPicture
from graspseg.cameras.realsense.playback import Playback, check_loads
from graspseg.cameras.recording import Recording
from graspseg.cameras.rgbd import ColorCamera
from graspseg.cameras.ros.database import DatabaseFile
from graspseg.cameras.sqlite_file import connect
from graspseg.cameras.undistort import DepthLens
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics

_SKIPPED = 8  # frames that are sooner read than sought
_FACT = re.compile(rb"([A-Za-z][A-Za-z _]*)=([^;]*);")


class Db3Recording(Recording):
    """A `.db3`: what it holds is listed from its tables, frames are decoded by the SDK.

    A file that was cut is read up to there, from a copy of its rows in the folder for temporary files.

    Args:
        file: its tables.

    Raises:
        InputError: it is no recording, holds no depth, or the SDK is not there.
    """

    def __init__(self, file: DatabaseFile) -> None:
        path = file.path
        self.path, self._tables = path, file
        self.cut = None
        with connect(file.file, called=path) as database:
            depth, color = _list(database, "Depth"), _list(database, "Color")
        if file.lost:
            self.cut = (
                f"{path} {file.lost}: {len(depth)} depth images and {len(color)} color pictures before that can be "
                "read, what followed is lost: copy the file again if it is whole elsewhere."
            )
        if not depth:
            raise InputError(f"{path} holds no depth images, expected a RealSense recording with depth: record it so.")
        self._streams: dict[str, _Stream] = {"depth": _Stream(depth), "color": _Stream(color)}
        self.depth_s = _times(depth, color)
        self.color_s = _times(color, depth)
        self._depth_unit_m, self._intrinsics, self.depth_lens, self.color_camera = self._calibration()

    def frame(self, index: int, *, depth_unit_m: float | None = None) -> Frame:
        """Depth image `index`; see `Recording`."""
        picture = self._read("depth", index)
        return Frame(
            picture.depth(self.path), depth_unit_m or self._depth_unit_m, self._intrinsics, picture.timestamp_s
        )

    def color(self, index: int) -> UInt8[np.ndarray, "hc wc 3"]:
        """Color picture `index`; see `Recording`."""
        return self._read("color", index).rgb(self.path)

    def __getstate__(self) -> dict[str, Any]:
        """What travels to another process: no open playback, no temporary copy."""
        return {**self.__dict__, "_streams": {name: _Stream(each.listed) for name, each in self._streams.items()}}

    def _read(self, name: Literal["depth", "color"], index: int) -> RawPicture:
        stream = self._streams[name]
        if not 0 <= index < len(stream.listed):
            raise IndexError(f"Frame {index} of {len(stream.listed)} was requested.")
        if stream.playback is None:
            stream.playback = Playback(self._tables.file, name)
        if stream.next is None or not 0 <= index - stream.next <= _SKIPPED:
            stream.next = index
            stream.playback.seek(stream.listed[index].time_ns if index else 0)
        skipped, stream.next = index - stream.next, None  # unknown, should something go wrong
        for _ in range(skipped):
            stream.playback.next()
        picture = stream.playback.next()
        stamp_s = stream.listed[index].stamp_s
        if stamp_s is not None and abs(picture.timestamp_s - stamp_s) > 1e-4:
            raise InputError(
                f"{self.path} gives a frame of {picture.timestamp_s:.4f} s where it lists one of {stamp_s:.4f} s, "
                "expected frames in the order of its table: record it again."
            )
        stream.next = index + 1
        return picture

    def _calibration(self) -> tuple[float, Intrinsics, DepthLens, ColorCamera | None]:
        """Meters per stored unit, the depth camera, its lens and the color camera."""
        check_loads(self._tables.file)
        depth = self._streams["depth"]
        depth.playback = Playback(self._tables.file, "depth")
        unit_m, intrinsics, lens, camera = depth.playback.calibration(color=bool(self._streams["color"].listed))
        if unit_m is None:
            unit_m = depth.listed[0].depth_unit_m
        if unit_m is None or unit_m <= 0:
            raise InputError(
                f"{self.path} does not say the unit of its depth, expected the option Depth Units: record it again."
            )
        return round(unit_m, 9), intrinsics, lens, camera  # the SDK hands it over in single precision


@dataclass(frozen=True)
class _Listed:
    """A frame as the tables list it: where in the file, when and by which clock it was taken, meters per unit."""

    time_ns: int
    stamp_s: float | None
    clock: bytes | None
    depth_unit_m: float | None


@dataclass
class _Stream:
    """Frames of a stream, the playback that reads them, and which comes next, None when that is not known."""

    listed: list[_Listed]
    playback: Playback | None = None
    next: int | None = None


def _list(database: sqlite3.Connection, stream: str) -> list[_Listed]:
    """Frames of a stream in the order they are played: images, with what the message beside each says."""
    query = (
        "SELECT m.timestamp, m.data FROM messages m JOIN topics t ON t.id = m.topic_id "
        "WHERE t.name GLOB ? ORDER BY m.timestamp, m.id"
    )
    reported: dict[int, bytes] = dict(database.execute(query, (f"/device_0/sensor_*/{stream}_*/image/metadata",)))
    images = database.execute(query.replace("m.data", "m.id"), (f"/device_0/sensor_*/{stream}_*/image/data*",))
    return [_listed(time, reported.get(time, b"")) for time, _ in images]


def _listed(time_ns: int, reported: bytes) -> _Listed:
    """A frame by the text beside it, `Frame number=7;timestamp_domain=System Time;timestamp=1199.998000;...`."""
    if not isinstance(time_ns, int):
        raise sqlite3.DataError("a message has no time")
    facts = dict(_FACT.findall(reported)) if isinstance(reported, bytes) else {}
    stamp, unit = (_number(facts.get(name)) for name in (b"timestamp", b"depth_units"))
    return _Listed(time_ns, None if stamp is None else stamp / 1e3, facts.get(b"timestamp_domain"), unit)


def _number(text: bytes | None) -> float | None:
    with contextlib.suppress(ValueError):
        return None if text is None else float(text)
    return None


def _times(listed: list[_Listed], other: list[_Listed]) -> list[float]:
    """Times in seconds: of capture where both streams are stamped by one clock, else of arrival."""
    clocks = {each.clock if each.stamp_s is not None else None for each in (*listed, *other)}
    if len(clocks) == 1 and None not in clocks:
        return [each.stamp_s for each in listed if each.stamp_s is not None]
    return [each.time_ns / 1e9 for each in listed]
