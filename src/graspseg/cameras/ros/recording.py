"""Depth and color of a ROS recording, as any other recording has them."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from jaxtyping import UInt8

from graspseg.cameras.recording import Recording
from graspseg.cameras.rgbd import ColorCamera
from graspseg.cameras.ros.camera import find_camera, find_pose
from graspseg.cameras.ros.images import color_of, depth_of
from graspseg.cameras.ros.messages import MessageFile, damage_reported
from graspseg.cameras.ros.topics import ImageTopic, choose_color, choose_depth, image_topics
from graspseg.cameras.undistort import DepthLens
from graspseg.datasets.images import DEFAULT_UNIT_M
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics

_CLOCKS_APART_NS = 10**9


class RosRecording(Recording):
    """Topics of images in a bag, a `.db3`, an MCAP file, or a folder of them.

    Integers are millimeters and floats meters (REP 118), unless the user says otherwise. Color in the coordinate frame
    of the depth is aligned with it; else `tf_static` or `tf` must lead from one camera to the other.

    Args:
        file: the messages.
        topics: names of the topics of depth and color, as far as the user says them.

    Raises:
        InputError: no depth, more than one topic of it, or a lens of another kind.
    """

    def __init__(self, file: MessageFile, topics: Sequence[str] = ()) -> None:
        self.path, self._file = file.path, file
        if len(topics) > 2:
            raise InputError(f"--topic names {len(topics)} topics, expected one of depth and one of color: correct it.")
        self._named_color = topics[1] if len(topics) > 1 else None
        self._images = image_topics(file)
        self._depth = choose_depth(file, self._images, topics[0] if topics else None)
        self._camera = find_camera(file, self._depth.name)
        self.depth_lens = DepthLens(self._camera.distortion if self._camera else ())
        self.cut = None
        if file.lost:
            self.cut = (
                f"{self.path} {file.lost}: {len(self)} depth images can be read, what else there was is lost: copy the "
                "recording again if it is whole elsewhere."
            )

    def __len__(self) -> int:
        """Number of depth images."""
        return len(self._file.topics[self._depth.name])

    def frame(self, index: int, *, depth_unit_m: float | None = None) -> Frame:
        """Depth image `index`; see `Recording`."""
        self._check(self._depth, index)
        message = self._file.parsed(self._depth.name, index)
        with damage_reported(self.path):
            stored = depth_of(message, self._depth.kind, self.path)
            stamp = message.header.stamp
            time_s = stamp.sec + stamp.nanosec / 1e9
            camera, notes = self._seen_in(stored.shape[1], stored.shape[0])
            if stored.dtype == np.uint16:
                return Frame(stored, depth_unit_m or DEFAULT_UNIT_M, camera, time_s, notes=notes)
            with np.errstate(over="ignore"):
                meters = stored if depth_unit_m is None else stored * np.float32(depth_unit_m)
            try:
                return replace(Frame.from_meters(meters, intrinsics=camera, timestamp_s=time_s), notes=notes)
            except InputError as error:
                raise InputError(f"{self.path}, depth image {index}: {error}") from None

    def color(self, index: int) -> UInt8[np.ndarray, "hc wc 3"]:
        """Color picture `index`; see `Recording`."""
        if self._color is None:
            raise IndexError(f"Picture {index} of 0 was requested.")
        self._check(self._color, index)
        message = self._file.parsed(self._color.name, index)
        with damage_reported(self.path):
            return color_of(message, self._color.kind, self.path)

    @cached_property
    def depth_s(self) -> list[float]:  # type: ignore[override]
        """Times of all depth images; see `Recording`."""
        return self._times[0]

    @cached_property
    def color_s(self) -> list[float]:  # type: ignore[override]
        """Times of all color pictures; see `Recording`."""
        return self._times[1]

    @cached_property
    def color_camera(self) -> ColorCamera | None:  # type: ignore[override]
        """Where the color camera is, None where its pictures are aligned with the depth.

        Raises:
            InputError: the recording does not say it.
        """
        color, depth = self._color, self._depth
        if color is None:
            return None
        camera, here, there = find_camera(self._file, color.name), depth.picture.frame_id, color.picture.frame_id
        if here == there and (camera is None or self._camera is None or camera == self._camera):
            return None
        pose = np.eye(4) if here == there else find_pose(self._file, here, there)
        if camera is None or pose is None:
            lacking = "camera_info of its color" if camera is None else "transform in tf_static or tf between them"
            raise InputError(
                f"{self.path} has depth in {here!r}, color in {there!r} and no {lacking}, expected both, or color "
                "aligned with depth: record them too, or choose with --topic."
            )
        width, height = self._color_size() or camera.size
        return ColorCamera(camera.seen_in(width, height), pose[:3, :3], pose[:3, 3], camera.distortion)

    @cached_property
    def _color(self) -> ImageTopic | None:
        return choose_color(self._file, self._images, self._depth, self._named_color)

    @cached_property
    def _times(self) -> tuple[list[float], list[float]]:
        """Of depth and color: when they were taken if both say it, else when they were written."""
        topics = (self._depth, self._color)
        depth, color = (self._stamps_ns(topic) for topic in topics)
        if not (all(depth) and all(color) and (not color or _overlap(depth, color))):
            depth, color = ([*self._file.topics[topic.name].times_ns] if topic else [] for topic in topics)
        return [time / 1e9 for time in depth], [time / 1e9 for time in color]

    def _stamps_ns(self, topic: ImageTopic | None) -> list[int]:
        if topic is None:
            return []
        written = self._file.topics[topic.name].times_ns
        return [self._stamp_ns(topic.name, index, time_ns) for index, time_ns in enumerate(written)]

    def _color_size(self) -> tuple[int, int] | None:
        """Width and height of the first picture that can be read."""
        for index in range(min(len(self.color_s), 5)):
            with contextlib.suppress(InputError):
                height, width = self.color(index).shape[:2]
                return width, height
        return None

    def _stamp_ns(self, topic: str, index: int, otherwise: int) -> int:
        try:
            return self._file.stamp_ns(topic, index)
        except InputError:  # told when the image is read
            return otherwise

    def _seen_in(self, width: int, height: int) -> tuple[Intrinsics | None, tuple[str, ...]]:
        """The camera of images of a size, and what a person should hear when it is not known."""
        try:
            return None if self._camera is None else self._camera.seen_in(width, height), ()
        except InputError as error:
            return None, (str(error),)

    def _check(self, topic: ImageTopic, index: int) -> None:
        count = len(self._file.topics[topic.name])
        if not 0 <= index < count:
            raise IndexError(f"Frame {index} of {count} was requested.")


def _overlap(first: Sequence[int], second: Sequence[int]) -> bool:
    """Whether times are of one clock: both streams were recorded together."""
    return min(first) < max(second) + _CLOCKS_APART_NS and min(second) < max(first) + _CLOCKS_APART_NS
