"""From one way of storing frames to another: folder, shards, COCO, and pictures of the masks."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import UInt8

from graspseg.datasets.atomic import OutputError, make_folder, partial_files, write_json, write_png
from graspseg.datasets.description import read_object
from graspseg.datasets.folder import FolderWriter, in_unit
from graspseg.datasets.frame_cameras import FrameCameras
from graspseg.datasets.images import DEFAULT_UNIT_M
from graspseg.datasets.manifest import MANIFEST, ShardEntry, write_manifest
from graspseg.datasets.read_ahead import read_ahead
from graspseg.datasets.sample import Dataset, Sample
from graspseg.datasets.shard_writer import SHARD_SIZE, ShardSample, finished_shard, make_keys, write_shard
from graspseg.frame import InputError
from graspseg.labels import CLASS_NAMES, PALETTE, colorize

Target = Literal["folder", "shards", "coco", "png"]
_DESCRIPTION = "dataset.json"
_ANNOTATIONS = "annotations.json"
_OF_FRAMES = ("splits", "per_frame")
_UNSPLIT = "frames"
_LONGEST_NAME = 200


class _Read(NamedTuple):
    sample: Sample
    color: UInt8[np.ndarray, "_h _w 3"] | None


@dataclass
class Conversion:
    """A data set on its way to another form; a run that was stopped goes on where it was.

    Attributes:
        dataset: what is converted.
        out: the folder to write to: new, empty, or begun by the same conversion.
        to: `folder` and `shards` hold everything; `coco` has depth images and RLE masks; `png` only colored masks.
        threads: frames read at once.
        shard_size: frames of a shard.
        say: called with the sentence of every frame that could not be converted, and with warnings.
        advance: called with a number of frames that are done.
        written: frames that are in `out`.
        failed: frames that could not be converted.
    """

    dataset: Dataset
    out: Path
    to: Target
    threads: int = 1
    shard_size: int = SHARD_SIZE
    say: Callable[[str], None] = print
    advance: Callable[[int], None] = lambda count: None
    written: int = 0
    failed: int = 0
    _names: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        """Convert; frames that cannot be used are said, counted and left out.

        Raises:
            InputError: `out` holds something else, or not one frame could be converted.
            OutputError: the disk is full or not writable.
        """
        marker = self.out / (MANIFEST if self.to == "shards" else _DESCRIPTION)
        description = self._describe()
        self._claim(marker, description["converted"])
        {"folder": self._to_folder, "shards": self._to_shards, "coco": self._to_coco, "png": self._to_png}[self.to](
            description
        )
        if not self.written:
            with contextlib.suppress(OSError):
                for path in (marker, self.out / _ANNOTATIONS):
                    path.unlink(missing_ok=True)
                self.out.rmdir()
            raise InputError(f"None of the {len(self.dataset)} frames of {self.dataset.path} could be converted.")

    def _describe(self) -> dict[str, Any]:
        """What holds for all frames, with unit and camera of the first frame where the data set names none."""
        content = {key: value for key, value in self.dataset.description.content.items() if key not in _OF_FRAMES}
        first = None
        with contextlib.suppress(InputError):
            first = self.dataset[0].frame
        content.setdefault("depth_unit_m", first.depth_unit_m if first else DEFAULT_UNIT_M)
        camera = first.intrinsics if first else None
        if camera:
            values = {"fx": camera.fx, "fy": camera.fy, "cx": camera.cx, "cy": camera.cy}
            content.setdefault("intrinsics", values)
        made = {"from": self.dataset.path.name, "to": self.to, "frames": len(self.dataset)}
        if self.to == "shards":
            made["shard_size"] = self.shard_size
        return {**content, "converted": made}

    def _claim(self, marker: Path, converted: dict[str, Any]) -> None:
        """Make sure that `out` is new or was begun by this very conversion."""
        real, source = self.out.resolve(), self.dataset.path.resolve()
        if real == source or source in real.parents:
            raise InputError(f"{self.out} is inside {self.dataset.path}, expected another place: choose another --out.")
        if self.out.is_dir() and any(self.out.iterdir()):
            begun = read_object(marker).get("converted") if marker.is_file() else None
            if begun != converted:
                raise InputError(
                    f"{self.out} holds something else, expected a new folder or one begun by this conversion: "
                    "choose another --out."
                )
            for folder in (self.out, *(path for path in self.out.rglob("*") if path.is_dir())):
                for left in partial_files(folder):
                    left.unlink(missing_ok=True)
        make_folder(self.out)

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
                    f"{found.sample.stem} has the stem {name!r:.80}, expected a relative path: correct its JSON."
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
        writer = FolderWriter(self.out, description)
        cameras = FrameCameras(description)
        splits: dict[str, list[str]] = {}
        for name, index, (sample, color) in self._named():
            last = self.out / ("depth" if sample.labels is None else "labels") / f"{name}.png"
            try:
                if not last.is_file():
                    writer.write(name, sample.frame, sample.labels, color=color)
            except OutputError:
                raise
            except InputError as error:
                self._fail(str(error))
                continue
            cameras.add(name, sample.frame)
            for split in self.dataset.splits_of(index):
                splits.setdefault(split, []).append(name)
            self._done()
        if splits or cameras.per_frame:
            write_json(self.out / _DESCRIPTION, cameras.described({"splits": splits} if splits else {}))

    def _to_shards(self, description: dict[str, Any]) -> None:
        groups: dict[str | None, list[int]] = {}
        for index in range(len(self.dataset)):
            groups.setdefault(self._only_split(index), []).append(index)
        keys = make_keys(self.dataset.stems)
        write_manifest(self.out, description, (), complete=False)
        rows: list[ShardEntry] = []
        names = make_keys(_UNSPLIT if split is None else split for split in groups)
        for (split, group), name in zip(groups.items(), names, strict=True):
            for start in range(0, len(group), self.shard_size):
                path = self.out / f"{name}-{start // self.shard_size:06d}.tar"
                row = self._shard(path, group[start : start + self.shard_size], keys, split)
                if row.samples:
                    rows.append(row)
                else:
                    path.unlink()
        write_manifest(self.out, description, rows)

    def _only_split(self, index: int) -> str | None:
        splits = self.dataset.splits_of(index)
        if len(splits) > 1:
            raise InputError(
                f"{self.dataset.path} has the frame {self.dataset.stems[index]} in the splits {list(splits)}, expected "
                "one at most because a shard has one: correct its splits."
            )
        return splits[0] if splits else None

    def _shard(self, path: Path, indices: list[int], keys: list[str], split: str | None) -> ShardEntry:
        there = finished_shard(path, [keys[index] for index in indices], split=split)
        if there is not None:
            self._done(there.samples)
            return there

        def samples() -> Iterator[ShardSample]:
            for index, (sample, color) in self._read(indices):
                yield ShardSample(
                    keys[index],
                    sample.frame,
                    sample.labels,
                    color,
                    {"stem": sample.stem, **sample.facts},
                    color_is_aligned=self.dataset.description.color_is_aligned,
                )
                self._done()

        return write_shard(path, samples(), split=split)

    def _to_coco(self, description: dict[str, Any]) -> None:
        write_json(self.out / _DESCRIPTION, description)
        from graspseg.datasets.coco import new_annotations

        cameras = FrameCameras(description)
        with new_annotations(self.out / _ANNOTATIONS, description) as annotations:
            for name, _, (sample, _) in self._named():
                image = self.out / "depth" / f"{name}.png"
                try:
                    depth = in_unit(sample.frame, description["depth_unit_m"], name)
                except InputError as error:
                    self._fail(str(error))
                    continue
                if not image.is_file():
                    write_png(image, depth)
                annotations.add(f"depth/{name}.png", sample, camera=cameras.add(name, sample.frame))
                self._done()
        if cameras.per_frame:
            write_json(self.out / _DESCRIPTION, cameras.described())

    def _to_png(self, description: dict[str, Any]) -> None:
        legend = {CLASS_NAMES[label] if label < len(CLASS_NAMES) else "ignore": PALETTE[label] for label in PALETTE}
        write_json(self.out / _DESCRIPTION, {**description, "colors": legend})
        for name, _, (sample, _) in self._named():
            image = self.out / "masks" / f"{name}.png"
            if sample.labels is None:
                self._fail(f"{sample.stem} has no label image, expected one to draw: label it or leave it out.")
                continue
            if not image.is_file():
                write_png(image, colorize(sample.labels))
            self._done()


def _is_inside(name: object) -> bool:
    """Whether what a shard says is a stem can be a file below a folder."""
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name.encode()) <= _LONGEST_NAME:
        return False
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and path.name != ""
