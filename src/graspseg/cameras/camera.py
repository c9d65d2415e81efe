"""What a live camera is: four methods, so that another make of camera is one small file."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from graspseg.errors import InputError
from graspseg.frame import Frame


class CameraLostError(InputError):
    """The camera is gone: it was pulled out, or its driver gave up. It may come back."""


class StreamEndError(Exception):
    """There are no more frames, as at the end of a recording."""


@runtime_checkable
class Camera(Protocol):
    """Where frames come from, one after the other.

    `read` is called by one thread, which also opens and closes; a camera that was lost is closed and opened again.
    """

    def open(self) -> None:
        """Begin to stream.

        Raises:
            InputError: there is no camera, another program uses it, or its driver is missing.
        """
        ...

    def read(self, timeout_s: float) -> Frame | None:
        """The next frame, with unit, intrinsics where they are known, and time; None when none comes in time.

        Args:
            timeout_s: how long to wait at most; a second or less, so that a program that is told to end does.

        Raises:
            CameraLostError: the camera is gone.
            StreamEndError: there are no more frames.
            InputError: this frame cannot be used; the next one may be.
        """
        ...

    def close(self) -> None:
        """End the stream; does nothing when there is none."""
        ...

    def describe(self) -> str:
        """What it is, for a person: `Intel RealSense D405, 640x480 at 30 a second`."""
        ...
