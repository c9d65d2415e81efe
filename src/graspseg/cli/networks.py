"""`graspseg networks`: the table of networks with their size and cost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro


@dataclass(frozen=True)
class Options:
    """List the networks: name, parameters in millions, GFLOP of one 640x480 frame (a multiply-add counts two).

    Attributes:
        json: Also write the figures to this file.
    """

    json: Path | None = None


def main(argv: list[str]) -> int:
    """Run the command."""
    options = tyro.cli(Options, args=argv, prog="graspseg networks")
    import json
    from importlib import resources

    from graspseg.datasets.atomic import write_json

    # Counting takes PyTorch and half a minute: what it finds is stored, and a test compares it with the networks.
    stored = json.loads((resources.files("graspseg") / "networks" / "costs.json").read_text(encoding="utf-8"))
    width = max(map(len, stored))
    print(f"{'network':<{width}}  {'parameters/M':>12}  {'GFLOP@640x480':>13}  description")
    for name, row in stored.items():
        print(f"{name:<{width}}  {row['parameters_millions']:>12.2f}  {row['gflop']:>13.1f}  {row['description']}")
    print(
        f"{'forest':<{width}}  {'-':>12}  {'-':>13}  two-stage random decision forest: no network, the fastest on a CPU"
    )
    if options.json is not None:
        figures = ("parameters_millions", "gflop")
        write_json(options.json, {name: {each: row[each] for each in figures} for name, row in stored.items()})
    return 0
