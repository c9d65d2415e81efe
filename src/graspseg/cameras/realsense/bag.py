"""RealSense recordings of older SDKs: `.bag`, a ROS 1 file, read without the SDK.

Topics and messages are described in the SDK's `src/media/ros/ros_file_format.h` (file versions 3 and 4).
"""

from __future__ import annotations

import contextlib
import re
import struct
from functools import cached_property
from statistics import median
from typing import Any, Literal

import numpy as np
from jaxtyping import Float64, UInt8

from graspseg.cameras.pixels import RawPicture
from graspseg.cameras.realsense.sdk import distortion
from graspseg.cameras.recording import Recording
from graspseg.cameras.rgbd import ColorCamera
from graspseg.cameras.ros.bag import BagFile
from graspseg.cameras.ros.camera import pose_of
from graspseg.cameras.ros.messages import damage_reported, deserialize
from graspseg.cameras.undistort import DepthLens
from graspseg.errors import InputError
from graspseg.frame import FAR_TOO_COARSE_M, Frame, Intrinsics

_Stream = Literal["Depth", "Color"]

_IMAGE = re.compile(r"/device_0/sensor_\d+/(Depth|Color)_\d+/image/data")
_UNIT = re.compile(r"/device_0/sensor_\d+/option/Depth[ _]Units/value")
_FRAME_ID = 12  # bytes before `header.frame_id`
_LATENCY_FRAMES = 9
_MOST_LATENCY_S = 0.2


class BagRecording(Recording):
    """A `.bag` with depth and, mostly, color.

    Pictures are listed with the time at which they were written. Color takes longer to get there than depth; how much
    longer is found from the first pictures, which also say when they were taken.

    Args:
        file: its messages.

    Raises:
        InputError: it holds no depth, or its calibration is missing.
    """

    def __init__(self, file: BagFile) -> None:
        path = file.path
        self.path, self._file = path, file
        depth_s, color_s = self._written_s("Depth"), self._written_s("Color")
        if not depth_s:
            raise InputError(f"{path} holds no depth images, expected a RealSense recording with depth: record it so.")
        late_s = self._latency_s("Color") - self._latency_s("Depth") if color_s else 0.0
        late_s = late_s if abs(late_s) < _MOST_LATENCY_S else 0.0  # else the streams have clocks of their own
        self.depth_s, self.color_s = depth_s, [time - late_s for time in color_s]
        self.cut = None
        if file.lost:
            self.cut = (
                f"{path} was cut: {len(depth_s)} depth images and {len(color_s)} color pictures before the cut can be "
                "read, what followed is lost: copy the file again if it is whole elsewhere."
            )
        self._depth_unit_m = self._unit_m()
        self._intrinsics, self.depth_lens = self._lens("Depth")
        self.color_camera = self._color_camera() if color_s else None

    def frame(self, index: int, *, depth_unit_m: float | None = None) -> Frame:
        """Depth image `index`; see `Recording`."""
        picture = self._picture("Depth", index)[0]
        return Frame(
            picture.depth(self.path), depth_unit_m or self._depth_unit_m, self._intrinsics, picture.timestamp_s
        )

    def color(self, index: int) -> UInt8[np.ndarray, "hc wc 3"]:
        """Color picture `index`; see `Recording`."""
        return self._picture("Color", index)[0].rgb(self.path)

    @cached_property
    def _images(self) -> dict[str, str]:
        """The topic that carries the pictures of each stream."""
        found = [(match[1], topic) for topic in self._file.topics if (match := _IMAGE.fullmatch(topic))]
        return dict(reversed(found))

    def _written_s(self, stream: _Stream) -> list[float]:
        """When each picture of a stream was written, in seconds from the start; empty without the stream."""
        if stream not in self._images:
            return []
        return [time_ns / 1e9 for time_ns in self._file.topics[self._images[stream]].times_ns]

    def _latency_s(self, stream: _Stream) -> float:
        """How long after it was taken a picture is written, on clocks that need not agree on zero."""
        written, late = self._written_s(stream), []
        for index in range(min(len(written), _LATENCY_FRAMES)):
            with contextlib.suppress(InputError):  # a damaged picture is told when it is read
                late.append(written[index] - self._picture(stream, index)[0].timestamp_s)
        return median(late) if late else 0.0

    def _picture(self, stream: _Stream, index: int) -> tuple[RawPicture, float]:
        """A picture, and meters per unit, 0 where it does not say."""
        topic = self._images[stream]
        count = len(self._file.topics[topic])
        if not 0 <= index < count:
            raise IndexError(f"Frame {index} of {count} was requested.")
        raw = self._file.raw(topic, index)
        with damage_reported(self.path):
            # The SDK writes "1" into the name of the coordinate frame when it adds the unit behind the pixels.
            (length,) = struct.unpack_from("<I", raw, _FRAME_ID)
            has_unit = raw[_FRAME_ID + 4 : _FRAME_ID + 4 + length] == b"1"
            unit_m = struct.unpack("<f", raw[-4:])[0] if has_unit else 0.0
            image = deserialize(raw[:-4] if has_unit else raw, "sensor_msgs/msg/Image", "ros1")
        stamp_s = image.header.stamp.sec + image.header.stamp.nanosec / 1e9
        return RawPicture(image.data, int(image.width), int(image.height), image.encoding, stamp_s), unit_m

    def _unit_m(self) -> float:
        """Meters per stored unit: what the first image says, else the option of the sensor."""
        reported: list[float] = []
        with contextlib.suppress(InputError):  # a damaged picture is told when it is read
            reported.append(self._picture("Depth", 0)[1])
        reported += [float(self._first(topic).data) for topic in self._file.topics if _UNIT.fullmatch(topic)]
        known = [unit for unit in reported if 0 < unit < FAR_TOO_COARSE_M]
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
        return pose_of(self._first(self._beside(stream, r"/tf/\d+")))

    def _beside(self, stream: _Stream, ending: str) -> str:
        """A topic that says something of a stream."""
        home = self._images[stream].removesuffix("/image/data")
        found = [topic for topic in self._file.topics if re.fullmatch(re.escape(home) + ending, topic)]
        if not found:
            raise InputError(
                f"{self.path} has no calibration of its {stream.lower()} camera, expected the topic {home}{ending}: "
                "record it again with the SDK."
            )
        return found[0]

    def _first(self, topic: str) -> Any:
        """The first message of a topic."""
        if not len(self._file.topics[topic]):
            raise InputError(f"{self.path} has no message of {topic}, expected one: record it again.")
        return self._file.parsed(topic, 0)
