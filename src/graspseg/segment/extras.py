"""What is written for a segmented frame beside its labels; whatever is metric says its unit and camera."""

from __future__ import annotations

import io
from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal

import numpy as np

from graspseg.datasets.atomic import write_bytes, write_json, write_png
from graspseg.datasets.folder import in_unit
from graspseg.datasets.frame_cameras import FrameCameras
from graspseg.frame import Frame
from graspseg.labels import CLASS_NAMES, HAND, OBJECT
from graspseg.segment.cloud import ply
from graspseg.segment.segmentation import Segmentation

Extra = Literal["probabilities", "cloud", "handless"]


class Extras:
    """Writes everything but the labels of the frames of one run.

    `overlays/<name>.png`; `probabilities/<name>.npz` (float16, 3 x height x width, with `depth_unit_m` of the frame and
    `intrinsics` fx, fy, cx, cy, NaN where they are unknown); `clouds/<name>-hand.ply` and `-object.ply` (meters, camera
    axes, with normals); `handless/<name>.png` (depth with 0 at the hand, every frame in the one unit of
    `handless/dataset.json`, which also has the cameras).

    Args:
        out: folder of the run.
        overlays: whether to draw the labels over the depth.
        save: what else.
    """

    def __init__(self, out: Path, *, overlays: bool, save: Collection[Extra]) -> None:
        self._out = out
        self._overlays = overlays
        self._save = save
        self._cameras: FrameCameras | None = None
        self._unit_m = 0.0
        self._assumes = "cloud" in save

    def write(self, name: str, frame: Frame, result: Segmentation) -> None:
        """Write what belongs to a frame.

        Raises:
            InputError: its depth does not fit the unit of the others.
            OutputError: a file cannot be written.
        """
        if self._overlays:
            write_png(self._out / "overlays" / f"{name}.png", result.overlay(), durable=False)
        if "probabilities" in self._save:
            write_bytes(self._out / "probabilities" / f"{name}.npz", _npz(frame, result), durable=False)
        if "cloud" in self._save:
            for label in (HAND, OBJECT):
                path = self._out / "clouds" / f"{name}-{CLASS_NAMES[label]}.ply"
                write_bytes(path, ply(frame, result.labels == label), durable=False)
        if "handless" in self._save:
            self._write_handless(name, frame, result)

    def _write_handless(self, name: str, frame: Frame, result: Segmentation) -> None:
        folder = self._out / "handless"
        if self._cameras is None:
            self._unit_m = frame.depth_unit_m
            description: dict[str, Any] = {"depth_unit_m": self._unit_m}
            self._cameras = FrameCameras(description)
            write_json(folder / "dataset.json", description)
        depth = in_unit(frame, self._unit_m, name)
        write_png(folder / f"{name}.png", np.where(result.labels == HAND, np.uint16(0), depth), durable=False)
        self._cameras.add(name, frame)

    def finish(self) -> None:
        """Say which frames have a camera of their own.

        Raises:
            OutputError: that cannot be written.
        """
        if self._cameras is not None:
            write_json(self._out / "handless" / "dataset.json", self._cameras.described())

    def assumption(self, frame: Frame) -> str | None:
        """The sentence for a camera that nobody names and metric results rest on, once in a run."""
        if frame.intrinsics is not None or not self._assumes:
            return None
        self._assumes = False
        camera = frame.intrinsics_or_default()
        height, width = frame.depth.shape
        return (
            f"no camera is known, so the clouds assume a focal length of {camera.fx:.4g} pixels for images of "
            f"{width}x{height} pixels: give --fx, or intrinsics in dataset.json"
        )


def _npz(frame: Frame, result: Segmentation) -> memoryview:
    camera = frame.intrinsics
    known = [np.nan] * 4 if camera is None else [camera.fx, camera.fy, camera.cx, camera.cy]
    packed = io.BytesIO()
    np.savez_compressed(
        packed,
        probabilities=result.probabilities.astype(np.float16),
        depth_unit_m=np.float64(frame.depth_unit_m),
        intrinsics=np.array(known, np.float64),
    )
    return packed.getbuffer()
