"""How fast the networks are on this card: one 640x480 frame, eager and compiled, against the card's ceilings."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from gpu_plan import PEER, Clock, State
from gpu_roofline import network_cost, roofline_s
from gpu_train import compute_device, first_line
from graspseg.networks import build

Precision = Literal["bf16", "fp32"]
Mode = Literal["eager", "compiled"]
LITE = "denseattentionseg-lite"
_WARM_UP = 20


class Cell(NamedTuple):
    """One measurement."""

    network: str
    precision: Precision
    mode: Mode

    @property
    def file(self) -> str:
        """Its JSON file in the state."""
        return f"speed/{self.network}.{self.precision}.{self.mode}.json"


def cells(state: State) -> list[Cell]:
    """All measurements, those that matter most first (in miniature only these); compiling takes longest."""
    first = [state.networks[0], LITE, *(name for name in state.networks[1:] if name == PEER)]
    rest = [name for name in state.networks if name not in first and not state.scale.small]
    kinds: list[tuple[Precision, Mode]] = [(p, m) for p in ("bf16", "fp32") for m in ("eager", "compiled")]
    chosen = [Cell(name, *kind) for name in first for kind in kinds]
    return chosen + [Cell(name, *kind) for kind in sorted(kinds, key=lambda kind: kind[1] != "eager") for name in rest]


def speed(state: State, clock: Clock) -> bool:
    """Measure what is not measured yet; whether all is."""
    device = compute_device()
    if not state.read("ceilings.json"):
        state.write("ceilings.json", ceilings(device))
    for cell in cells(state):
        if state.read(cell.file):
            continue
        if clock.over:
            return False
        try:
            figures = latency(state, cell, device)
        except RuntimeError as error:  # out of memory, or what the compiler cannot do: the others go on
            figures = {"failed": first_line(error)}
        state.write(cell.file, {**cell._asdict(), **figures})
        print(f"speed: {' '.join(cell)}: {figures}", flush=True)
    return True


def latency(state: State, cell: Cell, device: torch.device) -> dict[str, Any]:
    """Wall-clock time from depth on the card to logits on the card, one frame, waiting for each.

    fp32 is without TF32. Compiled: `torch.compile(mode="reduce-overhead")`, which replays CUDA graphs; on a CPU, where
    there are none, only the capture of the graph is exercised.
    """
    torch.backends.cudnn.allow_tf32 = False
    torch.compiler.reset()
    name = state.scale.network(cell.network) if cell.network != LITE else LITE
    network = build(name).to(device).to(memory_format=torch.channels_last).eval()
    depth_m = torch.rand(1, 1, state.scale.height, state.scale.width, device=device) * 0.16 + 0.4
    angle = torch.full((1,), 1 / state.scale.camera.fx, device=device)
    run: Callable[[Tensor, Tensor], Tensor] = network
    if cell.mode == "compiled":
        on_card = device.type == "cuda"
        run = torch.compile(network, mode="reduce-overhead") if on_card else torch.compile(network, backend="eager")
    began = time.perf_counter()
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=cell.precision == "bf16"):
        run(depth_m, angle)
        _wait(device)
        first_s = time.perf_counter() - began
        took_ms = [_timed_ms(run, depth_m, angle, device) for _ in range(_warm_up(state) + state.scale.rounds)]
    took_ms = took_ms[_warm_up(state) :]
    return {
        "first_call_s": round(first_s, 2),
        "median_ms": round(float(np.median(took_ms)), 4),
        "p99_ms": round(float(np.quantile(took_ms, 0.99)), 4),
        "rounds": len(took_ms),
        **_against_ceilings(state, name, cell.precision, float(np.median(took_ms))),
    }


def _warm_up(state: State) -> int:
    return min(_WARM_UP, state.scale.rounds)


def _timed_ms(run: Callable[[Tensor, Tensor], Tensor], depth_m: Tensor, angle: Tensor, device: torch.device) -> float:
    began = time.perf_counter()
    run(depth_m, angle)
    _wait(device)
    return 1000 * (time.perf_counter() - began)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def _against_ceilings(state: State, name: str, precision: Precision, measured_ms: float) -> dict[str, float]:
    """Least work of a frame and the share of the roofline reached, with the ceilings measured on this card."""
    cost = network_cost(name, width=state.scale.width, height=state.scale.height)
    limits, number_bytes = state.read("ceilings.json"), 2 if precision == "bf16" else 4
    floor_s = roofline_s(cost, flops=limits[precision] * 1e12, numbers=limits["copy"] * 1e12 / number_bytes)
    return {
        "gflop": round(sum(each.flops for each in cost) / 1e9, 2),
        "mb_moved": round(number_bytes * sum(each.numbers for each in cost) / 1e6, 2),
        "roofline_ms": round(1000 * floor_s, 4),
        "roofline_share": round(1000 * floor_s / measured_ms, 4),
    }


def ceilings(device: torch.device) -> dict[str, Any]:
    """What this card reaches: TFLOP/s of a large matrix product on random numbers, TB/s of a copy (read + written)."""
    on_card = device.type == "cuda"
    side, numbers = (8192, 1 << 30) if on_card else (256, 1 << 16)
    torch.backends.cuda.matmul.allow_tf32 = False
    figures: dict[str, Any] = {"card": torch.cuda.get_device_name() if on_card else "CPU", "torch": torch.__version__}
    for name, dtype in (("bf16", torch.bfloat16), ("fp32", torch.float32)):
        a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
        figures[name] = round(2 * side**3 / _median_s(lambda a=a, b=b: a @ b, device) / 1e12, 5)
    source = torch.rand(numbers, device=device)
    target = torch.empty_like(source)
    figures["copy"] = round(2 * source.nbytes / _median_s(lambda: target.copy_(source), device) / 1e12, 5)
    return figures


def _median_s(work: Callable[[], object], device: torch.device) -> float:
    """Median seconds of ten goes after three."""
    took = []
    for _ in range(13):
        began = time.perf_counter()
        work()
        _wait(device)
        took.append(time.perf_counter() - began)
    return float(np.median(took[3:]))
