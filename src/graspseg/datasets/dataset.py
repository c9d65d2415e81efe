"""A frame with its labels, and what everything that gives such frames has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64, UInt8

from graspseg.datasets.description import Description
from graspseg.errors import InputError
from graspseg.frame import Frame

ENDLESS = 1 << 40
"""Length of a data set that never ends."""
_TRAINED_WITH = ("depth", "pixel_angle", "labels")


@dataclass(frozen=True)
class Sample(Mapping[str, np.ndarray]):
    """A frame with its labels.

    Also a mapping of what a network is trained with, so that torch's `DataLoader(dataset, batch_size=8)` makes batches:
    `depth` float32 of shape (1, h, w) in meters, 0 = no measurement; `pixel_angle` float32 without dimension, radians a
    pixel covers; `labels` int64 of shape (h, w). A frame without labels raises InputError there.

    Attributes:
        stem: name of the frame inside the data set without suffix, `/` between folders; in shards its key.
        frame: the depth image.
        labels: 0 background, 1 hand, 2 object, 255 ignore; None when the frame has no label image.
        facts: what else is known of the frame, such as `stem` (its name before it became part of a shard), `objects`
            (a list of names), `hand` or `subject`.
    """

    stem: str
    frame: Frame
    labels: UInt8[np.ndarray, "_h _w"] | None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, key: str, /) -> np.ndarray:
        """What a network is trained with, see the class.

        Raises:
            KeyError: none of `depth`, `pixel_angle` and `labels`.
            InputError: labels of a frame that has none.
        """
        if key == "depth":
            return self.frame.depth_m()[None]
        if key == "pixel_angle":
            return np.array(1.0 / self.frame.intrinsics_or_default().fx, np.float32)
        if key == "labels":
            return self.target().astype(np.int64)
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(_TRAINED_WITH)

    def __len__(self) -> int:
        return len(_TRAINED_WITH)

    def target(self) -> UInt8[np.ndarray, "_h _w"]:
        """The labels of a frame that must have some.

        Raises:
            InputError: it has none.
        """
        if self.labels is None:
            raise InputError(f"{self.stem} has no label image, expected one: label the frame or take it out.")
        return self.labels


class Dataset(ABC):
    """Labeled frames by index, wherever they come from: a disk, the generator, a cache, or other data sets.

    A data set of one's own gives `stems` and `read`, the rest follows. Equal indices give equal frames; copies travel
    to other processes and read at once.

    Examples:
        >>> [sample.stem for sample in dataset]  # doctest: +SKIP
    """

    @property
    @abstractmethod
    def stems(self) -> Sequence[str]:
        """Name of every frame, equal to `Sample.stem`."""

    @abstractmethod
    def read(self, index: int) -> Sample:
        """Read or make the frame at an index from 0 to `len` excluded, and its labels.

        Raises:
            InputError: a file of the frame cannot be used.
        """

    @property
    def name(self) -> str:
        """What messages call it."""
        return type(self).__name__

    @property
    def description(self) -> Description:
        """What it says of itself."""
        return Description()

    @property
    def split_names(self) -> tuple[str, ...]:
        """Splits it can be opened with."""
        return ()

    def __len__(self) -> int:
        return len(self.stems)

    def __getitem__(self, index: int, /) -> Sample:
        """Read one frame and its labels; a negative index counts from the end.

        Raises:
            IndexError: there is no such frame.
            InputError: a file of the frame cannot be used.
        """
        return self.read(self.place(index))

    def __iter__(self) -> Iterator[Sample]:
        return (self.read(index) for index in range(len(self)))

    def place(self, index: int) -> int:
        """An index counted from the beginning.

        Raises:
            IndexError: there is no such frame.
        """
        count = len(self)
        if not -count <= index < count:
            raise IndexError(f"{self.name} has {count} frames, expected an index below that: found {index}.")
        return index + count if index < 0 else index

    @property
    def paths(self) -> tuple[Path, ...]:
        """All places on a disk it is read from."""
        return ()

    @property
    def origin(self) -> Mapping[str, Any]:
        """What a data set that is written from it says of where it is from, as JSON."""
        return {"from": Path(self.name).name, "frames": len(self)}

    def beside(self) -> list[str]:
        """A sentence for every file that lies beside the frames, looks like some and is left out.

        Raises:
            InputError: the folder cannot be listed.
        """
        return []

    def facts(self, index: int) -> Mapping[str, Any]:
        """What else is known of a frame, see `Sample.facts`.

        Raises:
            IndexError: there is no such frame.
            InputError: it cannot be read.
        """
        return self[index].facts

    def color(self, index: int) -> UInt8[np.ndarray, "_h _w 3"] | None:
        """The RGB picture of a frame, None when there is none.

        It fits the depth pixel by pixel where `description.color_is_aligned`, else it is another camera's view.

        Raises:
            InputError: it cannot be used.
        """
        return None

    def has_color(self, index: int) -> bool:
        """Whether a frame has an RGB picture."""
        return False

    def splits_of(self, index: int) -> tuple[str, ...]:
        """The splits a frame is in."""
        return ()

    def unlabeled(self) -> list[str]:
        """Stems of the frames without label image, as far as that is known without reading any."""
        return []

    def block_starts(self) -> Int64[np.ndarray, "blocks"]:
        """Index of the first frame of every block, ascending from 0; frames of one block are better read together."""
        return np.arange(len(self))


class StoredDataset(Dataset):
    """Frames on a disk.

    Attributes:
        path: where.
    """

    path: Path

    @property
    def name(self) -> str:
        """Its path."""
        return str(self.path)

    @property
    def paths(self) -> tuple[Path, ...]:
        """All places it is read from."""
        return (self.path,)
