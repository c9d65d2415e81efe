"""Stored frames played as if a camera took them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, sleep

from graspseg.cameras.camera import StreamEndError
from graspseg.cameras.recording import Recording
from graspseg.datasets.description import read_description
from graspseg.errors import InputError
from graspseg.frame import Frame
from graspseg.segment.inputs import CameraOptions, FileSource, Source, StoredSource, find_sources

USUAL_HZ = 30.0
LONGEST_PAUSE_S = 1.0
"""Longer gaps between the times of recorded frames are played as this."""


class PlayedFrames:
    """A recording, folder, clip, set of shards or public data set, played at its own rate.

    The rate is that of the recorded times, else the `rate_hz` of the data set, else 30 a second.

    Args:
        inputs: what to play, one after the other; see `find_sources`.
        rate_hz: play so many frames a second; 0 plays as fast as frames are taken.
        loop: how often to play everything, at least once.
        camera: what the user says of the camera.
        topics: of depth in recordings of ROS; none = found by themselves.
        out: where results go, so that they are no input.

    Raises:
        InputError: nothing to play is there, or a number is none of these.
    """

    def __init__(
        self,
        inputs: Sequence[Path],
        *,
        rate_hz: float | None = None,
        loop: int = 1,
        camera: CameraOptions | None = None,
        topics: Sequence[str] = (),
        out: Path | None = None,
    ) -> None:
        if loop < 1:
            raise InputError(f"--loop is {loop}, expected how often to play it, from 1: leave it out for once.")
        if rate_hz is not None and not (math.isfinite(rate_hz) and rate_hz >= 0):
            raise InputError(f"--rate is {rate_hz:g}, expected frames a second, 0 for as fast as possible: correct it.")
        nowhere = Path("no such folder of results")
        self._sources = find_sources(inputs, nowhere if out is None else out, topics=topics)
        if not self._sources:
            raise InputError(f"{inputs[0]} holds no frames, expected depth images: check the path.")
        self._camera = camera or CameraOptions()
        self._title = ", ".join(str(each) for each in inputs)
        self._loop, self._rate_hz = loop, rate_hz
        self._due_s = _times(self._sources, rate_hz)
        self._next, self._start = 0, 0.0

    def open(self) -> None:
        """See `Camera.open`."""
        self._next, self._start = 0, monotonic()

    def read(self, timeout_s: float) -> Frame | None:
        """See `Camera.read`."""
        count = len(self._sources)
        if self._next >= count * self._loop:
            raise StreamEndError
        round_, index = divmod(self._next, count)
        due_s = self._start + round_ * self._due_s[-1] + self._due_s[index]
        wait_s = due_s - monotonic()
        if wait_s > timeout_s:
            sleep(timeout_s)
            return None
        if wait_s > 0:
            sleep(wait_s)
        self._next += 1
        return self._sources[index].read(self._camera)

    def close(self) -> None:
        """See `Camera.close`."""

    def describe(self) -> str:
        """See `Camera.describe`."""
        length_s = self._due_s[-1]
        rate = f"at {len(self._sources) / length_s:.3g} a second" if length_s else "as fast as they are taken"
        return f"{self._title}, {len(self._sources)} frames {rate}" + (
            f", {self._loop} times" if self._loop > 1 else ""
        )


def _times(sources: Sequence[Source], rate_hz: float | None) -> list[float]:
    """When each frame is due after the first one, in seconds, and last when the next round begins."""
    if rate_hz == 0:
        return [0.0] * (len(sources) + 1)
    rates = _Rates()
    times, due_s = [0.0], 0.0
    for before, now in itertools.pairwise(sources):
        due_s += rates.gap_s(before, now) if rate_hz is None else 1 / rate_hz
        times.append(due_s)
    usual_s = due_s / (len(sources) - 1) if len(sources) > 1 and due_s else 1 / (rate_hz or USUAL_HZ)
    return [*times, due_s + usual_s]


class _Rates:
    """How long after another one a frame follows, as its recording says or its data set."""

    def __init__(self) -> None:
        self._of_folders: dict[Path, float] = {}

    def gap_s(self, before: Source, now: Source) -> float:
        if isinstance(before, StoredSource) and isinstance(now, StoredSource) and before.frames is now.frames:
            frames = now.frames
            if isinstance(frames, Recording):
                gap_s = frames.depth_s[now.index] - frames.depth_s[before.index]
                return min(gap_s, LONGEST_PAUSE_S) if gap_s > 0 else 1 / USUAL_HZ
            return 1 / _usable(frames.description.content.get("rate_hz"))
        return 1 / (self._folder(now.path.parent) if isinstance(now, FileSource) else USUAL_HZ)

    def _folder(self, folder: Path) -> float:
        if folder not in self._of_folders:
            home = next((each for each in (folder, *folder.parents) if (each / "dataset.json").is_file()), None)
            said = None if home is None else read_description(home).content.get("rate_hz")
            self._of_folders[folder] = _usable(said)
        return self._of_folders[folder]


def _usable(said: object) -> float:
    """A rate that a description gives, or the usual one."""
    usable = isinstance(said, int | float) and math.isfinite(said) and said > 0
    return float(said) if usable else USUAL_HZ  # pyright: ignore[reportArgumentType]
