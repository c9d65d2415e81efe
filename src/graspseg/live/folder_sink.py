"""Results as a folder data set: `depth/`, `labels/`, `dataset.json`; ready for `graspseg review` and `evaluate`."""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

from graspseg.datasets.atomic import encode_png, write_bytes, write_json
from graspseg.datasets.folder import in_unit
from graspseg.datasets.frame_cameras import FrameCameras
from graspseg.datasets.output_folder import contents, working_in
from graspseg.errors import InputError
from graspseg.frame import Frame
from graspseg.live.stream import LiveResult


class FolderSink:
    """Writes the depth and the labels of every result, depth last, so that it says that a frame is whole.

    All depth is stored in the unit of the first frame.

    Args:
        out: a new folder; it is held until `close`.

    Raises:
        InputError: something lies there, or another process writes there.
        OutputError: it cannot be made.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        if contents(out):
            raise InputError(f"{out} is not empty, expected a new folder: choose another --save.")
        self._held = contextlib.ExitStack()
        self._held.enter_context(working_in(out))
        self._cameras: FrameCameras | None = None
        self._unit_m = 0.0

    def add(self, result: LiveResult) -> None:
        """See `Sink`."""
        frame, name = result.frame, f"{result.number:06d}"
        cameras = self._begin(frame) if self._cameras is None else self._cameras
        depth = in_unit(frame, self._unit_m, name)
        write_bytes(self._out / "labels" / f"{name}.png", encode_png(result.segmentation.labels), durable=False)
        write_bytes(self._out / "depth" / f"{name}.png", encode_png(depth), durable=False)
        cameras.add(name, frame)

    def close(self) -> None:
        """See `Sink`: say which frames have a camera of their own, and let go of the folder."""
        with self._held:
            if self._cameras is not None:
                write_json(self._out / "dataset.json", self._cameras.described())

    def _begin(self, frame: Frame) -> FrameCameras:
        self._unit_m = frame.depth_unit_m
        description: dict[str, Any] = {"depth_unit_m": self._unit_m, "provenance": "graspseg live; labels by the model"}
        known = {} if frame.intrinsics is None else {"intrinsics": asdict(frame.intrinsics)}
        write_json(self._out / "dataset.json", {**description, **known})  # should the power fail before `close`
        self._cameras = FrameCameras(description)
        return self._cameras
