"""`graspseg networks`: the table of networks with their size and cost."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from graspseg.cli.help import Usage
from graspseg.cli.options import parse

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
    # Counting takes PyTorch and half a minute: what it finds is stored, and a test compares it with the networks.
    stored = json.loads((resources.files("graspseg") / "networks" / "costs.json").read_text(encoding="utf-8"))
    width = max(map(len, stored))
    print(f"{'network':<{width}}  {'parameters/M':>12}  {'GFLOP@640x480':>13}  description")
    for name, row in stored.items():
        columns = f"{row['parameters_millions']:>12.2f}  {row['gflop']:>13.1f}"
        print(f"{name:<{width}}  {columns}  {row['description']}")
    print(
        f"{'forest':<{width}}  {'-':>12}  {'-':>13}  two-stage random decision forest: no network, the fastest on a CPU"
    )
    if options.json is not None:
        from graspseg.datasets.atomic import write_json

        figures = ("parameters_millions", "gflop")
        write_json(options.json, {name: {each: row[each] for each in figures} for name, row in stored.items()})
    return 0
