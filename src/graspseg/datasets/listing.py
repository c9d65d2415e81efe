"""Which files below a folder are depth images, which only look like some, and how they are called."""

from __future__ import annotations

import contextlib
import os
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import NamedTuple

from graspseg.datasets.description import read_object
from graspseg.datasets.images import DEPTH_SUFFIXES
from graspseg.datasets.png import is_deep_png
from graspseg.errors import InputError

_PICTURES = (".jpg", ".jpeg", ".bmp", ".webp", ".gif")
_IMAGES = (".pfm", ".pnm", ".jp2", ".jxl", ".raw", ".bin", ".dpt", ".mat", ".h5", ".hdf5", ".klg")
_VIDEOS = (".mkv", ".avi", ".oni", ".svo", ".bag", ".db3", ".mcap")
_ARCHIVES = (".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".rar")
_MADE = frozenset(("annotated", "converted"))
_UNREAD = frozenset((*_IMAGES, *_VIDEOS, *_ARCHIVES))


def natural_order(text: str) -> tuple[list[list[str | int]], str]:
    """Sort key with which `2` comes before `10`, folder by folder."""
    parts = [[int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)] for name in text.split("/")]
    return parts, text


def list_frames(folder: Path) -> list[tuple[str, Path, Path]]:
    """Find the depth images below a folder in natural order, and what looks like one and cannot be read.

    A folder that holds `depth/` means that, at any level; hidden files and folders are left out. Folders that links
    lead to are looked into once, whatever leads there. A file that looks like depth and is of a kind that is not read
    is listed by its whole name: reading it says so.

    Returns:
        For every frame its stem (path below `folder` without `depth/` and suffix), its file, and the folder whose
        `dataset.json` describes it.

    Raises:
        InputError: the folder is missing, holds no depth image, or two of its files share a stem.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder, expected one with depth images: check the path.")
    found: dict[str, tuple[Path, Path]] = {}
    for stem, path, home in _Walk().below(folder):
        if stem in found:
            raise InputError(f"{path} and {found[stem][0]} share the stem {stem!r}, expected one of them: remove one.")
        found[stem] = (path, home)
    if not found:
        raise InputError(
            f"{folder} holds no depth image, expected 16-bit .png, or {', '.join(DEPTH_SUFFIXES[1:])}: check the path."
        )
    return [(stem, *found[stem]) for stem in sorted(found, key=natural_order)]


def depth_files(folder: Path) -> list[tuple[str, Path]]:
    """Everything below a folder that is depth or looks like it, with what it would be called; may be nothing."""
    return sorted(((stem, path) for stem, path, _ in _Walk().below(folder)), key=lambda found: natural_order(found[0]))


def find_beside_depth(folder: Path) -> list[tuple[str, Path]]:
    """What lies beside a `depth/`, at any level, is depth or looks like it, and is left out because of that.

    PNG files count where they have 16 bits, as other pictures may lie there. Folders beside it are what commands write
    there; those that hold a `depth/` of their own count.

    Returns:
        For every such file or folder its path below `folder`, and where it is.

    Raises:
        InputError: a folder cannot be listed.
    """
    walk = _Walk()
    for _ in walk.below(folder):
        pass
    return [(path.relative_to(folder).as_posix(), path) for path in walk.beside]


def is_beside_depth(path: Path) -> str:
    """The sentence for what `find_beside_depth` names."""
    return f"{path} lies beside depth/, expected frames only in there: name it as an input too, or move it away."


def stem_of(relative: PurePath) -> str:
    """What a data set calls one of its files: the path inside it without `depth/` and suffix."""
    parts = list(relative.with_suffix("").parts)
    if "depth" in parts[:-1]:
        parts.remove("depth")
    return "/".join(parts)


def is_read(path: Path) -> bool:
    """Whether a file has the name of one that can hold a depth image."""
    return path.suffix.lower() in DEPTH_SUFFIXES


def _looks_like_depth(name: str, *, in_depth: bool) -> bool:
    """Whether somebody may take a file that is not read for depth."""
    stem, suffix = os.path.splitext(name.lower())
    if suffix in _PICTURES:  # of 8 bits
        return in_depth or "depth" in stem
    return suffix in _UNREAD


class _Place(NamedTuple):
    """A folder on a walk.

    Attributes:
        folder: where it is.
        prefix: what stems of its frames begin with.
        home: the nearest folder upwards that holds `dataset.json`, else the top one.
        in_depth: whether it is `depth/` or inside.
    """

    folder: Path
    prefix: str
    home: Path
    in_depth: bool


class _Walk:
    """A walk through folders and what links lead to, every folder once.

    Attributes:
        beside: what was passed by because a `depth/` beside it is meant.
    """

    def __init__(self) -> None:
        self.beside: list[Path] = []
        self._seen: set[str] = set()
        self._links: deque[_Place] = deque()

    def below(self, folder: Path) -> Iterator[tuple[str, Path, Path]]:
        """Frames below a folder; links come after all that is really there, so that this keeps its names."""
        self._links.append(_Place(folder, "", folder, folder.name == "depth"))
        first = True
        while self._links:
            link = self._links.popleft()
            if first or not self._is_loop(link.folder):
                yield from self._really_below(link)
            first = False

    def _is_loop(self, link: Path) -> bool:
        real = Path(os.path.realpath(link))
        return str(real) in self._seen or real in Path(os.path.realpath(link.parent)).parents

    def _really_below(self, place: _Place) -> Iterator[tuple[str, Path, Path]]:
        places = [place]
        while places:
            folder, prefix, home, in_depth = places.pop()
            self._seen.add(os.path.realpath(folder))
            home = folder if (folder / "dataset.json").is_file() else home
            if (folder / "depth").is_dir() and os.path.realpath(folder / "depth") not in self._seen:
                places.append(_Place(folder / "depth", prefix, home, True))
                self.beside += [folder / entry.name for entry in _entries(folder) if _is_passed_by(entry)]
                continue
            for entry in _entries(folder):
                path = folder / entry.name
                stem, suffix = os.path.splitext(entry.name)
                inner = _Place(path, f"{prefix}{entry.name}/", home, in_depth)
                if entry.is_dir(follow_symlinks=False):
                    places.append(inner)
                elif entry.is_symlink() and path.is_dir():
                    self._links.append(inner)
                elif suffix.lower() in DEPTH_SUFFIXES:
                    yield prefix + stem, path, home
                elif _looks_like_depth(entry.name, in_depth=in_depth) or _is_lost(entry, suffix):
                    yield prefix + entry.name, path, home


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder and not hidden."""
    try:
        found = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise InputError(f"{folder} could not be listed ({error.strerror}): check its permissions.") from error
    return [entry for entry in found if not entry.name.startswith(".")]


def _is_passed_by(entry: os.DirEntry[str]) -> bool:
    """Whether an entry beside `depth/` holds depth, or somebody may think so."""
    path, suffix = Path(entry.path), os.path.splitext(entry.name)[1].lower()
    if entry.is_dir():
        above = Path(os.path.realpath(path.parent)).is_relative_to(os.path.realpath(path))  # a link in a circle
        return entry.name != "depth" and (path / "depth").is_dir() and not above and not _is_result(path)
    if suffix == ".png":
        return is_deep_png(path)
    return suffix in DEPTH_SUFFIXES or _looks_like_depth(entry.name, in_depth=False)


def _is_result(folder: Path) -> bool:
    """Whether a folder is what a command made of other frames, such as those it lies beside."""
    with contextlib.suppress(InputError):
        return not _MADE.isdisjoint(read_object(folder / "dataset.json"))
    return False


def _is_lost(entry: os.DirEntry[str], suffix: str) -> bool:
    """Whether an entry is a link that leads nowhere, and may have led to a folder: reading it says so."""
    return not suffix and entry.is_symlink() and not Path(entry.path).exists()
