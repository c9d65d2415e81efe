"""The one list of public data sets: open one, find out which one a folder holds, tell about all."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

from graspseg.datasets.public.dataset import PublicDataset
from graspseg.datasets.public.dexycb import DexYCB
from graspseg.datasets.public.handseg import HandSeg
from graspseg.datasets.public.ho3d import H2O3D, HO3D
from graspseg.datasets.public.hocap import HOCap
from graspseg.datasets.public.hograspnet import HOGraspNet
from graspseg.datasets.public.hoi4d import HOI4D
from graspseg.datasets.public.kang_hoi import KangHOI
from graspseg.datasets.public.nyu import NYU
from graspseg.datasets.public.taco import Taco
from graspseg.errors import InputError, did_you_mean, printable

DATASETS: dict[str, type[PublicDataset]] = {
    each.card.name: each for each in (DexYCB, HO3D, H2O3D, HOI4D, HOGraspNet, Taco, HOCap, KangHOI, HandSeg, NYU)
}

_TEXTS = ("name", "title", "frames", "sensor", "layout", "depth", "classes", "labels", "licence", "where", "citation")


def open_public(name: str, root: str | Path, *, split: str | None = None) -> PublicDataset:
    """Open a public data set in the layout it is downloaded in.

    Args:
        name: a key of `DATASETS`.
        root: folder it was unpacked into.
        split: one of the data set's own; None takes every frame that is there.

    Raises:
        InputError: unknown name or split, no such folder, another layout, or no frames.
    """
    if name not in DATASETS:
        meant = did_you_mean(name, DATASETS, otherwise="choose one.")
        raise InputError(f"{name!r} is no public data set, expected one of {', '.join(DATASETS)}: {meant}")
    return DATASETS[name](root, split=split)


def parse_named(data: str | Path) -> tuple[str, str | None, Path] | None:
    """Name, split and folder of what a command calls `NAME:PATH` or `NAME/SPLIT:PATH`.

    Returns:
        None when the text is something else, such as a file or folder of the user's own.
    """
    name, colon, path = str(data).partition(":")
    name, _, split = name.partition("/")
    if not colon or name not in DATASETS or Path(data).exists():
        return None
    return name, split or None, Path(path)


def public_name_meant(data: str | Path) -> str:
    """The end of a sentence about `NAME:PATH` that is nothing: which public data set is probably meant, else ''."""
    name, colon, _ = str(data).partition(":")
    return did_you_mean(name.partition("/")[0], DATASETS, otherwise="") if colon else ""


def open_named(data: str | Path, *, split: str | None = None, labeled: bool = True) -> PublicDataset | None:
    """Open the frames of what a command calls `NAME:PATH`, and print the notice to the standard error.

    Args:
        data: what the user typed.
        split: a split given otherwise; one in `data` wins.
        labeled: leave out frames without labels.

    Returns:
        None when `data` does not name a public data set.

    Raises:
        InputError: see `open_public`; or labels are requested and no frame has any.
    """
    found = parse_named(data)
    if found is None:
        return None
    name, inline, root = found
    dataset = open_public(name, root, split=inline or split)
    if labeled:
        dataset.keep_labeled()
    _tell(dataset.notice)
    return dataset


@cache
def _tell(notice: str) -> None:
    """Print a license notice, once."""
    print(f"graspseg: {printable(notice)}", file=sys.stderr)


def detect(root: str | Path) -> str | None:
    """Name of the public data set a folder holds, None when it is none of them."""
    folder = Path(root)
    if not folder.is_dir():
        return None
    return next((name for name, each in DATASETS.items() if each.matches(folder)), None)


def describe_all() -> list[dict[str, Any]]:
    """What a person chooses a data set by, as one record for each.

    Keys: name, title, frames, sensor, layout, depth, classes, labels, license, where, citation, splits, verified
    (whether every fact was read in a document of the makers), unverified (the facts that were not), sources (fact,
    where, official).
    """
    return [
        {
            **{key: getattr(card, key) for key in _TEXTS},
            "splits": list(card.splits),
            "verified": card.verified,
            "unverified": list(card.unverified),
            "sources": [{"fact": each.fact, "where": each.where, "official": each.official} for each in card.sources],
        }
        for card in (each.card for each in DATASETS.values())
    ]
