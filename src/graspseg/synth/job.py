"""What `graspseg synth` is to make: a job, the chunks it is done in, and the folder it is written to."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from graspseg.datasets.atomic import make_folder, partial_files
from graspseg.datasets.folder import FolderWriter
from graspseg.datasets.manifest import MANIFEST, ShardEntry, read_manifest, write_manifest
from graspseg.datasets.shard_writer import SHARD_SIZE
from graspseg.frame import InputError, Intrinsics
from graspseg.synth.generate import DEPTH_UNIT_M, HEIGHT, WIDTH
from graspseg.synth.objects import Split
from graspseg.synth.scene import SceneMaker

CHUNK = 16
GENERATOR_VERSION = 1

Format = Literal["folder", "shards"]


@dataclass(frozen=True)
class Job:
    """A data set to make: `count` frames of a split from a seed, stored one way."""

    out: Path
    count: int
    seed: int
    split: Split
    format: Format = "folder"
    shard_size: int = SHARD_SIZE

    def description(self) -> dict[str, Any]:
        """What `dataset.json` or the manifest says of all frames."""
        camera = Intrinsics.default(WIDTH, HEIGHT)
        return {
            "depth_unit_m": DEPTH_UNIT_M,
            "intrinsics": {"fx": camera.fx, "fy": camera.fy, "cx": camera.cx, "cy": camera.cy},
            "licence": "CC-BY-4.0",
            "annotation": "synthetic",
            "provenance": f"graspseg synth, generator {GENERATOR_VERSION}, split {self.split}, seed {self.seed}",
        }

    @property
    def description_file(self) -> Path:
        """Where the description is written before any frame."""
        return self.out / (MANIFEST if self.format == "shards" else "dataset.json")

    def stem(self, index: int) -> str:
        """File name of frame `index`, without suffix, and its key in a shard."""
        return f"{self.split}-{index:07d}"

    def chunks(self) -> list[Chunk]:
        """The work in pieces that may be done in any order, by anyone; a shard is one piece."""
        size = self.shard_size if self.format == "shards" else CHUNK
        return [Chunk(self, start, min(start + size, self.count)) for start in range(0, self.count, size)]


class Chunk(NamedTuple):
    """Frames `start` to `stop` (excluded) of a job."""

    job: Job
    start: int
    stop: int

    @property
    def shard(self) -> Path:
        """The file of this chunk, where a job writes shards."""
        return self.job.out / f"{self.job.split}-{self.start // self.job.shard_size:06d}.tar"


class Written(NamedTuple):
    """What became of a chunk: its number of frames, and its row of the manifest if it is a shard."""

    frames: int
    shard: ShardEntry | None = None


def begin(job: Job) -> None:
    """Make the folder ready for the chunks of a job, which may be there in part.

    Raises:
        InputError: the folder holds another data set, or cannot be written to.
    """
    check_folder(job)
    make_folder(job.out)
    _remove_partial(job)
    if job.format == "folder":
        FolderWriter(job.out, job.description())
    elif _begun_count(job) != job.count:
        write_manifest(job.out, _manifest_fields(job), (), complete=False)


def finish(job: Job, done: Iterable[Written]) -> None:
    """Remove what lost workers left half-written, and say in the manifest that all chunks are there."""
    _remove_partial(job)
    if job.format == "shards":
        shards = sorted((written.shard for written in done if written.shard), key=lambda shard: shard.name)
        write_manifest(job.out, _manifest_fields(job), shards)


def _remove_partial(job: Job) -> None:
    for folder in (job.out, job.out / "depth", job.out / "labels"):
        for path in partial_files(folder):
            path.unlink(missing_ok=True)


def _manifest_fields(job: Job) -> dict[str, Any]:
    """What the manifest says beyond `dataset.json`: how to make the same again, and what the split may show."""
    shown = SceneMaker(job.split)
    return {
        **job.description(),
        "generator_version": GENERATOR_VERSION,
        "recipe": {"split": job.split, "seed": job.seed, "count": job.count, "shard_size": job.shard_size},
        "seed_range": {"seed": job.seed, "first": 0, "last": job.count - 1},
        "split_facts": {job.split: {"hand": shown.hand_name, "objects": shown.names}},
    }


def check_folder(job: Job) -> None:
    """Refuse to mix two data sets, or two ways to store one, in one folder.

    Raises:
        InputError: what is there was not written by this job.
    """
    folder, shards = job.out / "dataset.json", job.out / MANIFEST
    there, other = (shards, folder) if job.format == "shards" else (folder, shards)
    if other.is_file():
        kind = next(kind for kind in get_args(Format) if kind != job.format)
        raise InputError(
            f"{job.out} holds {other.name}, so its frames are stored as {kind}, expected {job.format}: "
            f"choose another --out or --format {kind}."
        )
    if not there.is_file():
        return
    found, expected = _identity(there), job.description()["provenance"]
    if found != expected:
        raise InputError(
            f"{job.out} holds another data set ({found}), expected an empty folder or one begun by {expected}: "
            "choose another --out."
        )
    if job.format == "shards":
        _check_recipe(job)


def _identity(path: Path) -> object:
    """Where a data set says it is from."""
    try:
        return json.loads(path.read_text(encoding="utf-8")).get("provenance")
    except (OSError, ValueError, RecursionError, AttributeError) as error:
        raise InputError(f"{path} is no readable description ({error}): choose another --out.") from error


def _check_recipe(job: Job) -> None:
    """Shards of another size or of more frames would stay behind beside those of this job."""
    size, count = _recipe(job).get("shard_size"), _begun_count(job)
    if size != job.shard_size or not isinstance(count, int) or count > job.count:
        raise InputError(
            f"{job.out} was begun with --shard-size {size} --count {count}, expected --shard-size {job.shard_size} and "
            f"at most {job.count} frames: give the same size and as many frames or more, or choose another --out."
        )


def _begun_count(job: Job) -> object:
    return _recipe(job).get("count")


def _recipe(job: Job) -> dict[str, Any]:
    """How the shards that are there were begun, empty where none are."""
    manifest = read_manifest(job.out / MANIFEST)
    recipe = manifest.description.content.get("recipe") if manifest else None
    return recipe if isinstance(recipe, dict) else {}
