"""Results as one `.mcap` file of ROS 2 messages, for Foxglove and for playing again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from time import time
from typing import Any

import numpy as np

from graspseg.datasets.atomic import make_folder, unwritable
from graspseg.errors import InputError, not_installed
from graspseg.frame import Frame
from graspseg.live.stream import LiveResult

DEPTH, CAMERA, MASK = "/depth/image_rect", "/depth/camera_info", "/graspseg/mask"
_IMAGE, _INFO = "sensor_msgs/msg/Image", "sensor_msgs/msg/CameraInfo"
_FRAME_ID = "depth_optical_frame"


class McapSink:
    """Writes depth (16UC1 millimeters, or 32FC1 meters where the unit is another one), camera and mask (mono8).

    The file takes its name when it is closed; until then it grows in a hidden folder beside it.

    Args:
        path: a new file.

    Raises:
        InputError: it is there already, or `rosbags` is not installed.
        OutputError: it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        try:
            from rosbags.rosbag2 import StoragePlugin, Writer
            from rosbags.typesys import Stores, get_typestore
        except ModuleNotFoundError as error:
            raise InputError(not_installed(f"Writing {path.name}", error.name, "ros")) from error
        if path.exists():
            raise InputError(f"{path} is there already, expected a new file: choose another --save.")
        make_folder(path.parent)
        self._path, self._part = path, path.with_name(f".{path.name}.{os.getpid()}.tmp")
        self._types = get_typestore(Stores.ROS2_HUMBLE)
        try:
            self._writer = Writer(self._part, version=9, storage_plugin=StoragePlugin.MCAP)
            self._writer.open()
            self._topics = {
                topic: self._writer.add_connection(topic, kind, typestore=self._types)
                for topic, kind in ((DEPTH, _IMAGE), (CAMERA, _INFO), (MASK, _IMAGE))
            }
        except OSError as error:
            raise unwritable(path, error) from error
        self._count = 0

    def add(self, result: LiveResult) -> None:
        """See `Sink`."""
        frame = result.frame
        time_ns = int(1e9 * (time() if frame.timestamp_s is None else frame.timestamp_s))
        make = self._types.types
        stamp = make["builtin_interfaces/msg/Time"](sec=time_ns // 10**9, nanosec=time_ns % 10**9)
        header = make["std_msgs/msg/Header"](stamp=stamp, frame_id=_FRAME_ID)
        millimeters = abs(frame.depth_unit_m - 0.001) < 1e-9
        depth = frame.depth if millimeters else np.where(frame.depth > 0, frame.depth_m(), np.float32(np.nan))
        messages = (
            (DEPTH, _image(make[_IMAGE], header, depth, "16UC1" if millimeters else "32FC1")),
            (CAMERA, _camera_info(make, header, frame)),
            (MASK, _image(make[_IMAGE], header, result.segmentation.labels, "mono8")),
        )
        try:
            for topic, message in messages:
                raw = self._types.serialize_cdr(message, message.__msgtype__)
                self._writer.write(self._topics[topic], time_ns, raw)
        except OSError as error:
            raise unwritable(self._path, error) from error
        self._count += 1

    def close(self) -> None:
        """See `Sink`; a recording without a frame leaves nothing behind."""
        try:
            self._writer.close()
            if self._count:
                os.replace(next(self._part.glob("*.mcap")), self._path)
        except OSError as error:
            raise unwritable(self._path, error) from error
        finally:
            shutil.rmtree(self._part, ignore_errors=True)


def _image(make: Any, header: Any, pixels: np.ndarray, encoding: str) -> Any:
    height, width = pixels.shape
    return make(
        header=header,
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=0,
        step=width * pixels.itemsize,
        data=np.ascontiguousarray(pixels).reshape(-1).view(np.uint8),
    )


def _camera_info(make: Any, header: Any, frame: Frame) -> Any:
    camera = frame.intrinsics_or_default()
    height, width = frame.depth.shape
    k = [camera.fx, 0, camera.cx, 0, camera.fy, camera.cy, 0, 0, 1]
    p = [camera.fx, 0, camera.cx, 0, 0, camera.fy, camera.cy, 0, 0, 0, 1, 0]
    roi = make["sensor_msgs/msg/RegionOfInterest"](x_offset=0, y_offset=0, height=0, width=0, do_rectify=False)
    return make[_INFO](
        header=header,
        height=height,
        width=width,
        distortion_model="plumb_bob",
        d=np.zeros(5),
        k=np.array(k, np.float64),
        r=np.eye(3).reshape(-1),
        p=np.array(p, np.float64),
        binning_x=0,
        binning_y=0,
        roi=roi,
    )
