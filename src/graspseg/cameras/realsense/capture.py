"""Depth and color of a RealSense camera as they come, with the color camera's automatic controls locked."""

from __future__ import annotations

import contextlib
import math
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from time import monotonic
from typing import Any

from graspseg.cameras.calibration import describe_color_camera
from graspseg.cameras.pixels import RawPicture
from graspseg.cameras.realsense.playback import picture_of
from graspseg.cameras.realsense.sdk import color_camera_of, depth_lens_of, intrinsics_of, load_sdk
from graspseg.errors import InputError

_LOCKED = ("exposure", "gain", "white_balance")
_AUTOMATIC = ("enable_auto_exposure", "enable_auto_white_balance")
_BRIGHTNESS_CHANGE = 0.2
_LOCK_FRAMES = 8  # until a new exposure shows in the pictures
_KEPT = 4
SILENCE_S = 5.0


@dataclass(frozen=True)
class Mode:
    """Size in pixels and rate in frames per second of both streams."""

    width: int
    height: int
    fps: int


@dataclass(frozen=True)
class Taken:
    """One picture with the number its stream gives it."""

    number: int
    picture: RawPicture


class Matcher:
    """Puts depth and color together by time, as they come in.

    Args:
        most_s: largest distance in time of two pictures of one moment.
    """

    def __init__(self, most_s: float) -> None:
        self._most_s = most_s
        self._depths: deque[Taken] = deque()
        self._colors: deque[Taken] = deque(maxlen=_KEPT)
        self._last = {"depth": -1, "color": -1}

    def add(self, depth: Taken | None, color: Taken | None) -> list[tuple[Taken, Taken]]:
        """Take in what came; a picture that came before does not count again.

        Returns:
            Pairs that are now complete, in the order of depth. Depth whose color does not come in time is dropped.
        """
        if color is not None and self._is_new("color", color):
            self._colors.append(color)
        if depth is not None and self._is_new("depth", depth):
            self._depths.append(depth)
        pairs: list[tuple[Taken, Taken]] = []
        while self._depths and self._colors:
            first = self._depths[0]
            best = min(self._colors, key=lambda color: abs(_apart_s(first, color)))
            if abs(_apart_s(first, best)) <= self._most_s:
                pairs.append((first, best))
            elif _apart_s(first, self._colors[-1]) < 0 and len(self._depths) <= _KEPT:
                break  # its color may still come
            self._depths.popleft()
        return pairs

    def _is_new(self, stream: str, taken: Taken) -> bool:
        new = taken.number > self._last[stream]
        self._last[stream] = max(taken.number, self._last[stream])
        return new


def _apart_s(depth: Taken, color: Taken) -> float:
    """Seconds by which color was taken after depth."""
    return color.picture.timestamp_s - depth.picture.timestamp_s


