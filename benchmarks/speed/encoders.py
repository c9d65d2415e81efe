"""Which small encoder carries `denseattentionseg-lite`: size, CPU latency and training throughput, side by side.

    python benchmarks/speed/encoders.py --threads 2 --sides 160 192 --json-path encoders.json

Latency: OpenVINO, whole graph with normalization and softmax, batch 1, fresh weights; median wall-clock time and least
processor time, which a busy machine disturbs least. Training: processor time per image on one core of forward, weighted
cross-entropy and backward, bfloat16 autocast, channels_last, batch 8 at 160 x 160.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import openvino as ov
import torch
import tyro
from torch import nn

from graspseg.losses import weighted_cross_entropy
from graspseg.networks import DenseAttentionSeg
from graspseg.openvino_core import shared_core

NARROW, MIDDLE, CHOSEN = (64, 64, 48, 32, 24, 16), (96, 96, 64, 48, 32, 16), (96, 96, 64, 48, 24, 16)
HALF = {"channels": (32, 64, 128, 256), "stem_width": 16}


@dataclass(frozen=True)
class Candidate:
    """One configuration of the small network."""

    encoder: str
    encoder_options: Mapping[str, object] = field(default_factory=dict)
    k: int = 24
    decoder_widths: tuple[int, ...] = NARROW
    attention: bool = True

    def build(self) -> DenseAttentionSeg:
        """Builds it with fresh weights."""
        return DenseAttentionSeg(
            self.encoder,
            encoder_options=self.encoder_options,
            k=self.k,
            decoder_widths=self.decoder_widths,
            context_channels=96,
            context_rates=(),
            attention=self.attention,
            normalization="metric",
        )


CANDIDATES = (
    Candidate("resnet18d", HALF, decoder_widths=CHOSEN),
    Candidate("resnet18d", HALF, decoder_widths=CHOSEN, attention=False),
    Candidate("resnet18d", HALF),
    Candidate("resnet18d", HALF, k=32, decoder_widths=CHOSEN),
    Candidate("resnet18d", {"channels": (40, 80, 160, 256), "stem_width": 16}),
    Candidate("resnet34d", {"channels": (24, 48, 96, 160), "stem_width": 12}),
    Candidate("mobilenetv4_conv_small"),
    Candidate("mobilenetv4_conv_small", k=32, decoder_widths=MIDDLE),
    Candidate("mobilenetv3_large_075"),
    Candidate("mobilenetv3_large_100"),
    Candidate("mobilenetv2_100"),
    Candidate("efficientnet_lite0"),
    Candidate("repghostnet_100"),
    Candidate("lcnet_100"),
    Candidate("fbnetc_100"),
    Candidate("regnetx_002"),
    Candidate("regnetx_004"),
)


class _Probabilities(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, depth: torch.Tensor, pixel_angle: torch.Tensor) -> torch.Tensor:
        return torch.softmax(self.network(depth, pixel_angle), dim=1)


class Latency(NamedTuple):
    """Median wall-clock time and least processor time of one frame."""

    p50_ms: float
    cpu_ms: float


def openvino_latency(network: nn.Module, side: int, *, threads: int, precision: Literal["f32", "bf16"]) -> Latency:
    """Latency of one frame: 20 rounds of 10."""
    example = (torch.rand(1, 1, side, side) + 0.4, torch.tensor([0.003]))
    model = ov.convert_model(_Probabilities(network.eval()), example_input=example, input=[[1, 1, side, side], [1]])
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
    request = shared_core().compile_model(model, "CPU", settings).create_infer_request()
    inputs = [tensor.numpy() for tensor in example]
    wall_ms, cpu_ms = [], []
    for _ in range(20):
        cpu_start = time.process_time()
        for _ in range(10):
            start = time.perf_counter()
            request.infer(inputs)
            wall_ms.append(1000 * (time.perf_counter() - start))
        cpu_ms.append(100 * (time.process_time() - cpu_start))
    return Latency(round(float(np.median(wall_ms)), 2), round(min(cpu_ms), 2))


def training_ms(network: nn.Module, *, batch: int, side: int) -> float:
    """CPU time of forward, loss and backward per image on one core: what a busy machine disturbs least."""
    torch.set_num_threads(1)
    network = network.train().to(memory_format=torch.channels_last)
    depth = torch.rand(batch, 1, side, side) + 0.4
    angle = torch.full((batch,), 0.003)
    target = torch.randint(0, 3, (batch, side, side))

    def step() -> float:
        start = time.process_time()
        network.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(depth, angle)
        weighted_cross_entropy(logits, target).backward()
        return 1000 * (time.process_time() - start) / batch

    return min(step() for _ in range(5))


def main(
    *,
    threads: int = 2,
    sides: Sequence[int] = (160, 192),
    only: str = "",
    json_path: Path | None = None,
) -> None:
    """Measures every candidate whose encoder contains `only`."""
    rows = []
    for candidate in (c for c in CANDIDATES if only in c.encoder):
        network = candidate.build()
        row = asdict(candidate) | {"parameters_m": round(sum(p.numel() for p in network.parameters()) / 1e6, 2)}
        for side in sides:
            for precision in ("f32", "bf16"):
                latency = openvino_latency(network, side, threads=threads, precision=precision)
                row |= {f"{precision}_{side}_{name}": value for name, value in latency._asdict().items()}
        row["training_ms_per_image"] = round(training_ms(network, batch=8, side=160), 1)
        print(json.dumps(row), flush=True)
        rows.append(row)
    if json_path is not None:
        json_path.write_text(json.dumps({"threads": threads, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    tyro.cli(main)
