"""How long the forest takes for a frame in memory: depth in, labels out, on one core.

    python benchmarks/speed/forest_speed.py --json-path benchmarks/results/forest_speed.json

The frames are synthetic, of every preset in turn, 640x480. `cpu_ms` is processor time, the figure a busy machine
disturbs least; `find`, `segment_and_filter` and `label` are parts of `all`, each measured on its own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import tyro

from graspseg import Segmenter
from graspseg.evaluation.machine import describe_machine
from graspseg.forest.features import reduce_frame
from graspseg.forest.file import read_forest
from graspseg.synth.dataset import SyntheticDataset

SEED = 7


def main(*, model: str = "forest", frames: int = 60, rounds: int = 10, json_path: Path | None = None) -> None:
    """Measures milliseconds per frame."""
    cv2.setNumThreads(1)
    segmenter = Segmenter(model, precision="float32")
    forest = read_forest(segmenter.path)
    made = SyntheticDataset("val", SEED, recipes=("wild", "interseghands", "exam1"), count=frames)
    inputs = [sample.frame for sample in made]
    seen = [(frame.depth_m(), frame.intrinsics_or_default()) for frame in inputs]
    grids = [reduce_frame(*each, forest.settings) for each in seen]
    regions = [forest.region(grid) for grid in grids]
    answers = [forest.look(*each) for each in seen]
    found = [i for i in range(frames) if regions[i] is not None]
    parts: dict[str, tuple[Callable[[int], object], list[int]]] = {
        "all": (lambda i: segmenter(inputs[i]), list(range(frames))),
        "find": (lambda i: forest.region(grids[i]), list(range(frames))),
        "segment_and_filter": (lambda i: forest.segmented(grids[i], regions[i]), found),  # pyright: ignore[reportArgumentType]
        "label": (lambda i: answers[i].labels(), found),  # pyright: ignore[reportOptionalMemberAccess]
    }
    result = {
        "model": segmenter.path.name,
        "bytes": segmenter.path.stat().st_size,
        "frames": frames,
        "rounds": rounds,
        "seed": SEED,
        "parts": {name: _measure(call, which, rounds) for name, (call, which) in parts.items()},
        "machine": describe_machine(),
    }
    text = json.dumps(result, indent=1)
    print(text)
    if json_path is not None:
        json_path.write_text(text + "\n")


def _measure(call: Callable[[int], object], which: list[int], rounds: int) -> dict[str, float]:
    """Wall time over all rounds, and over each frame's fastest round, which a busy machine disturbs least."""
    wall_ms, cpu_ms = np.zeros((rounds, len(which))), np.zeros((rounds, len(which)))
    for number in range(rounds):
        for place, index in enumerate(which):
            start, cpu = time.perf_counter(), time.process_time()
            call(index)
            wall_ms[number, place] = 1000 * (time.perf_counter() - start)
            cpu_ms[number, place] = 1000 * (time.process_time() - cpu)
    figures = {"wall_ms": wall_ms, "cpu_ms": cpu_ms, "fastest_round_ms": wall_ms.min(axis=0)}
    return {f"{name}_p{p}": round(float(np.percentile(each, p)), 2) for name, each in figures.items() for p in (50, 99)}


if __name__ == "__main__":
    tyro.cli(main)
