"""The ROS 2 node, with stand-ins for ROS that know the fields of its messages and no others."""

from __future__ import annotations

import importlib.util
import struct
import sys
import types
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from graspseg import Frame, Segmentation
from graspseg.cameras.ros.images import COMPRESSED

FOLDER = Path(__file__).parents[2] / "examples" / "ros2"


def _load() -> Any:
    spec = importlib.util.spec_from_file_location("graspseg_node", FOLDER / "graspseg_node.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["graspseg_node"] = module
    spec.loader.exec_module(module)
    return module


ros2 = _load()


def message(*fields: str) -> type:
    """A class of messages with these fields; any other is an error, as in ROS."""

    class Message:
        __slots__ = fields

        def __init__(self, **values: Any) -> None:
            for name, value in values.items():
                setattr(self, name, value)

    return Message


Image = message("header", "height", "width", "encoding", "is_bigendian", "step", "data")
CompressedImage = message("header", "format", "data")
CameraInfo = message("header", "height", "width", "distortion_model", "d", "k", "r", "p")
LabelInfo, VisionClass = message("header", "class_map", "threshold"), message("class_id", "class_name")
HEADER = types.SimpleNamespace(stamp="now", frame_id="depth_optical_frame")


class Segments:
    """Hand is nearer than 0.5 m, object nearer than 0.7 m; remembers the frames."""

    def __init__(self) -> None:
        self.frames = list[Frame]()

    def __call__(self, frame: Frame, /) -> Segmentation:
        self.frames.append(frame)
        depth_m = frame.depth_m()
        labels = np.where(depth_m < 0.5, 1, np.where(depth_m < 0.7, 2, 0)).astype(np.uint8)
        labels[depth_m == 0] = 0
        return Segmentation(labels, frame, (), None)


DEPTH = np.array([[0, 400, 600, 900], [400, 400, 650, 0]], np.uint16)


@pytest.fixture
def bridge() -> Any:
    sent: dict[str, Any] = {}
    made = ros2.Bridge(
        Segments(),
        Image,
        {name: lambda each, name=name: sent.__setitem__(name, each) for name in ros2.OUTPUTS},
        lambda name: True,
        lambda sentence: sent.setdefault("complaints", []).append(sentence),
    )
    made.sent = sent
    return made


def image(pixels: np.ndarray, encoding: str) -> Any:
    return Image(
        header=HEADER, height=pixels.shape[0], width=pixels.shape[1], encoding=encoding, is_bigendian=0,
        step=pixels[0].nbytes, data=np.frombuffer(pixels.tobytes(), np.uint8),
    )  # fmt: skip


def pixels(message: Any, dtype: type, *channels: int) -> np.ndarray:
    assert message.header is HEADER and message.step * message.height == len(message.data)
    return np.frombuffer(message.data, dtype).reshape(message.height, message.width, *channels)


def test_integers_are_millimeters_and_pixels_without_depth_are_unlabeled(bridge: Any) -> None:
    bridge.take_depth(image(DEPTH, "16UC1"))
    sent = bridge.sent
    assert pixels(sent["mask"], np.uint8).tolist() == [[255, 1, 2, 0], [1, 1, 2, 255]]
    assert sent["mask"].encoding == "mono8"
    assert pixels(sent["mask_colored"], np.uint8, 3)[0, 1].tolist() == [230, 159, 0]
    assert pixels(sent["depth_without_hand"], np.uint16).tolist() == [[0, 0, 600, 900], [0, 0, 650, 0]]
    assert sent["depth_without_hand"].encoding == "16UC1"
    assert pixels(sent["confidence"], np.float32).shape == (2, 4) and sent["confidence"].encoding == "32FC1"


def test_floats_are_meters_and_nan_means_no_depth(bridge: Any) -> None:
    depth = np.where(DEPTH > 0, DEPTH / np.float32(1000), np.float32(np.nan)).astype(np.float32)
    bridge.take_depth(image(depth, "32FC1"))
    without = pixels(bridge.sent["depth_without_hand"], np.float32)
    assert np.isnan(without).tolist() == [[True, True, False, False], [True, True, False, True]]
    assert without[0, 3] == pytest.approx(0.9) and pixels(bridge.sent["mask"], np.uint8)[0, 0] == 255
    assert bridge.segmenter.frames[0].depth_m()[0, 2] == pytest.approx(0.6, abs=1e-3)


def test_compressed_depth_is_unpacked(bridge: Any) -> None:
    data = struct.pack("<iff", 0, 0.0, 0.0) + cv2.imencode(".png", DEPTH)[1].tobytes()
    packed = CompressedImage(header=HEADER, format="16UC1; compressedDepth png", data=np.frombuffer(data, np.uint8))
    bridge.take_depth(packed, COMPRESSED)
    assert pixels(bridge.sent["mask"], np.uint8)[1].tolist() == [1, 1, 2, 255]


@pytest.mark.parametrize(
    ("p", "k", "fx"), [((500.0, 501.0), (480.0, 481.0), 500.0), ((0.0, 0.0), (480.0, 481.0), 480.0)]
)
def test_the_camera_is_that_of_the_rectified_image(
    bridge: Any, p: tuple[float, float], k: tuple[float, float], fx: float
) -> None:
    bridge.take_camera(
        CameraInfo(p=[p[0], 0, 320, 0, 0, p[1], 240, 0, 0, 0, 1, 0], k=[k[0], 0, 320, 0, k[1], 240, 0, 0, 1])
    )
    bridge.take_depth(image(DEPTH, "16UC1"))
    camera = bridge.segmenter.frames[0].intrinsics
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (fx, fx + 1, 320, 240)
    bridge.take_camera(CameraInfo(p=[0.0] * 12, k=[0.0] * 9))
    assert bridge.camera is None


def test_a_message_that_cannot_be_used_is_complained_of(bridge: Any) -> None:
    bridge.take_depth(image(DEPTH.astype(np.uint8), "rgb8"))
    broken = image(DEPTH, "16UC1")
    broken.data = broken.data[:3]
    bridge.take_depth(broken)
    assert len(bridge.sent["complaints"]) == 2 and "expected 16UC1 or 32FC1" in bridge.sent["complaints"][0]
    assert "mask" not in bridge.sent


def test_nothing_is_made_for_nobody(bridge: Any) -> None:
    bridge.wanted = lambda name: name == "mask"
    bridge.take_depth(image(DEPTH, "16UC1"))
    assert list(bridge.sent) == ["mask"]


def test_labels_have_names() -> None:
    info = ros2.label_info(LabelInfo, VisionClass)
    assert {each.class_id: each.class_name for each in info.class_map} == {
        0: "background",
        1: "hand",
        2: "object",
        255: "unlabeled",
    }


def test_parameters_of_the_file_are_those_of_the_node() -> None:
    given = yaml.safe_load((FOLDER / "graspseg.yaml").read_text())["graspseg"]["ros__parameters"]
    assert given == ros2.PARAMETERS


def test_without_ros_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "rclpy", None)
    assert ros2.main() == 2
    assert "part of ROS 2: source" in capsys.readouterr().err


