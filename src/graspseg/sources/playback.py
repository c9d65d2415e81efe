"""One stream of a RealSense recording, played by the SDK as fast as it is asked for."""

from __future__ import annotations

import contextlib
import datetime
import queue
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np

from graspseg.frame import InputError, Intrinsics
from graspseg.sources.pixels import RawPicture
from graspseg.sources.rgbd import ColorCamera
from graspseg.sources.sdk import color_camera_of, intrinsics_of, load_sdk

_AHEAD = 4  # frames decoded before they are asked for
_PATIENCE_S = 20.0


class Playback:
    """Frames of one stream, from a place in the file on.

    The SDK calls back from a thread of its own; what it hands over waits in a short queue, so that memory stays flat.

    Args:
        path: the file.
        stream: `depth` or `color`.
        start_ns: time of the first frame wanted, as the file counts; 0 = the beginning.

    Raises:
        InputError: the SDK cannot open the file, or it has no such stream.
    """

    def __init__(self, path: Path, stream: str, *, start_ns: int = 0) -> None:
        self._path = path
        self._frames: queue.Queue[RawPicture] = queue.Queue(_AHEAD)
        self._device = open_device(path)
        stopping = threading.Event()
        try:
            if start_ns:
                self._device.seek(datetime.timedelta(microseconds=start_ns // 1000))  # before it starts: nothing stale
            sensor, profile = find_stream(self._device, stream)
            sensor.open([profile])
            # Also runs when the interpreter ends: a callback after that would crash it.
            self.close = weakref.finalize(self, _close, sensor, stopping)
            sensor.start(_feeder(self._frames, stopping))
        except RuntimeError as error:
            raise _unplayable(path, error) from error

    def next(self) -> RawPicture:
        """The next frame of the stream.

        Raises:
            InputError: the SDK hands none over, because the file is damaged.
        """
        waited_s, step_s = 0.0, 0.1
        while waited_s < _PATIENCE_S:
            with contextlib.suppress(queue.Empty):
                return self._frames.get(timeout=step_s)
            waited_s += step_s
            if self._device.current_status().name == "stopped" and self._frames.empty():
                break
        raise InputError(
            f"{self._path} stops before a frame that it lists, expected whole frames: record it again, or leave out "
            "its end."
        )


def open_device(path: Path) -> Any:
    """Open a recording as the SDK's playback device, not started.

    Raises:
        InputError: the SDK cannot open it.
    """
    sdk = load_sdk()
    try:
        device = sdk.context().load_device(str(path)).as_playback()
        device.set_real_time(False)  # else frames are dropped
    except RuntimeError as error:
        raise _unplayable(path, error) from error
    return device


def find_stream(device: Any, stream: str) -> tuple[Any, Any]:
    """The sensor and the profile of a stream; raises RuntimeError as the SDK does when there is none."""
    for sensor in device.query_sensors():
        for profile in sensor.get_stream_profiles():
            if profile.stream_type().name == stream:
                return sensor, profile
    raise RuntimeError(f"it has no {stream} stream")


def read_calibration(path: Path, *, color: bool) -> tuple[float | None, Intrinsics, ColorCamera | None]:
    """What a recording says of its cameras.

    Args:
        path: the file.
        color: whether it has color pictures.

    Returns:
        Metres per stored unit (None when it is not said), the depth camera and the color camera.

    Raises:
        InputError: the SDK cannot open it, or the calibration is missing.
    """
    device, sdk = open_device(path), load_sdk()
    try:
        sensor, depth = find_stream(device, "depth")
        known = sensor.supports(sdk.option.depth_units)
        unit_m = float(sensor.get_option(sdk.option.depth_units)) if known else None
        camera = color_camera_of(depth, find_stream(device, "color")[1]) if color else None
        return unit_m, intrinsics_of(depth), camera
    except (RuntimeError, InputError) as error:
        raise InputError(
            f"{path} has no usable calibration ({error}), expected cameras with focal length and their places: "
            "record it with the camera's own streams."
        ) from error


def _unplayable(path: Path, error: Exception) -> InputError:
    """The sentence for a file that the SDK refuses."""
    reason = str(error).strip().rstrip(".") or type(error).__name__
    return InputError(f"{path} is no RealSense recording that the SDK can play ({reason}): record or copy it again.")


def _feeder(frames: queue.Queue[RawPicture], stopping: threading.Event) -> Any:
    """What the SDK calls with every frame: it waits while the queue is full, which holds the playback back."""

    def take(frame: Any) -> None:
        video = frame.as_video_frame()
        picture = RawPicture(
            np.array(video.get_data()).reshape(-1).view(np.uint8),  # a copy: the SDK's pool of frames is small
            video.get_width(),
            video.get_height(),
            video.get_profile().format().name,
            video.get_timestamp() / 1e3,
        )
        while not stopping.is_set():
            with contextlib.suppress(queue.Full):
                frames.put(picture, timeout=0.05)
                return

    return take


def _close(sensor: Any, stopping: threading.Event) -> None:
    stopping.set()
    with contextlib.suppress(RuntimeError):  # it is closed already when the file ended
        sensor.stop()
    with contextlib.suppress(RuntimeError):
        sensor.close()
