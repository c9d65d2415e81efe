"""Cameras and units of single frames in a description that names one for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from graspseg.frame import Frame


class FrameCameras:
    """Collects the cameras of frames as they are written; those that differ go into `per_frame`.

    Args:
        description: what holds for all frames; its fields `intrinsics` and `depth_unit_m` are their camera and unit.
        own_units: note units too.
    """

    def __init__(self, description: Mapping[str, Any], *, own_units: bool = False) -> None:
        self._own_units = own_units
        self._description = dict(description)
        self.per_frame: dict[str, dict[str, Any]] = {}

    def add(self, stem: str, frame: Frame) -> dict[str, float] | None:
        """Note the camera of a frame; returns it where it is known."""
        camera = None if frame.intrinsics is None else asdict(frame.intrinsics)
        if camera is not None and camera != self._description.get("intrinsics"):
            self.per_frame[stem] = {"intrinsics": camera}
        if self._own_units and frame.depth_unit_m != self._description.get("depth_unit_m"):
            self.per_frame.setdefault(stem, {})["depth_unit_m"] = frame.depth_unit_m
        return camera

    def described(self, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The description, with the cameras of single frames if there are any."""
        own = {"per_frame": self.per_frame} if self.per_frame else {}
        return {**self._description, **(more or {}), **own}
