"""Annotated frames written as a folder or as shards, by any number of processes and machines."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graspseg.annotate.annotated_frame import AnnotatedFrame, annotate_frame
from graspseg.annotate.annotator import Annotator
from graspseg.annotate.inputs import Inputs
from graspseg.annotate.job import (
    KINDS,
    SKIN,
    Job,
    abandon,
    begin,
    describe,
    evidence_file,
    skin_file,
)
from graspseg.annotate.records import Records, read_records
from graspseg.annotate.skin_choice import SkinChoice
from graspseg.cameras.rgbd import RgbdFrame
from graspseg.datasets.atomic import ends_run
from graspseg.datasets.chunked_writer import Chunk, Written, new_shard, placed, until_stopped, write_chunks
from graspseg.datasets.description import parse_intrinsics, read_object
from graspseg.datasets.folder import FULL_DEPTH, FolderWriter, in_unit
from graspseg.datasets.ledger import Ledger
from graspseg.datasets.manifest import check_unchanged
from graspseg.datasets.output_folder import remove_empty
from graspseg.datasets.shard_writer import ShardSample, finished_shard, make_keys
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics
from graspseg.parallel.chunks import THIS_PROCESS, Where
from graspseg.parallel.stop import stopping


def annotate_inputs(
    job: Job, inputs: Inputs, *, skins: Sequence[SkinChoice] = (), where: Where = THIS_PROCESS
) -> Iterator[Written]:
    """Annotate and write the frames of a job that are not there yet, and yield what became of each chunk.

    A frame depends on itself, the settings and the skin model alone, so that who does the work and interruptions
    change nothing.

    Args:
        job: what is annotated, and where to.
        inputs: the frames of the job's inputs.
        skins: how skin is detected in each input, where the settings leave it open.
        where: who does the work.

    Raises:
        InputError: the folder holds something else, cannot be written to or is not seen by all workers, or not one
            frame could be annotated; or see `run_chunks`.
    """
    job = placed(job, where)
    description = describe(job, inputs, skins)
    chunks = job.chunks_of(len(inputs))

    def ready() -> None:
        begin(job, description, dict(zip(inputs.titles, skins, strict=bool(skins))))

    def end(done: list[Written]) -> None:
        if not any(written.frames for written in done):
            abandon(job, chunks)
            reason = next(sentence for written in done for sentence in written.failures)
            raise InputError(f"None of the {len(inputs)} frames could be annotated; the first: {reason}")
        job.finish(description, done)

    yield from write_chunks(annotate_chunk, chunks, where, begin=ready, finish=end)


def annotate_chunk(chunk: Chunk[Job]) -> Written:
    """Annotate and write what is not there yet of a chunk; may run in any process that sees inputs and folder.

    Raises:
        InputError: the folder that `begin` made is not seen from here.
        OutputError: the disk is full or not writable.
    """
    job = chunk.job
    job.check_seen()
    skins = tuple(path.read_bytes() for path in sorted((job.out / SKIN).glob("*.json")))
    work = _work(job, skins)
    return _write_shard(chunk, work) if job.format == "shards" else _write_files(chunk, work)


@dataclass(frozen=True)
class _Work:
    """What a process needs for the chunks of a job.

    Attributes:
        job: what is to do.
        inputs: the frames.
        annotators: one for each input, with its skin model.
        description: as in `dataset.json`.
        camera: that of all frames.
        keys: of the frames in shards.
    """

    job: Job
    inputs: Inputs
    annotators: list[Annotator]
    description: Mapping[str, Any]
    camera: Intrinsics | None
    keys: list[str]

    def annotate(self, index: int, rgbd: RgbdFrame) -> AnnotatedFrame:
        """Annotate the frame of an index.

        Raises:
            InputError: the frame cannot be used.
        """
        annotator = self.annotators[self.inputs.input_of(index)]
        return annotate_frame(annotator, rgbd, depth=self.job.depth)


@functools.lru_cache(maxsize=1)
def _work(job: Job, skins: tuple[bytes, ...]) -> _Work:
    """What the job needs; `skins` are the contents of the models' files, which may change under their names."""
    inputs = Inputs(job.inputs, job.camera, topics=job.topics)
    chosen = [SkinChoice.load(skin_file(job.out, title)) if skins else None for title in inputs.titles]
    annotators = [Annotator(job.settings) if skin is None else skin.annotator(job.settings) for skin in chosen]
    description = read_object(job.description_file)
    camera = parse_intrinsics(description, job.description_file)
    return _Work(job, inputs, annotators, description, camera, make_keys(inputs.names))


