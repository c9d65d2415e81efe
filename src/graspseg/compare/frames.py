"""Frames of a comparison: made or read once, reduced to one size, kept in the folder of the comparison."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8

from graspseg.datasets.atomic import new_file, partial_files, read_json, write_json
from graspseg.datasets.dataset import Dataset, Sample, StoredDataset
from graspseg.errors import InputError
from graspseg.frame import Frame, Intrinsics
from graspseg.parallel.chunks import THIS_PROCESS, Processes, run_chunks
from graspseg.parallel.stop import stopping
from graspseg.training.sources import check_mostly_usable

PART_FRAMES = 250
_DESCRIPTION = "frames.json"
_LONGEST_TEXT = 200


@dataclass(frozen=True)
class Size:
    """Width and height of frames in pixels."""

    width: int
    height: int

    @classmethod
    def parse(cls, text: str) -> Size:
        """`160x120` as a size.

        Raises:
            InputError: it is none.
        """
        width, by, height = text.partition("x")
        if not (by and width.isdecimal() and height.isdecimal() and min(int(width), int(height)) >= 8):
            raise InputError(f"{text!r} is no size of frames, expected WIDTHxHEIGHT of at least 8: try 160x120.")
        return cls(int(width), int(height))

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


def reduced(frame: Frame, labels: UInt8[np.ndarray, "h w"], *, size: Size) -> tuple[Frame, UInt8[np.ndarray, "_h _w"]]:
    """Every n-th pixel of a frame and its labels, and the camera for which these are the pixel centers.

    Depth is never averaged: a mean over an edge is a distance at which nothing is. Of n pixels the middle one is taken,
    the left one of two middles; pixel u of the result is pixel `n u + (n - 1) // 2` of the frame.

    Raises:
        InputError: the frame is not a whole number of times as large, equally in both directions.
    """
    height, width = frame.depth.shape
    step = max(width // size.width, 1)
    if (width, height) != (size.width * step, size.height * step):
        raise InputError(
            f"A frame has {width}x{height} pixels, expected a whole multiple of {size}: choose a --size such as "
            f"{_possible_size(width, height)}."
        )
    first = (step - 1) // 2
    camera = frame.intrinsics_or_default()
    seen = Intrinsics(camera.fx / step, camera.fy / step, (camera.cx - first) / step, (camera.cy - first) / step)
    depth = np.ascontiguousarray(frame.depth[first::step, first::step])
    return (
        replace(frame, depth=depth, intrinsics=seen, color=None),
        np.ascontiguousarray(labels[first::step, first::step]),
    )


def _opened_part(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise InputError(
            f"{path} is damaged, expected frames as graspseg wrote them: remove it to have them made again."
        ) from error


def _possible_size(width: int, height: int) -> Size:
    step = next(step for step in (4, 3, 2, 1) if width % step == 0 and height % step == 0)
    return Size(width // step, height // step)


class CachedFrames(StoredDataset):
    """Frames in the files of a cache, read only where they are looked at.

    Args:
        folder: what `cache_frames` wrote.

    Raises:
        InputError: a file is damaged.

    Attributes:
        failures: why frames of the data set are not among these, a sentence each.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder
        described = read_json(folder / _DESCRIPTION)
        self._parts = [_opened_part(folder / name) for name in described["parts"]]
        usable = [np.flatnonzero(part["usable"]) for part in self._parts]
        self._places = [(part, int(row)) for part, rows in enumerate(usable) for row in rows]
        self.failures = [str(text) for part in self._parts for text in part["text"][~part["usable"]]]

    def __len__(self) -> int:
        return len(self._places)

    @property
    def stems(self) -> list[str]:
        """Name of every frame."""
        return [str(self._parts[part][row]["text"]) for part, row in self._places]

    def read(self, index: int) -> Sample:
        """Read one frame and its labels; see `Dataset`."""
        part, row = self._places[index]
        record = self._parts[part][row]
        frame = Frame(np.array(record["depth"]), float(record["unit_m"]), Intrinsics(*map(float, record["camera"])))
        return Sample(str(record["text"]), frame, np.array(record["labels"]))

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.path}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["folder"])


