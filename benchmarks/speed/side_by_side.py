"""Ours beside what people use today, in one run on the same cores, and what ours costs by size and threads.

    python benchmarks/speed/side_by_side.py --json-path benchmarks/results/speed_side_by_side.json

Peers are untrained: their time is the same, their labels mean nothing. Every entry is timed in turn with a float32
matrix product of 1024x1024 on the same cores; `ratio` is the quotient of the medians of the two, which holds on
another machine and under other work, milliseconds do not. Peers see the whole frame at its size; ours windows of
160x160 at any size, and its time includes everything from depth to labels of the frame; its windows go through the
network one by one, since exported files are for one. The tables are also written as Markdown.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import tyro

from graspseg import Frame, Intrinsics, Segmenter
from graspseg.datasets.atomic import write_bytes, write_json
from graspseg.evaluation.machine import describe_machine
from graspseg.evaluation.quantization import calibration_windows
from graspseg.evaluation.samples import open_samples
from graspseg.export.quantize import quantize, write_quantized
from graspseg.models.locate import find_model
from graspseg.openvino_core import shared_core
from graspseg.segment.engine import available_threads
from graspseg.segment.precision import PrecisionChoice
from peers import PEERS, export, in_onnxruntime, in_openvino, quantize_for_time

SIZES = ((320, 240), (640, 480))
COST_SIZES = (*SIZES, (1280, 960))
DATA = "synth:rooms/val:12"
MATRIX = np.random.default_rng(0).random((1024, 1024), np.float32)


def main(
    *, model: str = "lite", runs: int = 24, seconds: float = 4.0, peers: bool = True, json_path: Path | None = None
) -> None:
    """Times everything and writes JSON and Markdown.

    Args:
        model: Shipped model by name, or an exported file.
        runs: Runs of every entry at most.
        seconds: An entry stops after so long, with five runs at least.
        peers: Also time the others.
        json_path: File for the figures; the tables go beside it.
    """
    threads = available_threads()
    samples = open_samples(DATA)
    frames = [samples[index].frame for index in range(len(samples))]
    timer = _Timer(runs, seconds)
    with tempfile.TemporaryDirectory() as folder:
        ours = _Ours(find_model(model), Path(folder))
        rows = [row for width, height in SIZES for row in _ours_rows(ours, frames, (width, height), timer, threads)]
        if peers:
            rows += [row for size in SIZES for row in _peer_rows(Path(folder), frames, size, timer, threads)]
        cost = _cost_rows(ours, frames, timer, threads)
    result = {
        "model": ours.path.name,
        "data": DATA,
        "threads": threads,
        "openvino": openvino.__version__,
        "machine": describe_machine(),
        "rows": rows,
        "cost": cost,
    }
    text = as_markdown(result)
    print(text)
    if json_path is not None:
        write_json(json_path, result)
        write_bytes(json_path.with_suffix(".md"), text.encode())


class _Ours:
    """The model in every precision; its int8 version is made for the time where none lies beside it."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path = path
        self.int8 = folder / "ours.int8.onnx"
        quantized = quantize(path, calibration_windows(path, frames_a_sensor=2))
        write_quantized(quantized, self.int8, source=path, judged={})

    def segmenter(self, precision: PrecisionChoice, **options: Any) -> Segmenter:
        path = self.int8 if precision == "int8" else self.path
        return Segmenter(path, precision=precision, mirror=False, **options)


class _Timer:
    def __init__(self, runs: int, seconds: float) -> None:
        self.runs, self.seconds = runs, seconds

    def __call__(self, call: Callable[[int], object]) -> dict[str, float]:
        """Medians of a call and of the matrix product between its runs."""
        call(0)
        wall, processor, product = [], [], []
        begin = time.perf_counter()
        for number in range(self.runs):
            if number >= 5 and time.perf_counter() - begin > self.seconds:
                break
            start, used = time.perf_counter(), time.process_time()
            call(number)
            wall.append(1e3 * (time.perf_counter() - start))
            processor.append(1e3 * (time.process_time() - used))
            start = time.perf_counter()
            np.matmul(MATRIX, MATRIX)
            product.append(1e3 * (time.perf_counter() - start))
        p50, p95 = np.quantile(wall, (0.5, 0.95))
        figures = {
            "p50_ms": p50,
            "p95_ms": p95,
            "cpu_ms": np.median(processor),
            "product_ms": np.median(product),
            "ratio": p50 / np.median(product),
        }
        return {name: round(float(value), 3) for name, value in figures.items()} | {"runs": len(wall)}


