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
    from graspseg.frame import InputError
    from graspseg.networks.table import NETWORKS, cost

    width = max(map(len, NETWORKS))
    print(f"{'network':<{width}}  {'parameters/M':>12}  {'GFLOP@640x480':>13}  description")
    missing = ""
    for name, spec in NETWORKS.items():
        try:
            parameters, flop = cost(name)
            figures = f"{parameters / 1e6:>12.2f}  {flop / 1e9:>13.1f}"
        except InputError as error:  # its package is not installed
            figures, missing = f"{'-':>12}  {'-':>13}", str(error)
        print(f"{name:<{width}}  {figures}  {spec.description}", flush=True)
    if missing:
        print(f"- {missing}")
    return 0
