"""Small ROS recordings of every form, made on the spot: for tests and for benchmarks/robustness/fuzz.py."""

from __future__ import annotations

import functools
import shutil
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from rosbags import rosbag1, rosbag2
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

Form = Literal[
    "bag", "bag-bz2", "bag-lz4", "db3", "db3-message", "db3-file", "mcap", "mcap-zstd", "mcap-file", "folder-mcap"
]
FORMS: tuple[Form, ...] = ("bag", "bag-bz2", "bag-lz4", "db3", "db3-message", "db3-file", "mcap", "mcap-zstd")
WIDTH, HEIGHT = 32, 24
DEPTH, COLOR, INFO = "/camera/depth/image_raw", "/camera/color/image_raw", "/camera/depth/camera_info"
COLOR_INFO = "/camera/color/camera_info"
IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
START_NS = 1_700_000_000 * 10**9
STEP_NS = 33_333_333


def depth_mm(number: int) -> np.ndarray:
    """Depth of frame `number`: told from any other and from a flipped one, with a hole."""
    depth = (500 + 7 * number + np.arange(WIDTH)[None] * 3 + np.arange(HEIGHT)[:, None] * 10).astype(np.uint16)
    depth[4:7, 5:9] = 0
    return depth


def color_rgb(number: int) -> np.ndarray:
    """Color of frame `number`."""
    rgb = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    rgb[..., 0], rgb[..., 1] = 90 + np.arange(WIDTH)[None], 190 + np.arange(HEIGHT)[:, None]
    rgb[..., 2] = number
    return rgb


