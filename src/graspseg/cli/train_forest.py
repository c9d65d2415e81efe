"""`graspseg train --network forest`: settings from the command line, then one forest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.progress import Progress

from graspseg.cli.help import Usage
from graspseg.cli.options import parse
from graspseg.errors import printable
from graspseg.training.forest_config import ForestConfig

USAGE = Usage(
    "graspseg train",
    examples=(
        "graspseg train --network forest --out runs/forest",
        "graspseg train --network forest --data my_labeled_frames --out runs/my_forest",
    ),
    everyday=(
        "network",
        "data",
        "recipes",
        "seed",
        "out",
        "forest.frames",
        "forest.find.trees",
        "forest.segment.trees",
    ),
)


@dataclass(frozen=True)
class Arguments:
    """Train the two-stage random decision forest on synthetic frames, or on your own labeled ones (`--data DIR`).

    Attributes:
        settings: what decides the forest.
        out: folder for config.json and forest.npz; must not hold a forest yet.
    """

    settings: Annotated[ForestConfig, tyro.conf.arg(name="")] = field(default_factory=ForestConfig)
    out: Path = Path("runs") / "forest"


def main(argv: Sequence[str]) -> int:
    """Run the command; 0 done, 1 done without some frames that could not be used."""
    arguments = parse(Arguments, argv, USAGE)
    from graspseg.training.forest_run import FOREST_FILE, run_forest

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as bars:
        tasks = {}

        def show(what: str, share: float) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=1.0)
                if not console.is_terminal:
                    print(printable(what), flush=True)
            bars.update(tasks[what], completed=share)

        skipped = run_forest(arguments.settings, arguments.out, progress=show)
    print(f"model: {printable(arguments.out / FOREST_FILE)}")
    if skipped.reasons:
        print(
            f"frames skipped because they could not be used: {len(skipped.reasons)}, the first: "
            f"{printable(skipped.reasons[0])}"
        )
    return 1 if skipped.reasons else 0
