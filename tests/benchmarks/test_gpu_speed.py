from __future__ import annotations

from pathlib import Path

import pytest
import torch

import gpu_plan
import gpu_speed
from gpu_plan import MINIATURE, NETWORKS, PEER, State
from gpu_roofline import LayerCost, network_cost, roofline_s
from gpu_speed import LITE, Cell, ceilings, cells, latency
from graspseg.networks.table import cost


def test_cost_of_a_network_is_that_of_the_table():
    layers = network_cost("denseattentionseg-small", width=64, height=48)
    _, flops = cost("denseattentionseg-small", width=64, height=48)
    assert sum(layer.flops for layer in layers) == flops
    # The stem: 3x3 convolution of stride 2 from one channel to 16.
    assert layers[0] == LayerCost(2 * 9 * 16 * 24 * 32, 64 * 48 + 9 * 16 + 16 * 24 * 32)


def test_roofline_by_hand():
    # The first layer is bound by its 100 operations at 10 a second, the second by its 60 numbers at 20 a second.
    assert roofline_s([LayerCost(100, 40), LayerCost(10, 60)], flops=10.0, numbers=20.0) == pytest.approx(13.0)


@pytest.mark.parametrize("mode", ["eager", "compiled"])
def test_latency_in_miniature(state, mode, monkeypatch):
    class Plain(torch.nn.Module):
        """Stands for a network, into whose checked signatures `torch.compile` cannot look."""

        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Conv2d(1, 3, 3)

        def forward(self, depth_m: torch.Tensor, pixel_angle: torch.Tensor) -> torch.Tensor:
            return self.layer(depth_m) + pixel_angle

    monkeypatch.setattr(gpu_speed, "build", lambda name: Plain())
    state.write("ceilings.json", ceilings(torch.device("cpu")))
    figures = latency(state, Cell("denseattentionseg", "fp32", mode), torch.device("cpu"))
    assert 0 < figures["median_ms"] <= figures["p99_ms"] and figures["rounds"] == MINIATURE.rounds
    assert figures["roofline_ms"] > 0 and figures["gflop"] > 0


def test_latencies_of_the_main_networks_are_measured_first():
    state = State(Path("unused"), gpu_plan.FULL)
    order = cells(state)
    assert len(set(order)) == len(order) == 4 * (len(NETWORKS) + 1)
    assert [cell.network for cell in order[:12]] == ["denseattentionseg"] * 4 + [LITE] * 4 + [PEER] * 4
