"""Writes tar shards: equal frames give equal bytes, and a shard appears whole or not at all."""

from __future__ import annotations

import filecmp
import io
import itertools
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from jaxtyping import UInt8

from graspseg.datasets.atomic import encode_png, new_file
from graspseg.datasets.description import encode_facts
from graspseg.datasets.manifest import ShardEntry, hash_file
from graspseg.datasets.tar_index import COLORS, DEPTH, FACTS, KEY, LABEL, record_header, scan_tar
from graspseg.errors import InputError
from graspseg.frame import Frame

SHARD_SIZE = 1024
_KEY_LENGTH = 72


@dataclass(frozen=True)
class ShardSample:
    """A frame to be written into a shard.

    Attributes:
        key: its name there, letters, digits, `_` and `-` only.
        frame: depth in its own unit, and whatever else it carries.
        labels: 0/1/2/255, None when there are none.
        color: RGB picture; None takes the frame's own, which is aligned.
        facts: what is known of the frame, as JSON; `stem` is its name outside the shard.
        color_is_aligned: whether the picture fits the depth pixel by pixel.
    """

    key: str
    frame: Frame
    labels: UInt8[np.ndarray, "_h _w"] | None = None
    color: UInt8[np.ndarray, "_h _w 3"] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    color_is_aligned: bool = True


def write_shard(path: Path, samples: Iterable[ShardSample], *, split: str | None = None) -> ShardEntry:
    """Write one shard; its bytes depend on the samples alone.

    Args:
        path: the tar; one that is there is replaced, unless it has these very bytes.
        samples: frames in order; when this raises, nothing is written.
        split: the split the manifest shall list the shard under.

    Returns:
        The shard's row of the manifest.

    Raises:
        InputError: a key is unusable or comes twice, or sizes differ.
        OutputError: the disk is full or not writable.
    """
    keys: set[str] = set()
    members = 0
    with new_file(path) as file:
        file.write(record_header(members))
        with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for sample in samples:
                if not KEY.fullmatch(sample.key) or sample.key in keys:
                    raise InputError(
                        f"{path} got the key {sample.key!r}, expected one of 1 to 80 letters, digits, _ or -, and each "
                        "once: rename the frame."
                    )
                keys.add(sample.key)
                for kind, data in _members(sample):
                    _add(tar, f"{sample.key}.{kind}", data)
                    members += 1
        _record(file, members)
        if path.is_file() and filecmp.cmp(path, str(file.name), shallow=False):
            file.close()  # gives it up
    return ShardEntry(path.name, len(keys), path.stat().st_size, hash_file(path), split)


def finished_shard(path: Path, keys: Sequence[str], *, split: str | None = None) -> ShardEntry | None:
    """The manifest row of a shard that is there already, whole and with exactly these keys; None otherwise."""
    if not path.is_file():
        return None
    scan = scan_tar(path)
    if scan.faults or [entry.key for entry in scan.entries] != list(keys):
        return None
    return ShardEntry(path.name, len(keys), path.stat().st_size, hash_file(path), split)


def make_keys(stems: Iterable[str]) -> list[str]:
    """A key for every stem, the stem itself where that is one; the same stems always give the same keys."""
    stems = list(stems)
    plain = {stem for stem in stems if KEY.fullmatch(stem)}
    keys: dict[str, None] = {}
    for stem in stems:
        key = stem
        if stem not in plain or stem in keys:
            key = base = re.sub(r"[^A-Za-z0-9_-]", "_", stem)[-_KEY_LENGTH:] or "_"
            numbers = itertools.count(2)
            while key in plain or key in keys:
                key = f"{base}-{next(numbers)}"
        keys[key] = None
    return list(keys)


def _members(sample: ShardSample) -> Iterator[tuple[str, bytes | memoryview]]:
    frame = sample.frame
    color = frame.color if sample.color is None else sample.color
    for name, image in (("Labels", sample.labels), ("Color", color if sample.color_is_aligned else None)):
        if image is not None and image.shape[:2] != frame.depth.shape:
            raise InputError(
                f"{name} of {sample.key!r} are {image.shape[:2]}, expected {frame.depth.shape} like the depth."
            )
    camera = frame.intrinsics
    facts: dict[str, Any] = {"stem": sample.key, **sample.facts, "depth_unit_m": frame.depth_unit_m}
    if camera is not None:
        facts["intrinsics"] = {"fx": camera.fx, "fy": camera.fy, "cx": camera.cx, "cy": camera.cy}
    if frame.timestamp_s is not None:
        facts["timestamp_s"] = frame.timestamp_s
    yield FACTS, encode_facts(facts, sample.key)
    yield DEPTH, encode_png(frame.depth)
    if color is not None:
        yield COLORS[0], encode_png(color)
    if sample.labels is not None:
        yield LABEL, encode_png(sample.labels)


def _record(file: BinaryIO, members: int) -> None:
    """Name the number of members in the header that was left for it; a tar without any has none."""
    end = file.tell()
    file.seek(0)
    if members:
        file.write(record_header(members))
        file.seek(end)
    else:
        file.truncate()
        tarfile.open(fileobj=file, mode="w").close()
    file.flush()


def _add(tar: tarfile.TarFile, name: str, data: bytes | memoryview) -> None:
    """Add a member that says nothing of when, where and by whom it was made."""
    header = tarfile.TarInfo(name)
    header.size = len(data)
    header.mode = 0o644
    tar.addfile(header, io.BytesIO(data))
