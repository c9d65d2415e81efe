"""Cameras and units of single frames in a description that names one for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from graspseg.frame import Frame, Intrinsics


class FrameCameras:
    """Collects the cameras of frames as they are written, so that each is read with its own, or without one.

    Where the description names a camera, frames with another go into `per_frame`. Where it names none, a camera that
    all frames share becomes that of the description, else those that are known go into `per_frame`.

    Args:
        description: what holds for all frames; its fields `intrinsics` and `depth_unit_m` are their camera and unit.
        own_units: note units too; and a camera that all frames share stays that of each.
    """

    def __init__(self, description: Mapping[str, Any], *, own_units: bool = False) -> None:
        self._description = dict(description)
        self._own_units = own_units
        self._cameras: dict[str, Intrinsics | None] = {}
        self._units: dict[str, float] = {}

    def add(self, stem: str, frame: Frame) -> dict[str, float] | None:
        """Note the camera of a frame; returns it where it is known."""
        self._cameras[stem] = frame.intrinsics
        if self._own_units and frame.depth_unit_m != self._description.get("depth_unit_m"):
            self._units[stem] = frame.depth_unit_m
        return _values(frame.intrinsics)

    def described(self, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The description, with the camera of all frames or those of single ones, if any are known."""
        content = {**self._description, **(more or {})}
        shared = self._shared()
        if shared is not None:
            content["intrinsics"] = _values(shared)
        rows: dict[str, dict[str, Any]] = {}
        for stem, camera in self._cameras.items():
            if camera is not None and _values(camera) != content.get("intrinsics"):
                rows[stem] = {"intrinsics": _values(camera)}
            if stem in self._units:
                rows.setdefault(stem, {})["depth_unit_m"] = self._units[stem]
        return {**content, "per_frame": rows} if rows else content

    def _shared(self) -> Intrinsics | None:
        """The camera of all frames; None where the description names one, they differ, or one has none."""
        if self._own_units or self._description.get("intrinsics") is not None:
            return None
        cameras = set(self._cameras.values())
        return cameras.pop() if len(cameras) == 1 else None


def _values(camera: Intrinsics | None) -> dict[str, float] | None:
    return None if camera is None else asdict(camera)
