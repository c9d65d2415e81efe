"""A ROS 2 node: depth in; mask, colored mask, confidence and depth without the hand out.

    python3 graspseg_node.py --ros-args --params-file graspseg.yaml -r depth/image_rect:=/camera/depth/image_rect_raw \
        -r depth/camera_info:=/camera/depth/camera_info

Needs ROS 2 (rclpy, sensor_msgs, vision_msgs) and graspseg in the same Python.

| topic | type | content |
|---|---|---|
| `depth/image_rect` (in) | Image 16UC1 mm or 32FC1 m; CompressedImage with the parameter `compressed` | |
| `depth/camera_info` (in) | CameraInfo | the camera; without it a usual one is assumed |
| `~/mask` | Image mono8 | 0 background, 1 hand, 2 object, 255 unlabeled (no depth) |
| `~/mask_colored` | Image rgb8 | hand orange, object blue |
| `~/confidence` | Image 32FC1 | probability of the class in the mask |
| `~/label_info` | vision_msgs/LabelInfo, latched | names of the classes |
| `~/depth_without_hand` | Image, encoding of the input | depth with the hand taken out |
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from graspseg import Frame, InputError, Intrinsics, Segmentation, Segmenter
from graspseg.cameras.ros.chunks import DamagedError
from graspseg.cameras.ros.images import COMPRESSED, IMAGE, depth_of
from graspseg.labels import CLASS_NAMES, HAND, IGNORE, colorize
from graspseg.segment.stream import StreamSegmenter, TrackSettings
from graspseg.segment.temporal_filter import TemporalFilter

OUTPUTS = ("mask", "mask_colored", "confidence", "depth_without_hand")
PARAMETERS: dict[str, Any] = {
    "model": "denseattentionseg-lite",
    "threads": 0,
    "track": True,
    "smooth": True,
    "compressed": False,
}


@dataclass
class Bridge:
    """Messages of depth in, messages of results out; knows nothing of nodes.

    Attributes:
        segmenter: segments frames in order.
        image: the class of `sensor_msgs/Image`.
        publish: for each of `OUTPUTS` what sends an image.
        wanted: whether somebody listens to an output; nothing is made for nobody.
        complain: takes a sentence about a message that cannot be used.
    """

    segmenter: Callable[[Frame], Segmentation]
    image: Callable[[], Any]
    publish: Mapping[str, Callable[[Any], object]]
    wanted: Callable[[str], bool]
    complain: Callable[[str], object]
    camera: Intrinsics | None = None

    def take_camera(self, message: Any) -> None:
        """Remember the camera of a `CameraInfo`; one without a calibration says nothing.

        A rectified image has the camera of `p`; drivers that do not rectify leave `p` empty.
        """
        p, k = message.p, message.k
        fx, fy, cx, cy = (p[0], p[5], p[2], p[6]) if p[0] > 0 else (k[0], k[4], k[2], k[5])
        self.camera = Intrinsics(float(fx), float(fy), float(cx), float(cy)) if min(fx, fy) > 0 else None

    def take_depth(self, message: Any, kind: str = IMAGE) -> None:
        """Segment the depth of a message and send what is listened to."""
        try:
            stored = depth_of(message, kind, Path("depth/image_rect"))
            frame = self._frame(stored)
            found = self.segmenter(frame)
        except (InputError, DamagedError) as error:
            self.complain(str(error))
            return
        makers: dict[str, Callable[[], tuple[np.ndarray, str]]] = {
            "mask": lambda: (_mask(frame, found), "mono8"),
            "mask_colored": lambda: (colorize(found.labels), "rgb8"),
            "confidence": lambda: (found.probabilities.max(axis=0), "32FC1"),
            "depth_without_hand": lambda: _without_hand(stored, found.labels),
        }
        for name, make in makers.items():
            if self.wanted(name):
                self.publish[name](self._message(*make(), header=message.header))

    def _frame(self, stored: np.ndarray) -> Frame:
        if stored.dtype == np.uint16:
            return Frame(stored, 0.001, self.camera)
        return Frame.from_meters(stored, intrinsics=self.camera)

    def _message(self, pixels: np.ndarray, encoding: str, *, header: Any) -> Any:
        message = self.image()
        message.header = header
        message.height, message.width = pixels.shape[:2]
        message.encoding, message.is_bigendian = encoding, 0
        message.step = pixels[0].nbytes
        message.data = np.ascontiguousarray(pixels).tobytes()
        return message


def _mask(frame: Frame, found: Segmentation) -> np.ndarray:
    return np.where(frame.depth > 0, found.labels, np.uint8(IGNORE))


def _without_hand(stored: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, str]:
    if stored.dtype == np.uint16:
        return np.where(labels == HAND, np.uint16(0), stored), "16UC1"
    return np.where((labels == HAND) | (stored <= 0), np.float32(np.nan), stored), "32FC1"  # REP 117


def label_info(info: Callable[[], Any], vision_class: Callable[[], Any]) -> Any:
    """Names of the values in the mask, as a `vision_msgs/LabelInfo`."""
    message = info()
    message.class_map = []
    for value, name in (*enumerate(CLASS_NAMES), (IGNORE, "unlabeled")):
        each = vision_class()
        each.class_id, each.class_name = value, name
        message.class_map.append(each)
    return message


def make_segmenter(parameters: Mapping[str, Any]) -> StreamSegmenter:
    """What the parameters of the node ask for.

    Raises:
        InputError: no such model.
    """
    segmenter = Segmenter(parameters["model"], threads=parameters["threads"] or None)
    return StreamSegmenter(
        segmenter,
        track=TrackSettings() if parameters["track"] else None,
        smooth=TemporalFilter() if parameters["smooth"] else None,
    )


def main() -> int:
    """Run the node until it is to end."""
    try:
        import rclpy  # pyright: ignore[reportMissingImports]
        from rclpy.executors import ExternalShutdownException  # pyright: ignore[reportMissingImports]
        from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy  # pyright: ignore[reportMissingImports]
        from sensor_msgs.msg import CameraInfo, CompressedImage, Image  # pyright: ignore[reportMissingImports]
        from vision_msgs.msg import LabelInfo, VisionClass  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError as error:
        sentence = f"This node needs {error.name}, which is part of ROS 2: source /opt/ros/DISTRO/setup.bash"
        print(sentence, file=sys.stderr)
        return 2
    rclpy.init()
    node = rclpy.create_node("graspseg")
    parameters = {name: node.declare_parameter(name, value).value for name, value in PARAMETERS.items()}
    # Sensor data: the newest frame counts, a lost one is not sent again.
    sensor = QoSProfile(depth=1, history=HistoryPolicy.KEEP_LAST, reliability=ReliabilityPolicy.BEST_EFFORT)
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    publishers = {name: node.create_publisher(Image, f"~/{name}", sensor) for name in OUTPUTS}
    try:
        segmenter = make_segmenter(parameters)
    except InputError as error:
        node.get_logger().error(str(error))
        return 2
    bridge = Bridge(
        segmenter,
        Image,
        {name: publisher.publish for name, publisher in publishers.items()},
        lambda name: publishers[name].get_subscription_count() > 0,
        lambda sentence: node.get_logger().warning(sentence, throttle_duration_sec=5.0),
    )
    kind, message_class = (COMPRESSED, CompressedImage) if parameters["compressed"] else (IMAGE, Image)
    node.create_subscription(
        message_class, "depth/image_rect", lambda message: bridge.take_depth(message, kind), sensor
    )
    node.create_subscription(CameraInfo, "depth/camera_info", bridge.take_camera, sensor)
    node.create_publisher(LabelInfo, "~/label_info", latched).publish(label_info(LabelInfo, VisionClass))
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
