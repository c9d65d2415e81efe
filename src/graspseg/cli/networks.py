"""`graspseg networks`: the table of networks with their size and cost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from graspseg.cli.help import Usage
from graspseg.cli.options import parse

USAGE = Usage(
    "graspseg networks",
    examples=(
        "graspseg networks",
        "graspseg networks --json networks.json",
    ),
)


@dataclass(frozen=True)
class Options:
    """List the networks: name, parameters in millions, GFLOP of one 640x480 frame (a multiply-add counts two).

    Attributes:
        json: Also write the figures to this file.
    """

    json: Path | None = None


def main(argv: list[str]) -> int:
    """Run the command."""
    options = parse(Options, argv, USAGE)
    from graspseg.datasets.atomic import write_json
    from graspseg.errors import InputError
    from graspseg.networks.table import NETWORKS, cost

    width = max(map(len, NETWORKS))
    print(f"{'network':<{width}}  {'parameters/M':>12}  {'GFLOP@640x480':>13}  description")
    figures, missing = {}, ""
    for name, spec in NETWORKS.items():
        try:
            parameters, flop = cost(name)
            figures[name] = {"parameters_millions": parameters / 1e6, "gflop": flop / 1e9}
            columns = f"{parameters / 1e6:>12.2f}  {flop / 1e9:>13.1f}"
        except InputError as error:  # the package it comes from is not installed
            columns, missing = f"{'-':>12}  {'-':>13}", str(error)
        print(f"{name:<{width}}  {columns}  {spec.description}", flush=True)
    print(
        f"{'forest':<{width}}  {'-':>12}  {'-':>13}  two-stage random decision forest: no network, the fastest on a CPU"
    )
    if missing:
        print(f"- {missing}")
    if options.json is not None:
        write_json(options.json, figures)
    return 0
