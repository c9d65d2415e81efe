"""Data sets made of stored ones that can be written again: a part, one with other splits, several in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from graspseg.datasets.combined import ConcatDataset, Subset
from graspseg.datasets.dataset import Sample, StoredDataset
from graspseg.datasets.description import Description
from graspseg.errors import InputError

_OF_ONE = ("splits", "per_frame", "converted", "split_facts")


class Selection(Subset, StoredDataset):
    """Some frames of a stored data set, which may be given other splits.

    Args:
        dataset: all frames.
        indices: which of them, ascending.
        made: how they were chosen, as JSON; a data set that is written from them says so.
        splits: the split of each chosen frame; None leaves them as they are.
    """

    def __init__(
        self,
        dataset: StoredDataset,
        indices: Sequence[int],
        *,
        made: Mapping[str, Any],
        splits: Sequence[str] | None = None,
    ) -> None:
        super().__init__(dataset, indices)
        self.path = dataset.path
        self._stored = dataset
        self._made = made
        self._splits = splits

    @property
    def paths(self) -> tuple[Path, ...]:
        """All places it is read from."""
        return self._stored.paths

    @property
    def origin(self) -> Mapping[str, Any]:
        """Where it is from, and how its frames were chosen."""
        return {**self._stored.origin, "frames": len(self), **self._made}

    @property
    def split_names(self) -> tuple[str, ...]:
        """The splits that were given, else those of all frames."""
        return super().split_names if self._splits is None else tuple(dict.fromkeys(self._splits))

    def splits_of(self, index: int) -> tuple[str, ...]:
        """The splits a frame is in."""
        return super().splits_of(index) if self._splits is None else (self._splits[index],)

    def beside(self) -> list[str]:
        """See `StoredDataset`."""
        return self._stored.beside()


class Merged(ConcatDataset, StoredDataset):
    """Frames of several stored data sets under names that are theirs alone: the name of their data set, then their own.

    Args:
        datasets: at least one.

    Raises:
        InputError: the color of some is aligned with the depth, or of another camera than that of others.
    """

    def __init__(self, datasets: Sequence[StoredDataset]) -> None:
        super().__init__(datasets)
        self._stored = tuple(datasets)
        self.path = datasets[0].path
        self.prefixes = unique_names([dataset.path for dataset in datasets])
        self._description = self._describe()

    def _describe(self) -> Description:
        contents = [dataset.description.content for dataset in self._stored]
        rigs = [content.get("color") for content in contents]
        if any(rig != rigs[0] for rig in rigs):
            raise InputError(
                f"{self._stored[0].path} and {self._stored[_differing(rigs)].path} have color of different cameras, "
                "expected the same field color in both: merge those of one camera, or leave color/ out."
            )
        shared = {key: value for key, value in contents[0].items() if all(each.get(key) == value for each in contents)}
        rows = [self._source(*pair) for pair in zip(self.prefixes, self._stored, strict=True)]
        content = {key: value for key, value in shared.items() if key not in (*_OF_ONE, "sources")}
        first = self._stored[0].description
        return Description(
            first.depth_unit_m if "depth_unit_m" in content else None,
            first.intrinsics if "intrinsics" in content else None,
            content={**content, "sources": rows},
            notes=tuple(note for dataset in self._stored for note in dataset.description.notes),
        )

    def _source(self, prefix: str, dataset: StoredDataset) -> dict[str, Any]:
        said = {key: value for key, value in dataset.description.content.items() if key not in _OF_ONE}
        return {"name": prefix, "frames": len(dataset), **said}

    @property
    def name(self) -> str:
        """The paths of all."""
        return ", ".join(str(dataset.path) for dataset in self._stored)

    @property
    def description(self) -> Description:
        """What all of them say, and for each in `sources` what it says."""
        return self._description

    @property
    def stems(self) -> Sequence[str]:
        """Name of every frame."""
        pairs = zip(self.prefixes, self._stored, strict=True)
        return [f"{prefix}/{stem}" for prefix, dataset in pairs for stem in dataset.stems]

    @property
    def paths(self) -> tuple[Path, ...]:
        """All places it is read from."""
        return tuple(path for dataset in self._stored for path in dataset.paths)

    @property
    def origin(self) -> Mapping[str, Any]:
        """The names of all, and how many frames each has."""
        return {"from": list(self.prefixes), "frames": [len(dataset) for dataset in self._stored]}

    def read(self, index: int) -> Sample:
        """Read one frame and its labels under its new name; see `Dataset`."""
        prefix, sample = self._prefix(index), super().read(index)
        return replace(sample, stem=f"{prefix}/{sample.stem}", facts=_renamed(prefix, sample.stem, sample.facts))

    def facts(self, index: int) -> Mapping[str, Any]:
        """What else is known of a frame; see `Dataset`."""
        dataset, own = self._find(index)
        return _renamed(self._prefix(index), dataset.stems[own], super().facts(index))

    def unlabeled(self) -> list[str]:
        """Stems of the frames without label image."""
        pairs = zip(self.prefixes, self._stored, strict=True)
        return [f"{prefix}/{stem}" for prefix, dataset in pairs for stem in dataset.unlabeled()]

    def beside(self) -> list[str]:
        """See `StoredDataset`."""
        return [sentence for dataset in self._stored for sentence in dataset.beside()]

    def _prefix(self, index: int) -> str:
        dataset, _ = self._find(index)
        return next(prefix for prefix, each in zip(self.prefixes, self._stored, strict=True) if each is dataset)


def unique_names(paths: Sequence[Path]) -> list[str]:
    """A name for each data set: that of its folder or tar, with a number where it comes again."""
    names: list[str] = []
    for path in paths:
        base = path.resolve().name.removesuffix(".tar") or "set"
        taken = {name.casefold() for name in names}  # names of files may not tell case
        numbers = (f"{base}-{number}" for number in range(2, len(paths) + len(names) + 2))
        names.append(base if base.casefold() not in taken else next(n for n in numbers if n.casefold() not in taken))
    return names


def _renamed(prefix: str, stem: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    own = facts.get("stem", stem)
    name = f"{prefix}/{own}" if isinstance(own, str) else own  # else a stranger's, which the writer refuses
    return {**facts, "stem": name, "source": prefix}


def _differing(values: Sequence[object]) -> int:
    return next(number for number, value in enumerate(values) if value != values[0])
