"""A data set as WebDataset tar shards, read at random without extracting anything.

A sample is `<key>.depth.png` (16 bits), `<key>.label.png` (8 bits), `<key>.color.png` or `.jpg`, and `<key>.json`; all
but the depth may be missing. `manifest.json` beside the tars says what they hold.
"""

from __future__ import annotations

import bisect
from collections import OrderedDict
from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from jaxtyping import Int64, UInt8

from graspseg.datasets.dataset import Sample, StoredDataset
from graspseg.datasets.description import Description, is_number, parse_intrinsics, parse_object, parse_unit
from graspseg.datasets.fields import misspelled_fields
from graspseg.datasets.images import DEFAULT_UNIT_M, DEPTH_SUFFIXES, decode_color, decode_depth, decode_labels
from graspseg.datasets.listing import depth_files
from graspseg.datasets.manifest import MANIFEST, Manifest, ShardEntry, is_manifest, read_manifest
from graspseg.datasets.tar_index import COLORS, DEPTH, FACTS, LABEL, Entry, read_index, read_span
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics

SUFFIX = ".tar"
INDEXED_FRAMES = 1 << 16  # about 70 MB of headers
_FRAME_FIELDS = ("depth_unit_m", "intrinsics", "timestamp_s")


class _Given(TypedDict):
    """What a user says of all frames; None leaves it to what is written."""

    depth_unit_m: float | None
    intrinsics: Intrinsics | None


def is_shards(path: Path) -> bool:
    """Whether a path is a tar, or a folder whose frames are in tars: it has our manifest, or tars and no images."""
    if not path.is_dir():
        return path.suffix.lower() == SUFFIX
    if (path / "depth").is_dir():
        return False
    images = any(child.suffix.lower() in DEPTH_SUFFIXES for child in path.iterdir())
    return is_manifest(path / MANIFEST) or (not images and bool(find_shards(path)))


def find_shards(folder: Path) -> list[Path]:
    """The tars of a folder by name; hidden ones are unfinished."""
    return sorted(path for path in folder.glob(f"*{SUFFIX}") if path.is_file() and not path.name.startswith("."))


def find_beside(folder: Path) -> list[tuple[str, Path]]:
    """What lies beside the shards of a folder and is depth, looks like it, or is a tar of no row of its manifest.

    Folders below are looked into where no manifest says what belongs to the set: commands that write shards keep there
    what they know of the frames.

    Returns:
        For every file what it would be called as a frame, and where it is.

    Raises:
        InputError: the folder cannot be listed, or its manifest not be read.
    """
    manifest = read_manifest(folder / MANIFEST)
    if manifest is None:
        shards = set(find_shards(folder))
        return [(name, path) for name, path in depth_files(folder) if path not in shards]
    rows = {folder / row.name for row in manifest.shards}
    return [(name, path) for name, path in depth_files(folder) if path.parent == folder and path not in rows]


def is_beside(path: Path, folder: Path) -> str:
    """The sentence for a file that `find_beside` names."""
    return f"{path} lies in {folder} beside shards, expected only these: name it, or move it away."


