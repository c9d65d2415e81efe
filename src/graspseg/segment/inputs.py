"""Which frames a command line means, and how each is read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from graspseg.cameras.recording import Recording
from graspseg.cameras.recordings import is_recording, open_recording, refuse_topics
from graspseg.datasets.description import Description, Optics, read_description
from graspseg.datasets.frames import home_of
from graspseg.datasets.images import read_depth
from graspseg.datasets.listing import find_beside_depth, is_beside_depth, list_frames, stem_of
from graspseg.datasets.public.dataset import PublicDataset
from graspseg.datasets.public.registry import open_named, public_name_meant
from graspseg.datasets.shards import ShardDataset, find_beside, is_beside, is_shards
from graspseg.errors import InputError
from graspseg.frame import FAR_TOO_COARSE_M, Frame, Intrinsics

_COMPRESSED = (".tgz", ".gz", ".zip")


@dataclass(frozen=True)
class CameraOptions:
    """What the user says about the camera; None leaves it to `dataset.json`.

    Attributes:
        depth_unit_m: meters per stored unit.
        fx, fy: focal lengths in pixels; `fy` alone missing means square pixels.
        cx, cy: principal point in pixels; missing means the image center.

    Raises:
        InputError: the unit is not positive, or other values come without `fx`.
    """

    depth_unit_m: float | None = None
    fx: float | None = None
    fy: float | None = None
    cx: float | None = None
    cy: float | None = None

    def __post_init__(self) -> None:
        if self.depth_unit_m is not None and not 0 < self.depth_unit_m < FAR_TOO_COARSE_M:
            raise InputError(f"--depth-unit is {self.depth_unit_m:g}, expected meters above 0: 0.001 is millimeters.")
        if self.fx is None and any(value is not None for value in (self.fy, self.cx, self.cy)):
            raise InputError("--fy, --cx or --cy is given without --fx, expected --fx at least: add it, in pixels.")
        if self.fx is not None:
            self.intrinsics(2, 2)

    def intrinsics(self, width: int, height: int) -> Intrinsics | None:
        """The camera for a frame of this size, None when the user says nothing."""
        if self.fx is None:
            return None
        return Intrinsics(
            self.fx,
            self.fx if self.fy is None else self.fy,
            (width - 1) / 2 if self.cx is None else self.cx,
            (height - 1) / 2 if self.cy is None else self.cy,
        )

    def seen(self, frame: Frame) -> Frame:
        """The frame with the camera the user names, unchanged when the user says nothing."""
        given = self.intrinsics(frame.depth.shape[1], frame.depth.shape[0])
        return frame if given is None else replace(frame, intrinsics=given)


@runtime_checkable
class Source(Protocol):
    """One frame to segment; `path` is the depth image, or tar and member, and `name` the relative path of results."""

    @property
    def name(self) -> str:
        """Names what is written."""
        ...

    @property
    def path(self) -> Path:
        """Names what is read."""
        ...

    def read(self, camera: CameraOptions) -> Frame:
        """Read the frame; what the user says comes before what the data set says.

        Raises:
            InputError: the file cannot be used.
        """
        ...


@dataclass(frozen=True)
class FileSource:
    """A depth image that is a file.

    Attributes:
        name: see `Source`.
        path: see `Source`.
        optics: what `dataset.json` says of it.
        notes: what is odd about `dataset.json`.
    """

    name: str
    path: Path
    optics: Optics
    notes: tuple[str, ...] = ()

    def read(self, camera: CameraOptions) -> Frame:
        """Read the frame; see `Source`."""
        given = camera.depth_unit_m
        frame = read_depth(
            self.path,
            depth_unit_m=self.optics.depth_unit_m if given is None else given,
            float_unit_m=1.0 if given is None else given,
            intrinsics=self.optics.intrinsics,
        )
        return camera.seen(frame)


@dataclass(frozen=True)
class StoredSource:
    """A frame inside a shard, whose key names what is written for it, or inside a recording."""

    name: str
    path: Path
    frames: ShardDataset | Recording
    index: int

    def read(self, camera: CameraOptions) -> Frame:
        """Read the frame; see `Source`."""
        if isinstance(self.frames, Recording):
            return camera.seen(self.frames.frame(self.index, depth_unit_m=camera.depth_unit_m))
        frame = self.frames.frame(self.index)
        return camera.seen(replace(frame, depth_unit_m=camera.depth_unit_m or frame.depth_unit_m))


@dataclass(frozen=True)
class LostSource:
    """What is not read, such as what followed in a recording that was cut; reading it says so."""

    name: str
    path: Path
    sentence: str

    def read(self, camera: CameraOptions) -> Frame:
        """Tell what is lost; see `Source`."""
        raise InputError(self.sentence)


@dataclass(frozen=True)
class PublicSource:
    """A frame of a public data set; its stem names what is written for it."""

    name: str
    path: Path
    frames: PublicDataset

    def read(self, camera: CameraOptions) -> Frame:
        """Read the frame; see `Source`."""
        frame = self.frames.frame(self.name)
        return camera.seen(replace(frame, depth_unit_m=camera.depth_unit_m or frame.depth_unit_m))


def find_sources(inputs: Sequence[Path], out: Path, *, topics: Sequence[str] = ()) -> list[Source]:
    """Frames of files, folders, shards and recordings, in the order given and naturally within folders.

    Args:
        inputs: depth images, folders (one that holds `depth/` means that), tars, folders of tars, recordings, and
            public data sets as `NAME:PATH` or `NAME/SPLIT:PATH`.
        out: where results go; images in there are no input.
        topics: of depth in recordings of ROS; none = found by themselves.

    Raises:
        InputError: missing, without frames, a compressed archive, two frames of one name, or `out` is a data set.
    """
    if (out / "depth").is_dir() and (out / "labels").is_dir():
        raise InputError(f"{out} is a data set with labels of its own, expected another folder for results.")
    found: dict[str, Source] = {}
    for item in inputs:
        for source in _sources_in(item, out, topics):
            other = found.setdefault(source.name, source)
            if other.path.absolute() != source.path.absolute():
                raise InputError(
                    f"{source.path} and {other.path} would both be written as {source.name}.png: segment them one "
                    "after the other with different --out."
                )
    return list(found.values())


def _sources_in(item: Path, out: Path, topics: Sequence[str]) -> Iterator[Source]:
    if is_recording(item):
        return _in_recording(item, topics)
    refuse_topics(topics, item)
    public = open_named(item, labeled=False)
    if public is not None:
        return (PublicSource(stem, public.path / stem, public) for stem in public.stems)
    return _in_shards(item, out) if item.exists() and is_shards(item) else _in_files(item, out)


def _in_recording(item: Path, topics: Sequence[str]) -> Iterator[Source]:
    recording = open_recording(item, topics=topics)
    title = item.absolute().name if item.is_dir() else item.stem
    for index in range(len(recording)):
        name = recording.name(index)
        yield StoredSource(f"{title}/{name}", item / name, recording, index)
    if recording.cut:
        yield LostSource(f"{title}/lost", item / "lost", recording.cut)


def _in_shards(item: Path, out: Path) -> Iterator[Source]:
    frames = ShardDataset(item)
    for name, path in find_beside(item) if item.is_dir() else ():
        if not _is_ours(path, out):
            yield LostSource(name, path, is_beside(path, item))
    for index, key in enumerate(frames.stems):
        yield StoredSource(key, frames.shard_of(index) / f"{key}.depth.png", frames, index)


def _in_files(item: Path, out: Path) -> Iterator[Source]:
    for name, path in find_beside_depth(item) if item.is_dir() else ():
        if not _is_ours(path, out):
            yield LostSource(f"beside/{name}", path, is_beside_depth(path))
    descriptions: dict[Path, Description] = {}
    for name, path, home in _frames_of(item, out):
        if home not in descriptions:
            descriptions[home] = read_description(home)
        said = descriptions[home]
        yield FileSource(name, path, said.optics(stem_of(path.absolute().relative_to(home.absolute()))), said.notes)


def notes_on(sources: Sequence[Source]) -> list[str]:
    """What is odd about the descriptions of what is read, each sentence once."""
    found: dict[str, None] = {}
    for source in sources:
        if isinstance(source, FileSource):
            found.update(dict.fromkeys(source.notes))
        elif isinstance(source, StoredSource) and isinstance(source.frames, ShardDataset):
            found.update(dict.fromkeys(source.frames.description.notes))
    return list(found)


def _frames_of(item: Path, out: Path) -> list[tuple[str, Path, Path]]:
    if item.suffix.lower() in _COMPRESSED and not item.is_dir():
        raise InputError(
            f"{item} is a compressed archive, expected depth images, folders, .tar shards or recordings (.db3, .bag, "
            ".mcap): extract its frames first."
        )
    if item.is_dir():
        frames = list_frames(item)
        if _is_ours(out, item):
            frames = [frame for frame in frames if not _is_ours(frame[1], out)]
        if not frames:
            raise InputError(
                f"{item} holds no depth image outside {out}, where results go: name another folder, or another --out."
            )
        return frames
    if not item.exists():
        meant = public_name_meant(item) or "check the path."
        raise InputError(f"{item} does not exist, expected a depth image or a folder of them: {meant}")
    return [(item.stem, item, home_of(item))]


def _is_ours(path: Path, out: Path) -> bool:
    """Whether a path is where results go, or inside."""
    return _real(path).is_relative_to(_real(out))


def _real(path: Path) -> Path:
    """The path without symbolic links; unlike `resolve` it does not mind links that lead nowhere."""
    return Path(os.path.realpath(path))
