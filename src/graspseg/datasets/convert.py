"""From one way of storing frames to another: folder, shards, COCO, and pictures of the masks."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import UInt8

from graspseg.datasets.atomic import ends_run, write_json
from graspseg.datasets.croissant import CROISSANT, write_croissant
from graspseg.datasets.dataset import Dataset, Sample
from graspseg.datasets.description import read_object
from graspseg.datasets.folder import FACTS_FOLDER, FolderWriter, facts_file, in_unit
from graspseg.datasets.frame_cameras import FrameCameras
from graspseg.datasets.images import DEFAULT_UNIT_M
from graspseg.datasets.ledger import Ledger, read_ledger, write_ledger
from graspseg.datasets.manifest import MANIFEST, ShardEntry, check_unchanged, hash_file, read_manifest, write_manifest
from graspseg.datasets.output_folder import clear_partial, contents, foreign, remove_empty, remove_results, working_in
from graspseg.datasets.read_ahead import read_ahead
from graspseg.datasets.shard_writer import SHARD_SIZE, ShardSample, make_keys, write_shard
from graspseg.datasets.tar_index import scan_tar
from graspseg.datasets.yolo import FOLDERS, YAML, preview, write_yaml, yolo_files, yolo_rows
from graspseg.errors import InputError, print_escaped
from graspseg.labels import CLASS_NAMES, PALETTE, colorize

Target = Literal["folder", "shards", "coco", "png", "yolo", "croissant"]
LEDGER = ".graspseg.json"
_DESCRIPTION = "dataset.json"
_ANNOTATIONS = "annotations.json"
_OF_FRAMES = ("splits", "per_frame")
_UNSPLIT = "frames"
_SUFFIXES = (".png", ".json", ".txt")
_LONGEST_NAME = 200
_SHARD = re.compile(r"[A-Za-z0-9_-]+-\d{6}\.tar")


class _Read(NamedTuple):
    sample: Sample
    color: UInt8[np.ndarray, "_h _w 3"] | None


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
            write: dict[Target, Callable[[dict[str, Any]], None]] = {
                "folder": self._to_folder,
                "shards": self._to_shards,
                "coco": self._to_coco,
                "png": self._to_png,
                "yolo": self._to_yolo,
                "croissant": self._to_croissant,
            }
            write[self.to](description)
            if not self.written:
                results = (self._marker, *(self.out / name for name in (_ANNOTATIONS, LEDGER, YAML, CROISSANT)))
                remove_results(results, self.out)
                raise InputError(f"None of the {len(self.dataset)} frames of {self.dataset.name} could be converted.")

    @property
    def _marker(self) -> Path:
        """By which a conversion knows its own work."""
        return self.out / (MANIFEST if self.to == "shards" else _DESCRIPTION)

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

    def _read(self, indices: Iterable[int]) -> Iterator[tuple[int, _Read]]:
        """The frames that can be read."""

        def read(index: int) -> _Read:
            color = self.dataset.color(index) if self.dataset.has_color(index) else None
            return _Read(self.dataset[index], color)

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

    def _named(self) -> Iterator[tuple[str, int, _Read]]:
        """Frames with the names of their files, each name once."""
        for index, found in self._read(range(len(self.dataset))):
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

    def _to_folder(self, description: dict[str, Any]) -> None:
        with self._pictures("depth", "color", "labels", FACTS_FOLDER) as (ledger, kept):
            writer = FolderWriter(self.out, description, ledger=ledger, own_units=self.own_units)
            cameras = FrameCameras(description, own_units=self.own_units)
            splits: dict[str, list[str]] = {}
            for name, index, (sample, color) in self._named():
                with self._one():
                    facts = {key: value for key, value in sample.facts.items() if key != "stem"}
                    writer.write(name, sample.frame, sample.labels, color=color, facts=facts)
                    kinds = {"depth": sample.frame.depth, "color": color, "labels": sample.labels}
                    kept |= {self.out / kind / f"{name}.png" for kind, image in kinds.items() if image is not None}
                    kept |= {facts_file(self.out, name)} if facts else set()
                    cameras.add(name, sample.frame)
                    for split in self.dataset.splits_of(index):
                        splits.setdefault(split, []).append(name)
        write_json(self.out / _DESCRIPTION, cameras.described({"splits": splits} if splits else {}))

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

    @contextlib.contextmanager
    def _pictures(self, *kinds: str) -> Iterator[tuple[Ledger, set[Path]]]:
        """What earlier runs wrote, and the pictures that are there now, to be filled in the block; the others go."""
        ledger = Ledger(self.out, read_ledger(self.out / LEDGER))
        kept: set[Path] = set()
        try:
            yield ledger, kept
            found = (path for kind in kinds for path in (self.out / kind).rglob("*"))
            there = {path for path in found if path.suffix in _SUFFIXES and path.is_file()}
            # The depth of a label image that somebody corrected stays with it.
            corrected = {_name(path, self.out) for path in there - kept if ledger.is_changed(path)}
            gone = sorted(path for path in there - kept if _name(path, self.out) not in corrected)
            self.removed = sum(map(ledger.remove, gone))
            remove_empty({path.parent for path in gone}, self.out)
        finally:
            self.replaced = len(ledger.replaced)
            if ledger.entries:
                write_ledger(self.out / LEDGER, ledger)

    def _to_shards(self, description: dict[str, Any]) -> None:
        groups: dict[str | None, list[int]] = {}
        for index in range(len(self.dataset)):
            groups.setdefault(self._only_split(index), []).append(index)
        keys = make_keys(self.dataset.stems)
        earlier = self._earlier_shards()
        write_manifest(self.out, description, (), complete=False)
        rows: list[ShardEntry] = []
        names = make_keys(_UNSPLIT if split is None else split for split in groups)
        for (split, group), name in zip(groups.items(), names, strict=True):
            for start in range(0, len(group), self.shard_size):
                path = self.out / f"{name}-{start // self.shard_size:06d}.tar"
                row = self._shard(path, group[start : start + self.shard_size], keys, split)
                if row.samples:
                    rows.append(row)
                    self.replaced += earlier.pop(path, row.sha256) != row.sha256
                else:
                    path.unlink()
                    earlier.pop(path, None)
        self.removed = remove_results(earlier, self.out)
        write_manifest(self.out, description, rows)

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

    def _shard(self, path: Path, indices: list[int], keys: list[str], split: str | None) -> ShardEntry:
        def samples() -> Iterator[ShardSample]:
            for index, (sample, color) in self._read(indices):
                yield ShardSample(
                    keys[index],
                    sample.frame,
                    sample.labels,
                    color,
                    {"stem": sample.stem, **sample.facts},  # facts of a shard name their own
                    color_is_aligned=self.dataset.description.color_is_aligned,
                )
                self._done()

        return write_shard(path, samples(), split=split)

    def _to_coco(self, description: dict[str, Any]) -> None:
        write_json(self.out / _DESCRIPTION, description)
        from graspseg.datasets.coco import new_annotations

        cameras = FrameCameras(description)
        with (
            self._pictures("depth") as (ledger, kept),
            new_annotations(self.out / _ANNOTATIONS, description) as annotations,
        ):
            for name, _, (sample, _) in self._named():
                with self._one():
                    image = self.out / "depth" / f"{name}.png"
                    ledger.put(image, in_unit(sample.frame, description["depth_unit_m"], name))
                    kept.add(image)
                    annotations.add(f"depth/{name}.png", sample, camera=cameras.add(name, sample.frame))
            description |= cameras.described()  # the annotations end with it
        write_json(self.out / _DESCRIPTION, description)

    def _to_yolo(self, description: dict[str, Any]) -> None:
        lossy = "images are 8-bit previews of the depth, from which it cannot be had back"
        write_json(self.out / _DESCRIPTION, {**description, "lossy": lossy})
        keys = make_keys(self.dataset.stems)
        with self._pictures(*FOLDERS) as (ledger, kept):
            splits: set[str] = set()
            for _, index, (sample, _) in self._named():
                with self._one():
                    split = (self.dataset.splits_of(index) or ("train",))[0]
                    image, text = yolo_files(self.out, split, keys[index])
                    rows = yolo_rows(sample.target())
                    ledger.check_text(text, rows)
                    ledger.put(image, preview(sample.frame.depth))
                    ledger.put_text(text, rows)
                    kept |= {image, text}
                    splits.add(split)
        for sentence in write_yaml(self.out, splits):
            self.say(sentence)

    def _to_croissant(self, description: dict[str, Any]) -> None:
        self._to_folder(description)
        if self.written:
            write_croissant(self.out)

    def _to_png(self, description: dict[str, Any]) -> None:
        legend = {CLASS_NAMES[label] if label < len(CLASS_NAMES) else "ignore": PALETTE[label] for label in PALETTE}
        write_json(self.out / _DESCRIPTION, {**description, "colors": legend})
        with self._pictures("masks") as (ledger, kept):
            for name, _, (sample, _) in self._named():
                with self._one():
                    if sample.labels is None:
                        raise InputError(
                            f"{sample.stem} has no label image, expected one to draw: label it or leave it out."
                        )
                    image = self.out / "masks" / f"{name}.png"
                    ledger.put(image, colorize(sample.labels))
                    kept.add(image)


def _name(path: Path, out: Path) -> str:
    """Path below `depth/` and the like without suffix, which all files of a frame share."""
    return PurePosixPath(*path.relative_to(out).parts[1:]).as_posix().removesuffix(path.suffix)


def _is_inside(name: object) -> bool:
    """Whether what a shard says is a stem can be a file below a folder."""
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name.encode()) <= _LONGEST_NAME:
        return False
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and path.name != ""
