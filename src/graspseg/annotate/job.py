"""What `graspseg annotate` is to make: a job, the chunks it is done in, and the folder it is written to."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from graspseg.annotate.annotated_frame import StoredDepth
from graspseg.annotate.inputs import NOTHING_SAID, Inputs, absolute
from graspseg.annotate.settings import AnnotateSettings
from graspseg.annotate.skin_choice import SkinChoice
from graspseg.datasets.atomic import make_folder, write_json
from graspseg.datasets.chunked_writer import Chunk, ChunkedJob, Format
from graspseg.datasets.description import read_object
from graspseg.datasets.folder import FULL_DEPTH
from graspseg.datasets.manifest import is_manifest, write_manifest
from graspseg.datasets.output_folder import contents, foreign, remove_results
from graspseg.datasets.shard_writer import SHARD_SIZE
from graspseg.errors import InputError
from graspseg.segment.inputs import CameraOptions

CHUNK = 64
ANNOTATION_VERSION = 3
EVIDENCE = "evidence"
OPINIONS = "opinions"
CONFIDENCE = "confidence.csv"
SKIN = "skin"
KINDS = ("labels", "depth", "color")  # the labels of a frame are the last that is written
FOLDERS = (*KINDS, FULL_DEPTH, EVIDENCE, OPINIONS, SKIN)
PROVENANCE = "annotated from color and depth by graspseg annotate"


@dataclass(frozen=True)
class Job(ChunkedJob):
    """Recordings to annotate, and where to; their skin models, if any, are in `skin/` in `out`.

    Attributes:
        inputs: folders, shards, recordings, or public data sets as NAME:PATH.
        out: the data set.
        settings: of the annotator.
        camera: what the user says about the depth camera.
        depth: what of it is stored.
        format: how frames are stored.
        shard_size: frames of a shard.
        topics: of depth and color in recordings of ROS; none = found by themselves.
    """

    inputs: tuple[str, ...]
    out: Path
    settings: AnnotateSettings
    camera: CameraOptions = NOTHING_SAID
    depth: StoredDepth = "range"
    format: Format = "folder"
    shard_size: int = SHARD_SIZE
    topics: tuple[str, ...] = ()

    @property
    def chunk_size(self) -> int:
        """Frames of a chunk of a folder."""
        return CHUNK

    @property
    def shard_name(self) -> str:
        """Of all shards."""
        return "annotated"

    @property
    def folders(self) -> tuple[str, ...]:
        """Folders of pictures and of what is known of them."""
        return FOLDERS

    def absolute(self) -> Job:
        """The same job with paths that mean the same in the current folder of another process."""
        return replace(self, out=self.out.absolute(), inputs=tuple(absolute(name) for name in self.inputs))


def evidence_file(chunk: Chunk[Job]) -> Path:
    """What the frames of a chunk say of themselves; written last, so that a chunk that has it is done."""
    return chunk.job.out / EVIDENCE / f"{chunk.start:08d}.json"


def describe(job: Job, inputs: Inputs, skins: Sequence[SkinChoice]) -> dict[str, Any]:
    """What `dataset.json` or the manifest says of all frames: unit and camera of the first, and how they were made.

    Args:
        job: what is annotated.
        inputs: its frames.
        skins: how skin is detected in each input, or none at all.

    Raises:
        InputError: no frame can be read.
    """
    first = inputs.first()
    made = {
        "version": ANNOTATION_VERSION,
        "inputs": inputs.titles,
        "frames": len(inputs),
        "names_sha256": hashlib.sha256("\n".join(inputs.names).encode()).hexdigest(),
        "settings": json.loads(json.dumps(asdict(job.settings))),
        "camera": asdict(job.camera),
        "depth": job.depth,
        "skin_models": [skin.content() for skin in skins],
    }
    if job.format == "shards":
        made["shard_size"] = job.shard_size
    if job.topics:
        made["topics"] = list(job.topics)
    described: dict[str, Any] = {"depth_unit_m": first.depth_unit_m, "provenance": PROVENANCE}
    described |= {"annotation": "automatic", "annotated": made}
    if first.intrinsics is not None:
        described["intrinsics"] = asdict(first.intrinsics)
    return described


def begin(job: Job, description: Mapping[str, Any], skins: Mapping[str, SkinChoice]) -> None:
    """Make the folder ready for the chunks of a job, which may be there in part.

    Args:
        job: what is annotated.
        description: see `describe`.
        skins: how skin is detected, by title of the input.

    Raises:
        InputError: the folder holds something else, or cannot be written to.
    """
    check_folder(job, description)
    make_folder(job.out)
    job.clear()
    for title, skin in skins.items():
        skin.save(skin_file(job.out, title))
    if job.description_file.is_file():
        return
    if job.format == "shards":
        write_manifest(job.out, description, (), complete=False)
    else:
        write_json(job.description_file, description)


def skin_file(out: Path, title: str) -> Path:
    """Where the skin model is that an input was annotated with."""
    return out / SKIN / f"{title}.json"


def abandon(job: Job, chunks: Iterable[Chunk[Job]]) -> None:
    """Take away what a job without a single annotated frame has written; labels that somebody corrected stay in place.

    Raises:
        OutputError: a file cannot be removed.
    """
    evidence = [evidence_file(chunk) for chunk in chunks]
    known = [*evidence, *(job.out / OPINIONS / path.name for path in evidence)]
    known += [*(job.out / SKIN).glob("*.json"), job.out / CONFIDENCE]
    corrected = any((job.out / "labels").rglob("*.png"))
    remove_results(known if corrected else [*known, job.description_file], job.out)
    with contextlib.suppress(OSError):
        job.out.rmdir()  # succeeds only when it is empty


def check_folder(job: Job, description: Mapping[str, Any]) -> None:
    """Refuse to mix the results of two jobs, or two ways to store one, in one folder.

    Raises:
        InputError: what is there was not written by this job.
    """
    there = contents(job.out)
    if not there:
        return
    other = job.other_description
    if is_manifest(other) or (job.format == "shards" and other.is_file()):
        raise job.stored_otherwise()
    begun = read_object(job.description_file).get("annotated") if job.description_file.is_file() else None
    if not isinstance(begun, dict):
        raise foreign(job.out, there[0], "graspseg annotate")
    expected = description["annotated"]
    differing = sorted(key for key in {*begun, *expected} if begun.get(key) != expected.get(key))
    if differing:
        raise InputError(
            f"{job.out} holds the results of another job ({', '.join(differing)} differ), expected a new folder or one "
            "begun with the same inputs and options: choose another --out."
        )