class ShardDataset(StoredDataset):
    """Frames and labels of shards, in the order of the manifest (without one: by file name).

    The headers of a shard are walked when its first frame is requested, and kept for the shards used last; a frame is
    then a seek and a decode. No file stays open.

    Args:
        path: a folder of shards, or one tar.
        depth_unit_m: meters per stored unit; None takes the frame's JSON, else the manifest, else 0.001.
        intrinsics: the camera; None takes the frame's JSON, else the manifest, else the frames have none.
        split: only shards that the manifest lists under this split.

    Raises:
        InputError: no shards, an unusable or unfinished manifest, an unknown split, or a shard that is missing or has
            another size than the manifest says.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        depth_unit_m: float | None = None,
        intrinsics: Intrinsics | None = None,
        split: str | None = None,
    ) -> None:
        self.path = Path(path)
        self._given: _Given = {"depth_unit_m": depth_unit_m, "intrinsics": intrinsics}
        manifest, listed = _list(self.path)
        self._description = manifest.description if manifest else Description()
        splits = (entry.split for _, entry in listed if entry)
        self._split_names = tuple(dict.fromkeys(split for split in splits if split is not None))
        if split is not None and split not in self.split_names:
            raise InputError(
                f"{self.path} has no split {split!r}, expected one of {sorted(self.split_names)}: check {MANIFEST}."
            )
        chosen = [(shard, entry) for shard, entry in listed if split is None or (entry and entry.split == split)]
        self._shards = [shard for shard, _ in chosen]
        self._splits = [entry.split if entry else None for _, entry in chosen]
        self._indices: OrderedDict[int, list[Entry]] = OrderedDict()
        counts: list[int] = []
        for number, (shard, entry) in enumerate(chosen):
            if entry is None:
                entries = read_index(shard)
                self._keep(number, entries)
                counts.append(len(entries))
            else:
                check_size(shard, entry)
                counts.append(entry.samples)
        self._starts = list(accumulate(counts, initial=0))
        if not len(self):
            raise InputError(f"{self.path} holds no frames, expected shards with some: check the path.")

    @property
    def description(self) -> Description:
        """What the manifest says."""
        return self._description

    @property
    def split_names(self) -> tuple[str, ...]:
        """Splits that the manifest lists."""
        return self._split_names

    def __len__(self) -> int:
        return self._starts[-1]

    def beside(self) -> list[str]:
        """A sentence for every file that lies beside the shards of a folder and is left out; see `find_beside`.

        Raises:
            InputError: the folder cannot be listed.
        """
        if not self.path.is_dir():
            return []
        return [is_beside(path, self.path) for _, path in find_beside(self.path)]

    def block_starts(self) -> Int64[np.ndarray, "blocks"]:
        """Index of the first frame of every shard."""
        return np.asarray(self._starts[:-1], np.int64)

    @property
    def stems(self) -> list[str]:
        """Keys of all frames; asking for them walks every shard."""
        return [entry.key for number in range(len(self._shards)) for entry in self._index(number)]

    def shard_of(self, index: int) -> Path:
        """The tar that holds a frame."""
        return self._find(index)[0]

    def read(self, index: int) -> Sample:
        """Read one frame, its labels and its facts; see `Dataset`."""
        return read_sample(*self._find(index), self.description, **self._given)

    def facts(self, index: int) -> Mapping[str, Any]:
        """What the JSON of a frame says beside unit, camera and time; see `Dataset`."""
        shard, entry = self._find(index)
        return _other_facts(_all_facts(shard, entry))

    def frame(self, index: int) -> Frame:
        """Read one frame without its labels.

        Raises:
            InputError: the shard, or depth or JSON of the frame, cannot be used.
        """
        return _read_frame(*self._find(index), self.description, **self._given)[0]

    def color(self, index: int) -> UInt8[np.ndarray, "_h _w 3"] | None:
        """The RGB picture of a frame, see `Dataset.color`.

        Raises:
            InputError: it cannot be read, or is aligned with the depth but has another size.
        """
        return read_picture(*self._find(index), self.description)

    def has_color(self, index: int) -> bool:
        """Whether a frame has an RGB picture."""
        return any(kind in self._find(index)[1].members for kind in COLORS)

    def splits_of(self, index: int) -> tuple[str, ...]:
        """The split, if any, that the manifest lists the frame's shard under."""
        split = self._splits[self._number(self.place(index))]
        return () if split is None else (split,)

    def unlabeled(self) -> list[str]:
        """Keys of the frames without labels; walks every shard."""
        return [
            entry.key
            for number in range(len(self._shards))
            for entry in self._index(number)
            if LABEL not in entry.members
        ]

    def _number(self, index: int) -> int:
        """Which shard holds a frame."""
        return bisect.bisect_right(self._starts, index) - 1

    def _find(self, index: int) -> tuple[Path, Entry]:
        index = self.place(index)
        number = self._number(index)
        return self._shards[number], self._index(number)[index - self._starts[number]]

    def _index(self, number: int) -> list[Entry]:
        """Frames of a shard, found on the first call; shards not used for long are forgotten."""
        if number in self._indices:
            self._indices.move_to_end(number)
        else:
            entries = read_index(self._shards[number])
            expected = self._starts[number + 1] - self._starts[number]
            if len(entries) != expected:
                raise InputError(wrong_count(self._shards[number], len(entries), expected))
            self._keep(number, entries)
        return self._indices[number]

    def _keep(self, number: int, entries: list[Entry]) -> None:
        self._indices[number] = entries
        while len(self._indices) > 1 and sum(map(len, self._indices.values())) > INDEXED_FRAMES:
            self._indices.popitem(last=False)


