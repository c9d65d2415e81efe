"""A RealSense camera (D400 family, D405, and whatever else the SDK drives) as a live source of depth."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from graspseg.cameras.camera import CameraLostError
from graspseg.cameras.realsense.capture import Mode, info
from graspseg.cameras.realsense.record import find_camera
from graspseg.cameras.realsense.sdk import intrinsics_of, load_sdk
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics


class RealSenseCamera:
    """Depth of a RealSense camera, frame by frame.

    Args:
        mode: size and rate of the depth.
        serial: number of the camera, None takes the only one.
        filters: run the SDK's spatial and temporal filters, in disparity, as its makers advise. They come before
            anything else is done with the depth: filters after an alignment would smear what was resampled.
        color: also stream color, aligned to the depth after the filters, as `Frame.color`.
        depth_unit_m: meters per stored unit, None takes what the camera says (0.0001 for the D405).
        device: of the SDK, None looks for one.
    """

    def __init__(
        self,
        mode: Mode = Mode(640, 480, 30),  # noqa: B008 (it is frozen)
        *,
        serial: str | None = None,
        filters: bool = False,
        color: bool = False,
        depth_unit_m: float | None = None,
        device: Any = None,
    ) -> None:
        self._mode, self._serial, self._color = mode, serial, color
        self._filters, self._unit_m, self._given = filters, depth_unit_m, device
        self._pipeline: Any = None
        self._steps: list[Any] = []
        self._align: Any = None
        self._intrinsics: Intrinsics | None = None
        self._name = "RealSense camera"

    def open(self) -> None:
        """See `Camera.open`."""
        sdk, mode = load_sdk(), self._mode
        device = find_camera(self._serial) if self._given is None else self._given
        self._name = info(device, "name")
        config = sdk.config()
        config.enable_stream(sdk.stream.depth, mode.width, mode.height, sdk.format.z16, mode.fps)
        if self._color:
            config.enable_stream(sdk.stream.color, mode.width, mode.height, sdk.format.rgb8, mode.fps)
        pipeline = sdk.pipeline()
        try:
            pipeline.set_device(device)
            self._intrinsics = intrinsics_of(pipeline.start(config).get_stream(sdk.stream.depth))
        except RuntimeError as error:
            raise _refusal(self._name, mode, error) from error
        self._pipeline = pipeline
        self._steps = _filters(sdk) if self._filters else []
        self._align = sdk.align(sdk.stream.depth) if self._color else None

    def read(self, timeout_s: float) -> Frame | None:
        """See `Camera.read`."""
        try:
            came, frames = self._pipeline.try_wait_for_frames(max(1, round(1e3 * timeout_s)))
            if not came:
                return None
            for step in self._steps:
                frames = step.process(frames).as_frameset()
            if self._align is not None:
                frames = self._align.process(frames)
            depth, color = frames.get_depth_frame(), frames.get_color_frame() if self._color else None
            if not depth:
                return None
            picture = np.array(color.get_data()) if color else None  # copies: the SDK's own memory is short
            pixels = np.array(depth.get_data())
            unit_m = round(float(depth.get_units()), 9) if self._unit_m is None else self._unit_m
            time_s = depth.get_timestamp() / 1e3
        except RuntimeError as error:
            raise CameraLostError(
                f"{self._name} stopped ({_reason(error)}), expected it to stream: check its cable."
            ) from error
        if picture is not None and picture.shape != (*pixels.shape, 3):
            picture = None
        return Frame(pixels, unit_m, self._intrinsics, time_s, picture)

    def close(self) -> None:
        """See `Camera.close`."""
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            with contextlib.suppress(RuntimeError):  # the camera was unplugged
                pipeline.stop()

    def describe(self) -> str:
        """See `Camera.describe`."""
        return f"{self._name}, {self._mode.width}x{self._mode.height} at {self._mode.fps} a second"


def _filters(sdk: Any) -> list[Any]:
    """Spatial and temporal filter between the way to disparity and back, where noise is alike near and far."""
    return [
        sdk.disparity_transform(True),
        sdk.spatial_filter(),
        sdk.temporal_filter(),
        sdk.disparity_transform(False),
    ]


def _refusal(name: str, mode: Mode, error: RuntimeError) -> InputError:
    reason = _reason(error)
    if "busy" in reason.lower() or "in use" in reason.lower() or "access" in reason.lower():
        return InputError(f"{name} is used by another program ({reason}), expected it to be free: close that program.")
    return InputError(
        f"{name} does not stream depth of {mode.width}x{mode.height} at {mode.fps} a second ({reason}), expected a "
        "mode it offers: choose other --width, --height and --fps."
    )


def _reason(error: Exception) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__
