"""The RealSense SDK, loaded only where it is needed."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from graspseg.cameras.rgbd import ColorCamera
from graspseg.cameras.undistort import DepthLens
from graspseg.errors import InputError, not_installed
from graspseg.frame import Intrinsics

# Models whose coefficients are, exactly or to first order, OpenCV's k1 k2 p1 p2 k3.
_BROWN = ("none", "brown_conrady", "modified_brown_conrady", "inverse_brown_conrady")


def load_sdk() -> Any:
    """The module `pyrealsense2`.

    Raises:
        InputError: it is not installed, or cannot be loaded because the system lacks libusb.
    """
    try:
        import pyrealsense2
    except ModuleNotFoundError as error:
        raise InputError(not_installed("This", "pyrealsense2", "realsense")) from error
    except ImportError as error:
        raise InputError(
            f"pyrealsense2 is installed but could not be loaded ({error}), expected its system library libusb-1.0: "
            "on Debian or Ubuntu, apt install libusb-1.0-0."
        ) from error
    return pyrealsense2


def intrinsics_of(profile: Any) -> Intrinsics:
    """The pinhole camera of a video stream; for its distortion see `depth_lens_of` and `color_camera_of`.

    Raises:
        InputError: the stream has no calibration.
    """
    camera = profile.as_video_stream_profile().get_intrinsics()
    return Intrinsics(camera.fx, camera.fy, camera.ppx, camera.ppy)


def depth_lens_of(depth: Any) -> DepthLens:
    """The lens of a depth stream; the SDK itself reckons with every model as with the plain one.

    Raises:
        InputError: no calibration, or a lens that OpenCV's coefficients do not describe.
    """
    camera = depth.as_video_stream_profile().get_intrinsics()
    return DepthLens(distortion(camera.model.name, camera.coeffs, of="depth"))


def color_camera_of(depth: Any, color: Any) -> ColorCamera:
    """The color camera as two streams of one device say.

    Raises:
        InputError: no calibration, or a lens that OpenCV's coefficients do not describe.
    """
    camera = color.as_video_stream_profile().get_intrinsics()
    pose = depth.get_extrinsics_to(color)
    return ColorCamera(
        intrinsics_of(color),
        np.array(pose.rotation, np.float64).reshape(3, 3).T,  # stored column after column
        np.array(pose.translation, np.float64),
        distortion(camera.model.name, camera.coeffs),
    )


def distortion(model: str, coefficients: Any, *, of: Literal["color", "depth"] = "color") -> tuple[float, ...]:
    """Coefficients of a lens in OpenCV's order, () for none.

    Args:
        model: name of the SDK's model, such as `brown_conrady` or `Inverse Brown Conrady`.
        coefficients: the SDK's, or those of a ROS message.
        of: the stream, for the message.

    Raises:
        InputError: the lens is of another kind, such as a fisheye.
    """
    values = tuple(float(value) for value in coefficients)
    if not any(values):
        return ()
    name = model.lower().replace(" ", "_")
    if name not in (*_BROWN, "plumb_bob") or len(values) != 5 or not all(map(math.isfinite, values)):
        raise InputError(
            f"The {of} lens is described as {model} with {len(values)} coefficients, expected Brown-Conrady with 5: "
            f"record with the camera's own {of} stream."
        )
    return () if name == "none" else values