def read_sample(
    shard: Path,
    entry: Entry,
    description: Description,
    *,
    depth_unit_m: float | None = None,
    intrinsics: Intrinsics | None = None,
) -> Sample:
    """Read a frame of a shard, its labels and its facts.

    Args:
        shard: the tar.
        entry: where the members of the frame lie.
        description: what holds for all frames that do not say otherwise.
        depth_unit_m: meters per stored unit, whatever is written; None believes what is written.
        intrinsics: the camera, likewise.

    Raises:
        InputError: a member cannot be used.
    """
    frame, facts = _read_frame(shard, entry, description, depth_unit_m=depth_unit_m, intrinsics=intrinsics)
    labels = None
    if LABEL in entry.members:
        labels = decode_labels(*_member(shard, entry, LABEL), frame.depth.shape)
    return Sample(entry.key, frame, labels, _other_facts(facts))


def read_picture(shard: Path, entry: Entry, description: Description) -> UInt8[np.ndarray, "_h _w 3"] | None:
    """The RGB picture of a frame of a data set, see `Dataset.color`.

    Raises:
        InputError: it cannot be read, or is aligned with the depth but has another size.
    """
    for kind in COLORS:
        if kind in entry.members:
            shape = decode_depth(*_member(shard, entry, DEPTH)).shape if description.color_is_aligned else None
            return decode_color(*_member(shard, entry, kind), shape)
    return None


def _read_frame(
    shard: Path, entry: Entry, description: Description, *, depth_unit_m: float | None, intrinsics: Intrinsics | None
) -> tuple[Frame, dict[str, Any]]:
    """A frame and everything its JSON says."""
    facts = _all_facts(shard, entry)
    where = shard / f"{entry.key}.{FACTS}"
    unit = depth_unit_m or parse_unit(facts, where) or description.depth_unit_m or DEFAULT_UNIT_M
    camera = intrinsics or parse_intrinsics(facts, where) or description.intrinsics
    stamp = facts.get("timestamp_s")
    timestamp_s = float(stamp) if stamp is not None and is_number(stamp) else None
    notes = misspelled_fields(facts, _FRAME_FIELDS, where)
    return Frame(decode_depth(*_member(shard, entry, DEPTH)), unit, camera, timestamp_s, notes=notes), facts


def _all_facts(shard: Path, entry: Entry) -> dict[str, Any]:
    """Everything the JSON of a frame says; empty without one."""
    return parse_object(*_member(shard, entry, FACTS)) if FACTS in entry.members else {}


def _other_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts that are not part of the frame itself."""
    return {key: facts[key] for key in facts if key not in _FRAME_FIELDS}


def check_size(shard: Path, entry: ShardEntry) -> None:
    """Compare a shard with the manifest as far as that costs nothing.

    Raises:
        InputError: it is missing or has another size.
    """
    if not shard.is_file():
        raise InputError(f"{shard} is missing, expected it because {MANIFEST} lists it: restore it.")
    if shard.stat().st_size != entry.bytes:
        raise InputError(
            f"{shard} has {shard.stat().st_size} bytes, expected {entry.bytes} as {MANIFEST} says: "
            "it is half-written or was changed, restore it or make it again."
        )


def wrong_count(shard: Path, found: int, expected: int) -> str:
    """The sentence for a shard with another number of frames than it should hold."""
    return f"{shard} holds {found} frames, expected {expected} as {MANIFEST} says: make it again."


def _list(path: Path) -> tuple[Manifest | None, list[tuple[Path, ShardEntry | None]]]:
    """The manifest and the shards of a path, each with its row of the manifest."""
    if path.is_dir():
        manifest = read_manifest(path / MANIFEST)
        if manifest and not manifest.complete:
            raise InputError(
                f"{path} was not finished, expected complete shards: run the command that made it again, it goes on."
            )
        if manifest:
            return manifest, [(path / entry.name, entry) for entry in manifest.shards]
        return None, [(shard, None) for shard in find_shards(path)]
    manifest = read_manifest(path.parent / MANIFEST)
    rows = manifest.shards if manifest else ()
    return manifest, [(path, next((row for row in rows if row.name == path.name), None))]


def _member(shard: Path, entry: Entry, kind: str) -> tuple[bytes, Path]:
    """Bytes of a member, and what messages call it."""
    return read_span(shard, entry.members[kind]), shard / f"{entry.key}.{kind}"
