"""Where the members of a WebDataset tar lie, found without extracting or trusting anything.

A tar says nothing of how many members it holds, and zeros over a header are its end like any other. Shards of this
program therefore begin with a header that names the number (a comment to all other programs), and data behind the end
of any tar counts as damage.
"""

from __future__ import annotations

import io
import re
import tarfile
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from graspseg.errors import InputError

KEY = re.compile(r"[A-Za-z0-9_-]{1,80}")
LARGEST_MEMBER = 64 << 20
LARGEST_HEADER = 1 << 20
MOST_KINDS = 64
MEMBERS = "GRASPSEG.members"
_BLOCK = tarfile.BLOCKSIZE
_PART = 1 << 20

DEPTH, LABEL, FACTS = "depth.png", "label.png", "json"
COLORS = ("color.png", "color.jpg")


class Span(NamedTuple):
    """Bytes of a member inside its tar."""

    offset: int
    size: int


class Entry(NamedTuple):
    """The members of one frame, by what follows the key and its dot."""

    key: str
    members: dict[str, Span]


class Scan(NamedTuple):
    """What a tar holds whole, and a sentence for everything that is wrong with it; `broken` is among them.

    A tar that breaks off is `broken` and nothing is given of the frame it breaks off in; else it is empty.
    """

    entries: list[Entry]
    faults: list[str]
    broken: str = ""


def record_header(members: int) -> bytes:
    """What a shard begins with: a global header with the number of its members, of one length for any number."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT, pax_headers={MEMBERS: f"{members:010}"}):
        return target.getvalue()


class _Headers(io.BufferedReader):
    """A tar of which only headers are read: names and comments of gigabytes are none."""

    def read(self, size: int | None = -1, /) -> bytes:
        """As many bytes as a header may have at most."""
        if size is None or not 0 <= size <= LARGEST_HEADER:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return super().read(size)


def read_index(path: Path) -> list[Entry]:
    """Find all frames of a shard.

    Raises:
        InputError: the first thing that is wrong with it.
    """
    scan = scan_tar(path)
    if scan.faults:
        raise InputError(scan.faults[0])
    return scan.entries


def scan_tar(path: Path) -> Scan:
    """Walk the headers of a shard to its end; members that must not be used are named and left out."""
    faults: list[str] = []
    entries: dict[str, dict[str, Span]] = {}
    end, count, last_key, broken = 0, 0, "", ""
    try:
        length = path.stat().st_size
        with _Headers(io.FileIO(path)) as file, tarfile.open(fileobj=file, mode="r:", errorlevel=0) as tar:
            for member in tar:
                if tar.offset <= end:
                    raise tarfile.ReadError("a member of negative size")
                end, count = tar.offset, count + 1
                fault = _member_fault(member)
                if fault:
                    faults.append(f"{path} holds {fault}.")
                    continue
                key, _, kind = member.name.partition(".")
                if len(entries.get(key, {})) >= MOST_KINDS:
                    fault = f"{path} holds more than {MOST_KINDS} members of {key}, expected a few: take them out."
                    faults += [fault] if fault not in faults[-1:] else []
                    continue
                if kind in entries.get(key, {}):
                    faults.append(f"{path} holds {member.name} twice, expected it once: write the shard again.")
                elif key in entries and key != last_key:
                    faults.append(
                        f"{path} holds members of {key} in two places, expected one after the other: "
                        "write the shard again."
                    )
                entries.setdefault(key, {}).setdefault(kind, Span(member.offset_data, member.size))
                last_key = key
            recorded = tar.pax_headers.get(MEMBERS)
        if not _ends_well(path, end, length):
            broken = _half_written(path, f"it breaks off or is damaged after byte {min(end, length)}")
        elif recorded is not None and recorded != f"{count:010}":
            broken = _half_written(path, f"it holds {count} members and says that it has {recorded.lstrip('0')[:20]!r}")
    except (tarfile.TarError, EOFError, ValueError, OverflowError, RecursionError) as error:
        broken = _half_written(path, str(error))
    except OSError as error:
        return Scan([], [f"{path} could not be read ({error.strerror}), expected a tar of frames: check the path."])
    if broken:
        faults.append(broken)
        entries.pop(last_key, None)
    for key, members in entries.items():
        if DEPTH not in members:
            faults.append(f"{path} lacks {key}.{DEPTH}, expected a depth image of every key: write the shard again.")
    return Scan([Entry(key, members) for key, members in entries.items() if DEPTH in members], faults, broken)


def _member_fault(member: tarfile.TarInfo) -> str:
    """Why a member must not be used, empty when it may be."""
    if member.issym() or member.islnk():
        return f"the link {member.name!r} to {member.linkname!r}, expected plain files only: write the shard again"
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
        return f"{member.name!r}, a folder, device or other special member, expected plain files only: take it out"
    parts = PurePosixPath(member.name)
    if parts.is_absolute() or ".." in parts.parts:
        return f"the name {member.name!r}, which leads outside, expected plain names: do not trust this file"
    key, dot, _ = member.name.partition(".")
    if not dot or not KEY.fullmatch(key):
        return (
            f"the name {member.name!r}, expected a key of 1 to 80 letters, digits, _ or - before the first dot: "
            "rename it"
        )
    if not 0 <= member.size <= LARGEST_MEMBER:
        return f"{member.name} of {member.size} bytes, expected at most {LARGEST_MEMBER >> 20} MiB: take it out"
    return ""


def _ends_well(path: Path, end: int, length: int) -> bool:
    """Whether the two empty blocks that end a tar, and nothing else, follow its last member.

    Without them it was not finished; what lies behind them is of members whose headers are gone.
    """
    if end + 2 * _BLOCK > length:
        return False
    with path.open("rb") as file:
        file.seek(end)
        while part := file.read(_PART):
            if part.count(0) < len(part):
                return False
    return True


def _half_written(path: Path, reason: str) -> str:
    return f"{path} is no whole tar ({reason}), expected a finished shard: make it again."


def read_span(path: Path, span: Span) -> bytes:
    """Bytes of a member.

    Raises:
        InputError: the file changed since its index was made, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            file.seek(span.offset)
            data = file.read(span.size)
    except OSError as error:
        raise InputError(f"{path} could not be read ({error.strerror}), expected a shard: check it.") from error
    if len(data) < span.size:
        raise InputError(f"{path} became shorter while it was read, expected a finished shard: make it again.")
    return data
