"""Compare the sensors `sr305` and `zed` with real frames, or fit them.

    python benchmarks/sensors/sensors.py ../shared/real            # even frames against odd ones and synthetic ones
    python benchmarks/sensors/sensors.py ../shared/real --fit zed  # factors for the profile, from even frames

The real frames: Ondris 2021 (RealSense SR305, gestures) and Lin 2025 (ZED, pouring water); parameters are fitted on the
even ones and judged on the odd ones. The synthetic scenes have the real cameras and similar distances, and their edges
are weighted so that steps of inverse depth are distributed as in the real frames.
Writes `benchmarks/results/sensors.json`, the same as tables in `sensors.md` beside it, and `docs/images/sensors-*.png`.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from graspseg.datasets.images import read_depth
from graspseg.evaluation.machine import describe_machine
from graspseg.evaluation.sensor_statistics import Settings
from graspseg.evaluation.sensor_summary import SensorSummary
from graspseg.frame import Intrinsics
from graspseg.synth.sensor.parameters import SensorParameters
from graspseg.synth.sensor.profiles import SENSORS, SensorName
from graspseg.synth.sensor.simulate import measure
from sensor_report import draw, write_tables
from sensor_scenes import SR305_CAMERA, ZED_CAMERA, desk, person

ROOT = Path(__file__).parents[2]
IMAGES, TABLES = ROOT / "docs" / "images", ROOT / "benchmarks" / "results" / "sensors.md"
RESULT = ROOT / "benchmarks" / "results" / "sensors.json"
FACTORS = (0.5, 0.7, 0.85, 1.2, 1.4, 2.0)


@dataclass(frozen=True)
class Comparison:
    """How one sensor is compared.

    Attributes:
        pattern: Real frames below the folder.
        unit_m: Meters per stored value there.
        camera, scene: What makes synthetic frames like the real ones.
        settings: What counts as an edge.
        frames: Number of synthetic frames.
        fitted: Parameters that `--fit` scales.
    """

    pattern: str
    unit_m: float
    camera: Intrinsics
    scene: Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]
    settings: Settings
    frames: int
    fitted: tuple[str, ...]


COMPARISONS: dict[SensorName, Comparison] = {
    "sr305": Comparison(
        pattern="sr305_gestures/*/*.png",
        unit_m=0.000125,
        camera=SR305_CAMERA,
        scene=person,
        settings=Settings(),
        frames=48,
        fitted=(
            "baseline_m",
            "rim_far_px",
            "ragged_px",
            "ragged_cell_px",
            "lateral_px",
            "reach_m",
            "patchy",
            "disparity_sigma_px",
            "ripple_px",
            "fine",
            "speckle_loss",
        ),
    ),
    "zed": Comparison(
        pattern="zed_pour_water/depth/*.png",
        unit_m=0.001,
        camera=ZED_CAMERA,
        scene=desk,
        settings=Settings(
            jump_m=0.02,
            edge_m=0.06,
            widest_px=200,
            nearest_m=0.25,
            farthest_m=0.5,
            distances_px=(1, 2, 4, 8, 16, 32, 64),
            noise_bins_m=(0.25, 0.33, 0.42),
            disparity_step=0.2,
        ),
        frames=80,
        fitted=(
            "rim_far_px",
            "rim_near_px",
            "ragged_px",
            "ragged_cell_px",
            "fatten_px",
            "islands",
            "island_cell_px",
            "lateral_px",
            "hand_albedo",
            "contrast",
            "patchy",
            "patch_cell_px",
            "axial",
            "ripple_px",
            "speckle_loss",
            "holes",
        ),
    ),
}


def real_frames(folder: Path, comparison: Comparison, *, odd: bool) -> Iterator[np.ndarray]:
    paths = sorted(folder.glob(comparison.pattern))
    if not paths:
        raise SystemExit(f"{folder} holds no {comparison.pattern}: give the folder with the real frames.")
    for path in paths[int(odd) :: 2]:
        yield read_depth(path, depth_unit_m=comparison.unit_m).depth_m()


def synthetic_frames(sensor: SensorName, frames: int, factors: dict[str, float], *, seed: int) -> Iterator[np.ndarray]:
    comparison = COMPARISONS[sensor]
    for index in range(frames):
        rng = np.random.default_rng([seed, index])
        depth_m, labels = comparison.scene(rng)
        unit = SENSORS[sensor].draw(rng)
        yield measure(depth_m, labels, comparison.camera, rng, scaled(unit, factors))[0]


def scaled(unit: SensorParameters, factors: dict[str, float]) -> SensorParameters:
    """The unit with some parameters multiplied; whole numbers stay whole and at least 1."""
    changed = {}
    for name, factor in factors.items():
        value = getattr(unit, name)
        changed[name] = max(round(value * factor), 1) if isinstance(value, int) else value * factor
    return replace(unit, **changed)


def distance(table: dict[str, float], real: dict[str, float]) -> float:
    """Mean over the statistics of |log ratio|, at most log 4 each; values below 0.005 count as that."""
    worst = math.log(4)
    logs = [abs(math.log(max(table[name], 0.005) / max(real[name], 0.005))) for name in real]
    return float(np.mean([worst if math.isnan(value) else min(value, worst) for value in logs]))


def fit(sensor: SensorName, folder: Path, *, seconds: float) -> None:
    """Coordinate search for factors on the profile's parameters, by the even frames."""
    comparison = COMPARISONS[sensor]
    real = SensorSummary(real_frames(folder, comparison, odd=False), comparison.settings)
    wanted = real.table()
    factors: dict[str, float] = {}

    def score(tried: dict[str, float]) -> float:
        frames = synthetic_frames(sensor, max(comparison.frames // 3, 3), tried, seed=1)
        return distance(SensorSummary(frames, comparison.settings).table(like=real), wanted)

    best, end = score(factors), time.process_time() + seconds
    print(f"start {best:.3f}")
    while True:
        before = best
        for name in comparison.fitted:
            now = factors.get(name, 1.0)
            for factor in FACTORS:
                if time.process_time() > end:
                    return
                tried = factors | {name: now * factor}
                reached = score(tried)
                if reached < best:
                    best, factors = reached, tried
                    print(f"{best:.3f} {factors}", flush=True)
        if best == before:
            return


def compare(sensor: SensorName, folder: Path) -> tuple[dict[str, dict[str, float | None]], list[SensorSummary]]:
    """The table: statistic -> fitted half, held-out half, synthetic, relative difference from the held-out half."""
    comparison = COMPARISONS[sensor]
    halves = [SensorSummary(real_frames(folder, comparison, odd=odd), comparison.settings) for odd in (False, True)]
    made = SensorSummary(synthetic_frames(sensor, comparison.frames, {}, seed=2), comparison.settings)
    fitted, held_out, synthetic = halves[0].table(), halves[1].table(), made.table(like=halves[1])
    table = {
        name: {
            "real_fitted": round(fitted[name], 4),
            "real_held_out": round(real, 4),
            "synthetic": round(synthetic[name], 4),
            "relative_difference": round((synthetic[name] - real) / abs(real), 3) if real else None,
        }
        for name, real in held_out.items()
    }
    return table, [*halves, made]


def milliseconds(sensor: SensorName, *, frames: int = 40) -> float:
    """Processor time of the sensor alone for one 640x480 frame whose every pixel has a depth."""
    camera = Intrinsics.default(640, 480)
    y, x = np.mgrid[:480, :640].astype(np.float32)
    depth_m = np.float32(0.8) + x * np.float32(2e-4)
    labels = np.zeros((480, 640), np.uint8)
    near = np.hypot(x - 320, y - 240) < 100
    depth_m[near], labels[near] = 0.45, 1
    rngs = [np.random.default_rng(index) for index in range(frames + 5)]
    spent = 0.0
    for index, rng in enumerate(rngs):
        unit = SENSORS[sensor].draw(rng)
        start = time.process_time()
        measure(depth_m, labels, camera, rng, unit)
        spent += (time.process_time() - start) if index >= 5 else 0.0  # the first compile
    return round(1e3 * spent / frames, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("real", type=Path)
    parser.add_argument("--fit", choices=tuple(COMPARISONS))
    parser.add_argument("--seconds", type=float, default=60.0, help="processor time for --fit")
    options = parser.parse_args()
    if options.fit:
        fit(options.fit, options.real, seconds=options.seconds)
        return
    tables = {}
    for sensor, comparison in COMPARISONS.items():
        tables[sensor], summaries = compare(sensor, options.real)
        real = next(real_frames(options.real, comparison, odd=True))
        made = next(synthetic_frames(sensor, 1, {}, seed=2))
        draw(IMAGES / f"sensors-{sensor}.png", real, made, summaries[1:], comparison.settings)
    result = {
        "command": "python benchmarks/sensors/sensors.py ../shared/real",
        "frames": {sensor: comparison.frames for sensor, comparison in COMPARISONS.items()},
        "tables": tables,
        "milliseconds_per_frame": {sensor: milliseconds(sensor) for sensor in SENSORS},
        "machine": describe_machine() | {"shared": "yes, with other work: processor time, not wall time"},
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    write_tables(TABLES, result)


if __name__ == "__main__":
    main()
