"""`graspseg dataset split`, `merge` and `filter`: data sets written from parts of others."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from graspseg.cli.help import Usage
from graspseg.cli.progress import MessageLog, frames_bar
from graspseg.errors import InputError, printable

if TYPE_CHECKING:
    from graspseg.datasets.convert import Conversion, Target
    from graspseg.datasets.dataset import Dataset, StoredDataset

Data = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")]
ManyData = Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="DATA...")]
Stored = Literal["folder", "shards"]


@dataclass(frozen=True)
class Split:
    """Write a data set with other splits; a sequence stays together, so that no neighbors are in different ones.

    Frames are a sequence when their stems differ in the number at the end only. Those that `graspseg synth` made one
    by one are none.
    """

    data: Data
    """Folder, folder of shards, or .tar"""
    out: Path
    """folder to write to: new, empty, or begun by the same command"""
    shares: tuple[str, ...]
    """share of the frames of each split, such as train=0.8 val=0.2"""
    by: Literal["sequence", "frame"] = "sequence"
    """what stays together; with frame, neighbors may be in different splits"""
    seed: int = 0
    """of the draw: equal seeds give equal splits"""
    to: Stored | None = None
    """how frames are stored; default: as they are now"""
    shard_size: int = 1024
    """frames of a shard"""
    threads: int | None = None
    """frames read at once; default: as many as this process may use CPUs"""

    def run(self) -> int:
        """0 done, 1 some frames could not be used."""
        from graspseg.datasets.open import open_on_disk
        from graspseg.datasets.splitting import parse_shares, split_dataset

        if self.seed < 0:
            raise InputError(f"--seed is {self.seed}, expected at least 0: leave it out for 0.")
        shares = parse_shares(self.shares)
        dataset = open_on_disk(self.data)
        divided = split_dataset(dataset, shares, by=self.by, seed=self.seed)
        code = _write(divided, self.out, self.to, self.shard_size, self.threads, command="graspseg dataset split")
        counts = {name: sum(divided.splits_of(index) == (name,) for index in range(len(divided))) for name in shares}
        print(printable(", ".join(f"{name} {count:,}" for name, count in counts.items())), file=sys.stderr)
        return code


@dataclass(frozen=True)
class Merge:
    """Write several data sets as one; frames keep unit and camera, their stems begin with their data set's name.

    What each data set says of itself is in the field `sources`. Splits of equal names become one.
    """

    data: ManyData
    """Folders, folders of shards, or .tar files"""
    out: Path
    """folder to write to: new, empty, or begun by the same command"""
    to: Stored | None = None
    """how frames are stored; default: as those of the first are now"""
    shard_size: int = 1024
    """frames of a shard"""
    threads: int | None = None
    """frames read at once; default: as many as this process may use CPUs"""

    def run(self) -> int:
        """0 done, 1 some frames could not be used."""
        from graspseg.datasets.open import open_on_disk
        from graspseg.datasets.selection import Merged

        if not self.data:
            raise InputError("DATA is missing, expected the data sets to merge: graspseg dataset merge a b --out both.")
        merged = Merged([open_on_disk(path) for path in self.data])
        return _write(merged, self.out, self.to, self.shard_size, self.threads, command="graspseg dataset merge")


@dataclass(frozen=True)
class Filter:
    """Write the frames of a data set of which all conditions hold.

    A condition compares `hand_px`, `object_px` or `confidence` with a number (>= <= > < = !=), or says that `decision`
    (accepted, rejected, undecided) or `interaction` is (= or !=) one of several names with commas between them;
    `stems=FILE` names a file with a stem a line. Quote conditions with > or <.
    """

    data: Data
    """Folder, folder of shards, or .tar"""
    out: Path
    """folder to write to: new, empty, or begun by the same command"""
    where: tuple[str, ...]
    """conditions, such as 'hand_px>=500' interaction=hold,bare"""
    split: str | None = None
    """only the frames of this split"""
    to: Stored | None = None
    """how frames are stored; default: as they are now"""
    shard_size: int = 1024
    """frames of a shard"""
    threads: int | None = None
    """frames read at once; default: as many as this process may use CPUs"""

    def run(self) -> int:
        """0 done, 1 some frames could not be used."""
        from graspseg.datasets.conditions import filter_dataset, parse_condition
        from graspseg.datasets.open import open_on_disk

        if not self.where:
            raise InputError("--where is empty, expected a condition: try --where 'hand_px>=500'.")
        conditions = [parse_condition(text) for text in self.where]
        dataset = open_on_disk(self.data, split=self.split)
        say = MessageLog()
        with frames_bar(len(dataset)) as advance:
            threads = thread_count(self.threads)
            chosen, failed = filter_dataset(dataset, conditions, threads=threads, say=say, advance=advance)
        say.close(failed)
        code = _write(chosen, self.out, self.to, self.shard_size, self.threads, command="graspseg dataset filter")
        return 1 if failed else code


USAGES: dict[str, Usage] = {
    "split": Usage(
        "graspseg dataset split",
        examples=(
            "graspseg dataset split data/mine --out data/split --shares train=0.8 val=0.2",
            "graspseg dataset split data/mine --out data/three --shares train=0.7 val=0.15 test=0.15 --seed 3",
        ),
    ),
    "merge": Usage(
        "graspseg dataset merge",
        examples=(
            "graspseg dataset merge data/monday data/tuesday --out data/week",
            "graspseg dataset merge data/mine frames.tar --out shards --to shards",
        ),
    ),
    "filter": Usage(
        "graspseg dataset filter",
        examples=(
            "graspseg dataset filter data/train --out data/near --where 'hand_px>=500' interaction=hold",
            "graspseg dataset filter annotated --out data/good --where decision=accepted 'confidence>=0.8'",
        ),
    ),
}


def thread_count(given: int | None) -> int:
    """Frames read at once.

    Raises:
        InputError: less than one is given.
    """
    from graspseg.segment.engine import available_threads

    if given is not None and given < 1:
        raise InputError(f"--threads is {given}, expected at least 1: leave it out for all.")
    return given or available_threads()


def warn(dataset: Dataset) -> None:
    """Say what is odd about unit and camera of a data set."""
    from graspseg.datasets.frame_warnings import warnings_of

    for sentence in warnings_of(dataset):
        print(f"graspseg: warning: {printable(sentence)}", file=sys.stderr)


def written(
    dataset: Dataset,
    out: Path,
    to: Target,
    *,
    shard_size: int,
    threads: int | None,
    own_units: bool = False,
    command: str = "",
) -> Conversion:
    """Write a data set, with a bar over its frames, and say what became of it.

    Raises:
        InputError: an option is impossible, or see `Conversion`.
    """
    if shard_size < 1:
        raise InputError(f"--shard-size is {shard_size}, expected at least 1: leave it out for 1024.")
    from graspseg.datasets.convert import Conversion

    warn(dataset)
    say = MessageLog()
    with frames_bar(len(dataset)) as advance:
        conversion = Conversion(
            dataset,
            out,
            to,
            thread_count(threads),
            shard_size,
            own_units=own_units,
            command=command,
            say=say,
            advance=advance,
        )
        conversion.run()
    say.close(conversion.failed)
    changed = {"written anew": conversion.replaced, "removed": conversion.removed}
    changes = [f"{count:,} {what}" for what, count in changed.items() if count]
    if changes:
        print(
            f"graspseg: {printable(dataset.name)} has changed since the last run: {', '.join(changes)}", file=sys.stderr
        )
    print(f"{conversion.written:,} of {len(dataset):,} frames in {printable(out)}", file=sys.stderr)
    return conversion


def _write(
    dataset: StoredDataset, out: Path, to: Stored | None, shard_size: int, threads: int | None, *, command: str
) -> int:
    """Write frames as they are stored, or as was given; the exit code."""
    from graspseg.datasets.shards import is_shards

    path = dataset.paths[0]
    form = to or ("shards" if path.exists() and is_shards(path) else "folder")
    done = written(dataset, out, form, shard_size=shard_size, threads=threads, own_units=True, command=command)
    return 1 if done.failed else 0
