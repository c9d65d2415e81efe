"""RealSense recordings of older SDKs: `.bag`, a ROS 1 file, read without the SDK.

Topics and messages are described in the SDK's `src/media/ros/ros_file_format.h` (file versions 3 and 4).
"""

from __future__ import annotations

import contextlib
import re
import struct
import weakref
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any, Literal

import cv2
import numpy as np
from jaxtyping import Float64, UInt8
from rosbags.interfaces import Connection
from rosbags.rosbag1 import Reader, ReaderError
from rosbags.serde import SerdeError
from rosbags.typesys import Stores, get_typestore
from rosbags.typesys.store import Typestore

from graspseg.frame import Frame, InputError, Intrinsics
from graspseg.sources.cut_bag import CutReader
from graspseg.sources.lens import DepthLens
from graspseg.sources.pixels import RawPicture
from graspseg.sources.recording import Recording
from graspseg.sources.rgbd import ColorCamera
from graspseg.sources.sdk import distortion

_Stream = Literal["Depth", "Color"]

_IMAGE = re.compile(r"/device_0/sensor_\d+/(Depth|Color)_\d+/image/data")
_UNIT = re.compile(r"/device_0/sensor_\d+/option/Depth[ _]Units/value")
_DAMAGE = (ReaderError, SerdeError, AssertionError, ValueError, RuntimeError, EOFError, OSError, struct.error)
_FRAME_ID = 12  # bytes before `header.frame_id`
_LATENCY_FRAMES = 9
_MOST_LATENCY_S = 0.2


