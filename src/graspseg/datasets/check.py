"""Everything that is wrong with a data set, one sentence each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from graspseg.datasets.atomic import partial_files
from graspseg.datasets.dataset import Sample
from graspseg.datasets.description import Description
from graspseg.datasets.folder import COLOR_SUFFIXES, FolderDataset
from graspseg.datasets.manifest import MANIFEST, Manifest, ShardEntry, hash_file, read_manifest
from graspseg.datasets.read_ahead import read_ahead
from graspseg.datasets.shards import (
    check_size,
    find_beside,
    find_shards,
    is_beside,
    is_shards,
    read_picture,
    read_sample,
    wrong_count,
)
from graspseg.datasets.tar_index import FACTS, Entry, scan_tar
from graspseg.errors import InputError
from graspseg.labels import HAND

_WARNINGS = {
    "empty": "no pixel has a measurement",
    "unit": "the nearest surface is not where hands are, is the depth unit right? The first is ",
    "camera": "no camera is like this, are the intrinsics right? The first is ",
}


@dataclass
class Findings:
    """What was looked at and what was found.

    Attributes:
        say: called with every fault as it is found.
        advance: called after every frame.
        frames: frames that were read without fault.
        faults: number of faults.
        notes: number of frames by what is legal but worth knowing.
    """

    say: Callable[[str], None]
    advance: Callable[[], None]
    frames: int = 0
    faults: int = 0
    notes: Counter[str] = field(default_factory=Counter)
    _unlabeled: list[str] = field(default_factory=list)
    _warned: dict[str, str] = field(default_factory=dict)

    def fault(self, sentence: str) -> None:
        """Count and say a fault."""
        self.faults += 1
        self.say(sentence)

    def look(self, sample: Sample | InputError) -> None:
        """Judge one frame that was read."""
        self.advance()
        if isinstance(sample, InputError):
            self.fault(str(sample))
            return
        self.frames += 1
        for warning in sample.frame.warnings():
            # The first frame's figures stand for those of all, as long as there is no reason to look closer.
            sentence = self._warned.setdefault(
                warning.about, f"{_WARNINGS[warning.about]}{sample.stem}: {warning.sentence}"
            )
            self.notes[sentence if warning.about != "empty" else _WARNINGS["empty"]] += 1
        if sample.frame.notes:
            first = f"reading a frame left a note, the first is {sample.stem}: {sample.frame.notes[0]}"
            self.notes[self._warned.setdefault("notes", first)] += 1
        if sample.labels is None:
            self._unlabeled.append(sample.stem)
        elif not (sample.labels == HAND).any():
            self.notes["no pixel is labeled hand"] += 1

    def know(self, description: Description) -> None:
        """Note what the data set says of all its frames."""
        self.notes.update(dict.fromkeys(description.notes, self.frames))
        if not description.color_is_aligned and self.frames:
            self.notes["the color is of a camera beside the depth camera, it does not fit pixel by pixel"] = self.frames

    def finish(self, path: Path) -> None:
        """Judge what only all frames together show."""
        if self._unlabeled and len(self._unlabeled) == self.frames:
            self.notes["there is no label image"] = self.frames
        elif self._unlabeled:
            self.fault(
                f"{path} has {len(self._unlabeled)} frames without labels (the first is {self._unlabeled[0]}), "
                "expected a label image for each: label them or take the frames out."
            )


def check(
    path: Path,
    *,
    threads: int = 1,
    say: Callable[[str], None],
    advance: Callable[[], None] = lambda: None,
) -> Findings:
    """Read everything of a data set and say what is wrong.

    Args:
        path: folder or shards.
        threads: frames read at once.
        say: called with every fault, a sentence.
        advance: called after every frame.

    Raises:
        InputError: there is no data set, or it is of a newer version.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist, expected a folder or a .tar of frames: check the path.")
    findings = Findings(say, advance)
    if is_shards(path):
        _check_shards(path, findings, threads)
    else:
        _check_folder(path, findings, threads)
    findings.finish(path)
    return findings


