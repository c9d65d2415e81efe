"""A trained network as second model of labels that are there: where both agree they are rarely both wrong."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, UInt8

from graspseg.annotate.job import OPINIONS, Job, evidence_file
from graspseg.annotate.records import Records, read_records
from graspseg.datasets.chunked_writer import Chunk
from graspseg.datasets.description import read_description
from graspseg.datasets.images import read_depth, read_labels
from graspseg.datasets.manifest import hash_file
from graspseg.datasets.shards import ShardDataset
from graspseg.frame import Frame
from graspseg.labels import HAND, OBJECT
from graspseg.models.locate import find_model
from graspseg.parallel.chunks import THIS_PROCESS, RayCluster, Where, run_chunks
from graspseg.parallel.stop import stopping
from graspseg.segment.segmentation import Segmentation
from graspseg.segment.segmenter import Segmenter


@dataclass(frozen=True)
class Opinion:
    """How far a network agrees with the labels of a frame.

    Attributes:
        model_hand_iou, model_object_iou: intersection over union of label and prediction; 1 where both have none.
        model_certainty: mean probability of the network's own choice on hand and object, 0 where it sees neither.
    """

    model_hand_iou: float
    model_object_iou: float
    model_certainty: float


class Question(NamedTuple):
    """Asks a network about the frames of a chunk.

    Attributes:
        chunk: annotated frames.
        model: name of a shipped model or an exported file.
        identity: hash of that file.
    """

    chunk: Chunk[Job]
    model: str
    identity: str

    @property
    def file(self) -> Path:
        """Where the answers are kept."""
        return opinion_file(self.chunk)


def opinion_file(chunk: Chunk[Job]) -> Path:
    """Where a network's answers on a chunk are kept."""
    return chunk.job.out / OPINIONS / f"{chunk.start:08d}.json"


def model_identity(model: str) -> str:
    """Hash of a model's file.

    Raises:
        InputError: there is no such model.
    """
    return hash_file(find_model(model))


def ask_model(chunks: Sequence[Chunk[Job]], model: str, *, where: Where = THIS_PROCESS) -> Iterator[int]:
    """Let a network look at every annotated frame it has not seen, and yield how many of a chunk are done.

    Args:
        chunks: of a finished job.
        model: name of a shipped model or an exported file.
        where: who does the work.

    Raises:
        InputError: the model or an annotated frame cannot be used; or see `run_chunks`.
    """
    identity = model_identity(model)
    name = str(Path(model).absolute()) if Path(model).is_file() else model
    if isinstance(where, RayCluster):
        chunks = [replace(chunk, job=chunk.job.absolute()) for chunk in chunks]
    questions = [Question(chunk, name, identity) for chunk in chunks]
    yield from run_chunks(answer, questions, where)


def answer(question: Question) -> int:
    """Do a chunk; returns its number of frames."""
    annotated = read_records(evidence_file(question.chunk)) or Records()
    stems = list(annotated.rows)
    known = read_records(question.file, made_by=question.identity)
    sources = _sources(question.chunk, stems)
    if known is not None and list(known.rows) == stems and known.sources == sources:
        return len(stems)
    segmenter = _segmenter(question.model, question.identity)
    rows: dict[str, dict[str, float]] = {}
    for stem, (frame, labels) in zip(stems, _annotated(question.chunk, stems), strict=True):
        if stopping():
            return 0
        rows[stem] = asdict(compare(labels, segmenter(frame)))
    Records(rows, made_by=question.identity, sources=sources).write(question.file)
    return len(stems)


def _sources(chunk: Chunk[Job], stems: list[str]) -> dict[str, str]:
    """Hashes of what the network is asked about: labels may be made anew or corrected between two runs."""
    if chunk.job.format == "shards":
        return dict.fromkeys(stems, hash_file(chunk.shard)) if stems else {}
    kinds = ("depth", "labels")
    return {stem: "-".join(hash_file(chunk.job.out / kind / f"{stem}.png")[:16] for kind in kinds) for stem in stems}


def compare(labels: UInt8[np.ndarray, "h w"], seen: Segmentation) -> Opinion:
    """Agreement of labels with what a network sees in the same depth."""
    hand, held = (_agreement(labels == label, seen.labels == label) for label in (HAND, OBJECT))
    return Opinion(hand, held, seen.confidence or 0.0)


def _agreement(ours: Bool[np.ndarray, "h w"], theirs: Bool[np.ndarray, "h w"]) -> float:
    """Intersection over union, 1 where both are empty."""
    union = int(np.count_nonzero(ours | theirs))
    return np.count_nonzero(ours & theirs) / union if union else 1.0


def _annotated(chunk: Chunk[Job], stems: list[str]) -> Iterator[tuple[Frame, UInt8[np.ndarray, "_h _w"]]]:
    """Depth and labels of a chunk's frames, in order."""
    out = chunk.job.out
    if chunk.job.format == "shards":
        if stems:
            for sample in ShardDataset(chunk.shard):
                assert sample.labels is not None
                yield sample.frame, sample.labels
        return
    about = read_description(out)
    for stem in stems:
        path = out / "depth" / f"{stem}.png"
        frame = read_depth(path, depth_unit_m=about.depth_unit_m, intrinsics=about.intrinsics)
        yield frame, read_labels(out / "labels" / f"{stem}.png", frame.depth.shape)


@functools.lru_cache(maxsize=1)
def _segmenter(model: str, identity: str) -> Segmenter:
    """The network; one thread, because sums of several differ in their last digit from run to run."""
    del identity  # part of the key: a file may be exported anew under its name
    return Segmenter(model, threads=1, precision="float32")
