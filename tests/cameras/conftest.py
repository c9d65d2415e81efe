"""Recordings made on the spot: `.db3` by the SDK's software device, `.bag` in the topics and messages of older SDKs."""

import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.rosbag1 import Writer
from rosbags.typesys import Stores, get_typestore

WIDTH, HEIGHT = 32, 24
COLOR_WIDTH, COLOR_HEIGHT = 48, 36
UNIT_M = 0.000125
SIDE_M = 0.025
TURN_RAD = 0.1
COEFFICIENTS = (0.01, -0.02, 0.001, 0.002, 0.003)


def depth_image(number: int) -> np.ndarray:
    """Depth of frame `number`: told from any other, and from a flipped one."""
    return (1000 + number + np.arange(WIDTH)[None] * 3 + np.arange(HEIGHT)[:, None] * 100).astype(np.uint16)


def color_image(number: int, width: int = COLOR_WIDTH, height: int = COLOR_HEIGHT) -> np.ndarray:
    """Color of frame `number`: more red to the right, more green downwards, blue the number."""
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[..., 0], rgb[..., 1] = 90 + np.arange(width)[None], 190 + np.arange(height)[:, None]
    rgb[..., 2] = number % 256
    return rgb


@pytest.fixture(scope="session")
def sdk() -> Any:
    """The real SDK; without it these tests say that they did not run."""
    try:
        import pyrealsense2
    except ImportError as error:
        pytest.skip(f"NOT TESTED: the RealSense SDK cannot be loaded ({error}); apt install libusb-1.0-0")
    return pyrealsense2


class SoftwareCamera:
    """A device of the SDK that streams what it is fed, at 30 Hz by its own clock."""

    def __init__(
        self, sdk: Any, *, color: bool = True, color_size: tuple[int, int] = (COLOR_WIDTH, COLOR_HEIGHT)
    ) -> None:
        self.sdk, self.color_size = sdk, color_size
        self.brighter_when_locked = 0
        self.device = sdk.software_device()
        for kind, text in ((sdk.camera_info.name, "Software camera"), (sdk.camera_info.serial_number, "0123")):
            self.device.register_info(kind, text)
        self.depth_sensor = self.device.add_sensor("Stereo Module")
        self.depth_sensor.add_read_only_option(sdk.option.depth_units, UNIT_M)
        self.depth = self.depth_sensor.add_video_stream(self._stream(sdk.stream.depth, 1), True)
        self.color = None
        if color:
            self._add_color()
        self.device.create_matcher(sdk.matchers.default)
        self.fed = 0

    def _add_color(self) -> None:
        sdk = self.sdk
        self.color_sensor = self.device.add_sensor("RGB Camera")
        for option, low, high, default in (
            (sdk.option.exposure, 1, 10000, 156),
            (sdk.option.gain, 0, 128, 64),
            (sdk.option.white_balance, 2800, 6500, 4600),
            (sdk.option.enable_auto_exposure, 0, 1, 1),
            (sdk.option.enable_auto_white_balance, 0, 1, 1),
        ):
            span = sdk.option_range()
            span.min, span.max, span.step, span.default = low, high, 1, default
            self.color_sensor.add_option(option, span, True)
        self.color = self.color_sensor.add_video_stream(self._stream(sdk.stream.color, 2), True)
        pose = sdk.extrinsics()
        cos, sin = np.cos(TURN_RAD), np.sin(TURN_RAD)
        pose.rotation = [cos, sin, 0, -sin, cos, 0, 0, 0, 1]  # about z, column after column
        pose.translation = [SIDE_M, 0.0, 0.0]
        self.depth.register_extrinsics_to(self.color, pose)

    def _stream(self, kind: Any, uid: int) -> Any:
        sdk, is_depth = self.sdk, kind == self.sdk.stream.depth
        lens = sdk.intrinsics()
        lens.width, lens.height = (WIDTH, HEIGHT) if is_depth else self.color_size
        lens.fx, lens.fy, lens.ppx, lens.ppy = (25, 26, 15, 12) if is_depth else (40, 41, 23, 18)
        lens.model = sdk.distortion.none if is_depth else sdk.distortion.brown_conrady
        lens.coeffs = [0.0] * 5 if is_depth else list(COEFFICIENTS)
        stream = sdk.video_stream()
        stream.type, stream.index, stream.uid, stream.fps, stream.intrinsics = kind, 0, uid, 30, lens
        stream.width, stream.height, stream.bpp = lens.width, lens.height, 2 if is_depth else 3
        stream.fmt = sdk.format.z16 if is_depth else sdk.format.rgb8
        return stream

    def feed(self, *, depth: bool = True, color: bool = True) -> None:
        """Hand over the next frame of both streams, or lose one of them."""
        if depth:
            self._hand_over(self.depth_sensor, self.depth, depth_image(self.fed))
        if color and self.color is not None:
            automatic = self.color_sensor.get_option(self.sdk.option.enable_auto_exposure)
            pixels = color_image(self.fed, *self.color_size)
            pixels[..., 0] += 0 if automatic else self.brighter_when_locked
            self._hand_over(self.color_sensor, self.color, pixels)
        self.fed += 1

    def _hand_over(self, sensor: Any, profile: Any, pixels: np.ndarray) -> None:
        frame = self.sdk.software_video_frame()
        frame.pixels, frame.bpp = pixels, pixels.itemsize * (1 if pixels.ndim == 2 else 3)
        frame.stride = pixels.shape[1] * frame.bpp
        frame.timestamp, frame.frame_number = 1000 + self.fed * 100 / 3, self.fed + 1
        frame.domain, frame.profile = self.sdk.timestamp_domain.system_time, profile.as_video_stream_profile()
        frame.depth_units = UNIT_M
        sensor.on_video_frame(frame)

    def stream(self, stop: threading.Event, *, wait_s: float = 0.01) -> None:
        """Feed frames until told to stop."""
        while not stop.wait(wait_s):
            self.feed()


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
    """Writes a `.db3` by the SDK's recorder; `lost_depth` and `lost_color` are numbers of frames left out."""

    def write(
        path: Path,
        count: int,
        *,
        color: bool = True,
        lost_depth: tuple[int, ...] = (),
        lost_color: tuple[int, ...] = (),
    ) -> Path:
        camera = SoftwareCamera(sdk, color=color)
        recorder = sdk.recorder(str(path), camera.device)
        frames = sdk.frame_queue(2 * count, keep_frames=True)
        sensors = recorder.query_sensors()
        for sensor in sensors:
            sensor.open(sensor.get_stream_profiles())
            sensor.start(frames)
        for number in range(count):
            camera.feed(depth=number not in lost_depth, color=number not in lost_color)
        expected = count * (2 if color else 1) - len(lost_depth) - len(lost_color)
        for _ in range(expected):
            frames.wait_for_frame(2000)
        for sensor in sensors:
            sensor.stop()
            sensor.close()
        return path

    return write


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
