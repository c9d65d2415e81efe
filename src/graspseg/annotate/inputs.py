"""Several recordings and data sets with color as one row of frames."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

from graspseg.frame import Frame, InputError
from graspseg.sources.rgbd import RgbdFrame, RgbdSource, open_rgbd


class Inputs:
    """The frames of all inputs, one input after the other; with several, each name begins with its input's.

    Args:
        inputs: folders, shards, recordings, or public data sets as NAME:PATH.

    Attributes:
        names: of all frames.
        sequences: ranges of indices of frames that follow each other in time.
        cut: sentences for what recordings that were cut have lost.

    Raises:
        InputError: one cannot be opened, or two have one name.
    """

    def __init__(self, inputs: Sequence[str]) -> None:
        self._sources: list[RgbdSource] = [open_rgbd(name) for name in inputs]
        self._prefixes = _prefixes(inputs)
        self._starts = list(accumulate((len(source) for source in self._sources), initial=0))
        self.names = [
            prefix + name for prefix, source in zip(self._prefixes, self._sources, strict=True) for name in source.names
        ]
        self.sequences = [
            range(start + part.start, start + part.stop)
            for start, source in zip(self._starts, self._sources, strict=False)
            for part in source.sequences
        ]
        self.cut = [source.cut for source in self._sources if source.cut is not None]

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, index: int) -> RgbdFrame:
        """Read one frame.

        Raises:
            InputError: it cannot be used.
        """
        number = bisect.bisect_right(self._starts, index) - 1
        return replace(self._sources[number][index - self._starts[number]], name=self.names[index])

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


def _prefixes(inputs: Sequence[str]) -> list[str]:
    """What the names of each input's frames begin with: nothing where there is only one input."""
    if len(inputs) == 1:
        return [""]
    stems = [short_name(name) for name in inputs]
    for stem in stems:
        if stems.count(stem) > 1:
            raise InputError(
                f"Two inputs are called {stem!r}, after which their frames are named, expected different names: rename "
                "one, or annotate them with different --out."
            )
    return [f"{stem}/" for stem in stems]


def short_name(name: str) -> str:
    """An input's name without folder and suffix."""
    path = Path(name).absolute()
    return path.name if path.is_dir() else path.stem
