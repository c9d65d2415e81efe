"""A RealSense camera as a live source: the SDK's software device, and a stand-in for what that cannot do."""

from __future__ import annotations

import types
from typing import Any

import numpy as np
import pytest

from graspseg import InputError
from graspseg.cameras.camera import Camera, CameraLostError
from graspseg.cameras.realsense import live
from graspseg.cameras.realsense.capture import Mode
from graspseg.cameras.realsense.live import RealSenseCamera

DEPTH = np.arange(24 * 32, dtype=np.uint16).reshape(24, 32) + 100


def test_frames_of_the_sdk_come_with_unit_camera_and_time(streaming: Any) -> None:
    camera = RealSenseCamera(Mode(32, 24, 30), device=streaming.device)
    assert isinstance(camera, Camera)
    camera.open()
    try:
        frames = [frame for _ in range(20) if (frame := camera.read(1.0)) is not None][:3]
    finally:
        camera.close()
    camera.close()
    assert len(frames) == 3 and all(frame.depth.shape == (24, 32) for frame in frames)
    first = frames[0]
    assert first.depth_unit_m == pytest.approx(0.000125) and first.intrinsics is not None
    assert (first.intrinsics.fx, first.intrinsics.cy) == pytest.approx((25, 12))
    times = [frame.timestamp_s or 0.0 for frame in frames]
    assert times == sorted(times) and times[0] >= 1.0
    assert (np.diff(first.depth.astype(int), axis=1) == 3).all(), "pixels are those that were fed, upright"


class FakeSdk(types.SimpleNamespace):
    """As much of `pyrealsense2` as a live camera needs; `log` says what was called in which order."""

    def __init__(self, *, busy: str = "", frames: Any = None) -> None:
        super().__init__()
        self.log: list[str] = []
        self.frames = frames
        self.busy = busy
        self.stream = types.SimpleNamespace(depth="depth", color="color")
        self.format = types.SimpleNamespace(z16="z16", rgb8="rgb8")
        self.camera_info = types.SimpleNamespace(name="name", serial_number="serial")
        self.config = lambda: types.SimpleNamespace(enable_stream=lambda *each: self.log.append(f"enable {each[0]}"))
        self.pipeline = lambda: FakePipeline(self)
        for name in ("spatial_filter", "temporal_filter"):
            setattr(self, name, lambda name=name: FakeStep(self, name))
        self.disparity_transform = lambda to: FakeStep(self, f"disparity_transform {to}")
        self.align = lambda to: FakeStep(self, f"align to {to}")


class FakeStep:
    def __init__(self, sdk: FakeSdk, name: str) -> None:
        self._sdk, self._name = sdk, name

    def process(self, frames: Any) -> Any:
        self._sdk.log.append(self._name)
        return frames


class FakePipeline:
    def __init__(self, sdk: FakeSdk) -> None:
        self._sdk = sdk

    def set_device(self, device: Any) -> None:
        pass

    def start(self, config: Any) -> Any:
        if self._sdk.busy:
            raise RuntimeError(self._sdk.busy)
        lens = types.SimpleNamespace(fx=380.0, fy=380.0, ppx=15.5, ppy=11.5)
        profile = types.SimpleNamespace(get_intrinsics=lambda: lens)
        stream = types.SimpleNamespace(as_video_stream_profile=lambda: profile)
        return types.SimpleNamespace(get_stream=lambda kind: stream)

    def try_wait_for_frames(self, milliseconds: int) -> tuple[bool, Any]:
        if isinstance(self._sdk.frames, Exception):
            raise self._sdk.frames
        return self._sdk.frames is not None, self._sdk.frames

    def stop(self) -> None:
        self._sdk.log.append("stop")
        raise RuntimeError("the camera was unplugged")


class FakeFrames:
    """Depth and color of a D405, whose unit is a tenth of a millimeter."""

    def as_frameset(self) -> FakeFrames:
        return self

    def get_depth_frame(self) -> Any:
        # Handed over in single precision.
        return types.SimpleNamespace(
            get_data=lambda: DEPTH, get_units=lambda: float(np.float32(1e-4)), get_timestamp=lambda: 1500.0
        )

    def get_color_frame(self) -> Any:
        return types.SimpleNamespace(get_data=lambda: np.full((24, 32, 3), 7, np.uint8))


@pytest.fixture
def device() -> Any:
    return types.SimpleNamespace(supports=lambda kind: True, get_info=lambda kind: "Intel RealSense D405")


def opened(monkeypatch: pytest.MonkeyPatch, sdk: FakeSdk, device: Any, **options: Any) -> RealSenseCamera:
    monkeypatch.setattr(live, "load_sdk", lambda: sdk)
    monkeypatch.setattr("graspseg.cameras.realsense.capture.load_sdk", lambda: sdk)
    camera = RealSenseCamera(Mode(32, 24, 30), device=device, **options)
    camera.open()
    return camera


def test_filters_come_in_disparity_and_before_the_alignment(monkeypatch: pytest.MonkeyPatch, device: Any) -> None:
    sdk = FakeSdk(frames=FakeFrames())
    camera = opened(monkeypatch, sdk, device, filters=True, color=True)
    frame = camera.read(0.1)
    assert sdk.log == [
        "enable depth",
        "enable color",
        "disparity_transform True",
        "spatial_filter",
        "temporal_filter",
        "disparity_transform False",
        "align to depth",
    ]
    assert frame is not None and np.array_equal(frame.depth, DEPTH) and frame.depth is not DEPTH
    assert frame.depth_unit_m == 0.0001 and frame.timestamp_s == 1.5
    assert frame.color is not None and (frame.color == 7).all()
    assert camera.describe() == "Intel RealSense D405, 32x24 at 30 a second"


def test_without_filters_depth_is_as_the_camera_gives_it(monkeypatch: pytest.MonkeyPatch, device: Any) -> None:
    sdk = FakeSdk(frames=FakeFrames())
    camera = opened(monkeypatch, sdk, device, depth_unit_m=0.001)
    frame = camera.read(0.1)
    assert sdk.log == ["enable depth"] and frame is not None and frame.color is None and frame.depth_unit_m == 0.001
    sdk.frames = None
    assert camera.read(0.1) is None


@pytest.mark.parametrize(
    ("refusal", "found"),
    [
        ("failed to set power state: Device or resource busy", "is used by another program"),
        ("Couldn't resolve requests", "does not stream depth of 32x24 at 30 a second"),
    ],
)
def test_a_camera_that_refuses_says_why(monkeypatch: pytest.MonkeyPatch, device: Any, refusal: str, found: str) -> None:
    with pytest.raises(InputError, match=found) as caught:
        opened(monkeypatch, FakeSdk(busy=refusal), device)
    assert not isinstance(caught.value, CameraLostError)


def test_a_camera_that_is_pulled_out_is_lost_and_closes_without_a_word(
    monkeypatch: pytest.MonkeyPatch, device: Any
) -> None:
    sdk = FakeSdk(frames=RuntimeError("Device disconnected. "))
    camera = opened(monkeypatch, sdk, device)
    with pytest.raises(CameraLostError, match=r"D405 stopped \(Device disconnected\), expected it to stream"):
        camera.read(0.1)
    camera.close()
    camera.close()
    assert sdk.log.count("stop") == 1
