"""`graspseg dataset`: look at, check, convert and take apart data sets on disk; list public ones."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from graspseg.cli.dataset_parts import USAGES, Filter, Merge, Split, thread_count, warn, written
from graspseg.cli.help import Usage
from graspseg.cli.options import Runnable, run_subcommand
from graspseg.cli.progress import MessageLog, frames_bar
from graspseg.errors import InputError, printable

if TYPE_CHECKING:
    pass

_DESCRIPTION = "Look at, check, convert, split, merge and filter data sets: folders and .tar shards; list public ones."
Data = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")]


@dataclass(frozen=True)
class Stats:
    """Count what a data set holds: the facts of the paper's Table 1, class balance, resolution, depth."""

    data: Data
    """Folder, folder of shards, or .tar"""
    json: Path | None = None
    """also write every figure to this file"""
    split: str | None = None
    """only the frames of this split"""
    threads: int | None = None
    """frames read at once; default: as many as this process may use CPUs"""

    def run(self) -> int:
        """0 done, 1 some frames could not be read, or something beside them was left out."""
        from graspseg.datasets.atomic import write_json
        from graspseg.datasets.open import open_dataset
        from graspseg.datasets.statistics import as_json, as_text, collect

        dataset = open_dataset(self.data, split=self.split)
        warn(dataset)
        with frames_bar(len(dataset)) as advance:
            found = collect(dataset, threads=thread_count(self.threads), progress=lambda: advance(1))
        figures = as_json(found, dataset.description)
        if self.json is not None:
            write_json(self.json, figures)
        print(printable(as_text(figures), lines=True))
        say = MessageLog()
        beside = dataset.beside()
        for reason in (*beside, *found.failures):
            say(reason)
        say.close(found.failed + len(beside))
        return 1 if found.failed or beside else 0


@dataclass(frozen=True)
class Check:
    """Read everything of a data set and say what is wrong with it.

    Exit code 0: nothing, 1: something, 2: it cannot be opened as a data set.
    """

    data: Data
    """Folder, folder of shards, or .tar"""
    threads: int | None = None
    """frames read at once; default: as many as this process may use CPUs"""

    def run(self) -> int:
        """0 nothing is wrong, 1 something is."""
        from graspseg.datasets.check import check

        say = MessageLog()
        with frames_bar(None) as advance:
            found = check(self.data, threads=thread_count(self.threads), say=say, advance=lambda: advance(1))
        say.close(found.faults)
        for note, count in found.notes.items():
            print(printable(f"note: {note} ({count:,})"))
        print(printable(f"{found.frames:,} frames of {self.data} can be used, {found.faults:,} faults"))
        return 1 if found.faults else 0


@dataclass(frozen=True)
class Sheet:
    """Draw frames spread evenly over a data set, with their labels if there are any."""

    data: Data
    """Folder, folder of shards, or .tar"""
    out: Path
    """PNG file to write"""
    count: int = 48
    """most frames to draw"""
    columns: int = 8
    """frames in a row"""
    width: int = 240
    """width of a drawn frame in pixels"""
    color: bool = False
    """draw the color instead of the depth, with outlines of hand and object if it is aligned with the depth"""

    def run(self) -> int:
        """0 done, 1 some frames could not be read."""
        if min(self.count, self.columns, self.width) < 1 or self.out.suffix.lower() != ".png":
            raise InputError(f"--count, --columns, --width below 1, or {self.out} no .png: correct the options.")
        from graspseg.datasets.atomic import write_png
        from graspseg.datasets.open import open_dataset
        from graspseg.datasets.sheet import draw_sheet

        dataset = open_dataset(self.data)
        picture, drawn, failures = draw_sheet(
            dataset, count=self.count, columns=self.columns, width=self.width, color=self.color
        )
        write_png(self.out, picture)
        if self.color and not dataset.description.color_is_aligned:
            print(
                f"graspseg: the color of {printable(self.data)} is of a camera beside the depth camera: drawn without "
                "the labels",
                file=sys.stderr,
            )
        failures = [*dataset.beside(), *failures]
        for reason in failures:
            print(f"graspseg: {printable(reason)}", file=sys.stderr)
        print(f"{drawn} of {len(dataset)} frames drawn to {printable(self.out)}", file=sys.stderr)
        return 1 if failures else 0


@dataclass(frozen=True)
class Convert:
    """Write a data set another way; a conversion that was stopped goes on when it is run again."""

    data: Data
    """Folder, folder of shards, or .tar"""
    out: Path
    """folder to write to: new, empty, or begun by the same conversion"""
    to: Literal["folder", "shards", "coco", "png", "yolo", "croissant"]
    """folder and shards hold everything; croissant: a folder described in Croissant 1.1; coco: depth images and RLE
    masks; yolo: lossy 8-bit pictures and polygons; png: colored masks only"""
    split: str | None = None
    """only the frames of this split"""
    shard_size: int = 1024
    """frames of a shard"""
    threads: int | None = None
    """frames read at once; default: as many as this process may use CPUs"""

    def run(self) -> int:
        """0 done, 1 some frames could not be converted."""
        from graspseg.datasets.open import open_dataset

        dataset = open_dataset(self.data, split=self.split)
        done = written(dataset, self.out, self.to, shard_size=self.shard_size, threads=self.threads)
        return 1 if done.failed else 0


@dataclass(frozen=True)
class List:
    """List the public data sets that can be read as they are downloaded, with license and place."""

    json: bool = False
    """print everything that is known of them as JSON"""

    def run(self) -> int:
        """0, always."""
        if self.json:
            import json

            from graspseg.datasets.public.registry import describe_all

            print(json.dumps(describe_all(), indent=2))
            return 0
        from graspseg.datasets.public.describe import as_text

        print(as_text())
        return 0


# A subcommand is a dataclass with `run`; its name is the one a user types.
COMMANDS: dict[str, tuple[type[Runnable], Usage]] = {
    "stats": (
        Stats,
        Usage(
            "graspseg dataset stats",
            examples=(
                "graspseg dataset stats data/train",
                "graspseg dataset stats data/train --split val --json figures.json",
            ),
        ),
    ),
    "check": (
        Check,
        Usage(
            "graspseg dataset check",
            examples=(
                "graspseg dataset check data/train",
                "graspseg dataset check frames.tar --threads 2",
            ),
        ),
    ),
    "sheet": (
        Sheet,
        Usage(
            "graspseg dataset sheet",
            examples=(
                "graspseg dataset sheet data/train --out sheet.png",
                "graspseg dataset sheet data/train --out sheet.png --count 12 --columns 4 --color",
            ),
        ),
    ),
    "convert": (
        Convert,
        Usage(
            "graspseg dataset convert",
            examples=(
                "graspseg dataset convert data/train --out shards --to shards",
                "graspseg dataset convert data/train --out yolo --to yolo",
            ),
        ),
    ),
    "split": (Split, USAGES["split"]),
    "merge": (Merge, USAGES["merge"]),
    "filter": (Filter, USAGES["filter"]),
    "list": (
        List,
        Usage(
            "graspseg dataset list",
            examples=(
                "graspseg dataset list",
                "graspseg dataset list --json",
            ),
        ),
    ),
}


def main(argv: list[str]) -> int:
    """Run a subcommand.

    Raises:
        InputError: there is no such command or data set, or nothing can be written.
    """
    return run_subcommand(COMMANDS, argv, prog="graspseg dataset", description=_DESCRIPTION)
