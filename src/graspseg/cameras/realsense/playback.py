"""One stream of a RealSense recording, played by the SDK as fast as it is requested."""

from __future__ import annotations

import contextlib
import datetime
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any, Literal

import numpy as np

from graspseg.cameras.pixels import RawPicture
from graspseg.cameras.realsense.sdk import color_camera_of, depth_lens_of, intrinsics_of, load_sdk
from graspseg.cameras.rgbd import ColorCamera
from graspseg.cameras.undistort import DepthLens
from graspseg.errors import InputError
from graspseg.frame import Intrinsics

LOADS_WITHIN_S = 60.0
_LOAD = "import sys, pyrealsense2 as sdk; sdk.context().load_device(sys.argv[1]).as_playback()"
_PATIENCE = 100
_STEP_MS = 200


class Playback:
    """Frames of one stream, from any place in the file on.

    The SDK reads ahead a little and waits for whoever asks. Its pipeline is used, not its callbacks, whose threads may
    outlive the playback and then crash the interpreter; and it is kept for every seek, because making and dropping many
    crashes the SDK (2.59) now and then.

    Args:
        path: the file.
        stream: which one.

    Raises:
        InputError: the SDK cannot open the file, or it has no such stream.
    """

    def __init__(self, path: Path, stream: Literal["depth", "color"]) -> None:
        self._path, self._stream = path, stream
        sdk = load_sdk()
        self._config = sdk.config()
        self._config.enable_stream(getattr(sdk.stream, stream))
        # What is first goes first when all is over.
        self._held: dict[str, Any] = {"pipeline": sdk.pipeline(), "device": _open_device(path)}
        self._held["pipeline"].set_device(self._held["device"])
        self._started = False
        weakref.finalize(self, _drop, self._held)

    def seek(self, time_ns: int) -> None:
        """Make `next` give the frame of this time, as the file counts it; 0 = the first one.

        Raises:
            InputError: the SDK cannot play the stream.
        """
        try:
            if self._started:
                self._held["pipeline"].stop()  # else it still gives what it had read ahead
            self._started = False
            self._held["device"].seek(datetime.timedelta(microseconds=time_ns // 1000))
            self._held["pipeline"].start(self._config)
            self._started = True
        except RuntimeError as error:
            raise _unplayable(self._path, error) from error

    def next(self) -> RawPicture:
        """The next frame of the stream.

        Raises:
            InputError: the SDK hands none over, because the file is damaged.
        """
        for _ in range(_PATIENCE):
            came, frames = self._held["pipeline"].try_wait_for_frames(_STEP_MS)
            if came:
                return picture_of(frames.get_depth_frame() if self._stream == "depth" else frames.get_color_frame())
            if self._held["device"].current_status().name == "stopped":
                break
        raise InputError(
            f"{self._path} stops before a frame that it lists, expected whole frames: record it again, or leave out "
            "its end."
        )

    def calibration(self, *, color: bool) -> tuple[float | None, Intrinsics, DepthLens, ColorCamera | None]:
        """What the recording says of its cameras.

        Args:
            color: whether it has color pictures.

        Returns:
            Meters per stored unit (None when it is not said), the depth camera, its lens and the color camera.

        Raises:
            InputError: the calibration is missing.
        """
        device, sdk = self._held["device"], load_sdk()
        try:
            sensor, depth = _find_stream(device, "depth")
            known = sensor.supports(sdk.option.depth_units)
            unit_m = float(sensor.get_option(sdk.option.depth_units)) if known else None
            camera = color_camera_of(depth, _find_stream(device, "color")[1]) if color else None
            return unit_m, intrinsics_of(depth), depth_lens_of(depth), camera
        except (RuntimeError, InputError) as error:
            raise InputError(
                f"{self._path} has no usable calibration ({error}), expected cameras with focal length and their "
                "places: record it with the camera's own streams."
            ) from error


def check_loads(path: Path) -> None:
    """Let another process load a file first: damaged ones make the SDK wait forever, or crash.

    Raises:
        InputError: it does one of both.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _LOAD, str(path.absolute())],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LOADS_WITHIN_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _unplayable(path, RuntimeError(f"it does not load within {LOADS_WITHIN_S:g} s")) from error
    if done.returncode < 0:  # what it says otherwise is reported again when it is loaded here
        raise _unplayable(path, RuntimeError("loading it crashes"))


def picture_of(frame: Any, *, timestamp_s: float | None = None) -> RawPicture:
    """A copy of a frame of the SDK, whose own memory is short.

    Args:
        frame: depth or color.
        timestamp_s: its time, None takes what the frame says.
    """
    video = frame.as_video_frame()
    return RawPicture(
        np.array(video.get_data()).reshape(-1).view(np.uint8),
        video.get_width(),
        video.get_height(),
        video.get_profile().format().name,
        video.get_timestamp() / 1e3 if timestamp_s is None else timestamp_s,
    )


def _open_device(path: Path) -> Any:
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


def _find_stream(device: Any, stream: str) -> tuple[Any, Any]:
    """The sensor and the profile of a stream; raises RuntimeError as the SDK does when there is none."""
    for sensor in device.query_sensors():
        for profile in sensor.get_stream_profiles():
            if profile.stream_type().name == stream:
                return sensor, profile
    raise RuntimeError(f"it has no {stream} stream")


def _unplayable(path: Path, error: Exception) -> InputError:
    """The sentence for a file that the SDK refuses."""
    reason = str(error).strip().rstrip(".") or type(error).__name__
    return InputError(f"{path} is no RealSense recording that the SDK can play ({reason}): record or copy it again.")


def _drop(held: dict[str, Any]) -> None:
    """Let go of the SDK's objects in their order, also when the interpreter ends."""
    with contextlib.suppress(RuntimeError):  # it has stopped by itself
        held["pipeline"].stop()
    del held["pipeline"]
    del held["device"]