def _resized(frame: Frame, size: tuple[int, int]) -> Frame:
    """The frame at another size by nearest pixels, with its camera."""
    (height, width), (wide, high) = frame.depth.shape, size
    camera, scale = frame.intrinsics_or_default(), wide / width
    depth = frame.depth[np.ix_(np.arange(high) * height // high, np.arange(wide) * width // wide)]
    seen = Intrinsics(camera.fx * scale, camera.fy * scale, camera.cx * scale, camera.cy * scale)
    return Frame(np.ascontiguousarray(depth), frame.depth_unit_m, seen)


def _ours_rows(
    ours: _Ours, frames: list[Frame], size: tuple[int, int], timer: _Timer, threads: int
) -> list[dict[str, Any]]:
    rows = []
    sized = [_resized(frame, size) for frame in frames]
    choices: tuple[PrecisionChoice, ...] = ("float32", "bf16", "int8")
    for precision in choices:
        if precision == "bf16" and "BF16" not in shared_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            continue
        for windows in (1, 2):
            segmenter = ours.segmenter(precision, windows=windows, threads=threads)
            figures = timer(lambda number, segmenter=segmenter: segmenter(sized[number % len(sized)]))
            rows.append(_row(f"ours, {windows} windows", size, "OpenVINO", precision, figures))
    forest = Segmenter("forest")
    rows.append(_row("forest (1 core)", size, "-", "float32", timer(lambda number: forest(sized[number % len(sized)]))))
    return rows


def _peer_rows(
    folder: Path, frames: list[Frame], size: tuple[int, int], timer: _Timer, threads: int
) -> list[dict[str, Any]]:
    rows = []
    inputs = [_resized(frame, size).depth_m()[None, None] for frame in frames[:4]]
    for name, make in PEERS.items():
        exact, coarse = folder / "peer.onnx", folder / "peer.int8.onnx"
        export(make(), exact, *size)
        quantize_for_time(exact, coarse, inputs[0])
        for precision, path in (("float32", exact), ("int8", coarse)):
            for engine, load in (("OpenVINO", in_openvino), ("ONNX Runtime", in_onnxruntime)):
                try:
                    run = load(path, threads)
                    figures = timer(lambda number, run=run: run(inputs[number % len(inputs)]))
                except Exception as error:  # the engines' classes are not public; the others are timed all the same
                    print(f"{name}, {engine}, {precision} does not run: {error}", flush=True)
                    figures = {}
                rows.append(_row(name, size, engine, precision, figures))
                print(json.dumps(rows[-1]), flush=True)
    return rows


def _cost_rows(ours: _Ours, frames: list[Frame], timer: _Timer, threads: int) -> dict[str, list[dict[str, Any]]]:
    """What ours costs against the size of the frame and the threads."""
    by_size, by_threads = [], []
    segmenter = ours.segmenter("float32", threads=threads)
    for size in COST_SIZES:
        sized = [_resized(frame, size) for frame in frames]
        parts = [segmenter(frame).times_ms for frame in sized for _ in range(3)]
        figures = timer(lambda number, sized=sized: segmenter(sized[number % len(sized)]))
        outside = float(np.median([part.prepare + part.compose for part in parts if part is not None]))
        by_size.append(
            {"size": list(size), "windows": segmenter.windows, **figures, "outside_network_ms": round(outside, 3)}
        )
    for count in range(1, threads + 1):
        single = ours.segmenter("float32", threads=count)
        by_threads.append({"threads": count, **timer(lambda number, s=single: s(frames[number % len(frames)]))})
    return {"size": by_size, "threads": by_threads}


def _row(name: str, size: tuple[int, int], engine: str, precision: str, figures: dict[str, float]) -> dict[str, Any]:
    return {"network": name, "size": f"{size[0]}x{size[1]}", "engine": engine, "precision": precision, **figures}


def as_markdown(result: dict[str, Any]) -> str:
    """The tables for people."""
    machine = result["machine"]
    lines = [
        "# Speed side by side",
        "",
        f"Made by `python benchmarks/speed/side_by_side.py`: {result['model']}, frames `{result['data']}`, "
        f"{machine['processor']}, {result['threads']} threads, OpenVINO {result['openvino']}. Peers are untrained, for "
        "time only. Ratio = median against a 1024x1024 float32 matrix product timed in turn on the same cores; other "
        "work on the machine disturbs milliseconds, least of all those of the processor (cpu).",
        "",
        "| network | frame | engine | precision | ratio | p50 ms | p95 ms | cpu ms |",
        "|---|---|---|---|---:|---:|---:|---:|",
    ]
    far = float("inf")
    for row in sorted(result["rows"], key=lambda row: (-int(row["size"].split("x")[0]), row.get("ratio", far))):
        keys = ("ratio", "p50_ms", "p95_ms", "cpu_ms")
        numbers = " | ".join(f"{row[key]:.2f}" if key in row else "does not run" for key in keys)
        lines.append(f"| {row['network']} | {row['size']} | {row['engine']} | {row['precision']} | {numbers} |")
    cost = result["cost"]
    lines += ["", "Ours in float32 by size of the frame:", ""]
    lines += ["| frame | ratio | p50 ms | cpu ms | outside the network, ms |", "|---|---:|---:|---:|---:|"]
    for row in cost["size"]:
        numbers = " | ".join(f"{row[key]:.2f}" for key in ("ratio", "p50_ms", "cpu_ms", "outside_network_ms"))
        lines.append(f"| {row['size'][0]}x{row['size'][1]} | {numbers} |")
    lines += ["", "By threads:", "", "| threads | ratio | p50 ms | cpu ms |", "|---:|---:|---:|---:|"]
    for row in cost["threads"]:
        lines.append(f"| {row['threads']} | {row['ratio']:.2f} | {row['p50_ms']:.2f} | {row['cpu_ms']:.2f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    tyro.cli(main)
