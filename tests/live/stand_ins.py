"""Cameras and segmenters for tests of `graspseg live`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import sleep
from typing import Any

import numpy as np

from graspseg import Frame, InputError, Segmentation
from graspseg.cameras.camera import CameraLostError, StreamEndError
from graspseg.live.stream import LiveResult
from graspseg.segment.stream import Reason


def frame(number: int = 0, *, width: int = 32, unit_m: float = 0.001) -> Frame:
    """A frame that is told from others by its first pixel: a hand at 0.4 m before a wall."""
    depth = np.full((24, width), 1000, np.uint16)
    depth[8:16, 8:16] = 400
    depth[0, 0] = 1000 + number
    return Frame(depth, unit_m, timestamp_s=100 + number / 30)


def segmented(given: Frame) -> Segmentation:
    """Hand is what is nearer than half a meter."""
    labels = ((given.depth > 0) & (given.depth < 500)).astype(np.uint8)
    return Segmentation(labels, given, (), 0.9, 0.8)


def result(number: int = 0, **changes: Any) -> LiveResult:
    """A result of `frame`."""
    given = frame(number, **changes)
    return LiveResult(number, given, segmented(given), 5.0, 7.0, None if number else "start")


class StandInSegmenter:
    """Takes so long for a frame, and remembers which it saw."""

    reason: Reason | None = None

    def __init__(self, wait_s: float = 0.0) -> None:
        self.wait_s, self.seen = wait_s, list[int]()

    def __call__(self, frame: Frame) -> Segmentation:
        sleep(self.wait_s)
        self.seen.append(int(frame.depth[0, 0]) - 1000)
        return segmented(frame)


class StandInCamera:
    """Gives what it is told to: frames, exceptions to raise, None for a moment without a frame, or calls to make.

    When all is given the stream is over.
    """

    def __init__(self, script: Iterable[Frame | Exception | Callable[[], object] | None], wait_s: float = 0.0) -> None:
        self.script, self.wait_s = iter(script), wait_s
        self.opened = self.closed = 0
        self.refuse = 0

    def open(self) -> None:
        if self.refuse:
            self.refuse -= 1
            raise InputError("There is no camera, expected one: plug it in.")
        self.opened += 1

    def read(self, timeout_s: float) -> Frame | None:
        sleep(self.wait_s)
        given = next(self.script, StreamEndError())
        if isinstance(given, Exception):
            raise given
        if given is None:
            sleep(timeout_s)
            return None
        if callable(given):
            given()
            return None
        return given

    def close(self) -> None:
        self.closed += 1

    def describe(self) -> str:
        return "Stand-in camera"


def lost() -> CameraLostError:
    return CameraLostError("Stand-in camera stopped (unplugged), expected it to stream: check its cable.")
