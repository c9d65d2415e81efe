"""The summary of a run."""

from __future__ import annotations

import contextlib
import json
import os
from array import array
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import numpy as np

from graspseg.datasets.atomic import new_file, unwritable
from graspseg.frame import Frame
from graspseg.labels import CLASS_NAMES
from graspseg.segment.segmentation import Segmentation

Stage = Literal["read_ms", "segment_ms", "write_ms", "end_to_end_ms"]
STAGES: tuple[Stage, ...] = ("read_ms", "segment_ms", "write_ms", "end_to_end_ms")


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
        self.without_hand = 0
        self._finished = False
        self._opened = contextlib.ExitStack()
        self._file = self._opened.enter_context(new_file(self._path))
        self._write(json.dumps(dict(head), indent=1)[:-2] + ',\n "frames": [')

    @property
    def done(self) -> int:
        """Number of frames that were segmented."""
        return len(self._times["read_ms"])

    def add(
        self,
        name: str,
        frame: Frame,
        result: Segmentation,
        *,
        times_ms: Mapping[Stage, float],
        warnings: list[str],
        source: Path | None = None,
    ) -> None:
        """Note one segmented frame, and where it is from."""
        height, width = frame.depth.shape
        counts = {label: int(np.count_nonzero(result.labels == value)) for value, label in enumerate(CLASS_NAMES)}
        row = {
            "stem": name,
            "source": None if source is None else os.path.abspath(source),
            "width": width,
            "height": height,
            "depth_unit_m": frame.depth_unit_m,
            "intrinsics": None if frame.intrinsics is None else asdict(frame.intrinsics),
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
        self.without_hand += not counts["hand"]

    def finish(self) -> None:
        """Add the totals; the file takes its place when the summary is left."""
        overall = {
            stage: {f"p{p}": round(float(np.percentile(times, p)), 3) for p in (50, 99)}
            for stage, times in self._times.items()
            if len(times)
        }
        tail = {
            "count": {"segmented": self.done, "failed": len(self.failures), "with_warnings": self.warnings},
            "without_hand": self.without_hand,
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
