"""How long every stage of a frame takes, end to end, and whether memory stays flat."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from graspseg.datasets.atomic import write_png
from graspseg.datasets.folder import FolderWriter
from graspseg.evaluation.machine import resident_mb
from graspseg.evaluation.samples import open_samples
from graspseg.frame import Frame
from graspseg.segment.inputs import CameraOptions, LostSource, find_sources
from graspseg.segment.segmenter import Segmentation

STAGES = ("read", "prepare", "network", "compose", "write")
"""From opening a depth image to its label image in its place; `segment` and `end_to_end` are sums."""
MEMORY_EVERY = 50
PRODUCT_SIDE, PRODUCT_EVERY = 1024, 20
"""Every so many frames a product of two matrices of this side is timed: what this processor can do, just then."""


@contextmanager
def frames_on_disk(data: str) -> Iterator[Path]:
    """Where depth images lie that can be read again and again: generated ones are written to a temporary folder.

    Args:
        data: What `graspseg segment` reads, or `synth:val:COUNT`, see `open_samples`.

    Raises:
        InputError: There is no such data.
    """
    if not data.startswith("synth:"):
        yield Path(data)
        return
    with tempfile.TemporaryDirectory() as folder:
        writer = FolderWriter(Path(folder) / "frames", {"depth_unit_m": 0.0001})
        samples = open_samples(data)
        for index in range(len(samples)):
            writer.write(f"{index:05d}", Frame.from_meters(samples[index].frame.depth_m(), depth_unit_m=0.0001))
        yield Path(folder) / "frames"


def measure_speed(
    segment: Callable[[Frame], Segmentation],
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
        Milliseconds (p50, p95, p99, mean) of each stage, of segmenting and end to end (file read to label PNG written,
        no overlays); processor milliseconds of segmenting, which other work on the machine disturbs least; the same of
        a float32 matrix product and the ratio of the medians; windows looked at per frame; MB resident at the start, at
        the end, at most, and the growth per 1000 frames over the second half. Stages that a model does not have (a
        forest's) are left out.

    Raises:
        InputError: There is no depth image, or one that cannot be used.
    """
    camera = camera or CameraOptions()
    rows: list[dict[str, float]] = []
    products: list[float] = []
    memory: list[tuple[int, float]] = []
    matrix = np.random.default_rng(0).random((PRODUCT_SIDE, PRODUCT_SIDE), np.float32)
    windows, size = 0, [0, 0]
    with tempfile.TemporaryDirectory() as out:
        sources = [each for each in find_sources([data], Path(out)) if not isinstance(each, LostSource)]
        for done in range(-warm_up, frames):
            source = sources[done % len(sources)]
            row, result = _frame_times(segment, lambda source=source: source.read(camera), Path(out) / "labels.png")
            if done % PRODUCT_EVERY == 0:
                start = time.perf_counter()
                np.matmul(matrix, matrix)
                products.append(1e3 * (time.perf_counter() - start))
            if done >= 0:
                rows.append(row)
                windows, size = windows + len(result.looks), list(result.labels.shape[::-1])
                resident = resident_mb() if done % MEMORY_EVERY == 0 or done == frames - 1 else None
                if resident is not None:
                    memory.append((done, resident))
    stages = {f"{name}_ms": _quantiles([row[name] for row in rows]) for name in rows[0]}
    product = _quantiles(products[-max(1, frames // PRODUCT_EVERY) :])
    return {
        "frames": frames,
        "size": size,
        "windows_per_frame": round(windows / frames, 3),
        **stages,
        "matrix_product_ms": product,
        "segment_to_matrix_product": round(stages["segment_ms"]["p50"] / product["p50"], 2),
        "resident_mb": _memory(memory) if memory else None,
    }


def as_table(figures: Mapping[str, Any]) -> str:
    """Figures of `measure_speed` for people: a line a stage."""
    lines = [f"{'milliseconds':<14} {'p50':>8} {'p95':>8} {'p99':>8} {'mean':>8}"]
    names = [*STAGES, "segment", "end_to_end", "segment_cpu", "matrix_product"]
    for name in names:
        values = figures.get(f"{name}_ms")
        if values is not None:
            cells = " ".join(f"{values[quantile]:8.2f}" for quantile in ("p50", "p95", "p99", "mean"))
            lines.append(f"{name.replace('_', ' '):<14} {cells}")
    lines.append(
        f"segmenting takes {figures['segment_to_matrix_product']:.2f} x a {PRODUCT_SIDE}x{PRODUCT_SIDE} float32 matrix "
        f"product, with {figures['windows_per_frame']:.2f} windows a frame"
    )
    if figures["resident_mb"] is not None:
        start, end, most, growth = figures["resident_mb"].values()
        lines.append(
            f"memory {start:.0f} MB at the start, {end:.0f} MB at the end, at most {most:.0f} MB, {growth:+.1f} MB in "
            "1000 frames"
        )
    return "\n".join(lines)


def _frame_times(
    segment: Callable[[Frame], Segmentation], read: Callable[[], Frame], target: Path
) -> tuple[dict[str, float], Segmentation]:
    moments = [time.perf_counter()]
    frame = read()
    moments.append(time.perf_counter())
    processor = time.process_time()
    result = segment(frame)
    processor = time.process_time() - processor
    moments.append(time.perf_counter())
    write_png(target, result.labels)
    moments.append(time.perf_counter())
    reading, segmenting, writing = (1e3 * (after - before) for before, after in pairwise(moments))
    parts = {} if result.times_ms is None else asdict(result.times_ms)
    return {
        "read": reading,
        **parts,
        "write": writing,
        "segment": segmenting,
        "end_to_end": reading + segmenting + writing,
        "segment_cpu": 1e3 * processor,
    }, result


def _quantiles(values: list[float]) -> dict[str, float]:
    p50, p95, p99 = np.quantile(values, [0.5, 0.95, 0.99])
    figures = {"p50": p50, "p95": p95, "p99": p99, "mean": np.mean(values)}
    return {name: round(float(value), 3) for name, value in figures.items()}


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