def _check_folder(path: Path, findings: Findings, threads: int) -> None:
    dataset = FolderDataset(path)
    for name in dataset.split_names:
        try:
            FolderDataset(path, split=name)
        except InputError as error:
            findings.fault(str(error))
    for left in (leftover for folder in ("depth", "labels", "color") for leftover in partial_files(path / folder)):
        findings.fault(_leftover(left))
    for sentence in dataset.beside():
        findings.fault(sentence)
    known = set(dataset.stems)
    for folder, suffixes in (("labels", (".png",)), ("color", COLOR_SUFFIXES)):
        for file in sorted((path / folder).rglob("*")):
            stem = file.relative_to(path / folder).with_suffix("").as_posix()
            if file.suffix in suffixes and not file.name.startswith(".") and stem not in known:
                findings.fault(f"{file} has no depth image, expected depth/{stem}.png beside it: restore or remove it.")

    def read(index: int) -> Sample:
        sample = dataset[index]
        dataset.color(index)
        return sample

    for _, sample in read_ahead(read, range(len(dataset)), threads=threads):
        findings.look(sample)
    findings.know(dataset.description)


def _check_shards(path: Path, findings: Findings, threads: int) -> None:
    folder = path if path.is_dir() else path.parent
    manifest = read_manifest(folder / MANIFEST)
    rows = {row.name: row for row in manifest.shards} if manifest else {}
    shards = [path]
    if path.is_dir():
        shards = _check_listing(path, manifest, findings)
    description = manifest.description if manifest else Description()
    keys: dict[str, Path] = {}
    for shard in shards:
        entries = _check_shard(shard, rows.get(shard.name), findings)
        for entry in entries:
            if entry.key in keys:
                findings.fault(
                    f"{shard} holds the key {entry.key}, which {keys[entry.key].name} holds too, expected every key "
                    "once: remove one of the two."
                )
            keys[entry.key] = shard
        for sample in _samples(shard, entries, description, threads):
            findings.look(sample)
    findings.know(description)


def _check_listing(folder: Path, manifest: Manifest | None, findings: Findings) -> list[Path]:
    """Compare the files of a folder with its manifest; returns the shards that can be looked into."""
    for left in partial_files(folder):
        findings.fault(_leftover(left))
    there = find_shards(folder)
    for _, path in find_beside(folder):
        if path not in there:
            findings.fault(is_beside(path, folder))
    if manifest is None:
        findings.notes[f"there is no {MANIFEST}"] = 1
        return there
    if not manifest.complete:
        findings.fault(f"{folder} was not finished, expected all shards: run the command that made it again.")
        return there
    names = [row.name for row in manifest.shards]
    for shard in there:
        if shard.name not in names:
            findings.fault(f"{shard} is not in {MANIFEST}, expected it there: remove it or write the shards again.")
    for name in names:
        if not (folder / name).is_file():
            findings.fault(f"{folder / name} is missing, expected it because {MANIFEST} lists it: restore it.")
    return [folder / name for name in names if (folder / name).is_file()]


def _check_shard(shard: Path, row: ShardEntry | None, findings: Findings) -> list[Entry]:
    """Compare a shard with its row of the manifest and walk its headers; returns the frames that can be read.

    A shard that breaks off is reported once, though its size, end and number of frames all show it.
    """
    faults = findings.faults
    if row is not None:
        try:
            check_size(shard, row)
            if (found := hash_file(shard)) != row.sha256:
                findings.fault(
                    f"{shard} has the SHA-256 {found}, expected {row.sha256} as {MANIFEST} says: it was changed, "
                    "restore it or make it again."
                )
        except InputError as error:
            findings.fault(str(error))
    scan = scan_tar(shard)
    for fault in scan.faults:
        if fault != scan.broken or findings.faults == faults:
            findings.fault(fault)
    for entry in scan.entries:
        if FACTS not in entry.members:
            findings.fault(f"{shard} lacks {entry.key}.{FACTS}, expected one of every key: write the shard again.")
    if row is not None and not scan.broken and len(scan.entries) != row.samples:
        findings.fault(wrong_count(shard, len(scan.entries), row.samples))
    return scan.entries


def _samples(
    shard: Path, entries: list[Entry], description: Description, threads: int
) -> Iterator[Sample | InputError]:
    def read(index: int) -> Sample:
        sample = read_sample(shard, entries[index], description)
        read_picture(shard, entries[index], description)
        return sample

    return (sample for _, sample in read_ahead(read, range(len(entries)), threads=threads))


def _leftover(path: Path) -> str:
    return f"{path} was left half-written by a stopped run: run the command that made the data set again, or remove it."
