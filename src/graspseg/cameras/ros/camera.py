"""Cameras of ROS recordings: `camera_info` beside a topic of images, and where frames are by `tf_static` and `tf`."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float64

from graspseg.cameras.ros.chunks import DamagedError
from graspseg.cameras.ros.messages import TRANSFORMS, MessageFile, damage_reported
from graspseg.errors import InputError
from graspseg.frame import Intrinsics

CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
_LENSES = {"plumb_bob": (4, 5), "rational_polynomial": (8, 12, 14)}
_TRANSPORTS = re.compile(r"/(compressedDepth|compressed|theora|zstd)$")
_RECTIFIED = re.compile(r"(^|[/_])rect(ified)?(_[^/]*)?$")
_MOST_TRANSFORMS = 1000  # messages that are looked at


@dataclass(frozen=True)
class RosCamera:
    """What `camera_info` says.

    Attributes:
        intrinsics: of pixels of images of size `size`.
        size: width and height.
        distortion: in OpenCV's order, () for rectified images.
    """

    intrinsics: Intrinsics
    size: tuple[int, int]
    distortion: tuple[float, ...]

    def seen_in(self, width: int, height: int) -> Intrinsics:
        """The camera of an image of another size but the same sides.

        Raises:
            InputError: the sides have another proportion.
        """
        own_width, own_height = self.size
        if (width, height) == self.size:
            return self.intrinsics
        if abs(own_width * height - own_height * width) > max(own_width, width):
            raise InputError(
                f"Images are {width}x{height} and their camera_info is for {own_width}x{own_height}, expected one "
                "size: name the topic that it belongs to with --topic, or the camera with --fx."
            )
        scale, reported = width / own_width, self.intrinsics
        return Intrinsics(
            reported.fx * scale,
            reported.fy * scale,
            (reported.cx + 0.5) * scale - 0.5,
            (reported.cy + 0.5) * scale - 0.5,
        )


def base_of(topic: str) -> str:
    """The topic of raw images that a topic of an image transport belongs to."""
    return _TRANSPORTS.sub("", topic)


def find_camera(file: MessageFile, topic: str) -> RosCamera | None:
    """The camera of a topic of images: `camera_info` in the same namespace; None when it says nothing.

    Raises:
        InputError: it is damaged, or describes a lens that OpenCV's coefficients do not.
    """
    beside = f"{base_of(topic).rpartition('/')[0]}/camera_info"
    reported = file.topics.get(beside)
    if reported is None or reported.kind != CAMERA_INFO or not len(reported):
        return None
    message = file.parsed(beside, 0)
    with damage_reported(file.path):
        numbers = {name.lower(): getattr(message, name) for name in vars(message)}  # ROS 1 has K and D, ROS 2 k and d
        return _camera(message, numbers, file.path, rectified=_RECTIFIED.search(base_of(topic)) is not None)


def _camera(message: Any, numbers: Mapping[str, Any], path: Path, *, rectified: bool) -> RosCamera | None:
    k, p, d = (np.asarray(numbers[name], np.float64) for name in "kpd")
    if not np.isfinite(np.concatenate([k, p, d])).all():
        raise DamagedError("camera_info holds numbers that are not finite")
    if k[0] <= 0 or k[4] <= 0:  # so an uncalibrated camera says it
        return None
    fx, fy, cx, cy = (k[0], k[4], k[2], k[5]) if not rectified or p[0] <= 0 or p[5] <= 0 else (p[0], p[5], p[2], p[6])
    distortion = () if rectified or not d.any() else _coefficients(str(message.distortion_model), d, path)
    region, bins = message.roi, (max(1, int(message.binning_x)), max(1, int(message.binning_y)))
    width, height = int(region.width) or int(message.width), int(region.height) or int(message.height)
    if width <= 0 or height <= 0:
        raise DamagedError(f"camera_info is for images of {width}x{height} pixels")
    x, y = (int(region.x_offset), int(region.y_offset)) if region.width else (0, 0)
    intrinsics = Intrinsics(
        float(fx) / bins[0],
        float(fy) / bins[1],
        (float(cx) - x + 0.5) / bins[0] - 0.5,
        (float(cy) - y + 0.5) / bins[1] - 0.5,
    )
    return RosCamera(intrinsics, (width // bins[0], height // bins[1]), distortion)


def _coefficients(model: str, values: Float64[np.ndarray, "n"], path: Path) -> tuple[float, ...]:
    known = _LENSES.get(model, ())
    if len(values) not in known:
        raise InputError(
            f"{path} describes a lens as {model!r} with {len(values)} coefficients, expected plumb_bob (4 or 5) or "
            "rational_polynomial (8, 12 or 14): record rectified images."
        )
    return tuple(float(value) for value in values)


def find_pose(file: MessageFile, source: str, target: str) -> Float64[np.ndarray, "4 4"] | None:
    """Maps points of one coordinate frame to another, as the first transforms of the recording have it.

    Args:
        file: the recording.
        source: name of the frame that points are in.
        target: name of the frame they are wanted in.

    Returns:
        None when nothing leads from one to the other.

    Raises:
        InputError: a transform is damaged.
    """
    edges: dict[str, dict[str, Float64[np.ndarray, "4 4"]]] = {}
    for topic in sorted(file.topics.values(), key=lambda topic: not topic.name.endswith("static")):
        if topic.kind not in TRANSFORMS:
            continue
        for index in range(min(len(topic), _MOST_TRANSFORMS)):
            message = file.parsed(topic.name, index)
            with damage_reported(file.path):
                for each in message.transforms:
                    parent, child = each.header.frame_id.strip("/"), each.child_frame_id.strip("/")
                    if child in edges.get(parent, {}):
                        continue
                    pose = pose_of(each.transform)
                    edges.setdefault(parent, {})[child] = np.linalg.inv(pose)
                    edges.setdefault(child, {})[parent] = pose
    return _chain(edges, source.strip("/"), target.strip("/"))


def _chain(
    edges: Mapping[str, Mapping[str, Float64[np.ndarray, "4 4"]]], source: str, target: str
) -> Float64[np.ndarray, "4 4"] | None:
    """The product of the maps on the shortest way."""
    found, waiting = {source: np.eye(4)}, deque([source])
    while waiting and target not in found:
        here = waiting.popleft()
        for there, pose in edges.get(here, {}).items():
            if there not in found:
                found[there] = pose @ found[here]
                waiting.append(there)
    return found.get(target)


def pose_of(transform: Any) -> Float64[np.ndarray, "4 4"]:
    """The matrix of a Transform; in `tf` it maps points of the child to the parent.

    Raises:
        DamagedError: its rotation is none.
    """
    turn, shift = transform.rotation, transform.translation
    quaternion = np.array([turn.w, turn.x, turn.y, turn.z], np.float64)
    length = float(np.linalg.norm(quaternion))
    if not np.isfinite(length) or length < 1e-6:
        raise DamagedError("a transform has no rotation")
    w, axis = quaternion[0] / length, quaternion[1:] / length
    sine = float(np.linalg.norm(axis))
    angle = 2 * np.arctan2(sine, w)
    pose = np.eye(4)
    pose[:3, :3] = cv2.Rodrigues(axis * (angle / sine if sine else 0.0))[0]
    pose[:3, 3] = shift.x, shift.y, shift.z
    return pose
