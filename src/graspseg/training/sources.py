"""Where labeled frames for training come from: made from seeds, or read from disk. Imports no torch."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from graspseg.datasets.combined import ConcatDataset, Subset
from graspseg.datasets.dataset import Dataset
from graspseg.datasets.decisions import accepted_only
from graspseg.datasets.frame_warnings import warnings_of
from graspseg.datasets.open import open_dataset
from graspseg.datasets.public.registry import parse_named
from graspseg.errors import InputError, print_escaped, printable
from graspseg.labels import CLASS_NAMES
from graspseg.synth.dataset import SyntheticDataset
from graspseg.training.presets import TrainConfig

_VAL_SEED = 7
_LOOKED_AT = 100
_TOLD = 5


class Skipped:
    """Frames of a run that could not be used; the first few are reported when they are met."""

    def __init__(self) -> None:
        self._reasons: dict[str, None] = {}

    @property
    def reasons(self) -> list[str]:
        """A sentence for each such frame, which names its file, in the order they were first met."""
        return list(self._reasons)

    def add(self, reasons: Iterable[str]) -> None:
        """Count frames, each once however often it is met."""
        for reason in reasons:
            if reason in self._reasons:
                continue
            self._reasons[reason] = None
            if len(self._reasons) <= _TOLD:
                more = " (more such frames are only counted)" if len(self._reasons) == _TOLD else ""
                print(f"graspseg: skipped: {printable(reason)}{more}", file=sys.stderr, flush=True)

    def restore(self, reasons: Iterable[str]) -> None:
        """Put before those met so far what an interrupted run had met and reported."""
        self._reasons = dict.fromkeys([*reasons, *self._reasons])


def open_stored(paths: Sequence[Path], *, split: str | None = None) -> ConcatDataset:
    """Labeled frames of data sets on disk, one after the other; of reviewed folders the accepted frames.

    Args:
        paths: labeled data sets: folders, shards, or public ones as `NAME:PATH`.
        split: only frames that the data sets list under this name; None = all.

    Raises:
        InputError: a data set is not one, has frames without labels, or was reviewed and none was accepted.
    """
    found = [accepted_only(open_dataset(path, split=split), split=split, say=print_escaped) for path in paths]
    for each in found:
        for sentence in warnings_of(each):
            print(f"graspseg: warning: {printable(sentence)}", file=sys.stderr, flush=True)
        missing = each.unlabeled()
        if missing:
            raise InputError(
                f"{each.name} has {len(missing)} frames without labels (the first is {missing[0]}), expected "
                "a label image for each: label them or take the frames out."
            )
    return ConcatDataset(found)


def open_frames(config: TrainConfig) -> tuple[Dataset, Dataset]:
    """Frames to train on and to validate on, as the settings say.

    Data sets that have the splits `train` and `val` are split so; of others the last tenth validates, a
    closed stretch because neighbors in a recording are almost equal.

    Raises:
        InputError: see `open_stored` and `check_frames`.
    """
    chosen = config.validation
    val: Dataset | None = open_stored(chosen.data) if chosen.data else None
    if not config.data:
        train: Dataset = SyntheticDataset(
            "train",
            config.seed,
            recipes=config.recipes,
            count=config.frames,
            backgrounds=config.backgrounds,
            left_out=config.left_out,
        )
        return train, val or SyntheticDataset("val", _VAL_SEED, recipes=config.recipes, count=chosen.frames)
    # The makers' splits of a public data set may not all be on this disk.
    splits = [() if parse_named(path) else open_dataset(path).split_names for path in config.data]
    if all({"train", "val"} <= set(each) for each in splits):
        train, val = open_stored(config.data, split="train"), val or open_stored(config.data, split="val")
    else:
        train = open_stored(config.data)
        if val is None and len(train) > 1:
            held = min(max(len(train) // 10, 1), chosen.frames)
            val = Subset(train, range(len(train) - held, len(train)))
            train = Subset(train, range(len(train) - held))
    return train, val or train


def check_frames(source: Dataset, name: str, *, same_size: bool, skipped: Skipped) -> tuple[str, ...]:
    """Read frames until every class was seen, so that a set nothing can be learned from is found before training.

    What lies beside the frames and is left out counts as skipped.

    Args:
        source: labeled frames.
        name: what messages call them.
        same_size: whether all frames must have one size; then all are read.
        skipped: counts the frames that cannot be used.

    Returns:
        Names of the classes among hand and object that no frame holds.

    Raises:
        InputError: no frames, most of them cannot be used, one class only, or frames of several sizes.
    """
    if len(source) == 0:
        raise InputError(f"{name} holds no frames, expected labeled ones: make some with graspseg annotate or synth.")
    spread = [number * len(source) // min(len(source), _LOOKED_AT) for number in range(min(len(source), _LOOKED_AT))]
    seen: set[int] = set()
    shape = None
    unusable: list[str] = []
    for number, index in enumerate(dict.fromkeys([*spread, *range(len(source))]), start=1):
        try:
            labels = source[index].target()
        except InputError as error:
            unusable.append(str(error))
        else:
            shape = shape or labels.shape
            if same_size and labels.shape != shape:
                raise InputError(
                    f"{name} holds frames of {shape[1]} x {shape[0]} and {labels.shape[1]} x "
                    f"{labels.shape[0]} pixels, expected one size: train with --views.kind window."
                )
            seen |= {label for label in range(len(CLASS_NAMES)) if np.any(labels == label)}
        if number == len(spread):
            check_mostly_usable(name, unusable, number)
        if number >= len(spread) and len(seen) == len(CLASS_NAMES) and not same_size:
            break
    else:
        check_mostly_usable(name, unusable, len(source))
    skipped.add([*source.beside(), *unusable])
    return _absent_classes(seen, name)


def check_mostly_usable(name: str, unusable: Sequence[str], count: int) -> None:
    """See that frames that cannot be used are exceptions.

    Args:
        name: what the message calls the frames.
        unusable: why frames could not be used, a sentence each.
        count: how many were tried.

    Raises:
        InputError: more than half could not be used.
    """
    if 2 * len(unusable) > count:
        raise InputError(
            f"{name}: {len(unusable)} of {count} frames tried cannot be used, expected most of them to be whole; the "
            f"first: {unusable[0]}"
        )


def _absent_classes(seen: set[int], name: str) -> tuple[str, ...]:
    if len(seen) < 2 or not seen - {0}:
        found = ", ".join(CLASS_NAMES[label] for label in sorted(seen)) or "no class"
        raise InputError(
            f"The labels of {name} hold {found} only, expected hand or object beside it: check the labels."
        )
    return tuple(CLASS_NAMES[label] for label in (1, 2) if label not in seen)
