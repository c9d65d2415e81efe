"""`graspseg networks`: the table of networks with their size and cost."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from graspseg.cli.help import Usage
from graspseg.cli.options import parse

COSTS = "network_costs.json"
"""What `graspseg.networks.table` says and counts; written by tools/write_network_costs.py, and compared in a test."""
USAGE = Usage("graspseg networks", examples=("graspseg networks", "graspseg networks --json networks.json"))


@dataclass(frozen=True)
class Options:
    """List the networks: name, parameters in millions, GFLOP of one 640x480 frame (a multiply-add counts two).

    All of them can be trained with `graspseg train --network NAME`; the figures are stored, so this needs no torch.

    Attributes:
        json: Also write the figures to this file.
    """

    json: Path | None = None


def main(argv: list[str]) -> int:
    """Run the command."""
    options = parse(Options, argv, USAGE)
    table = json.loads(resources.files("graspseg.cli").joinpath(COSTS).read_text(encoding="utf-8"))
    width = max(map(len, table))
    print(f"{'network':<{width}}  {'parameters/M':>12}  {'GFLOP@640x480':>13}  description")
    for name, row in table.items():
        columns = f"{row['parameters_millions']:>12.2f}  {row['gflop']:>13.1f}"
        print(f"{name:<{width}}  {columns}  {row['description']}")
    print(
        f"{'forest':<{width}}  {'-':>12}  {'-':>13}  two-stage random decision forest: no network, the fastest on a CPU"
    )
    if options.json is not None:
        from graspseg.datasets.atomic import write_json

        write_json(options.json, table)
    return 0
