"""OpenVINO against ONNX Runtime on one exported model, both in float32 with the same number of threads.

    python benchmarks/speed/engines.py model.onnx --threads 2 --json-path engines.json

Rounds of the engines alternate, so that a busy machine disturbs all of them; `cpu_ms` is processor time, the least
disturbed figure. bfloat16 of OpenVINO is listed with its error; normalization is float32 there too, because depth in
meters does not fit into 8 bits.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import onnxruntime
import openvino
import tyro

from graspseg.export.parity import probe_inputs
from graspseg.models.header import read_model_info
from graspseg.segment.engine import Engine, load_engine

ROUNDS = 10


def main(
    model: Annotated[Path, tyro.conf.Positional],
    *,
    threads: int = 2,
    frames: int = 300,
    json_path: Path | None = None,
) -> None:
    """Measures latency per window and the difference to ONNX Runtime's probabilities."""
    side = read_model_info(model).side
    probes = [(probe.depth[0, 0], float(probe.pixel_angle[0])) for probe in probe_inputs(side)]
    engines: dict[str, Engine] = {
        "onnxruntime f32": load_engine(model, "onnxruntime", threads=threads),
        "openvino f32": load_engine(model, "openvino", threads=threads),
        "openvino bf16": load_engine(model, "openvino", threads=threads, precision="bf16"),
    }
    expected = np.stack([engines["onnxruntime f32"](*probe) for probe in probes])
    times_ms: dict[str, list[float]] = {name: [] for name in engines}
    cpu_ms: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(ROUNDS):
        for name, engine in engines.items():
            cpu_start = time.process_time()
            for i in range(frames // ROUNDS):
                start = time.perf_counter()
                engine(*probes[i % len(probes)])
                times_ms[name].append(1000 * (time.perf_counter() - start))
            cpu_ms[name].append(1000 * (time.process_time() - cpu_start) / (frames // ROUNDS))
    rows = []
    for name, engine in engines.items():
        p10, p50, p99 = np.percentile(times_ms[name], (10, 50, 99)).round(2).tolist()
        times = {"cpu_ms": round(min(cpu_ms[name]), 2), "p10_ms": p10, "p50_ms": p50, "p99_ms": p99}
        rows.append({"engine": name, **times, **_difference(engine, probes, expected)})
        print(json.dumps(rows[-1]), flush=True)
    if json_path is not None:
        versions = {"openvino": openvino.__version__, "onnxruntime": onnxruntime.__version__}
        result = {"model": model.name, "side": side, "threads": threads, "versions": versions, "rows": rows}
        json_path.write_text(json.dumps(result, indent=1) + "\n")


def _difference(engine: Engine, probes: list[tuple[np.ndarray, float]], expected: np.ndarray) -> dict[str, float]:
    found = np.stack([engine(*probe) for probe in probes])
    agreement = round(float((found.argmax(1) == expected.argmax(1)).mean()), 5)
    return {"same_labels": agreement, "largest_difference": float(f"{np.abs(found - expected).max():.2g}")}


if __name__ == "__main__":
    tyro.cli(main)