def test_the_node_listens_and_publishes(monkeypatch: pytest.MonkeyPatch, depth_rule_model: Path) -> None:
    subscribed: dict[str, Any] = {}
    published: dict[str, list[Any]] = {}

    def publisher(kind: Any, topic: str, qos: Any) -> Any:
        published[topic] = []
        return types.SimpleNamespace(publish=published[topic].append, get_subscription_count=lambda: 1)

    node = types.SimpleNamespace(
        declare_parameter=lambda name, value: types.SimpleNamespace(
            value={"model": str(depth_rule_model), "threads": 1}.get(name, value)
        ),
        create_publisher=publisher,
        create_subscription=lambda kind, topic, call, qos: subscribed.update({topic: (kind, call, qos)}),
        get_logger=lambda: None,
        destroy_node=lambda: None,
    )

    def spin(_: Any) -> None:
        scene = np.full((120, 160), 900, np.uint16)
        scene[40:80, 50:90] = 400
        subscribed["depth/image_rect"][1](image(scene, "16UC1"))
        raise KeyboardInterrupt

    rclpy = types.SimpleNamespace(
        init=lambda: None, create_node=lambda name: node, spin=spin, try_shutdown=lambda: None
    )
    policy = types.SimpleNamespace(KEEP_LAST="last", BEST_EFFORT="best effort", TRANSIENT_LOCAL="latched")
    qos = types.SimpleNamespace(
        QoSProfile=lambda **given: given, HistoryPolicy=policy, ReliabilityPolicy=policy, DurabilityPolicy=policy
    )
    messages = types.SimpleNamespace(CameraInfo=CameraInfo, CompressedImage=CompressedImage, Image=Image)
    for name, module in {
        "rclpy": rclpy,
        "rclpy.executors": types.SimpleNamespace(ExternalShutdownException=RuntimeError),
        "rclpy.qos": qos,
        "sensor_msgs": types.SimpleNamespace(),
        "sensor_msgs.msg": messages,
        "vision_msgs": types.SimpleNamespace(),
        "vision_msgs.msg": types.SimpleNamespace(LabelInfo=LabelInfo, VisionClass=VisionClass),
    }.items():
        monkeypatch.setitem(sys.modules, name, module)
    assert ros2.main() == 0
    assert subscribed["depth/image_rect"][2] == {"depth": 1, "history": "last", "reliability": "best effort"}
    (mask,) = published["~/mask"]
    assert pixels(mask, np.uint8)[60, 70] == 1 and len(published["~/label_info"]) == 1
