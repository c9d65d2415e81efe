"""RealSense recordings of the current SDK: `.db3`, an SQLite file."""

from __future__ import annotations

import contextlib
import re
import shutil
import sqlite3
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import UInt8

from graspseg.datasets.atomic import unwritable
from graspseg.frame import Frame, InputError, Intrinsics
from graspseg.sources.lens import DepthLens
from graspseg.sources.pixels import RawPicture
from graspseg.sources.playback import Playback
from graspseg.sources.recording import Recording
from graspseg.sources.rgbd import ColorCamera

_SKIPPED = 8  # frames that are sooner read than sought
_FACT = re.compile(rb"([A-Za-z][A-Za-z _]*)=([^;]*);")
_MAGIC = b"SQLite format 3\0"
_HEADER = 100
_LAST = 64  # messages; more than SQLite keeps in memory (2 MB) before it writes


class _DamagedError(InputError):
    """Some page of the file is none of SQLite's."""


class Db3Recording(Recording):
    """A `.db3`: what it holds is listed from its tables, frames are decoded by the SDK.

    A file that was cut, or that a killed recorder left without some of its pages, is read up to there, from a copy of
    its rows in the folder for temporary files.

    Args:
        path: the file.

    Raises:
        InputError: it is no recording, holds no depth, or the SDK is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._whole = _is_whole(path)
        self.cut = None
        happened = "was cut"
        try:
            depth, color = self._lists()
        except _DamagedError:
            if not self._whole:
                raise
            self._whole, happened = False, "was never finished by its recorder"
            del self._file
            depth, color = self._lists()
        if not self._whole:
            self.cut = (
                f"{path} {happened}: {len(depth)} depth images and {len(color)} color pictures before that can be "
                "read, what followed is lost: copy the file again if it is whole elsewhere."
            )
        if not depth:
            raise InputError(f"{path} holds no depth images, expected a RealSense recording with depth: record it so.")
        self._streams: dict[str, _Stream] = {"depth": _Stream(depth), "color": _Stream(color)}
        self.depth_s = _times(depth, color)
        self.color_s = _times(color, depth)
        self._depth_unit_m, self._intrinsics, self.depth_lens, self.color_camera = self._calibration()

    def frame(self, index: int) -> Frame:
        """Depth image `index`; see `Recording`."""
        picture = self._read("depth", index)
        return Frame(picture.depth(self.path), self._depth_unit_m, self._intrinsics, picture.timestamp_s)

    def color(self, index: int) -> UInt8[np.ndarray, "hc wc 3"]:
        """Color picture `index`; see `Recording`."""
        return self._read("color", index).rgb(self.path)

    def __getstate__(self) -> dict[str, Any]:
        """What travels to another process: no open playback, no temporary copy."""
        state = {**self.__dict__, "_streams": {name: _Stream(each.listed) for name, each in self._streams.items()}}
        state.pop("_file", None)
        return state

    @cached_property
    def _file(self) -> Path:
        """The file that is played: the recording itself, or what can be saved of it."""
        return self.path if self._whole else _saved_rows(self, self.path)

    def _lists(self) -> tuple[list[_Listed], list[_Listed]]:
        """Frames of depth and of color; reads the last messages in full, among which unwritten pages are."""
        with _connect(self._file, called=self.path) as database:
            database.execute(
                "SELECT max(substr(data, -1)) FROM messages WHERE id > (SELECT max(id) FROM messages) - ?", (_LAST,)
            ).fetchone()
            return _list(database, "Depth"), _list(database, "Color")

    def _read(self, name: Literal["depth", "color"], index: int) -> RawPicture:
        stream = self._streams[name]
        if not 0 <= index < len(stream.listed):
            raise IndexError(f"Frame {index} of {len(stream.listed)} was asked for.")
        if stream.playback is None:
            stream.playback = Playback(self._file, name)
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
        """Metres per stored unit, the depth camera, its lens and the color camera."""
        depth = self._streams["depth"]
        depth.playback = Playback(self._file, "depth")
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
    """A frame as the tables list it: where in the file, when and by which clock it was taken, metres per unit."""

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


@contextlib.contextmanager
def _connect(path: Path, *, called: Path | None = None) -> Iterator[sqlite3.Connection]:
    """Open the tables for reading; what is wrong with them becomes one sentence, about `called`."""
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            yield database
    except sqlite3.Error as error:
        damaged = isinstance(error, sqlite3.DatabaseError) and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_CORRUPT
        raise (_DamagedError if damaged else InputError)(
            f"{called or path} is no readable recording ({error}), expected a .db3 of the RealSense SDK: record or "
            "copy it again."
        ) from error


def _list(database: sqlite3.Connection, stream: str) -> list[_Listed]:
    """Frames of a stream in the order they are played: images, with what the message beside each says."""
    query = (
        "SELECT m.timestamp, m.data FROM messages m JOIN topics t ON t.id = m.topic_id "
        "WHERE t.name GLOB ? ORDER BY m.timestamp, m.id"
    )
    said: dict[int, bytes] = dict(database.execute(query, (f"/device_0/sensor_*/{stream}_*/image/metadata",)))
    images = database.execute(query.replace("m.data", "m.id"), (f"/device_0/sensor_*/{stream}_*/image/data*",))
    return [_listed(time, said.get(time, b"")) for time, _ in images]


def _listed(time_ns: int, said: bytes) -> _Listed:
    """A frame by the text beside it, `Frame number=7;timestamp_domain=System Time;timestamp=1199.998000;...`."""
    facts = dict(_FACT.findall(said))
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


def _is_whole(path: Path) -> bool:
    """Whether a file is as long as its header says.

    Raises:
        InputError: it cannot be read, or is no SQLite file.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER)
    except OSError as error:
        raise InputError(f"{path} could not be read ({error.strerror}), expected a recording: check it.") from error
    if len(head) < _HEADER or not head.startswith(_MAGIC):
        found = "an empty file" if not head else "no SQLite file"
        raise InputError(f"{path} is {found}, expected a .db3 of the RealSense SDK: record or copy it again.")
    page, pages = _pages(head)
    return path.stat().st_size >= page * pages


