"""Synthetic frames a second, of every preset and split: in memory (rendering, labels, sensor noise) and written as PNG.

    python benchmarks/speed/synth_speed.py                # all of it, minutes
    python benchmarks/speed/synth_speed.py --scaling 0    # without the comparison of one process with all cores

One core makes the frames; processor time stands beside wall time, because it does not depend on what else the machine
does. `steps_ms` is the processor time of each step of a frame in memory, `colored` adds pictures, and `scaling`
compares one process with one for each core: that takes a machine which does nothing else (`load_before` tells).
Writes `benchmarks/results/synth_speed.json`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2

from graspseg.evaluation.machine import describe_machine
from graspseg.parallel.chunks import Processes
from graspseg.synth import generate
from graspseg.synth.colored import ColorMaker, ColorMode
from graspseg.synth.generate import FrameMaker
from graspseg.synth.job import CHUNK, Job
from graspseg.synth.objects.objects import SPLITS, Split
from graspseg.synth.preset_names import PRESETS, PresetName
from graspseg.synth.render.canvas import Canvas
from graspseg.synth.render.scene_parts import Scene
from graspseg.synth.scene.floating import SceneMaker
from graspseg.synth.write import write_frames
from throughput import timed

RESULT = Path(__file__).parents[1] / "results" / "synth_speed.json"
WARM_UP = 1_000_000  # frames that are not among the measured ones
SCALING = ("frames", "cores", "one", "all", "efficiency")
STEPS: tuple[tuple[str, object, str], ...] = (
    ("scene", SceneMaker, "make"),
    ("draw", Scene, "draw"),
    ("clear", Canvas, "clear"),
    ("finish", Canvas, "finish"),
    ("crop", generate, "_cropped"),
    ("sensor", generate, "measure"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=300, help="of each preset and split")
    parser.add_argument("--scaling", type=int, default=1600, help="frames of the comparison of cores, 0 = none")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    load, count = round(os.getloadavg()[0], 2), options.frames
    presets = {preset: {split: _speed(preset, split, count) for split in SPLITS} for preset in PRESETS}
    modes: tuple[ColorMode, ...] = ("aligned", "rig")
    colored = {mode: _colored(mode, max(count // 4, 1)) for mode in modes}
    result = {
        "frames": count,
        "presets": presets,
        "slowest": {
            place: min(row[place]["per_cpu_second"] for rows in presets.values() for row in rows.values())
            for place in ("in_memory", "written")
        },
        "colored": colored,
        "scaling": _scaling(options.scaling) if options.scaling else dict.fromkeys(SCALING),
        "load_before": load,
        "machine": describe_machine(),
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


def _speed(preset: PresetName, split: Split, count: int) -> dict[str, Any]:
    """Speed of one split of a preset in memory, by step, and written to a folder."""
    with tempfile.TemporaryDirectory() as folder:
        job = Job(Path(folder) / "set", count, 0, split, preset=preset)
        maker = job.maker()
        _make(maker, range(WARM_UP, WARM_UP + 20))
        in_memory = timed(lambda: _make(maker, range(count)), count)
        with _clocked() as spent:
            _make(maker, range(count))
        written = timed(lambda: list(write_frames(job)), count)
    steps = {name: round(seconds / count * 1000, 2) for name, seconds in spent.items()}
    return {"in_memory": in_memory, "steps_ms": steps, "written": written}


def _colored(mode: ColorMode, count: int) -> dict[str, float]:
    """Speed of `wild` with color, in memory."""
    maker = Job(Path("unused"), count, 0, "train", preset="wild", color=mode).maker()
    _make(maker, range(WARM_UP, WARM_UP + 5))
    return timed(lambda: _make(maker, range(count)), count)


def _make(maker: FrameMaker | ColorMaker, indices: range) -> None:
    for index in indices:
        maker.make(index)


@contextlib.contextmanager
def _clocked() -> Iterator[dict[str, float]]:
    """Processor seconds of each step, as long as the context lasts; what is left of a frame is in none."""
    spent: dict[str, float] = defaultdict(float)

    def clock(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            start = time.process_time()
            result = work(*args, **options)
            spent[name] += time.process_time() - start
            return result

        return run

    with contextlib.ExitStack() as stack:
        for name, owner, function in STEPS:
            stack.enter_context(patch.object(owner, function, clock(name, getattr(owner, function))))
        yield spent


def _scaling(count: int) -> dict[str, Any]:
    """Written frames a second of this process alone, and of one process for each core."""
    cores = int(describe_machine()["cores"])
    one, every = (_steady(workers, count) for workers in (1, cores))
    efficiency = round(every / (cores * one), 3)
    return dict(zip(SCALING, (count, cores, round(one, 1), round(every, 1), efficiency), strict=True))


def _steady(workers: int, count: int) -> float:
    """Frames a second of wall time, without start and end, when not all processes are at work."""
    edge = 2 * workers * CHUNK
    with tempfile.TemporaryDirectory() as folder:
        job = Job(Path(folder) / "set", count, 0, "train", preset="wild")
        done, times = 0, []
        for frames in write_frames(job, where=Processes(workers)):
            done += frames
            times.append((done, time.perf_counter()))
    inner = [(frames, at) for frames, at in times if edge <= frames <= count - edge]
    return (inner[-1][0] - inner[0][0]) / (inner[-1][1] - inner[0][1])


if __name__ == "__main__":
    main()
