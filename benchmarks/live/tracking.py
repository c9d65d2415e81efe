"""What tracking and the temporal filter cost and gain on clips with truth.

    python benchmarks/live/tracking.py --json-path benchmarks/results/live_tracking.json

Clips are synthetic (`graspseg synth --clips`), of the `val` split: moving ones, and such that stand still but for the
sensor's noise. Every frame is given to four streams: each frame by itself, tracking, the filter, and both. `iou` is the
mean IoU of hand and object over all frames, in points; `flicker` the share of still pixels whose label changes from one
frame to the next, of all (`rate`) and of hand and object; `cpu_ms` processor time a frame on one thread, which a busy
machine disturbs least.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tyro

from graspseg import Frame, Segmenter
from graspseg.evaluation.machine import describe_machine
from graspseg.metrics.confusion import Confusion
from graspseg.metrics.flicker import Flicker
from graspseg.segment.stream import StreamSegmenter, TrackSettings
from graspseg.segment.temporal_filter import TemporalFilter
from graspseg.synth.generate import FrameMaker
from graspseg.synth.preset_names import PresetName
from graspseg.synth.recipe import RECIPES

SEED = 61
MODES = {"single": (False, False), "tracking": (True, False), "filter": (False, True), "both": (True, True)}
"""Tracking, filter."""


@dataclass
class Scores:
    """Of one way to look at a stream."""

    stream: StreamSegmenter
    confusion: Confusion = field(default_factory=Confusion)
    flicker: Flicker = field(default_factory=Flicker)
    cpu_s: float = 0.0
    frames: int = 0

    def update(self, frame: Frame, target: np.ndarray, *, follows: bool) -> None:
        if not follows:
            self.stream.reset()
        start = time.process_time()
        labels = self.stream(frame).labels
        self.cpu_s += time.process_time() - start
        self.frames += 1
        self.confusion.update(labels, target)
        self.flicker.update(labels, target, frame.depth_m(), follows=follows)

    def summary(self) -> dict[str, Any]:
        iou = self.confusion.iou_dataset
        flicker = self.flicker.summary()
        assert flicker is not None
        return {
            "iou": {name: None if value is None else round(100 * value, 2) for name, value in iou.items()},
            "flicker": {name: flicker[name] for name in ("rate", "foreground_rate")},
            "cpu_ms": round(1e3 * self.cpu_s / self.frames, 2),
            "frames_by_pass": {reason or "focus": count for reason, count in self.stream.passes.most_common()},
        }


def frames_of(preset: PresetName, clips: int, length: int, *, still: bool) -> Iterator[tuple[Frame, np.ndarray, bool]]:
    """Frames, their labels, and whether each follows the one before."""
    maker = FrameMaker("val", SEED, recipe=RECIPES[preset], clip_length=length, still=still)
    for index in range(clips * length):
        made = maker.make(index)
        yield made.frame(), made.labels, index % length > 0


def measure(segmenter: Segmenter, frames: Iterator[tuple[Frame, np.ndarray, bool]]) -> dict[str, Any]:
    """Scores of all four ways on the same frames."""
    ways = {
        name: Scores(
            StreamSegmenter(
                segmenter, track=TrackSettings() if track else None, smooth=TemporalFilter() if smooth else None
            )
        )
        for name, (track, smooth) in MODES.items()
    }
    for frame, target, follows in frames:
        for scores in ways.values():
            scores.update(frame, target, follows=follows)
    return {name: scores.summary() for name, scores in ways.items()}


def main(
    *,
    model: str = "denseattentionseg-lite",
    presets: tuple[PresetName, ...] = ("interseghands", "wild"),
    clips: int = 10,
    length: int = 45,
    still_length: int = 15,
    json_path: Path | None = None,
) -> None:
    """Measures tracking and filter."""
    cv2.setNumThreads(1)
    segmenter = Segmenter(model, threads=1)
    result: dict[str, Any] = {
        "model": segmenter.path.name,
        "split": "val",
        "seed": SEED,
        "clips": {"number": clips, "length": length, "still_length": still_length, "rate_hz": 30},
        "moving": {p: measure(segmenter, frames_of(p, clips, length, still=False)) for p in presets},
        "still": {p: measure(segmenter, frames_of(p, clips, still_length, still=True)) for p in presets},
        "machine": describe_machine(),
    }
    text = json.dumps(result, indent=1)
    print(text)
    if json_path is not None:
        json_path.write_text(text + "\n")


if __name__ == "__main__":
    tyro.cli(main)
