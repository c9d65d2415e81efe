"""Data sets made of others: several in a row, or a part of one."""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from jaxtyping import Int64, UInt8

from graspseg.datasets.dataset import Dataset, Sample
from graspseg.datasets.description import Description


class ConcatDataset(Dataset):
    """Frames of several data sets, one after the other.

    Args:
        datasets: at least one.
    """

    def __init__(self, datasets: Sequence[Dataset]) -> None:
        self.datasets = tuple(datasets)
        self._starts = list(accumulate(map(len, self.datasets), initial=0))

    @property
    def name(self) -> str:
        """What messages call it."""
        return ", ".join(each.name for each in self.datasets)

    @property
    def description(self) -> Description:
        """That of the only data set; of several only what is odd about each."""
        found = [each.description for each in self.datasets]
        return found[0] if len(found) == 1 else Description(notes=tuple(note for each in found for note in each.notes))

    @property
    def stems(self) -> Sequence[str]:
        """Name of every frame; those of two data sets may be the same."""
        return [stem for each in self.datasets for stem in each.stems]

    @property
    def split_names(self) -> tuple[str, ...]:
        """Splits that every data set has."""
        return tuple(name for name in self.datasets[0].split_names if all(name in s.split_names for s in self.datasets))

    def __len__(self) -> int:
        return self._starts[-1]

    def read(self, index: int) -> Sample:
        """Read one frame and its labels; see `Dataset`."""
        dataset, own = self._find(index)
        return dataset.read(own)

    def facts(self, index: int) -> Mapping[str, Any]:
        """What else is known of a frame; see `Dataset`."""
        dataset, own = self._find(index)
        return dataset.facts(own)

    def color(self, index: int) -> UInt8[np.ndarray, "_h _w 3"] | None:
        """The RGB picture of a frame; see `Dataset`."""
        dataset, own = self._find(index)
        return dataset.color(own)

    def has_color(self, index: int) -> bool:
        """Whether a frame has an RGB picture."""
        dataset, own = self._find(index)
        return dataset.has_color(own)

    def splits_of(self, index: int) -> tuple[str, ...]:
        """The splits a frame is in."""
        dataset, own = self._find(index)
        return dataset.splits_of(own)

    def beside(self) -> list[str]:
        """What lies beside the frames of every data set; see `Dataset`."""
        return list(dict.fromkeys(sentence for each in self.datasets for sentence in each.beside()))

    def unlabeled(self) -> list[str]:
        """Stems of the frames without label image."""
        return [stem for each in self.datasets for stem in each.unlabeled()]

    def block_starts(self) -> Int64[np.ndarray, "blocks"]:
        """Blocks of every data set."""
        pairs = zip(self._starts, self.datasets, strict=False)
        return np.concatenate([start + each.block_starts() for start, each in pairs])

    def _find(self, index: int) -> tuple[Dataset, int]:
        """The data set of a frame, and the index there."""
        index = self.place(index)
        number = bisect.bisect_right(self._starts, index) - 1
        return self.datasets[number], index - self._starts[number]


class Subset(Dataset):
    """Some frames of a data set.

    Args:
        dataset: all frames.
        indices: which of them, ascending.
    """

    def __init__(self, dataset: Dataset, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    @property
    def name(self) -> str:
        """That of all frames."""
        return self.dataset.name

    @property
    def description(self) -> Description:
        """That of all frames."""
        return self.dataset.description

    @property
    def stems(self) -> Sequence[str]:
        """Name of every frame."""
        stems = self.dataset.stems
        if isinstance(self.indices, range):
            return stems[self.indices.start : self.indices.stop]
        return [stems[index] for index in self.indices]

    @property
    def split_names(self) -> tuple[str, ...]:
        """Those of all frames."""
        return self.dataset.split_names

    def __len__(self) -> int:
        return len(self.indices)

    def read(self, index: int) -> Sample:
        """Read one frame and its labels; see `Dataset`."""
        return self.dataset.read(self.indices[index])

    def facts(self, index: int) -> Mapping[str, Any]:
        """What else is known of a frame; see `Dataset`."""
        return self.dataset.facts(self.indices[index])

    def color(self, index: int) -> UInt8[np.ndarray, "_h _w 3"] | None:
        """The RGB picture of a frame; see `Dataset`."""
        return self.dataset.color(self.indices[index])

    def has_color(self, index: int) -> bool:
        """Whether a frame has an RGB picture."""
        return self.dataset.has_color(self.indices[index])

    def splits_of(self, index: int) -> tuple[str, ...]:
        """The splits a frame is in."""
        return self.dataset.splits_of(self.indices[index])

    def beside(self) -> list[str]:
        """What lies beside all frames; see `Dataset`."""
        return self.dataset.beside()

    def unlabeled(self) -> list[str]:
        """Stems of the frames without label image."""
        own = set(self.stems)
        return [stem for stem in self.dataset.unlabeled() if stem in own]

    def block_starts(self) -> Int64[np.ndarray, "blocks"]:
        """Blocks of the data set as far as they are in the part."""
        if isinstance(self.indices, range):
            starts = self.dataset.block_starts() - self.indices.start
            return np.union1d([0], starts[(starts > 0) & (starts < len(self))]).astype(np.int64)
        blocks = np.searchsorted(self.dataset.block_starts(), np.asarray(self.indices), side="right")
        return np.concatenate([[0], np.flatnonzero(np.diff(blocks)) + 1]).astype(np.int64)