class Capture:
    """Streams of a device, started at once.

    Args:
        device: of the SDK; a recorder of it makes the SDK write what comes.
        mode: size and rate.

    Raises:
        InputError: the device does not offer these streams, or has no calibration.
    """

    def __init__(self, device: Any, mode: Mode) -> None:
        sdk = load_sdk()
        self._device, self.mode = device, mode
        config = sdk.config()
        config.enable_stream(sdk.stream.depth, mode.width, mode.height, sdk.format.z16, mode.fps)
        config.enable_stream(sdk.stream.color, mode.width, mode.height, sdk.format.rgb8, mode.fps)
        self._pipeline = sdk.pipeline()
        try:
            self._pipeline.set_device(device)
            profile = self._pipeline.start(config)
            depth, color = profile.get_stream(sdk.stream.depth), profile.get_stream(sdk.stream.color)
            self.intrinsics, self.depth_lens = intrinsics_of(depth), depth_lens_of(depth)
            self.color_camera = color_camera_of(depth, color)
        except RuntimeError as error:
            raise InputError(
                f"{info(device, 'name')} does not stream depth and color of {mode.width}x{mode.height} at {mode.fps} a "
                f"second ({error}), expected a mode it offers: choose other --width, --height and --fps."
            ) from error
        self._sensor = _sensor_of(device, sdk.stream.color)
        self._matcher = Matcher(0.6 / mode.fps)
        self.depth_unit_m = 0.0
        self.locked: dict[str, float] = {}

    def next(self, *, patience_s: float) -> list[tuple[Taken, Taken]] | None:
        """Pairs that came; None when nothing came for `patience_s` seconds."""
        came, frames = self._pipeline.try_wait_for_frames(max(1, round(1e3 * patience_s)))
        if not came:
            return None
        depth, color = frames.get_depth_frame(), frames.get_color_frame()
        if depth and not self.depth_unit_m:
            self.depth_unit_m = round(float(depth.get_units()), 9)  # handed over in single precision
        same_clock = depth and color and depth.frame_timestamp_domain == color.frame_timestamp_domain
        time_s = None if same_clock else monotonic()
        return self._matcher.add(_taken(depth, time_s) if depth else None, _taken(color, time_s) if color else None)

    def settle(self, seconds: float, given: Mapping[str, float | None]) -> list[str]:
        """Let the camera find exposure and white balance, then lock them together with the gain.

        Args:
            seconds: to find them.
            given: values for `exposure`, `gain` and `white_balance`, None keeps what was found.

        Returns:
            Sentences that a person should hear.

        Raises:
            InputError: the camera sends nothing, or refuses a value.
        """
        self._set("auto_exposure_priority", 0.0)  # dark rooms must not slow the stream down
        for name in _AUTOMATIC:
            self._set(name, 1.0)
        found = self._watch(seconds)
        free = [name for name in _AUTOMATIC if not self._set(name, 0.0)]
        for name, value in given.items():
            if value is not None and not self._set(name, value):
                low_high = self._span(name)
                raise InputError(f"--{name.replace('_', '-')} is {value:g}, {low_high}: choose another one.")
        self.locked = {name: value for name in _LOCKED if (value := self._get(name)) is not None}
        kept = self._watch(_LOCK_FRAMES / self.mode.fps)
        notes = [f"the camera has no {name} to switch off: its pictures may change with the light" for name in free]
        change = kept / found - 1
        if not any(given.values()) and abs(change) > _BRIGHTNESS_CHANGE:
            notes.append(
                f"locking the exposure (now {self.locked.get('exposure', math.nan):g}) made pictures {abs(change):.0%} "
                f"{'brighter' if change > 0 else 'darker'}: if they do not look right, record again with --exposure"
            )
        return notes

    def description(self) -> dict[str, Any]:
        """What `dataset.json` says: unit, cameras, rate, device and locked values."""
        device = {name: info(self._device, name) for name in ("name", "serial_number", "firmware_version")}
        return {
            "depth_unit_m": self.depth_unit_m,
            "intrinsics": asdict(self.intrinsics),
            **({"distortion": list(self.depth_lens.coefficients)} if self.depth_lens.bends else {}),
            "color": describe_color_camera(self.color_camera),
            "rate_hz": self.mode.fps,
            "camera": device,
            "locked": self.locked,
            "provenance": f"graspseg record, {device['name']}",
        }

    def stop(self) -> None:
        """End the streams."""
        with contextlib.suppress(RuntimeError):  # the camera was unplugged
            self._pipeline.stop()

    def _watch(self, seconds: float) -> float:
        """Mean brightness of the last picture of a while, at least of one."""
        start, mean = monotonic(), None
        while mean is None or monotonic() < start + seconds:
            for _, color in self.next(patience_s=SILENCE_S) or ():
                mean = max(1.0, float(color.picture.data.mean()))
            if mean is None and monotonic() > start + SILENCE_S:
                raise InputError(
                    f"{info(self._device, 'name')} sent no depth with color for {SILENCE_S:g} s, expected both: plug "
                    "it in again, into USB 3."
                )
        return mean

    def _set(self, name: str, value: float) -> bool:
        """Set an option of the color sensor; False when it does not have it or refuses."""
        option = getattr(load_sdk().option, name)
        if not self._sensor.supports(option):
            return False
        try:
            self._sensor.set_option(option, value)
        except RuntimeError:
            return False
        return True

    def _get(self, name: str) -> float | None:
        option = getattr(load_sdk().option, name)
        return float(self._sensor.get_option(option)) if self._sensor.supports(option) else None

    def _span(self, name: str) -> str:
        option = getattr(load_sdk().option, name)
        if not self._sensor.supports(option):
            return "which this camera does not have"
        span = self._sensor.get_option_range(option)
        return f"expected {span.min:g} to {span.max:g}"


def info(device: Any, name: str) -> str:
    """What a device says of itself, such as its `serial_number`; `unknown` when it does not."""
    kind = getattr(load_sdk().camera_info, name)
    return device.get_info(kind) if device.supports(kind) else "unknown"


def _sensor_of(device: Any, stream: Any) -> Any:
    """The sensor that a stream comes from; it exists, because the stream runs."""
    offered = ((sensor, sensor.get_stream_profiles()) for sensor in device.query_sensors())
    return next(sensor for sensor, profiles in offered if any(each.stream_type() == stream for each in profiles))


def _taken(frame: Any, timestamp_s: float | None) -> Taken:
    return Taken(int(frame.get_frame_number()), picture_of(frame, timestamp_s=timestamp_s))
