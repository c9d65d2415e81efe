"""Count parameters and operations of every network anew: `python tools/write_network_costs.py`.

`graspseg networks` prints the file; tests/networks/test_table.py compares it with the networks.
"""

from pathlib import Path

from graspseg.cli.networks import COSTS
from graspseg.datasets.atomic import write_json
from graspseg.networks.table import NETWORKS, cost


def counted() -> dict[str, dict[str, object]]:
    rows = {}
    for name, spec in NETWORKS.items():
        parameters, flop = cost(name)
        figures = {"parameters_millions": round(parameters / 1e6, 4), "gflop": round(flop / 1e9, 3)}
        rows[name] = {**figures, "description": spec.description}
    return rows


if __name__ == "__main__":
    write_json(Path(__file__).parents[1] / "src" / "graspseg" / "cli" / COSTS, counted())
