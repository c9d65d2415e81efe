"""`graspseg networks`: the table of networks with their size and cost."""

from __future__ import annotations

from dataclasses import dataclass

import tyro


@dataclass(frozen=True)
class Options:
    """List the networks: name, parameters in millions, GFLOP of one 640x480 frame (a multiply-add counts two)."""


def main(argv: list[str]) -> int:
    """Run the command."""
    tyro.cli(Options, args=argv, prog="graspseg networks")
    from graspseg.networks.table import NETWORKS, cost

    width = max(map(len, NETWORKS))
    print(f"{'network':<{width}}  {'parameters/M':>12}  {'GFLOP@640x480':>13}  description")
    for name, spec in NETWORKS.items():
        parameters, flop = cost(name)
        print(f"{name:<{width}}  {parameters / 1e6:>12.2f}  {flop / 1e9:>13.1f}  {spec.description}")
    print(
        f"{'forest':<{width}}  {'-':>12}  {'-':>13}  two-stage random decision forest: no network, the fastest on a CPU"
    )
    return 0
