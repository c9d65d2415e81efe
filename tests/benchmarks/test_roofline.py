from __future__ import annotations

import json
from pathlib import Path

import pytest

import roofline
from graspseg.networks.table import cost
from roofline import LayerCost, network_cost, roofline_s


def test_cost_of_a_network_is_that_of_the_table():
    layers = network_cost("denseattentionseg-small", width=64, height=48)
    _, flops = cost("denseattentionseg-small", width=64, height=48)
    assert sum(layer.flops for layer in layers) == flops
    # The stem: 3x3 convolution of stride 2 from one channel to 16.
    assert layers[0] == LayerCost(2 * 9 * 16 * 24 * 32, 64 * 48 + 9 * 16 + 16 * 24 * 32)


def test_roofline_by_hand():
    # The first layer is bound by its 100 operations at 10 a second, the second by its 60 numbers at 20 a second.
    assert roofline_s([LayerCost(100, 40), LayerCost(10, 60)], flops=10.0, numbers=20.0) == pytest.approx(13.0)


def test_networks_are_timed_against_the_ceilings_of_this_machine(tmp_path: Path):
    options = ["--networks", "denseattentionseg-lite", "--precision", "fp32", "--rounds", "2"]
    roofline.main([*options, "--result", str(tmp_path / "roofline.json")])
    result = json.loads((tmp_path / "roofline.json").read_text())
    (row,) = result["rows"]
    layers = network_cost("denseattentionseg-lite", width=640, height=480)
    limits = result["ceilings"]
    floor_s = roofline_s(layers, flops=limits["fp32"] * 1e12, numbers=limits["copy"] * 1e12 / 4)
    assert row["roofline_ms"] == pytest.approx(1000 * floor_s)
    assert row["roofline_share"] == pytest.approx(row["roofline_ms"] / row["median_ms"])
    assert 0 < row["median_ms"] <= row["p99_ms"]