class RosWriter:
    """Writes messages to a recording.

    Args:
        path: the `.bag`; or the folder of a recording of ROS 2.
        form: the format, and after a hyphen its compression.
    """

    def __init__(self, path: Path, form: Form) -> None:
        self.ros1 = form.startswith("bag")
        self._types = _types(ros1=self.ros1)
        self._writer: Any = rosbag1.Writer(path) if self.ros1 else _writer2(path, form)
        if self.ros1:
            self._writer.chunk_threshold = 8000  # a few frames each
        compression = form.partition("-")[2]
        if self.ros1 and compression:
            self._writer.set_compression(getattr(rosbag1.Writer.CompressionFormat, compression.upper()))
        modes = {"message": CompressionMode.MESSAGE, "file": CompressionMode.FILE, "zstd": CompressionMode.STORAGE}
        if not self.ros1 and compression in modes:
            self._writer.set_compression(modes[compression], CompressionFormat.ZSTD)
        self._writer.open()
        self._connections: dict[str, Any] = {}

    def close(self) -> None:
        self._writer.close()

    def make(self, kind: str, /, **fields: Any) -> Any:
        """A message, with the names of fields as ROS 2 has them."""
        if self.ros1 and kind.endswith("CameraInfo"):
            fields = {name.upper() if len(name) == 1 else name: value for name, value in fields.items()}
        return self._types.types[kind](**fields)

    def say(self, topic: str, kind: str, message: Any, *, time_ns: int) -> None:
        if topic not in self._connections:
            self._connections[topic] = self._writer.add_connection(topic, kind, typestore=self._types)
        raw = self._types.serialize_ros1(message, kind) if self.ros1 else self._types.serialize_cdr(message, kind)
        self._writer.write(self._connections[topic], time_ns, bytes(raw))

    def header(self, time_ns: int, frame_id: str) -> Any:
        stamp = self.make("builtin_interfaces/msg/Time", sec=time_ns // 10**9, nanosec=time_ns % 10**9)
        extra = {"seq": 0} if self.ros1 else {}
        return self.make("std_msgs/msg/Header", stamp=stamp, frame_id=frame_id, **extra)

    def image(
        self,
        topic: str,
        pixels: np.ndarray,
        encoding: str,
        *,
        time_ns: int,
        written_ns: int | None = None,
        frame_id: str = "camera",
        big_endian: bool = False,
        padding: int = 0,
    ) -> None:
        """Say an Image; `padding` bytes follow each row."""
        stored = pixels.astype(pixels.dtype.newbyteorder(">")) if big_endian else pixels
        rows = np.frombuffer(stored.tobytes(), np.uint8).reshape(len(pixels), -1)
        rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
        message = self.make(
            IMAGE,
            header=self.header(time_ns, frame_id),
            height=pixels.shape[0],
            width=pixels.shape[1],
            encoding=encoding,
            is_bigendian=int(big_endian),
            step=rows.shape[1],
            data=rows.reshape(-1),
        )
        self.say(topic, IMAGE, message, time_ns=time_ns if written_ns is None else written_ns)

    def compressed(self, topic: str, data: bytes, format_: str, *, time_ns: int, frame_id: str = "camera") -> None:
        """Say a CompressedImage."""
        message = self.make(
            COMPRESSED, header=self.header(time_ns, frame_id), format=format_, data=np.frombuffer(data, np.uint8)
        )
        self.say(topic, COMPRESSED, message, time_ns=time_ns)

    def camera_info(
        self,
        topic: str,
        camera: tuple[float, float, float, float],
        *,
        size: tuple[int, int] = (WIDTH, HEIGHT),
        model: str = "plumb_bob",
        distortion: Iterable[float] = (0.0,) * 5,
        projection: tuple[float, float, float, float] | None = None,
        binning: int = 0,
        time_ns: int = START_NS,
    ) -> None:
        """Say a CameraInfo of fx, fy, cx, cy; `projection` is the same for rectified images."""
        fx, fy, cx, cy = camera
        px, py, qx, qy = projection or camera
        region = self.make(
            "sensor_msgs/msg/RegionOfInterest", x_offset=0, y_offset=0, height=0, width=0, do_rectify=False
        )
        message = self.make(
            "sensor_msgs/msg/CameraInfo",
            header=self.header(time_ns, "camera"),
            width=size[0],
            height=size[1],
            distortion_model=model,
            d=np.array(list(distortion), np.float64),
            k=np.array([fx, 0, cx, 0, fy, cy, 0, 0, 1], np.float64),
            r=np.eye(3).reshape(-1),
            p=np.array([px, 0, qx, 0, 0, py, qy, 0, 0, 0, 1, 0], np.float64),
            binning_x=binning,
            binning_y=binning,
            roi=region,
        )
        self.say(topic, "sensor_msgs/msg/CameraInfo", message, time_ns=time_ns)

    def transform(self, parent: str, child: str, *, turn_rad: float, shift_m: tuple[float, float, float]) -> None:
        """Say in `/tf_static` where a child frame is in its parent: turned about z, then shifted."""
        x, y, z = shift_m
        transform = self.make(
            "geometry_msgs/msg/Transform",
            translation=self.make("geometry_msgs/msg/Vector3", x=x, y=y, z=z),
            rotation=self.make(
                "geometry_msgs/msg/Quaternion", x=0.0, y=0.0, z=np.sin(turn_rad / 2), w=np.cos(turn_rad / 2)
            ),
        )
        stamped = self.make(
            "geometry_msgs/msg/TransformStamped",
            header=self.header(START_NS, parent),
            child_frame_id=child,
            transform=transform,
        )
        self.say(
            "/tf_static",
            "tf2_msgs/msg/TFMessage",
            self.make("tf2_msgs/msg/TFMessage", transforms=[stamped]),
            time_ns=START_NS,
        )


def write_take(path: Path, form: Form, *, frames: int = 6, color: bool = True, camera: bool = True) -> Path:
    """Write depth of 16UC1 with aligned color; a recording that is one file ends up at `path`.

    Args:
        path: the file, or the folder of a recording that is one.
        form: see `RosWriter`.
        frames: how many.
        color: whether there is any.
        camera: whether there is a `camera_info`.
    """
    target = (
        path if form.startswith(("bag", "folder")) or form.endswith("-file") else path.with_name(f"{path.name}-made")
    )
    writer = RosWriter(target, form)
    if camera:
        writer.camera_info(INFO, (25.0, 26.0, 15.0, 12.0))
    for number in range(frames):
        time_ns = START_NS + number * STEP_NS
        writer.image(DEPTH, depth_mm(number), "16UC1", time_ns=time_ns)
        if color:
            writer.image(COLOR, color_rgb(number), "rgb8", time_ns=time_ns + 2_000_000)
    writer.close()
    if target != path:
        shutil.move(storage_of(target), path)
        shutil.rmtree(target)
    return path


def write_realsense_bag(path: Path, *, frames: int = 4) -> Path:
    """Write a `.bag` in the topics of old RealSense SDKs, with depth alone."""
    home, writer = "/device_0/sensor_0/Depth_0", RosWriter(path, "bag")
    unit = "/device_0/sensor_0/option/Depth Units/value"
    writer.say(unit, "std_msgs/msg/Float32", writer.make("std_msgs/msg/Float32", data=0.001), time_ns=1)
    writer.camera_info(f"{home}/info/camera_info", (25.0, 26.0, 15.0, 12.0), model="None", time_ns=1)
    for number in range(frames):
        time_ns = START_NS + number * STEP_NS
        writer.image(f"{home}/image/data", depth_mm(number), "mono16", time_ns=time_ns, frame_id="")
    writer.close()
    return path


def storage_of(folder: Path) -> Path:
    """The one file of messages in the folder of a recording."""
    (found,) = (each for each in folder.iterdir() if each.suffix in (".db3", ".mcap", ".zstd"))
    return found


def compressed_depth(pixels: np.ndarray, codec: Literal["png", "rvl"], *, a: float = 0.0, b: float = 0.0) -> bytes:
    """What a `compressedDepth` message holds: 12 bytes of header, then PNG, or size and RVL."""
    head = struct.pack("<iff", 0, a, b)
    if codec == "png":
        return head + cv2.imencode(".png", pixels)[1].tobytes()
    return head + struct.pack("<II", pixels.shape[1], pixels.shape[0]) + encode_rvl(pixels)


def encode_rvl(pixels: np.ndarray) -> bytes:
    """RVL pixel by pixel, as Wilson's paper has it."""
    halves: list[int] = []

    def put(number: int) -> None:
        while True:
            low, number = number & 7, number >> 3
            halves.append(low | (8 if number else 0))
            if not number:
                return

    flat, place, last = [int(value) for value in pixels.reshape(-1)], 0, 0
    while place < len(flat):
        measured = place
        while measured < len(flat) and flat[measured] == 0:
            measured += 1
        end = measured
        while end < len(flat) and flat[end] != 0:
            end += 1
        put(measured - place)
        put(end - measured)
        for value in flat[measured:end]:
            change, last = value - last, value
            put((change << 1) ^ (change >> 31))
        place = end
    halves += [0] * (-len(halves) % 8)
    words = [sum(half << (28 - 4 * at) for at, half in enumerate(halves[i : i + 8])) for i in range(0, len(halves), 8)]
    return struct.pack(f"<{len(words)}I", *words)


@functools.cache
def _types(*, ros1: bool) -> Any:
    types = get_typestore(Stores.ROS1_NOETIC if ros1 else Stores.ROS2_HUMBLE)
    if ros1:
        types.register(get_types_from_msg("geometry_msgs/TransformStamped[] transforms", "tf2_msgs/msg/TFMessage"))
    return types


def _writer2(path: Path, form: Form) -> rosbag2.Writer:
    plugin = StoragePlugin.SQLITE3 if form.startswith("db3") else StoragePlugin.MCAP
    return rosbag2.Writer(path, version=9, storage_plugin=plugin)