class BagRecording(Recording):
    """A `.bag` with depth and, mostly, color.

    Pictures are listed with the time at which they were written. Color takes longer to get there than depth; how much
    longer is found from the first pictures, which also say when they were taken.

    Args:
        path: the file.

    Raises:
        InputError: it is no recording, holds no depth, or its calibration is missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        depth_s, color_s = self._written_s("Depth"), self._written_s("Color")
        if not depth_s:
            raise InputError(f"{path} holds no depth images, expected a RealSense recording with depth: record it so.")
        late_s = self._latency_s("Color") - self._latency_s("Depth") if color_s else 0.0
        late_s = late_s if abs(late_s) < _MOST_LATENCY_S else 0.0  # else the streams have clocks of their own
        self.depth_s, self.color_s = depth_s, [time - late_s for time in color_s]
        self.cut = None
        if isinstance(self._reader, CutReader):
            self.cut = (
                f"{path} was cut: {len(depth_s)} depth images and {len(color_s)} color pictures before the cut can be "
                "read, what followed is lost: copy the file again if it is whole elsewhere."
            )
        self._depth_unit_m = self._unit_m()
        self._intrinsics, self.depth_lens = self._lens("Depth")
        self.color_camera = self._color_camera() if color_s else None

    def frame(self, index: int) -> Frame:
        """Depth image `index`; see `Recording`."""
        picture = self._picture("Depth", index)[0]
        return Frame(picture.depth(self.path), self._depth_unit_m, self._intrinsics, picture.timestamp_s)

    def color(self, index: int) -> UInt8[np.ndarray, "hc wc 3"]:
        """Color picture `index`; see `Recording`."""
        return self._picture("Color", index)[0].rgb(self.path)

    def __getstate__(self) -> dict[str, Any]:
        """What travels to another process: no open file."""
        return {name: value for name, value in self.__dict__.items() if name not in ("_reader", "_types", "_images")}

    @cached_property
    def _reader(self) -> Reader:
        """The open file; one without an index is walked first."""
        reader = Reader(self.path)
        try:
            reader.open()
        except (ReaderError, AssertionError, OSError) as error:
            reader = CutReader(self.path)
            try:
                reader.open()
            except (ReaderError, OSError):
                raise InputError(
                    f"{self.path} is no readable recording ({error}), expected a .bag of the RealSense SDK: record or "
                    "copy it again."
                ) from error
        weakref.finalize(self, reader.close)
        return reader

    @cached_property
    def _types(self) -> Typestore:
        return get_typestore(Stores.ROS1_NOETIC)

    @cached_property
    def _images(self) -> dict[str, Connection]:
        """The connection that carries the pictures of each stream."""
        found = [(match[1], each) for each in self._reader.connections if (match := _IMAGE.fullmatch(each.topic))]
        return dict(reversed(found))

    def _written_s(self, stream: _Stream) -> list[float]:
        """When each picture of a stream was written, in seconds from the start; empty without the stream."""
        if stream not in self._images:
            return []
        return [entry.time / 1e9 for entry in self._reader.indexes[self._images[stream].id]]

    def _latency_s(self, stream: _Stream) -> float:
        """How long after it was taken a picture is written, on clocks that need not agree on zero."""
        written, late = self._written_s(stream), []
        for index in range(min(len(written), _LATENCY_FRAMES)):
            with contextlib.suppress(InputError):  # a damaged picture is told when it is read
                late.append(written[index] - self._picture(stream, index)[0].timestamp_s)
        return median(late) if late else 0.0

    def _picture(self, stream: _Stream, index: int) -> tuple[RawPicture, float]:
        """A picture, and metres per unit, 0 where it does not say."""
        connection = self._images[stream]
        entries = self._reader.indexes[connection.id]
        if not 0 <= index < len(entries):
            raise IndexError(f"Frame {index} of {len(entries)} was asked for.")
        raw = next(self._messages(connection, start_ns=entries[index].time))
        # The SDK writes "1" into the name of the coordinate frame when it adds the unit behind the pixels.
        (length,) = struct.unpack_from("<I", raw, _FRAME_ID)
        has_unit = raw[_FRAME_ID + 4 : _FRAME_ID + 4 + length] == b"1"
        unit_m = struct.unpack("<f", raw[-4:])[0] if has_unit else 0.0
        image = self._parsed(raw[:-4] if has_unit else raw, "sensor_msgs/msg/Image")
        stamp_s = image.header.stamp.sec + image.header.stamp.nanosec / 1e9
        return RawPicture(image.data, int(image.width), int(image.height), image.encoding, stamp_s), unit_m

    def _unit_m(self) -> float:
        """Metres per stored unit: what the first image says, else the option of the sensor."""
        said: list[float] = []
        with contextlib.suppress(InputError):  # a damaged picture is told when it is read
            said.append(self._picture("Depth", 0)[1])
        said += [self._first(each).data for each in self._reader.connections if _UNIT.fullmatch(each.topic)]
        known = [float(unit) for unit in said if unit > 0]
        if not known:
            raise InputError(
                f"{self.path} does not say the unit of its depth, expected the option Depth Units: record it again."
            )
        return round(known[0], 9)  # stored in single precision

    def _lens(self, stream: _Stream) -> tuple[Intrinsics, DepthLens]:
        """Intrinsics and lens of a stream."""
        info = self._first(self._beside(stream, r"/info/camera_info"))
        fx, fy, cx, cy = (float(info.K[place]) for place in (0, 4, 2, 5))
        try:
            coefficients = distortion(info.distortion_model, info.D, of="depth" if stream == "Depth" else "color")
            # So SR300 cameras and the SDK of these files mean it; D400 color says the same, and means the reverse.
            undistorts = stream == "Depth" and info.distortion_model.lower().startswith("inverse")
            return Intrinsics(fx, fy, cx, cy), DepthLens(coefficients, undistorts)
        except InputError as error:
            raise InputError(f"{self.path}: {error}") from None

    def _color_camera(self) -> ColorCamera:
        """Both streams say where they are seen from a common place."""
        depth, color = self._pose("Depth"), self._pose("Color")
        pose = color @ np.linalg.inv(depth)
        intrinsics, lens = self._lens("Color")
        return ColorCamera(intrinsics, pose[:3, :3], pose[:3, 3], lens.coefficients)

    def _pose(self, stream: _Stream) -> Float64[np.ndarray, "4 4"]:
        """Maps points of the common place to the camera of a stream."""
        said = self._first(self._beside(stream, r"/tf/\d+"))
        axis = np.array([said.rotation.x, said.rotation.y, said.rotation.z], np.float64)
        length = float(np.linalg.norm(axis))
        angle = 2 * np.arctan2(length, said.rotation.w)
        pose = np.eye(4)
        pose[:3, :3] = cv2.Rodrigues(axis * (angle / length if length else 0.0))[0]
        pose[:3, 3] = said.translation.x, said.translation.y, said.translation.z
        return pose

    def _beside(self, stream: _Stream, ending: str) -> Connection:
        """A connection that says something of a stream."""
        home = self._images[stream].topic.removesuffix("/image/data")
        found = [each for each in self._reader.connections if re.fullmatch(re.escape(home) + ending, each.topic)]
        if not found:
            raise InputError(
                f"{self.path} has no calibration of its {stream.lower()} camera, expected the topic {home}{ending}: "
                "record it again with the SDK."
            )
        return found[0]

    def _first(self, connection: Connection) -> Any:
        """The first message of a connection."""
        return self._parsed(next(self._messages(connection)), connection.msgtype)

    def _messages(self, connection: Connection, *, start_ns: int | None = None) -> Iterator[bytes]:
        """Messages of a connection from a time on."""
        try:
            yield from (raw for _, _, raw in self._reader.messages([connection], start=start_ns))
        except _DAMAGE as error:
            raise self._damaged(error) from error
        raise self._damaged(EOFError(f"{connection.topic} ends"))

    def _parsed(self, raw: bytes, kind: str) -> Any:
        try:
            return self._types.deserialize_ros1(raw, kind)
        except _DAMAGE as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> InputError:
        return InputError(
            f"{self.path} is damaged here ({error}), expected whole messages: copy it again, or leave this frame out."
        )