def _pages(head: bytes) -> tuple[int, int]:
    """Bytes of a page and number of pages (SQLite file format, section 1.3)."""
    page, pages = int.from_bytes(head[16:18], "big"), int.from_bytes(head[28:32], "big")
    return 65536 if page == 1 else page, pages


def _saved_rows(owner: Db3Recording, path: Path) -> Path:
    """A copy of every row before the cut; it is removed with its owner.

    Raises:
        InputError: not even the list of topics is left.
        OutputError: there is no room for it.
    """
    folder = tempfile.TemporaryDirectory(prefix="graspseg-", ignore_cleanup_errors=True)
    weakref.finalize(owner, folder.cleanup)
    damaged, saved = Path(folder.name) / "damaged.db3", Path(folder.name) / path.name
    try:
        shutil.copyfile(path, damaged)
        with damaged.open("r+b") as file:
            page, _ = _pages(file.read(_HEADER))
            file.seek(28)
            file.write((damaged.stat().st_size // page).to_bytes(4, "big"))  # SQLite refuses shorter files
    except OSError as error:
        raise unwritable(damaged, error) from error
    with _connect(damaged, called=path) as source, contextlib.closing(sqlite3.connect(saved)) as target, target:
        for (statement,) in source.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"):
            target.execute(statement)
        target.executemany("INSERT INTO topics VALUES (?, ?, ?, ?, ?)", source.execute("SELECT * FROM topics"))
        rows = source.execute("SELECT id, topic_id, timestamp, data FROM messages NOT INDEXED ORDER BY id")
        with contextlib.suppress(sqlite3.DatabaseError):  # at the cut
            for row in rows:
                target.execute("INSERT INTO messages VALUES (?, ?, ?, ?)", row)
    damaged.unlink()
    return saved
