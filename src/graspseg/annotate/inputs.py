"""Several recordings and data sets with color as one row of frames."""

from __future__ import annotations

import bisect
import contextlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

from graspseg.cameras.open import open_rgbd
from graspseg.cameras.rgbd import RgbdFrame, RgbdSource
from graspseg.datasets.frame_warnings import shared_warnings, spread
from graspseg.datasets.pictures import is_gray
from graspseg.errors import InputError
from graspseg.frame import Frame
from graspseg.segment.inputs import CameraOptions

NOTHING_SAID = CameraOptions()


class Inputs:
    """The frames of all inputs, one input after the other; with several, each name begins with its input's.

    Args:
        inputs: folders, shards, recordings, or public data sets as NAME:PATH.
        camera: what the user says about the depth camera.
        topics: of depth and color in recordings of ROS; none = found by themselves.

    Attributes:
        titles: of the inputs, without folder and suffix.
        names: of all frames.
        sequences: ranges of indices of frames that follow each other in time.
        cut: sentences for what is lost of the inputs, see `RgbdSource.cut`.

    Raises:
        InputError: one cannot be opened, or two have one name.
    """

    def __init__(
        self, inputs: Sequence[str], camera: CameraOptions = NOTHING_SAID, *, topics: Sequence[str] = ()
    ) -> None:
        self._camera = camera
        self._sources: list[RgbdSource] = [
            open_rgbd(name, depth_unit_m=camera.depth_unit_m, topics=topics) for name in inputs
        ]
        self.titles = _titles(inputs)
        prefixes = [f"{title}/" for title in self.titles] if len(inputs) > 1 else [""]
        self._starts = list(accumulate((len(source) for source in self._sources), initial=0))
        self.names = [
            prefix + name for prefix, source in zip(prefixes, self._sources, strict=True) for name in source.names
        ]
        self.sequences = [
            range(start + part.start, start + part.stop)
            for start, source in zip(self._starts, self._sources, strict=False)
            for part in source.sequences
        ]
        self.cut = [source.cut for source in self._sources if source.cut is not None]

    @property
    def paths(self) -> list[Path]:
        """Where each input is."""
        return [source.path for source in self._sources]

    @property
    def notes(self) -> list[str]:
        """Sentences on what is odd about an input as a whole; reads a few frames of each."""
        found: list[str] = []
        for source in self._sources:
            frames: list[Frame] = []
            for index in spread(len(source)):
                with contextlib.suppress(InputError):
                    frames.append(self._camera.seen(source[index].frame))
            found += [*source.notes, *(f"{source.path}: {sentence}" for sentence in shared_warnings(frames))]
        return found

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, index: int) -> RgbdFrame:
        """Read one frame.

        Raises:
            InputError: it cannot be used, or its picture holds no color, by which skin is detected.
        """
        number = self.input_of(index)
        rgbd = self._sources[number][index - self._starts[number]]
        if is_gray(rgbd.color):
            raise InputError(
                f"{self._sources[number].path}: the picture of {rgbd.name!r} is gray, as infrared cameras make them, "
                "expected color, by which skin is detected: take the pictures of the color camera."
            )
        return replace(rgbd, name=self.names[index], frame=self._camera.seen(rgbd.frame))

    def input_of(self, index: int) -> int:
        """Number of the input that a frame is from."""
        return bisect.bisect_right(self._starts, index) - 1

    def of_input(self, number: int) -> range:
        """Indices of an input's frames."""
        return range(self._starts[number], self._starts[number + 1])

    def first(self) -> Frame:
        """Depth of the first frame that can be read.

        Raises:
            InputError: no frame can; the sentence is that of the first.
        """
        reason: InputError | None = None
        for index in range(len(self)):
            try:
                return self[index].frame
            except InputError as error:
                reason = reason or error
        raise reason or InputError("The inputs hold no frame, expected recordings or folders with some: check them.")


def absolute(name: str) -> str:
    """An input's name that means the same in another folder."""
    kind, colon, path = name.partition(":")
    if Path(name).exists() or not colon:
        return str(Path(name).absolute())
    return f"{kind}:{Path(path).absolute()}"


def _titles(inputs: Sequence[str]) -> list[str]:
    """A name for each input."""
    titles = [_title(name) for name in inputs]
    for title in titles:
        if titles.count(title) > 1:
            raise InputError(
                f"Two inputs are called {title!r}, after which their frames are named, expected different names: "
                "rename one, or annotate them with different --out."
            )
    return titles


def _title(name: str) -> str:
    path = Path(name).absolute()
    return path.name if path.is_dir() else path.stem
