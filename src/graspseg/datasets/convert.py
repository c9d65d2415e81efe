"""From one way of storing frames to another: folder, shards, COCO, and pictures of the masks."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from graspseg.datasets.atomic import ends_run
from graspseg.datasets.chunked_writer import Chunk, ChunkedJob, Format, Written, write_chunks
from graspseg.datasets.convert_files import RESULTS, WAYS, Output, Read, Way, Write
from graspseg.datasets.dataset import Dataset
from graspseg.datasets.description import read_object
from graspseg.datasets.images import DEFAULT_UNIT_M
from graspseg.datasets.ledger import Ledger, read_ledger, write_ledger
from graspseg.datasets.manifest import check_unchanged, hash_file, read_manifest, write_manifest
from graspseg.datasets.output_folder import clear_partial, contents, foreign, remove_empty, remove_results, working_in
from graspseg.datasets.read_ahead import read_ahead
from graspseg.datasets.shard_writer import SHARD_SIZE, ShardSample, make_keys, write_shard
from graspseg.datasets.tar_index import scan_tar
from graspseg.errors import InputError, print_escaped
from graspseg.parallel.chunks import THIS_PROCESS

Target = Literal["folder", "shards", "coco", "png", "yolo", "croissant"]
LEDGER = ".graspseg.json"
_OF_FRAMES = ("splits", "per_frame")
_UNSPLIT = "frames"
_CHUNK = 1024
_SUFFIXES = (".png", ".json", ".txt")
_LONGEST_NAME = 200
_SHARD = re.compile(r"[A-Za-z0-9_-]+-\d{6}\.tar")


@dataclass(frozen=True)
class _Part(ChunkedJob):
    """Frames that are stored under one name.

    Attributes:
        out: the data set.
        format: how frames are stored: in shards or as files.
        shard_size: frames of a shard.
        frames: their indices in the data set.
        name: what the names of shards begin with.
        split: the split they are in.
    """

    out: Path
    format: Format
    shard_size: int
    frames: Sequence[int]
    name: str = _UNSPLIT
    split: str | None = None

    @property
    def chunk_size(self) -> int:
        """Frames that are done as one."""
        return _CHUNK

    @property
    def shard_name(self) -> str:
        """Of its split."""
        return self.name

    @property
    def folders(self) -> tuple[str, ...]:
        """Everything below `out`."""
        return (".",)

    def indices(self, chunk: Chunk[_Part]) -> Sequence[int]:
        """In the data set, of the frames of a chunk."""
        return self.frames[chunk.start : chunk.stop]


@dataclass
class Conversion:
    """A data set on its way to another form; a run that was stopped goes on where it was.

    Attributes:
        dataset: what is converted.
        out: the folder to write to: new, empty, or begun by the same conversion.
        to: `folder` and `shards` hold everything, `croissant` is a folder that describes itself in JSON-LD; `coco` has
            depth images and RLE masks; `yolo` 8-bit pictures and polygons; `png` only colored masks.
        threads: frames read at once.
        shard_size: frames of a shard.
        own_units: depth of a folder stays in the unit of its frame, and a camera holds for all frames only where the
            data set says so.
        command: what made `out`, in messages; empty = `graspseg dataset convert --to ...`.
        say: called with the sentence of every frame that could not be converted, and with warnings.
        advance: called with a number of frames that are done.
        written: frames that are in `out`.
        failed: frames that could not be converted.
        replaced: frames (shards: tars) of an earlier run that were written anew, because the data set has changed.
        removed: pictures of an earlier run that no frame gives any more.
    """

    dataset: Dataset
    out: Path
    to: Target
    threads: int = 1
    shard_size: int = SHARD_SIZE
    own_units: bool = False
    command: str = ""
    say: Callable[[str], None] = print_escaped
    advance: Callable[[int], None] = lambda count: None
    written: int = 0
    failed: int = 0
    replaced: int = 0
    removed: int = 0
    _names: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        """Convert; frames that cannot be used are reported, counted and left out.

        What an earlier run wrote stays where it is what the data set gives now, and goes where it is not; what
        somebody changed in it stays, and its frame counts as failed.

        Raises:
            InputError: `out` holds something else, another process works in it, or not one frame could be converted.
            OutputError: the disk is full or not writable.
        """
        real = self.out.resolve()
        for path in self.dataset.paths:
            if path.resolve() in (real, *real.parents):
                raise InputError(f"{self.out} is inside {path}, expected another place: choose another --out.")
        description = self._describe()
        with working_in(self.out):
            self._claim(description["converted"])
            for sentence in self.dataset.beside():
                self.failed += 1
                self.say(sentence)
            if self.to == "shards":
                self._write_shards(description)
            else:
                self._write_files(description, WAYS[self.to])
            if not self.written:
                remove_results((self._marker, *(self.out / name for name in (LEDGER, *RESULTS))), self.out)
                raise InputError(f"None of the {len(self.dataset)} frames of {self.dataset.name} could be converted.")

    @property
    def _marker(self) -> Path:
        """By which a conversion knows its own work."""
        return self._part(()).description_file

    def _part(self, frames: Sequence[int], name: str = _UNSPLIT, split: str | None = None) -> _Part:
        stored: Format = "shards" if self.to == "shards" else "folder"
        return _Part(self.out, stored, self.shard_size, frames, name, split)

    def _describe(self) -> dict[str, Any]:
        """What holds for all frames, with the unit of the first frame where the data set names none."""
        content = {key: value for key, value in self.dataset.description.content.items() if key not in _OF_FRAMES}
        first = None
        with contextlib.suppress(InputError):
            first = self.dataset[0].frame
        content.setdefault("depth_unit_m", first.depth_unit_m if first else DEFAULT_UNIT_M)
        made = {**self.dataset.origin, "to": self.to}
        if self.to == "shards":
            made["shard_size"] = self.shard_size
        return {**content, "converted": made}

    def _claim(self, converted: dict[str, Any]) -> None:
        """Make sure that `out` is new or was begun by this very conversion."""
        there = contents(self.out)
        if not there:
            return
        begun = read_object(self._marker).get("converted") if self._marker.is_file() else None
        if not isinstance(begun, dict):
            raise foreign(self.out, there[0], self.command or f"graspseg dataset convert --to {self.to}")
        differing = [key for key in sorted({*begun, *converted}) if begun.get(key) != converted.get(key)]
        if differing:
            raise foreign(
                self.out,
                self._marker,
                "this conversion",
                why=f"{differing[0]} is {begun.get(differing[0])!r}, now it would be {converted.get(differing[0])!r}",
            )
        clear_partial(self.out, ".")

    def _read(self, indices: Iterable[int]) -> Iterator[tuple[int, Read]]:
        """The frames that can be read."""

        def read(index: int) -> Read:
            color = self.dataset.color(index) if self.dataset.has_color(index) else None
            return Read(self.dataset[index], color)

        for index, found in read_ahead(read, indices, threads=self.threads):
            if isinstance(found, InputError):
                self._fail(str(found))
            else:
                yield index, found

    def _fail(self, sentence: str) -> None:
        self.failed += 1
        self.say(sentence)
        self.advance(1)

    def _done(self, count: int = 1) -> None:
        self.written += count
        self.advance(count)

    def _named(self, indices: Iterable[int]) -> Iterator[tuple[str, int, Read]]:
        """Frames with the names of their files, each name once."""
        for index, found in self._read(indices):
            name = found.sample.facts.get("stem", found.sample.stem)
            if not _is_inside(name):
                self._fail(
                    f"{found.sample.stem} has the stem {name!r:.80}, expected a relative path of at most "
                    f"{_LONGEST_NAME} bytes without control characters: rename the frame, or correct its JSON."
                )
            elif name in self._names:
                self._fail(
                    f"{found.sample.stem} has the stem {name!r} as {self._names[name]} has, expected every stem once: "
                    "rename one."
                )
            else:
                self._names[name] = found.sample.stem
                yield name, index, found

    def _write_files(self, description: dict[str, Any], way: Way) -> None:
        """Write files of each frame, and take away those of an earlier run that no frame gives any more."""
        ledger = Ledger(self.out, read_ledger(self.out / LEDGER))
        output = Output(self.dataset, self.out, description, ledger, self.own_units, self.say)
        kept: set[Path] = set()
        part = self._part(range(len(self.dataset)))
        with contextlib.ExitStack() as opened:
            writers: list[Write] = []

            def write(chunk: Chunk[_Part]) -> Written:
                before = self.written
                for name, index, found in self._named(part.indices(chunk)):
                    with self._one():
                        kept.update(writers[0](name, index, found))
                return Written(self.written - before)

            try:
                for _ in write_chunks(
                    write,
                    part.chunks_of(len(part.frames)),
                    THIS_PROCESS,
                    begin=lambda: writers.append(opened.enter_context(way.opened(output))),
                    finish=lambda done: self._sweep(way.folders, ledger, kept),
                ):
                    pass
            finally:
                self.replaced = len(ledger.replaced)
                if ledger.entries:
                    write_ledger(self.out / LEDGER, ledger)

    @contextlib.contextmanager
    def _one(self) -> Iterator[None]:
        """Count a frame as done, or as failed where nothing but itself is the reason."""
        try:
            yield
        except InputError as error:
            if ends_run(error):
                raise
            self._fail(str(error))
        else:
            self._done()

    def _sweep(self, folders: Iterable[str], ledger: Ledger, kept: set[Path]) -> None:
        """Take away what earlier runs wrote below folders and this one did not."""
        found = (path for folder in folders for path in (self.out / folder).rglob("*"))
        there = {path for path in found if path.suffix in _SUFFIXES and path.is_file()}
        # The depth of a label image that somebody corrected stays with it.
        corrected = {_name(path, self.out) for path in there - kept if ledger.is_changed(path)}
        gone = sorted(path for path in there - kept if _name(path, self.out) not in corrected)
        self.removed = sum(map(ledger.remove, gone))
        remove_empty({path.parent for path in gone}, self.out)

    def _write_shards(self, description: dict[str, Any]) -> None:
        """Write the shards of each split, and take away those of an earlier run that have no frame any more."""
        keys = make_keys(self.dataset.stems)
        chunks = [chunk for part in self._parts() for chunk in part.chunks_of(len(part.frames))]
        earlier = self._earlier_shards()

        def write(chunk: Chunk[_Part]) -> Written:
            row = write_shard(chunk.shard, self._samples(chunk, keys), split=chunk.job.split)
            before = earlier.pop(chunk.shard, row.sha256)
            if not row.samples:
                chunk.shard.unlink()
                return Written(0)
            self.replaced += before != row.sha256
            return Written(row.samples, shard=row)

        def finish(done: list[Written]) -> None:
            self.removed = remove_results(earlier, self.out)
            write_manifest(self.out, description, [written.shard for written in done if written.shard])

        for _ in write_chunks(
            write,
            chunks,
            THIS_PROCESS,
            begin=lambda: write_manifest(self.out, description, (), complete=False),
            finish=finish,
        ):
            pass

    def _parts(self) -> list[_Part]:
        """The frames of each split, in the order in which splits are met."""
        groups: dict[str | None, list[int]] = {}
        for index in range(len(self.dataset)):
            groups.setdefault(self._only_split(index), []).append(index)
        names = make_keys(_UNSPLIT if split is None else split for split in groups)
        return [self._part(group, name, split) for (split, group), name in zip(groups.items(), names, strict=True)]

    def _samples(self, chunk: Chunk[_Part], keys: Sequence[str]) -> Iterator[ShardSample]:
        for index, (sample, color) in self._read(chunk.job.indices(chunk)):
            yield ShardSample(
                keys[index],
                sample.frame,
                sample.labels,
                color,
                {"stem": sample.stem, **sample.facts},  # facts of a shard name their own
                color_is_aligned=self.dataset.description.color_is_aligned,
            )
            self._done()

    def _earlier_shards(self) -> dict[Path, str]:
        """Shards of an earlier run, with the hashes they have now.

        Raises:
            InputError: somebody changed one.
        """
        manifest = read_manifest(self._marker)
        if manifest is None:
            return {}
        if not manifest.complete:
            return {path: hash_file(path) for path in self.out.glob("*.tar") if _SHARD.fullmatch(path.name)}
        there = [self.out / row.name for row in manifest.shards if (self.out / row.name).is_file()]
        for path in there:
            if not scan_tar(path).faults:
                check_unchanged(path)
        return {path: hash_file(path) for path in there}

    def _only_split(self, index: int) -> str | None:
        splits = self.dataset.splits_of(index)
        if len(splits) > 1:
            raise InputError(
                f"{self.dataset.name} has the frame {self.dataset.stems[index]} in the splits {list(splits)}, expected "
                "one at most because a shard has one: correct its splits."
            )
        return splits[0] if splits else None


def _name(path: Path, out: Path) -> str:
    """Path below `depth/` and the like without suffix, which all files of a frame share."""
    return PurePosixPath(*path.relative_to(out).parts[1:]).as_posix().removesuffix(path.suffix)


def _is_inside(name: object) -> bool:
    """Whether what a shard says is a stem can be a file below a folder."""
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name.encode()) <= _LONGEST_NAME:
        return False
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and path.name != ""
