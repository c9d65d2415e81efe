"""What all public data sets have in common: a card that says where every fact was read, and frames by index."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import ClassVar, Literal, get_args

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from graspseg.datasets.dataset import Sample, StoredDataset
from graspseg.datasets.description import Description
from graspseg.datasets.images import read_color
from graspseg.errors import InputError
from graspseg.frame import Frame
from graspseg.labels import BACKGROUND, HAND, IGNORE

Fact = Literal["layout", "depth coding", "depth unit", "intrinsics", "labels", "splits", "licence"]
FACTS: tuple[Fact, ...] = get_args(Fact)
_NEAR_HAND_M = 0.15


@dataclass(frozen=True)
class Source:
    """Where one fact about a data set was read.

    Attributes:
        fact: what it is about.
        where: address of the file, or the document.
        official: whether the makers of the data set wrote it; what others wrote or what was inferred is unverified.
    """

    fact: Fact
    where: str
    official: bool = True


@dataclass(frozen=True)
class Card:
    """What a person wants to know before downloading a data set, and what messages say about it.

    Attributes:
        name: how commands call it.
        title: how its makers call it.
        frames: how many there are.
        sensor: depth camera.
        layout: folders and files as downloaded, below the folder a user names.
        depth: coding, unit and intrinsics in words.
        classes: what is labeled.
        labels: what the labels are and how they map to ours.
        splits: names that `split` takes.
        license: what its makers allow.
        where: home page.
        citation: the paper to cite.
        sources: where each fact was read.
    """

    name: str
    title: str
    frames: str
    sensor: str
    layout: str
    depth: str
    classes: Literal["hand and object", "hand", "none"]
    labels: str
    splits: tuple[str, ...]
    licence: str
    where: str
    citation: str
    sources: tuple[Source, ...]

    @property
    def unverified(self) -> tuple[Fact, ...]:
        """Facts that no document of the makers confirms."""
        return tuple(fact for fact in FACTS if not any(each.fact == fact and each.official for each in self.sources))

    @property
    def verified(self) -> bool:
        """Whether every fact was read in a document of the makers."""
        return not self.unverified

    @property
    def notice(self) -> str:
        """What a user of the data must know, as one sentence."""
        return f"{self.title}: {self.licence} See {self.where}; cite {self.citation}."


class PublicDataset(StoredDataset):
    """Frames of a public data set in the layout it is downloaded in, like `FolderDataset`.

    Frames are found once, by name; every read opens its own files, so that objects can be pickled and used in many
    processes.

    Args:
        root: folder with the data set.
        split: one of `card.splits`; None takes every frame that is there.

    Raises:
        InputError: no such folder, another layout, an unknown split, or no frames.
    """

    card: ClassVar[Card]

    def __init__(self, root: str | Path, *, split: str | None = None) -> None:
        self.path = Path(root)
        self.split = split
        if split is not None and split not in self.card.splits:
            expected = f"one of {', '.join(self.card.splits)}" if self.card.splits else "none"
            raise InputError(f"{self.card.title} has no split {split!r}, expected {expected}: name another one.")
        if not self.path.is_dir():
            raise InputError(f"{self.path} is no folder, expected {self.card.title} in there: {self._remedy}")
        if not self.matches(self.path):
            held = ", ".join(sorted(entry.name for entry in islice(self.path.iterdir(), 5))) or "nothing"
            raise InputError(f"{self.path} holds {held}, expected {self._layout}: {self._remedy}")
        self._stems = self._find()
        if not self._stems:
            of = "" if split is None else f" of split {split}"
            raise InputError(f"{self.path} holds no frames{of}, expected {self._layout}: {self._remedy}")

    @property
    def _layout(self) -> str:
        return f"{self.card.title} as {self.card.layout}"

    @property
    def _remedy(self) -> str:
        return f"name the folder it was unpacked into, or get it from {self.card.where}."

    @property
    def notice(self) -> str:
        """License, home page and citation as one sentence."""
        return self.card.notice

    @property
    def stems(self) -> list[str]:
        """Name of every frame, from its path as downloaded."""
        return self._stems

    @property
    def split_names(self) -> tuple[str, ...]:
        """Splits the makers define, as long as none was chosen."""
        return self.card.splits if self.split is None else ()

    @property
    def description(self) -> Description:
        """License and source; unit and camera belong to each frame."""
        return Description(
            content={"licence": self.card.licence, "provenance": f"{self.card.title}, {self.card.where}"}
        )

    @classmethod
    @abstractmethod
    def matches(cls, root: Path) -> bool:
        """Whether a folder looks like this data set; reads a few folder listings, no files."""

    @abstractmethod
    def _find(self) -> list[str]:
        """Stems of the frames of the split, in a fixed order."""

    @abstractmethod
    def frame(self, stem: str) -> Frame:
        """Read the depth of one frame.

        Raises:
            InputError: a file of this frame cannot be used.
        """

    def labels(self, stem: str, frame: Frame) -> UInt8[np.ndarray, "_h _w"] | None:
        """Read the labels of one frame, None when it has none.

        Raises:
            InputError: a file of this frame cannot be used.
        """
        return None

    def unlabeled(self) -> list[str]:
        """Stems of the frames without labels."""
        return list(self.stems)

    def keep_labeled(self) -> None:
        """Leave out the frames without labels.

        Raises:
            InputError: none is left.
        """
        left_out = set(self.unlabeled())
        kept = [stem for stem in self.stems if stem not in left_out]
        if not kept:
            raise InputError(
                f"{self.path} has labels for none of its {len(self.stems)} frames, expected some (labels of "
                f"{self.card.title}: {self.card.labels}): take another split or data set."
            )
        self._stems = kept

    def color_path(self, stem: str) -> Path | None:
        """The aligned picture of a frame, None when the data set has none."""
        return None

    def read(self, index: int) -> Sample:
        """Read one frame and its labels; see `Dataset`."""
        stem = self.stems[index]
        frame = self.frame(stem)
        return Sample(stem, frame, self.labels(stem, frame))

    def color(self, index: int) -> UInt8[np.ndarray, "_h _w 3"] | None:
        """The aligned RGB picture of a frame, None when there is none.

        Raises:
            InputError: it cannot be read or has another size than the depth.
        """
        stem = self.stems[index]
        path = self.color_path(stem)
        return read_color(path, self.frame(stem).depth.shape) if path is not None and path.is_file() else None

    def has_color(self, index: int) -> bool:
        """Whether a frame has an RGB picture."""
        path = self.color_path(self.stems[index])
        return path is not None and path.is_file()

    def splits_of(self, index: int) -> tuple[str, ...]:
        """The split that was chosen; in a whole data set nothing is known of a frame."""
        return () if self.split is None else (self.split,)


class LabeledDataset(PublicDataset):
    """A public data set with a file of labels for each frame, or for most."""

    @abstractmethod
    def labels_path(self, stem: str) -> Path:
        """The file a frame's labels come from; where it is missing the frame has none."""

    @abstractmethod
    def _read_labels(self, path: Path, stem: str, frame: Frame) -> UInt8[np.ndarray, "_h _w"]:
        """Labels from that file, in our numbers."""

    def labels(self, stem: str, frame: Frame) -> UInt8[np.ndarray, "_h _w"] | None:
        """Read the labels of one frame, None when it has none.

        Raises:
            InputError: a file of this frame cannot be used.
        """
        path = self.labels_path(stem)
        return self._read_labels(path, stem, frame) if path.is_file() else None

    def unlabeled(self) -> list[str]:
        """Stems of the frames without labels."""
        return [stem for stem in self.stems if not self.labels_path(stem).is_file()]


def label_hand_only(
    hand: Bool[np.ndarray, "h w"], depth_m: Float32[np.ndarray, "h w"], *, near_m: float = _NEAR_HAND_M
) -> UInt8[np.ndarray, "h w"]:
    """Labels of a data set that marks hands and nothing else.

    What is not marked may be a held object or the forearm, which would be OBJECT and HAND: everything measured within
    `near_m` of the hand's own range of depth is IGNORE. Without a hand all is background.

    Args:
        hand: pixels marked as hand.
        depth_m: meters, 0 = no measurement.
        near_m: how far in front of or behind the hand is near.
    """
    labels = np.where(hand, np.uint8(HAND), np.uint8(BACKGROUND))
    reached = depth_m[hand & (depth_m > 0)]
    if reached.size:
        near = (depth_m >= reached.min() - near_m) & (depth_m <= reached.max() + near_m) & (depth_m > 0)
        labels[near & ~hand] = IGNORE
    return labels
