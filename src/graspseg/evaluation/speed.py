"""How long a frame takes end to end, and whether memory stays flat: `python -P -m graspseg.evaluation.speed DATA`."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from graspseg import __version__
from graspseg.datasets.atomic import write_json, write_png
from graspseg.evaluation.machine import describe_machine, resident_mb
from graspseg.frame import Frame
from graspseg.segment.inputs import CameraOptions, find_sources

STAGES = ("read", "segment", "write")
MEMORY_EVERY = 50


@dataclass(frozen=True)
class Arguments:
    """Time reading a depth image, segmenting it and writing its label PNG, one frame after the other.

    Attributes:
        data: What `graspseg segment` reads: a folder of depth images, shards, a public data set as NAME:FOLDER; its
            frames are read again and again until `frames` are done.
        frames: How many frames.
        warm_up: How many frames to do before, untimed.
        model: Shipped model by name, or an exported .onnx file.
        threads: CPU threads; default: as many as this process may use.
        depth_unit: Metres per stored unit; default: dataset.json, else 0.001.
        json: Also write the figures to this file.
    """

    data: Annotated[Path, tyro.conf.Positional]
    frames: int = 2000
    warm_up: int = 20
    model: str = "denseattentionseg-lite"
    threads: int | None = None
    depth_unit: float | None = None
    json: Path | None = None


def measure_speed(
    segment: Callable[[Frame], np.ndarray],
    data: Path,
    *,
    frames: int,
    warm_up: int = 20,
    camera: CameraOptions | None = None,
) -> dict[str, Any]:
    """Time every stage of every frame and watch the memory of this process.

    Args:
        segment: Frame to labels.
        data: See `find_sources`; read again and again.
        frames: How many frames to time, at least 1.
        warm_up: How many to do before.
        camera: Unit and camera of the depth images; None takes what the data set says, else the defaults.

    Returns:
        Milliseconds (p50, p99, mean) of each stage and end to end (file read to label PNG written, no overlays); MB
        resident at the start, at the end, at most, and the growth per 1000 frames over the second half.

    Raises:
        InputError: There is no depth image, or one that cannot be used.
    """
    camera = camera or CameraOptions()
    milliseconds = np.zeros((frames, len(STAGES)))
    size: list[int] = []
    memory: list[tuple[int, float]] = []
    with tempfile.TemporaryDirectory() as out:
        sources = find_sources([data], Path(out))
        for done in range(-warm_up, frames):
            source = sources[done % len(sources)]
            moments = [time.perf_counter()]
            frame = source.read(camera)
            moments.append(time.perf_counter())
            labels = segment(frame)
            moments.append(time.perf_counter())
            write_png(Path(out) / f"{source.name}.png", labels)
            moments.append(time.perf_counter())
            size = list(labels.shape[::-1])
            if done >= 0:
                milliseconds[done] = [1000 * (after - before) for before, after in pairwise(moments)]
                resident = resident_mb() if done % MEMORY_EVERY == 0 or done == frames - 1 else None
                if resident is not None:
                    memory.append((done, resident))
    return {
        "frames": frames,
        "size": size,
        "end_to_end_ms": _quantiles(milliseconds.sum(axis=1)),
        **{f"{stage}_ms": _quantiles(milliseconds[:, i]) for i, stage in enumerate(STAGES)},
        "resident_mb": _memory(memory) if memory else None,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Measure with a model, print the figures and write them to a file."""
    arguments = tyro.cli(Arguments, args=argv, prog="python -P -m graspseg.evaluation.speed")
    from graspseg.segment.segmenter import Segmenter

    segmenter = Segmenter(arguments.model, threads=arguments.threads)
    figures = measure_speed(
        lambda frame: segmenter(frame).labels,
        arguments.data,
        frames=arguments.frames,
        warm_up=arguments.warm_up,
        camera=CameraOptions(arguments.depth_unit),
    )
    report = {
        "data": str(arguments.data),
        "model": arguments.model,
        **figures,
        "graspseg": __version__,
        "machine": describe_machine(),
    }
    if arguments.json is not None:
        write_json(arguments.json, report)
    for name in ("read", "segment", "write", "end_to_end"):
        values = figures[f"{name}_ms"]
        print(f"{name:<10}  p50 {values['p50']:6.2f} ms  p99 {values['p99']:6.2f} ms  mean {values['mean']:6.2f} ms")
    if figures["resident_mb"] is not None:
        start, end, _, growth = figures["resident_mb"].values()
        print(f"memory      {start:.0f} MB at the start, {end:.0f} MB at the end, {growth:+.1f} MB in 1000 frames")
    return 0


def _quantiles(values: np.ndarray) -> dict[str, float]:
    p50, p99 = np.quantile(values, [0.5, 0.99])
    return {"p50": round(float(p50), 3), "p99": round(float(p99), 3), "mean": round(float(values.mean()), 3)}


def _memory(samples: list[tuple[int, float]]) -> dict[str, float]:
    done, resident = np.array(samples).T
    # The first half still fills caches and the allocator's arenas.
    late = done >= done[-1] / 2
    growth = np.polyfit(done[late], resident[late], 1)[0] if late.sum() > 2 else 0.0
    figures = {
        "start": resident[0],
        "end": resident[-1],
        "most": resident.max(),
        "growth_per_1000_frames": 1000 * growth,
    }
    return {name: round(float(value), 2) for name, value in figures.items()}


if __name__ == "__main__":
    sys.exit(main())
