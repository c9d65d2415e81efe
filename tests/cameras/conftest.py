"""Recordings made on the spot: `.db3` by the SDK's software device, `.bag` in the topics and messages of older SDKs."""

import functools
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.rosbag1 import Writer
from rosbags.typesys import Stores, get_typestore

import realsense_samples
from realsense_samples import (
    COEFFICIENTS,
    HEIGHT,
    SIDE_M,
    TURN_RAD,
    UNIT_M,
    WIDTH,
    SoftwareCamera,
    color_image,
    depth_image,
)


@pytest.fixture(scope="session")
def sdk() -> Any:
    """The real SDK; without it these tests say that they did not run."""
    try:
        import pyrealsense2
    except ImportError as error:
        pytest.skip(f"NOT TESTED: the RealSense SDK cannot be loaded ({error}); apt install libusb-1.0-0")
    return pyrealsense2


@pytest.fixture
def camera(sdk: Any) -> SoftwareCamera:
    return SoftwareCamera(sdk, color_size=(WIDTH, HEIGHT))  # one size of both streams, as graspseg record asks for


@pytest.fixture
def streaming(camera: SoftwareCamera) -> Iterator[SoftwareCamera]:
    """A camera that streams while the test runs."""
    stop = threading.Event()
    thread = threading.Thread(target=camera.stream, args=(stop,))
    thread.start()
    yield camera
    stop.set()
    thread.join()


@pytest.fixture
def write_db3(sdk: Any) -> Callable[..., Path]:
    """Writes a `.db3`; see `realsense_samples.write_db3`."""
    return functools.partial(realsense_samples.write_db3, sdk)


@pytest.fixture
def write_bag() -> Callable[..., Path]:
    """Writes a `.bag` as SDKs up to 2.57 did; see `ros_file_format.h` and `ros_writer.cpp` of the SDK."""

    def write(path: Path, count: int, **options: Any) -> Path:
        _Bag(path, **options).write(count)
        return path

    return write


class _Bag:
    def __init__(
        self,
        path: Path,
        *,
        lz4: bool = False,
        color: bool = True,
        unit_inside: bool = True,
        encodings: tuple[str, str] = ("mono16", "rgb8"),
        late_ms: float = 0.0,
        leave_out: tuple[str, ...] = (),
        depth_lens: tuple[str, tuple[float, ...]] = ("None", (0.0,) * 5),
    ) -> None:
        self.types = get_typestore(Stores.ROS1_NOETIC)
        self.writer = Writer(path)
        self.writer.chunk_threshold = 8000  # a few frames each
        if lz4:
            self.writer.set_compression(Writer.CompressionFormat.LZ4)
        self.color, self.unit_inside, self.encodings = color, unit_inside, encodings
        self.late_ms, self.leave_out, self.depth_lens = late_ms, leave_out, depth_lens
        self.connections: dict[str, Any] = {}

    def write(self, count: int) -> None:
        self.writer.open()
        depth, color = "/device_0/sensor_0/Depth_0", "/device_0/sensor_1/Color_0"
        self._say("/file_version", "std_msgs/msg/UInt32", data=4)
        self._say("/device_0/sensor_0/option/Depth Units/value", "std_msgs/msg/Float32", data=UNIT_M)
        self._lens(depth, (25, 26, 15, 12), *self.depth_lens)
        self._pose(depth, 0.0, 0.0)
        if self.color:
            self._lens(color, (40, 41, 23, 18), "Brown Conrady", COEFFICIENTS)
            self._pose(color, TURN_RAD, SIDE_M)
        for number in range(count):
            written_ns = round((0.5 + number / 30) * 1e9)
            self._image(depth, number, depth_image(number), self.encodings[0], written_ns)
            if self.color:
                late_ns = round(self.late_ms * 1e6)
                self._image(color, number, color_image(number), self.encodings[1], written_ns + late_ns)
        self.writer.close()

    def _message(self, kind: str, /, **fields: Any) -> Any:
        return self.types.types[kind](**fields)

    def _say(self, topic: str, kind: str, /, *, time_ns: int = 1, behind: bytes = b"", **fields: Any) -> None:
        if any(part in topic for part in self.leave_out):
            return
        if topic not in self.connections:
            self.connections[topic] = self.writer.add_connection(topic, kind, typestore=self.types)
        raw = bytes(self.types.serialize_ros1(self._message(kind, **fields), kind)) + behind
        self.writer.write(self.connections[topic], time_ns, raw)

    def _header(self, number: int, name: str) -> Any:
        stamp_ns = round((1000 + number * 100 / 3) * 1e6)
        time = self._message("builtin_interfaces/msg/Time", sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)
        return self._message("std_msgs/msg/Header", seq=number, stamp=time, frame_id=name)

    def _image(self, home: str, number: int, pixels: np.ndarray, encoding: str, time_ns: int) -> None:
        self._say(
            f"{home}/image/data",
            "sensor_msgs/msg/Image",
            time_ns=time_ns,
            behind=struct.pack("<f", UNIT_M if "Depth" in home else 0.0) if self.unit_inside else b"",
            header=self._header(number, "1" if self.unit_inside else ""),
            height=pixels.shape[0],
            width=pixels.shape[1],
            encoding=encoding,
            is_bigendian=0,
            step=pixels.strides[0],
            data=np.frombuffer(pixels.tobytes(), np.uint8),
        )

    def _lens(self, home: str, camera: tuple[float, ...], model: str, coefficients: tuple[float, ...]) -> None:
        fx, fy, cx, cy = camera
        region = self._message(
            "sensor_msgs/msg/RegionOfInterest", x_offset=0, y_offset=0, height=0, width=0, do_rectify=False
        )
        self._say(
            f"{home}/info/camera_info",
            "sensor_msgs/msg/CameraInfo",
            header=self._header(0, ""),
            height=HEIGHT,
            width=WIDTH,
            distortion_model=model,
            D=np.array(coefficients),
            K=np.array([fx, 0, cx, 0, fy, cy, 0, 0, 1], np.float64),
            R=np.zeros(9),
            P=np.zeros(12),
            binning_x=0,
            binning_y=0,
            roi=region,
        )

    def _pose(self, home: str, turn_rad: float, side_m: float) -> None:
        self._say(
            f"{home}/tf/0",
            "geometry_msgs/msg/Transform",
            translation=self._message("geometry_msgs/msg/Vector3", x=side_m, y=0.0, z=0.0),
            rotation=self._message(
                "geometry_msgs/msg/Quaternion", x=0.0, y=0.0, z=np.sin(turn_rad / 2), w=np.cos(turn_rad / 2)
            ),
        )
