"""Count parameters and operations of every network again; run after a change of the table or of a network.

    python tools/docs/record_networks.py

Writes what `graspseg networks` prints, and `benchmarks/results/networks.json`, from which the docs take their figures.
"""

from __future__ import annotations

import sys
from pathlib import Path

from graspseg.cli.networks import main as list_networks
from graspseg.datasets.atomic import write_json
from graspseg.networks.table import NETWORKS, cost

ROOT = Path(__file__).parents[2]


def main() -> int:
    rows = {}
    for name, spec in NETWORKS.items():
        parameters, flop = cost(name)
        rows[name] = {"parameters_millions": parameters / 1e6, "gflop": flop / 1e9, "description": spec.description}
    write_json(ROOT / "src" / "graspseg" / "networks" / "costs.json", rows)
    return list_networks(["--json", str(ROOT / "benchmarks" / "results" / "networks.json")])


if __name__ == "__main__":
    sys.exit(main())