class Part(NamedTuple):
    """Frames `start` to `stop` (excluded) of a cache, the file of a number."""

    folder: Path
    samples: Dataset
    size: Size
    number: int
    start: int
    stop: int

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / f"part-{self.number:05d}.npy"


def cache_frames(
    samples: Dataset,
    folder: Path,
    *,
    size: Size,
    described: dict[str, Any],
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> CachedFrames:
    """Reduce frames to one size and keep them; what an earlier call wrote is not made again.

    Args:
        samples: labeled frames; for several workers, something that travels to other processes.
        folder: where the files go.
        size: of the kept frames.
        described: what decides the frames; a cache of other frames is refused.
        workers: processes that make them.
        progress: called with the number of frames done and of all.

    Raises:
        InputError: the folder holds other frames, or more than half of the frames cannot be used.
    """
    content = {**described, "size": str(size), "count": len(samples)}
    parts = _parts(samples, folder, size)
    content["parts"] = [part.path.name for part in parts]
    _check_described(folder / _DESCRIPTION, content)
    for leftover in partial_files(folder) if folder.is_dir() else ():
        leftover.unlink(missing_ok=True)
    write_json(folder / _DESCRIPTION, content)
    missing = [part for part in parts if not part.path.is_file()]
    _opened.clear()
    done = len(samples) - sum(part.stop - part.start for part in missing)
    if progress is not None:
        progress(done, len(samples))
    for count in run_chunks(_write_part, missing, Processes(workers) if workers > 1 else THIS_PROCESS):
        done += count
        if progress is not None:
            progress(done, len(samples))
    cached = CachedFrames(folder)
    check_mostly_usable(str(described.get("data", folder)), cached.failures, len(samples))
    return cached


def _parts(samples: Dataset, folder: Path, size: Size) -> list[Part]:
    starts = range(0, len(samples), PART_FRAMES)
    return [
        Part(folder, samples, size, number, start, min(start + PART_FRAMES, len(samples)))
        for number, start in enumerate(starts)
    ]


def _check_described(path: Path, content: dict[str, Any]) -> None:
    if not path.is_file():
        return
    found = read_json(path)
    changed = sorted(name for name in found.keys() | content.keys() if found.get(name) != content.get(name))
    if changed:
        name = changed[0]
        raise InputError(
            f"{path.parent} holds frames of {name} {found.get(name)!r}, expected {content.get(name)!r}: choose another "
            "--out, give the same frames, or remove that folder to have them made again."
        )


# A process makes many parts of few data sets, and some take seconds to open.
_opened: dict[Path, Dataset] = {}


def _write_part(part: Part) -> int:
    """Make and write one file of a cache; returns its number of frames, 0 when the run is to end."""
    samples = _opened.setdefault(part.folder.absolute(), part.samples)
    records = np.zeros(part.stop - part.start, _record(part.size))
    for row, index in enumerate(range(part.start, part.stop)):
        if stopping():
            return 0
        try:
            _fill(records[row], samples[index], part.size)
        except InputError as error:
            records[row]["text"] = str(error)[-_LONGEST_TEXT:]
    with new_file(part.path) as file:
        np.lib.format.write_array(file, records, allow_pickle=False)
    return len(records)


def _fill(record: Any, sample: Sample, size: Size) -> None:
    target = sample.target()
    try:
        frame, labels = reduced(sample.frame, target, size=size)
    except InputError as error:
        raise InputError(f"{sample.stem}: {error}") from error
    camera = frame.intrinsics_or_default()
    record["depth"], record["labels"], record["unit_m"] = frame.depth, labels, frame.depth_unit_m
    record["camera"] = (camera.fx, camera.fy, camera.cx, camera.cy)
    record["text"], record["usable"] = sample.stem[-_LONGEST_TEXT:], True


def _record(size: Size) -> np.dtype:
    shape = (size.height, size.width)
    return np.dtype(
        [
            ("camera", "<f8", 4),
            ("unit_m", "<f8"),
            ("usable", "?"),
            ("text", f"<U{_LONGEST_TEXT}"),
            ("depth", "<u2", shape),
            ("labels", "u1", shape),
        ]
    )
