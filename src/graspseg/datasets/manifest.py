"""`manifest.json` beside tar shards: what the data set is, and what every shard must hold."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from graspseg.datasets.atomic import write_json
from graspseg.datasets.description import Description, parse_intrinsics, parse_unit, read_object
from graspseg.datasets.fields import unread_fields
from graspseg.errors import InputError

MANIFEST = "manifest.json"
FORMAT = "graspseg-shards"
FORMAT_VERSION = 1
_OWN_FIELDS = ("format", "format_version", "complete", "frames", "splits", "shards")


@dataclass(frozen=True)
class ShardEntry:
    """One shard of a manifest.

    Attributes:
        name: file name of the tar.
        samples: number of frames in it.
        bytes: size of the file.
        sha256: hash of the file, 64 hexadecimal digits.
        split: the split all its frames belong to, None when they belong to none.
    """

    name: str
    samples: int
    bytes: int
    sha256: str
    split: str | None = None


@dataclass(frozen=True)
class Manifest:
    """A manifest as it was read.

    Attributes:
        shards: the shards in order.
        complete: whether whoever made the data set finished.
        description: everything else it says, as in `dataset.json`.
    """

    shards: tuple[ShardEntry, ...]
    complete: bool
    description: Description


def is_manifest(path: Path) -> bool:
    """Whether a file is the manifest of shards; other programs have files of this name too."""
    try:
        return path.is_file() and read_object(path).get("format") == FORMAT
    except InputError:
        return False


def read_manifest(path: Path) -> Manifest | None:
    """Read a manifest; None when there is no such file or it is another program's.

    Raises:
        InputError: it is no JSON object, of a newer format, or one of its fields has a wrong form.
    """
    if not path.is_file():
        return None
    content = read_object(path)
    if content.get("format") != FORMAT:
        return None
    version = content.get("format_version")
    if not isinstance(version, int):
        raise InputError(
            f"{path} has format_version {version!r}, expected a number: use the manifest written with these shards."
        )
    if version > FORMAT_VERSION:
        raise InputError(
            f"{path} has format version {version}, expected at most {FORMAT_VERSION}: update graspseg to read it."
        )
    rows = content.get("shards")
    if not isinstance(rows, list) or not isinstance(content.get("complete"), bool):
        raise InputError(f"{path} lacks the list of shards or whether it is complete: write the shards again.")
    shards = tuple(_entry(row, path) for row in rows)
    names = [shard.name for shard in shards]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"{path} lists {twice} twice, expected every shard once: remove one of the two.")
    rest = {key: value for key, value in content.items() if key not in _OWN_FIELDS}
    unit, camera = parse_unit(content, path), parse_intrinsics(content, path)
    description = Description(unit, camera, content=rest, notes=unread_fields(rest, path))
    return Manifest(shards, content["complete"], description)


def _entry(row: object, path: Path) -> ShardEntry:
    """One row of the list of shards, of which nothing is believed: its name becomes a path."""
    problem = "is no JSON object"
    if isinstance(row, dict):
        problem = ""
        numbers = (row.get("samples"), row.get("bytes"))
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,200}\.tar", str(row.get("name"))):
            problem = f"has the name {row.get('name')!r}, expected letters, digits, _ and - before .tar"
        elif not all(type(number) is int and number >= 0 for number in numbers):
            problem = f"has samples and bytes {numbers}, expected whole numbers"
        elif not re.fullmatch(r"[0-9a-f]{64}", str(row.get("sha256"))):
            problem = f"has the sha256 {row.get('sha256')!r}, expected 64 hexadecimal digits"
        elif not isinstance(row.get("split"), str | None):
            problem = f"has the split {row.get('split')!r}, expected a name"
        else:
            return ShardEntry(row["name"], row["samples"], row["bytes"], row["sha256"], row.get("split"))
    raise InputError(f"{path}: a row of shards {problem}: use the manifest that was written with these shards.")


def write_manifest(
    folder: Path, description: Mapping[str, Any], shards: Iterable[ShardEntry], *, complete: bool = True
) -> None:
    """Write the manifest of a folder.

    Args:
        folder: where the shards are.
        description: fields that say what the data set is: `depth_unit_m`, `intrinsics`, `licence`, `provenance` and
            any other, such as `split_facts` (objects, hand and subject by name of the split).
        shards: the shards in order.
        complete: False while shards are still being made; readers refuse such a data set.

    Raises:
        InputError: the description cannot be stored as JSON, or uses a name of the manifest's own.
        OutputError: the file cannot be written.
    """
    taken = sorted(set(description) & set(_OWN_FIELDS))
    if taken:
        raise InputError(f"The description of {folder} has the field {taken[0]!r}, which the manifest uses: rename it.")
    rows = list(shards)
    splits = {row.split: 0 for row in rows if row.split is not None}
    for row in rows:
        if row.split is not None:
            splits[row.split] += row.samples
    head = {"format": FORMAT, "format_version": FORMAT_VERSION, "complete": complete}
    counted = {"frames": sum(row.samples for row in rows), "splits": splits}
    write_json(folder / MANIFEST, {**head, **description, **counted, "shards": [asdict(row) for row in rows]})


def check_unchanged(path: Path, sha256: str | None = None) -> None:
    """See that a shard is what the manifest beside it says, where that lists it.

    Args:
        path: the shard.
        sha256: its hash, where it is known.

    Raises:
        InputError: it is another one.
    """
    manifest = read_manifest(path.parent / MANIFEST)
    for row in manifest.shards if manifest else ():
        if row.name == path.name and row.sha256 != (sha256 or hash_file(path)):
            raise InputError(
                f"{path} was changed since it was written, expected nothing that would be lost: move it away to have "
                "it written again, or choose another --out."
            )


def hash_file(path: Path) -> str:
    """SHA-256 of a file as hexadecimal digits.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path} could not be read ({error.strerror}), expected a shard: check it.") from error
