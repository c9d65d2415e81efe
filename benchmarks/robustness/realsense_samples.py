"""Small RealSense recordings of the current SDK, made by its software device: for tests and `fuzz.py`."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np

WIDTH, HEIGHT = 32, 24
COLOR_WIDTH, COLOR_HEIGHT = 48, 36
UNIT_M = 0.000125
SIDE_M = 0.025
TURN_RAD = 0.1
COEFFICIENTS = (0.01, -0.02, 0.001, 0.002, 0.003)


def depth_image(number: int) -> np.ndarray:
    """Depth of frame `number`: told from any other, and from a flipped one."""
    return (1000 + number + np.arange(WIDTH)[None] * 3 + np.arange(HEIGHT)[:, None] * 100).astype(np.uint16)


def color_image(number: int, width: int = COLOR_WIDTH, height: int = COLOR_HEIGHT) -> np.ndarray:
    """Color of frame `number`: more red to the right, more green downwards, blue the number."""
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[..., 0], rgb[..., 1] = 90 + np.arange(width)[None], 190 + np.arange(height)[:, None]
    rgb[..., 2] = number % 256
    return rgb


class SoftwareCamera:
    """A device of the SDK that streams what it is fed, at 30 Hz by its own clock."""

    def __init__(
        self, sdk: Any, *, color: bool = True, color_size: tuple[int, int] = (COLOR_WIDTH, COLOR_HEIGHT)
    ) -> None:
        self.sdk, self.color_size = sdk, color_size
        self.brighter_when_locked = 0
        self.device = sdk.software_device()
        for kind, text in ((sdk.camera_info.name, "Software camera"), (sdk.camera_info.serial_number, "0123")):
            self.device.register_info(kind, text)
        self.depth_sensor = self.device.add_sensor("Stereo Module")
        self.depth_sensor.add_read_only_option(sdk.option.depth_units, UNIT_M)
        self.depth = self.depth_sensor.add_video_stream(self._stream(sdk.stream.depth, 1), True)
        self.color = None
        if color:
            self._add_color()
        self.device.create_matcher(sdk.matchers.default)
        self.fed = 0

    def _add_color(self) -> None:
        sdk = self.sdk
        self.color_sensor = self.device.add_sensor("RGB Camera")
        for option, low, high, default in (
            (sdk.option.exposure, 1, 10000, 156),
            (sdk.option.gain, 0, 128, 64),
            (sdk.option.white_balance, 2800, 6500, 4600),
            (sdk.option.enable_auto_exposure, 0, 1, 1),
            (sdk.option.enable_auto_white_balance, 0, 1, 1),
        ):
            span = sdk.option_range()
            span.min, span.max, span.step, span.default = low, high, 1, default
            self.color_sensor.add_option(option, span, True)
        self.color = self.color_sensor.add_video_stream(self._stream(sdk.stream.color, 2), True)
        pose = sdk.extrinsics()
        cos, sin = np.cos(TURN_RAD), np.sin(TURN_RAD)
        pose.rotation = [cos, sin, 0, -sin, cos, 0, 0, 0, 1]  # about z, column after column
        pose.translation = [SIDE_M, 0.0, 0.0]
        self.depth.register_extrinsics_to(self.color, pose)

    def _stream(self, kind: Any, uid: int) -> Any:
        sdk, is_depth = self.sdk, kind == self.sdk.stream.depth
        lens = sdk.intrinsics()
        lens.width, lens.height = (WIDTH, HEIGHT) if is_depth else self.color_size
        lens.fx, lens.fy, lens.ppx, lens.ppy = (25, 26, 15, 12) if is_depth else (40, 41, 23, 18)
        lens.model = sdk.distortion.none if is_depth else sdk.distortion.brown_conrady
        lens.coeffs = [0.0] * 5 if is_depth else list(COEFFICIENTS)
        stream = sdk.video_stream()
        stream.type, stream.index, stream.uid, stream.fps, stream.intrinsics = kind, 0, uid, 30, lens
        stream.width, stream.height, stream.bpp = lens.width, lens.height, 2 if is_depth else 3
        stream.fmt = sdk.format.z16 if is_depth else sdk.format.rgb8
        return stream

    def feed(self, *, depth: bool = True, color: bool = True) -> None:
        """Hand over the next frame of both streams, or lose one of them."""
        if depth:
            self._hand_over(self.depth_sensor, self.depth, depth_image(self.fed))
        if color and self.color is not None:
            automatic = self.color_sensor.get_option(self.sdk.option.enable_auto_exposure)
            pixels = color_image(self.fed, *self.color_size)
            pixels[..., 0] += 0 if automatic else self.brighter_when_locked
            self._hand_over(self.color_sensor, self.color, pixels)
        self.fed += 1

    def _hand_over(self, sensor: Any, profile: Any, pixels: np.ndarray) -> None:
        frame = self.sdk.software_video_frame()
        frame.pixels, frame.bpp = pixels, pixels.itemsize * (1 if pixels.ndim == 2 else 3)
        frame.stride = pixels.shape[1] * frame.bpp
        frame.timestamp, frame.frame_number = 1000 + self.fed * 100 / 3, self.fed + 1
        frame.domain, frame.profile = self.sdk.timestamp_domain.system_time, profile.as_video_stream_profile()
        frame.depth_units = UNIT_M
        sensor.on_video_frame(frame)

    def stream(self, stop: threading.Event, *, wait_s: float = 0.01) -> None:
        """Feed frames until told to stop."""
        while not stop.wait(wait_s):
            self.feed()


def write_db3(
    sdk: Any,
    path: Path,
    count: int,
    *,
    color: bool = True,
    lost_depth: tuple[int, ...] = (),
    lost_color: tuple[int, ...] = (),
) -> Path:
    """Write a `.db3` by the SDK's recorder; `lost_depth` and `lost_color` are numbers of frames left out."""
    camera = SoftwareCamera(sdk, color=color)
    recorder = sdk.recorder(str(path), camera.device)
    frames = sdk.frame_queue(2 * count, keep_frames=True)
    sensors = recorder.query_sensors()
    for sensor in sensors:
        sensor.open(sensor.get_stream_profiles())
        sensor.start(frames)
    for number in range(count):
        camera.feed(depth=number not in lost_depth, color=number not in lost_color)
    expected = count * (2 if color else 1) - len(lost_depth) - len(lost_color)
    for _ in range(expected):
        frames.wait_for_frame(2000)
    for sensor in sensors:
        sensor.stop()
        sensor.close()
    return path
