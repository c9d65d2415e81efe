"""Where labelled frames for training come from: made from seeds, or read from disk. Imports no torch."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from graspseg.datasets.decisions import accepted_only
from graspseg.datasets.doubts import doubts_of
from graspseg.datasets.open import open_dataset
from graspseg.datasets.public.registry import parse_named
from graspseg.datasets.shards import ShardDataset
from graspseg.errors import InputError, print_escaped, printable
from graspseg.frame import Intrinsics
from graspseg.labels import CLASS_NAMES
from graspseg.synth.preset_names import PresetName
from graspseg.training.presets import TrainConfig

if TYPE_CHECKING:
    from graspseg.synth.generate import FrameMaker

ENDLESS = 1 << 40
_VAL_SEED = 7
_LOOKED_AT = 100
_TOLD = 5


class LabelledFrame(NamedTuple):
    """A frame as training needs it.

    Attributes:
        depth_m: metres, 0 = no measurement.
        labels: 0/1/2/255.
        intrinsics: the camera.
    """

    depth_m: Float32[np.ndarray, "h w"]
    labels: UInt8[np.ndarray, "h w"]
    intrinsics: Intrinsics


@runtime_checkable
class FrameSource(Protocol):
    """Labelled frames by index; equal indices give equal frames in every process."""

    def __len__(self) -> int: ...

    def frame(self, index: int) -> LabelledFrame:
        """The frame at an index."""
        ...


@runtime_checkable
class Blocked(Protocol):
    """A source whose frames lie in blocks that are better read one block after the other."""

    def block_starts(self) -> Int64[np.ndarray, "blocks"]:
        """Index of the first frame of every block, ascending from 0."""
        ...


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


class SyntheticFrames:
    """Frames made on the fly, a pure function of split, seed and index.

    Args:
        split: whose hands and objects.
        seed: seed of all frames.
        recipes: presets of the generator, which make the frames in turn.
        count: number of distinct frames; 0 = endless.
        backgrounds: folders of recorded frames without hands; none = those that ship.
        left_out: frames of them that are not used, as `SET/STEM`.
    """

    def __init__(
        self,
        split: Literal["train", "val", "unseen"],
        seed: int,
        *,
        recipes: Sequence[PresetName],
        count: int = 0,
        backgrounds: Sequence[Path] = (),
        left_out: Sequence[str] = (),
    ) -> None:
        self.backgrounds = tuple(backgrounds)
        self.left_out = tuple(left_out)
        self.split: Literal["train", "val", "unseen"] = split
        self.seed = seed
        self.recipes = tuple(recipes)
        self.count = count or ENDLESS
        self._makers: dict[PresetName, FrameMaker] = {}

    def __len__(self) -> int:
        return self.count

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_makers": {}}

    def frame(self, index: int) -> LabelledFrame:
        """Make one frame; the first call for each recipe of a process loads the models."""
        name = self.recipes[index % len(self.recipes)]
        if name not in self._makers:
            from graspseg.synth.generate import FrameMaker
            from graspseg.synth.recipe import Recipe
            from graspseg.synth.scene.backgrounds import Backgrounds

            recorded = Backgrounds(self.backgrounds, left_out=self.left_out) if self.backgrounds else None
            recipe = Recipe.preset(name)
            self._makers[name] = FrameMaker(self.split, self.seed, recipe=recipe, backgrounds=recorded)
        made = self._makers[name].make(index)
        return LabelledFrame(made.depth_m, made.labels, made.intrinsics)


class StoredFrames:
    """Labelled frames of folders or sets of shards, one after the other; of reviewed folders the accepted frames.

    Args:
        paths: labelled data sets: folders, shards, or public ones as `NAME:PATH`.
        split: only frames that the data sets list under this name; None = all.

    Raises:
        InputError: a data set is not one, has frames without labels, or was reviewed and none was accepted.
    """

    def __init__(self, paths: Sequence[Path], *, split: str | None = None) -> None:
        self.paths = tuple(paths)
        self._sets = [accepted_only(open_dataset(path, split=split), split=split, say=print_escaped) for path in paths]
        self._ends = np.cumsum([len(each) for each in self._sets])
        for each in self._sets:
            for sentence in doubts_of(each):
                print(f"graspseg: warning: {printable(sentence)}", file=sys.stderr, flush=True)
            missing = each.unlabelled()
            if missing:
                raise InputError(
                    f"{each.path} has {len(missing)} frames without labels (the first is {missing[0]}), expected "
                    "a label image for each: label them or take the frames out."
                )

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def frame(self, index: int) -> LabelledFrame:
        """Read one frame.

        Raises:
            InputError: the frame cannot be read or has no labels.
        """
        which = int(np.searchsorted(self._ends, index, side="right"))
        start = int(self._ends[which - 1]) if which else 0
        sample = self._sets[which][index - start]
        if sample.labels is None:
            raise InputError(
                f"{self.paths[which]}: the labels of {sample.stem} vanished during training: restore them."
            )
        return LabelledFrame(sample.frame.depth_m(), sample.labels, sample.frame.intrinsics_or_default())

    def block_starts(self) -> Int64[np.ndarray, "blocks"]:
        """Where shards begin; each frame of a folder is a block of its own."""
        first = np.concatenate([[0], self._ends[:-1]])
        starts = [each.shard_starts if isinstance(each, ShardDataset) else range(len(each)) for each in self._sets]
        return np.concatenate([start + np.asarray(own, np.int64) for start, own in zip(first, starts, strict=True)])


class FrameRange:
    """Consecutive frames of a source.

    Args:
        source: all frames.
        indices: which of them.
    """

    def __init__(self, source: FrameSource, indices: range) -> None:
        self.source = source
        self.indices = indices

    def __len__(self) -> int:
        return len(self.indices)

    def frame(self, index: int) -> LabelledFrame:
        """The frame at a place of the range."""
        return self.source.frame(self.indices[index])

    def block_starts(self) -> Int64[np.ndarray, "blocks"]:
        """Blocks of the source as far as they are in the range."""
        if not isinstance(self.source, Blocked):
            return np.arange(len(self))
        starts = self.source.block_starts() - self.indices.start
        return np.union1d([0], starts[(starts > 0) & (starts < len(self))]).astype(np.int64)


def open_frames(config: TrainConfig) -> tuple[FrameSource, FrameSource]:
    """Frames to train on and to validate on, as the settings say.

    Data sets that have the splits `train` and `val` are split so; of others the last tenth validates, a
    closed stretch because neighbours in a recording are almost equal.

    Raises:
        InputError: see `StoredFrames` and `check_frames`.
    """
    chosen = config.validation
    val: FrameSource | None = StoredFrames(chosen.data) if chosen.data else None
    if not config.data:
        train: FrameSource = SyntheticFrames(
            "train",
            config.seed,
            recipes=config.recipes,
            count=config.frames,
            backgrounds=config.backgrounds,
            left_out=config.left_out,
        )
        return train, val or SyntheticFrames("val", _VAL_SEED, recipes=config.recipes, count=chosen.frames)
    # The makers' splits of a public data set may not all be on this disk.
    splits = [() if parse_named(path) else open_dataset(path).split_names for path in config.data]
    if all({"train", "val"} <= set(each) for each in splits):
        train, val = StoredFrames(config.data, split="train"), val or StoredFrames(config.data, split="val")
    else:
        train = StoredFrames(config.data)
        if val is None and len(train) > 1:
            held = min(max(len(train) // 10, 1), chosen.frames)
            val = FrameRange(train, range(len(train) - held, len(train)))
            train = FrameRange(train, range(len(train) - held))
    return train, val or train


def check_frames(source: FrameSource, name: str, *, same_size: bool, skipped: Skipped) -> tuple[str, ...]:
    """Read frames until every class was seen, so that a set nothing can be learned from is found before training.

    Args:
        source: labelled frames.
        name: what messages call them.
        same_size: whether all frames must have one size; then all are read.
        skipped: counts the frames that cannot be used.

    Returns:
        Names of the classes among hand and object that no frame holds.

    Raises:
        InputError: no frames, most of them cannot be used, one class only, or frames of several sizes.
    """
    if len(source) == 0:
        raise InputError(f"{name} holds no frames, expected labelled ones: make some with graspseg annotate or synth.")
    spread = [number * len(source) // min(len(source), _LOOKED_AT) for number in range(min(len(source), _LOOKED_AT))]
    seen: set[int] = set()
    shape = None
    unusable: list[str] = []
    for number, index in enumerate(dict.fromkeys([*spread, *range(len(source))]), start=1):
        try:
            frame = source.frame(index)
        except InputError as error:
            unusable.append(str(error))
        else:
            shape = shape or frame.labels.shape
            if same_size and frame.labels.shape != shape:
                raise InputError(
                    f"{name} holds frames of {shape[1]} x {shape[0]} and {frame.labels.shape[1]} x "
                    f"{frame.labels.shape[0]} pixels, expected one size: train with --views.kind window."
                )
            seen |= {label for label in range(len(CLASS_NAMES)) if np.any(frame.labels == label)}
        if number == len(spread):
            check_mostly_usable(name, unusable, number)
        if number >= len(spread) and len(seen) == len(CLASS_NAMES) and not same_size:
            break
    else:
        check_mostly_usable(name, unusable, len(source))
    skipped.add(unusable)
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
