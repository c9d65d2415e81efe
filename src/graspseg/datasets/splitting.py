"""Frames shared out among splits, so that no two neighbors of a recording are in different ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from graspseg.datasets.dataset import StoredDataset
from graspseg.datasets.selection import Selection
from graspseg.datasets.sequences import prefix_of
from graspseg.errors import InputError

Unit = Literal["sequence", "frame"]


def parse_shares(texts: Sequence[str]) -> dict[str, float]:
    """Shares by split from `NAME=SHARE`.

    Raises:
        InputError: one has another form, comes twice, is not above 0, or they do not add up to 1.
    """
    shares: dict[str, float] = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            share = float(value)
        except ValueError:
            share = math.nan
        if not (name.isprintable() and name.strip() == name != "") or name in shares or not 0 < share <= 1:
            raise InputError(f"--shares has {text!r}, expected each split once as NAME=SHARE: try train=0.8 val=0.2.")
        shares[name] = share
    if not math.isclose(sum(shares.values()), 1, abs_tol=1e-6):
        raise InputError(
            f"--shares add up to {sum(shares.values()):g}, expected 1 in all: try train=0.8 val=0.2, or leave frames "
            "out with graspseg dataset filter."
        )
    return shares


def split_dataset(dataset: StoredDataset, shares: Mapping[str, float], *, by: Unit, seed: int) -> Selection:
    """The same frames with other splits.

    Args:
        dataset: all frames; their splits of before are forgotten.
        shares: of the frames, by split; they add up to 1.
        by: what stays together: sequences of frames, or nothing but a frame.
        seed: of the draw; equal seeds and stems give equal splits.

    Raises:
        InputError: a split would have no frames, or the facts of a frame cannot be read.
    """
    groups = sequences_of(dataset) if by == "sequence" else [[index] for index in range(len(dataset))]
    splits = share_out([len(group) for group in groups], shares, seed=seed)
    empty = [name for name in shares if name not in splits]
    if empty:
        raise InputError(
            f"{dataset.path} has {len(groups)} {by}{'' if len(groups) == 1 else 's'} of {len(dataset)} frames, too few "
            f"for the split {empty[0]!r}: give fewer splits" + (", or --by frame." if by == "sequence" else ".")
        )
    of_frame = [""] * len(dataset)
    for group, split in zip(groups, splits, strict=True):
        for index in group:
            of_frame[index] = split
    made = {"shares": dict(shares), "by": by, "seed": seed}
    return Selection(dataset, range(len(dataset)), made=made, splits=of_frame)


def share_out(sizes: Sequence[int], shares: Mapping[str, float], *, seed: int) -> list[str]:
    """The split of each group: large ones first, each where most frames are missing; ties by lot.

    Args:
        sizes: number of frames of each group.
        shares: of all frames, by split.
        seed: of the draw.
    """
    order = np.random.default_rng(seed).permutation(len(sizes))
    missing = {name: share * sum(sizes) for name, share in shares.items()}
    splits = [""] * len(sizes)
    for group in sorted(order.tolist(), key=lambda group: -sizes[group]):
        splits[group] = max(missing, key=missing.__getitem__)
        missing[splits[group]] -= sizes[group]
    return splits


def sequences_of(dataset: StoredDataset) -> list[list[int]]:
    """Indices of frames that belong together: their stems differ in the number at the end only.

    Frames that the generator made one by one do not follow each other, whatever they are called.

    Raises:
        InputError: the facts of a frame, which name its stem in shards, cannot be read.
    """
    stems = dataset.stems
    general = dataset.description.content.get("recipe")
    found: dict[str, list[int]] = {}
    for index, stem in enumerate(stems):
        facts = dataset.facts(index)
        own = facts.get("stem", stem)
        clips = facts.get("clip_length", general.get("clip_length") if isinstance(general, dict) else None)
        name = own if isinstance(own, str) else stem
        found.setdefault(f"{index} alone" if clips == 0 else prefix_of(name), []).append(index)
    return list(found.values())
