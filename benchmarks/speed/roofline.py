"""How fast networks are here, against the least time that this device's ceilings allow.

    python benchmarks/speed/roofline.py [--networks NAME ...] [--precision bf16 fp32] [--compile] [--result FILE]

One 640x480 frame, depth on the device to logits on the device, waiting for each, on a card where there is one. fp32 is
without TF32; compiled is `torch.compile(mode="reduce-overhead")`, which replays CUDA graphs. The roofline is the sum
over convolutions and matrix products of the longer of operations over TFLOP/s and bytes over TB/s, with both ceilings
measured in the same run: a large matrix product, and a copy. Nothing is trained.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from graspseg.compare.recipes import PAPER_TABLE
from graspseg.datasets.atomic import write_json
from graspseg.frame import Intrinsics
from graspseg.networks import NETWORKS, build
from graspseg.training.eager import device_name, find_device

Precision = Literal["bf16", "fp32"]
_WARM_UP = 20
_CEILING_WARM_UP, _CEILING_ROUNDS = 3, 10


class LayerCost(NamedTuple):
    """A convolution or matrix product: operations (a multiply-add counts two); numbers read and written once."""

    flops: int
    numbers: int


@lru_cache
def network_cost(name: str, *, width: int, height: int) -> list[LayerCost]:
    """Costs of all layers for one frame, in order; nothing is computed and no weights are made.

    Convolutions and linear layers count: what stands between them could be fused into them.
    """
    layers: list[LayerCost] = []
    with FakeTensorMode():
        network = build(name).eval()
        with torch.no_grad(), FlopCounterMode(display=False) as counter:

            def note(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
                flops = counter.get_total_flops() - sum(cost.flops for cost in layers)
                moved = [*inputs, *layer.parameters(), output]
                layers.append(LayerCost(flops, sum(value.numel() for value in moved)))

            for layer in network.modules():
                if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                    layer.register_forward_hook(note)
            network(torch.zeros(1, 1, height, width), torch.zeros(1))
            if sum(cost.flops for cost in layers) != counter.get_total_flops():
                raise ValueError(f"{name} multiplies outside its layers: its cost cannot be told layer by layer")
    return layers


def roofline_s(layers: Sequence[LayerCost], *, flops: float, numbers: float) -> float:
    """Seconds in which the layers can be done one after the other: each is bound by operations or by bytes.

    Args:
        layers: of a network.
        flops: operations a second.
        numbers: numbers read and written a second.
    """
    return sum(max(layer.flops / flops, layer.numbers / numbers) for layer in layers)


def ceilings(device: torch.device) -> dict[str, float]:
    """What a device reaches: TFLOP/s of a large matrix product on random numbers, TB/s of a copy (read + written)."""
    side, numbers = (8192, 1 << 30) if device.type == "cuda" else (512, 1 << 22)
    torch.backends.cuda.matmul.allow_tf32 = False
    figures = {}
    for name, dtype in (("bf16", torch.bfloat16), ("fp32", torch.float32)):
        a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
        figures[name] = 2 * side**3 / _ceiling_s(lambda a=a, b=b: a @ b, device) / 1e12
    source = torch.rand(numbers, device=device)
    target = torch.empty_like(source)
    figures["copy"] = 2 * source.nbytes / _ceiling_s(lambda: target.copy_(source), device) / 1e12
    return figures


def _ceiling_s(work: Callable[[], object], device: torch.device) -> float:
    seconds = [_timed_s(work, device) for _ in range(_CEILING_WARM_UP + _CEILING_ROUNDS)]
    return float(np.median(seconds[_CEILING_WARM_UP:]))


def _timed_s(work: Callable[[], object], device: torch.device) -> float:
    began = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def latency(
    name: str,
    device: torch.device,
    limits: dict[str, float],
    *,
    precision: Precision,
    compiled: bool,
    rounds: int,
    size: tuple[int, int] = (640, 480),
) -> dict[str, Any]:
    """Time of one frame on a device, and the share of its roofline that this is.

    Args:
        name: of the network.
        device: where it runs.
        limits: what `ceilings` found there.
        precision: bf16 = autocast.
        compiled: with `torch.compile`.
        rounds: timed calls.
        size: width and height of the frame.
    """
    torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark = False, True
    torch.compiler.reset()
    width, height = size
    network = build(name).to(device).to(memory_format=torch.channels_last).eval()
    depth_m = torch.rand(1, 1, height, width, device=device) * 0.16 + 0.4
    angle = torch.full((1,), 1 / Intrinsics.default(width, height).fx, device=device)
    run: Callable[[Tensor, Tensor], Tensor] = network
    if compiled:
        run = torch.compile(network, mode="reduce-overhead")
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
        warm_up = min(_WARM_UP, rounds)
        seconds = [_timed_s(lambda: run(depth_m, angle), device) for _ in range(warm_up + rounds)]
    cost, number_bytes = network_cost(name, width=width, height=height), 2 if precision == "bf16" else 4
    floor_s = roofline_s(cost, flops=limits[precision] * 1e12, numbers=limits["copy"] * 1e12 / number_bytes)
    median_s, high_s = np.quantile(seconds[warm_up:], [0.5, 0.99])
    return {
        "network": name,
        "precision": precision,
        "compiled": compiled,
        "first_call_s": seconds[0],
        "median_ms": 1000 * float(median_s),
        "p99_ms": 1000 * float(high_s),
        "rounds": rounds,
        "gflop": sum(each.flops for each in cost) / 1e9,
        "mb_moved": number_bytes * sum(each.numbers for each in cost) / 1e6,
        "roofline_ms": 1000 * floor_s,
        "roofline_share": floor_s / float(median_s),
    }


def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usual = [name for name in PAPER_TABLE if name in NETWORKS]
    parser.add_argument("--networks", nargs="+", default=[*usual, "denseattentionseg-lite"], choices=NETWORKS)
    parser.add_argument("--precision", nargs="+", default=["bf16", "fp32"], choices=["bf16", "fp32"])
    parser.add_argument("--compile", action="store_true", help="time compiled networks, too")
    parser.add_argument("--rounds", type=int, default=300, help="timed calls of every network")
    parser.add_argument("--result", type=Path, help="JSON file to write")
    args = parser.parse_args(argv)
    device = torch.device(find_device("auto"))
    limits = ceilings(device)
    result: dict[str, Any] = {"device": device_name(device.type), "torch": torch.__version__, "ceilings": limits}
    print(json.dumps(result), flush=True)
    result["rows"] = []
    for name in args.networks:
        for precision in args.precision:
            for compiled in (False, True)[: 1 + args.compile]:
                row = latency(name, device, limits, precision=precision, compiled=compiled, rounds=args.rounds)
                result["rows"].append(row)
                print(json.dumps(row), flush=True)
    if args.result is not None:
        write_json(args.result, result)


if __name__ == "__main__":
    main(sys.argv[1:])
