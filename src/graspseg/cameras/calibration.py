"""Cameras in a description: `color`, where the color camera sits beside the depth camera, and the lens of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from graspseg.cameras.rgbd import ColorCamera
from graspseg.datasets.description import is_number, parse_intrinsics
from graspseg.errors import InputError

_MOST_COEFFICIENTS = (0, 4, 5, 8, 12, 14)  # numbers of them that OpenCV knows


def parse_color_camera(content: Mapping[str, Any], path: Path) -> ColorCamera | None:
    """Read the field `color`: `intrinsics`, `color_from_depth` (4 x 4, meters), optional `distortion`.

    Args:
        content: what the file holds.
        path: what messages call it.

    Returns:
        None when there is no such field: then pictures are aligned with the depth.

    Raises:
        InputError: the field has another form, or says what no camera is.
    """
    color = content.get("color")
    if color is None:
        return None
    expected = "expected intrinsics, color_from_depth (4 x 4) and, if any, distortion (0, 4, 5, 8, 12 or 14 numbers)"
    if not isinstance(color, dict):
        raise InputError(f"{path} has color {color!r}, {expected}: correct it.")
    intrinsics = parse_intrinsics(color, path)
    pose = color.get("color_from_depth")
    distortion = color.get("distortion", [])
    if intrinsics is None or not _is_pose(pose) or not _are_coefficients(distortion):
        raise InputError(f"{path} has color {sorted(color)} of another form, {expected}: correct it.")
    matrix = np.array(pose, np.float64)
    try:
        return ColorCamera(intrinsics, matrix[:3, :3], matrix[:3, 3], tuple(float(value) for value in distortion))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def parse_distortion(content: Mapping[str, Any], path: Path) -> tuple[float, ...]:
    """Read the field `distortion` beside `intrinsics`: the lens of the depth camera, in OpenCV's order.

    Args:
        content: what the file holds.
        path: what messages call it.

    Returns:
        () when there is no such field: then the lens does not bend.

    Raises:
        InputError: the field has another form, or sits inside `intrinsics`.
    """
    distortion, camera = content.get("distortion", []), content.get("intrinsics")
    if isinstance(camera, dict) and "distortion" in camera:
        raise InputError(f"{path} has distortion inside intrinsics, expected it beside them: move it out.")
    if not _are_coefficients(distortion):
        raise InputError(
            f"{path} has distortion {distortion!r}, expected 0, 4, 5, 8, 12 or 14 numbers of OpenCV: correct it."
        )
    return tuple(float(value) for value in distortion)


def describe_color_camera(camera: ColorCamera) -> dict[str, Any]:
    """The field `color` for a camera, as `parse_color_camera` reads it."""
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = camera.rotation, camera.translation_m
    described: dict[str, Any] = {"intrinsics": asdict(camera.intrinsics), "color_from_depth": pose.tolist()}
    return described | ({"distortion": list(camera.distortion)} if camera.distortion else {})


def _is_pose(value: object) -> bool:
    """Whether a JSON value is a 4 x 4 matrix of numbers that ends with (0, 0, 0, 1)."""
    rows = value if isinstance(value, list) and len(value) == 4 else []
    if not rows or not all(isinstance(row, list) and len(row) == 4 and all(map(is_number, row)) for row in rows):
        return False
    return rows[3] == [0, 0, 0, 1]


def _are_coefficients(value: object) -> bool:
    return isinstance(value, list) and len(value) in _MOST_COEFFICIENTS and all(map(is_number, value))
