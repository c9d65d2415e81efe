"""What is written for a segmented frame, and the summary of a run."""

from __future__ import annotations

import contextlib
import io
import json
from array import array
from collections.abc import Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float32

from graspseg.datasets.atomic import new_file, unwritable, write_bytes, write_png
from graspseg.frame import Frame
from graspseg.labels import CLASS_NAMES, HAND, OBJECT, overlay
from graspseg.segment.segmenter import Segmentation

Extra = Literal["probabilities", "cloud", "handless"]
Stage = Literal["read_ms", "segment_ms", "write_ms", "end_to_end_ms"]
STAGES: tuple[Stage, ...] = ("read_ms", "segment_ms", "write_ms", "end_to_end_ms")


def write_extras(
    out: Path, name: str, frame: Frame, result: Segmentation, *, overlays: bool, save: Collection[Extra]
) -> None:
    """Write everything but the labels.

    Args:
        out: folder of the run.
        name: relative path and stem.
        frame: the input.
        result: its segmentation.
        overlays: whether to draw `overlays/<name>.png`.
        save: `probabilities` adds `probabilities/<name>.npz` (float16, 3 x height x width), `cloud` adds
            `clouds/<name>-hand.ply` and `-object.ply` (metres, camera axes), `handless` adds `handless/<name>.png`
            (the depth, in its own unit, with 0 at the hand).

    Raises:
        OutputError: a file cannot be written.
    """
    if overlays:
        write_png(out / "overlays" / f"{name}.png", overlay(frame.depth, result.labels))
    if "probabilities" in save:
        packed = io.BytesIO()
        np.savez_compressed(packed, probabilities=result.probabilities.astype(np.float16))
        write_bytes(out / "probabilities" / f"{name}.npz", packed.getbuffer())
    if "cloud" in save:
        for label in (HAND, OBJECT):
            points = cloud(frame, result.labels == label)
            write_bytes(out / "clouds" / f"{name}-{CLASS_NAMES[label]}.ply", _ply(points))
    if "handless" in save:
        write_png(out / "handless" / f"{name}.png", np.where(result.labels == HAND, np.uint16(0), frame.depth))


def cloud(frame: Frame, mask: Bool[np.ndarray, "h w"]) -> Float32[np.ndarray, "n 3"]:
    """Points of the masked pixels that have a depth: x right, y down, z forward, in metres."""
    camera = frame.intrinsics_or_default()
    rows, columns = np.nonzero(mask & (frame.depth > 0))
    z = frame.depth[rows, columns] * np.float64(frame.depth_unit_m)
    x, y = (columns - camera.cx) / camera.fx * z, (rows - camera.cy) / camera.fy * z
    return np.stack([x, y, z], axis=1).astype(np.float32)


def _ply(points: Float32[np.ndarray, "n 3"]) -> bytes:
    header = f"ply\nformat binary_little_endian 1.0\nelement vertex {len(points)}\n"
    header += "".join(f"property float {axis}\n" for axis in "xyz") + "end_header\n"
    return header.encode() + points.astype("<f4").tobytes()


class Summary:
    """`summary.json`, written frame by frame so that memory stays flat; it appears when the run is over.

    Raises:
        OutputError: the file cannot be written.
    """

    def __init__(self, out: Path, head: Mapping[str, Any]) -> None:
        self._path = out / "summary.json"
        self._times = {stage: array("f") for stage in STAGES}
        self.failures: list[dict[str, str]] = []
        self.warnings = 0
        self._finished = False
        self._opened = contextlib.ExitStack()
        self._file = self._opened.enter_context(new_file(self._path))
        self._write(json.dumps(dict(head), indent=1)[:-2] + ',\n "frames": [')

    @property
    def done(self) -> int:
        """Number of frames that were segmented."""
        return len(self._times["read_ms"])

    def add(
        self, name: str, frame: Frame, result: Segmentation, *, times_ms: Mapping[Stage, float], warnings: list[str]
    ) -> None:
        """Note one segmented frame."""
        height, width = frame.depth.shape
        counts = {label: int(np.count_nonzero(result.labels == value)) for value, label in enumerate(CLASS_NAMES)}
        row = {
            "stem": name,
            "width": width,
            "height": height,
            "depth_unit_m": frame.depth_unit_m,
            "pixels": counts,
            "mean_confidence": None if result.confidence is None else round(result.confidence, 4),
            "hand_present": None if result.hand_present is None else round(result.hand_present, 4),
            **{stage: round(times_ms[stage], 3) for stage in STAGES},
            "warnings": warnings,
        }
        self._write(("," if self.done else "") + "\n  " + json.dumps(row))
        for stage in STAGES:
            self._times[stage].append(times_ms[stage])
        self.warnings += bool(warnings)

    def finish(self) -> None:
        """Add the totals; the file takes its place when the summary is left."""
        overall = {
            stage: {f"p{p}": round(float(np.percentile(times, p)), 3) for p in (50, 99)}
            for stage, times in self._times.items()
            if len(times)
        }
        tail = {
            "count": {"segmented": self.done, "failed": len(self.failures), "with_warnings": self.warnings},
            "failed": self.failures,
            "overall": overall,
        }
        self._write("\n ],\n" + json.dumps(tail, indent=1)[2:] + "\n")
        self._finished = True

    def _write(self, text: str) -> None:
        try:
            self._file.write(text.encode())
        except OSError as error:
            raise unwritable(self._path, error) from error

    def __enter__(self) -> Summary:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put a finished file in its place and leave nothing half-written."""
        if error is not None or not self._finished:
            with contextlib.suppress(OSError):
                self._file.close()
        self._opened.close()