def _write_files(chunk: Chunk[Job], work: _Work) -> Written:
    """The frames of a folder; one that is there stays if its recording is what it was, also where it was corrected."""
    known = read_records(evidence_file(chunk)) or Records()
    ledger = Ledger(chunk.job.out, known.pictures)
    writer = FolderWriter(chunk.job.out, work.description, ledger=ledger)
    rows: dict[str, Mapping[str, float]] = {}
    sources: dict[str, str] = {}
    failures: list[str] = []
    for index in chunk.indices:
        if stopping():
            return Written(0)
        name = work.inputs.names[index]
        try:
            rgbd = work.inputs[index]
            source = fingerprint(rgbd)
            # Records from before there were fingerprints have none.
            if name in known.rows and known.sources.get(name, source) == source and _is_there(chunk.job, name, ledger):
                rows[name] = known.rows[name]
            else:
                made = work.annotate(index, rgbd)
                _check_camera(name, made.frame, work.camera)
                if made.full_depth is not None:
                    full = in_unit(made.full_depth, writer.depth_unit_m, name)
                    ledger.put(chunk.job.out / FULL_DEPTH / f"{name}.png", full)
                writer.write(name, made.frame, made.labels)
                rows[name] = made.row
            sources[name] = source
        except InputError as error:
            if ends_run(error):
                raise
            failures.append(str(error))
            _remove(chunk.job, name, ledger)
    found = Records(rows, tuple(failures), sources=sources, pictures=dict(sorted(ledger.entries.items())))
    writer.sync()
    if found != known:
        found.write(evidence_file(chunk))
    return Written(len(rows), found.failed)


def _is_there(job: Job, name: str, ledger: Ledger) -> bool:
    """Whether the pictures of a frame are whole."""
    return all(ledger.is_whole(job.out / kind / f"{name}.png") for kind in KINDS)


def _remove(job: Job, name: str, ledger: Ledger) -> None:
    """Remove what an earlier run wrote for a frame, unless somebody corrected it."""
    paths = [job.out / kind / f"{name}.png" for kind in (*KINDS, FULL_DEPTH)]
    if not any(ledger.is_changed(path) for path in paths):
        gone = [path for path in paths if ledger.remove(path)]
        remove_empty({path.parent for path in gone}, job.out)


def fingerprint(rgbd: RgbdFrame) -> str:
    """Hash of all that a frame's annotation comes from, beside settings and skin model."""
    camera = rgbd.color_camera
    placed = () if camera is None else (camera.rotation, camera.translation_m, camera.intrinsics, camera.distortion)
    frame = rgbd.frame
    facts = (frame.depth_unit_m, frame.intrinsics, frame.depth.shape, rgbd.color.shape, *map(repr, placed))
    found = hashlib.blake2b(repr(facts).encode(), digest_size=8)
    found.update(np.ascontiguousarray(frame.depth).data)
    found.update(np.ascontiguousarray(rgbd.color).data)
    return found.hexdigest()


def _check_camera(name: str, frame: Frame, camera: Intrinsics | None) -> None:
    """A folder has one camera.

    Raises:
        InputError: this frame has another one.
    """
    if frame.intrinsics != camera:
        raise InputError(
            f"{name} has another camera ({frame.intrinsics}) than dataset.json names ({camera}), expected one for all "
            "frames of a folder: use --format shards."
        )


def _write_shard(chunk: Chunk[Job], work: _Work) -> Written:
    """One tar; what is there already stays if no frame failed and its recording is what it was."""
    known = read_records(evidence_file(chunk))
    if known is not None and not known.failed:
        there = finished_shard(chunk.shard, [work.keys[index] for index in chunk.indices])
        if there is not None:
            check_unchanged(chunk.shard, there.sha256)
            if _same_sources(chunk, work, known):
                return Written(there.samples, (), there)
    rows: dict[str, dict[str, float]] = {}
    sources: dict[str, str] = {}
    failures: list[str] = []
    shard = new_shard(chunk.shard, _samples(chunk, work, rows, sources, failures))
    if shard is None:
        return Written(0)
    if not rows:
        chunk.shard.unlink()
    Records(rows, tuple(failures), sources=sources).write(evidence_file(chunk))
    return Written(len(rows), tuple(failures), shard if rows else None)


def _same_sources(chunk: Chunk[Job], work: _Work, known: Records) -> bool:
    """Whether the frames of a shard are what they were when it was written."""
    for index in chunk.indices:
        expected = known.sources.get(work.inputs.names[index])
        try:
            if stopping() or (expected is not None and fingerprint(work.inputs[index]) != expected):
                return False
        except InputError:
            return False
    return True


def _samples(
    chunk: Chunk[Job], work: _Work, rows: dict[str, dict[str, float]], sources: dict[str, str], failures: list[str]
) -> Iterator[ShardSample]:
    for index in until_stopped(chunk.indices):
        name, key = work.inputs.names[index], work.keys[index]
        try:
            rgbd = work.inputs[index]
            made = work.annotate(index, rgbd)
        except InputError as error:
            failures.append(str(error))
            continue
        rows[name], sources[name] = made.row, fingerprint(rgbd)
        yield ShardSample(key, made.frame, made.labels, facts={"stem": name})
