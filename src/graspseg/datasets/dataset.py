"""A frame with its labels, and what every stored data set can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from graspseg.datasets.description import Description
from graspseg.frame import Frame


@dataclass(frozen=True)
class Sample:
    """A frame with its labels.

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


@runtime_checkable
class Dataset(Protocol):
    """Frames on disk by index: a folder, shards, a public set. Copies travel to other processes and read at once."""

    @property
    def path(self) -> Path:
        """Where it is."""
        ...

    @property
    def description(self) -> Description:
        """What it says of itself."""
        ...

    @property
    def stems(self) -> Sequence[str]:
        """Name of every frame, equal to `Sample.stem`."""
        ...

    @property
    def split_names(self) -> tuple[str, ...]:
        """Splits it can be opened with."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Sample:
        """Read one frame and its labels; raises InputError if a file of the frame cannot be used."""
        ...

    def color(self, index: int) -> UInt8[np.ndarray, "_h _w 3"] | None:
        """The RGB picture of a frame, None when there is none; raises InputError if it cannot be used.

        It fits the depth pixel by pixel where `description.color_is_aligned`, else it is another camera's view.
        """
        ...

    def has_color(self, index: int) -> bool:
        """Whether a frame has an RGB picture."""
        ...

    def splits_of(self, index: int) -> tuple[str, ...]:
        """The splits a frame is in."""
        ...

    def unlabelled(self) -> list[str]:
        """Stems of the frames without label image."""
        ...
