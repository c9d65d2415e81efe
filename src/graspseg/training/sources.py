"""Where labelled frames for training come from: made from seeds, or read from folders. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, UInt8

from graspseg.datasets.folder import FolderDataset
from graspseg.frame import InputError, Intrinsics
from graspseg.labels import CLASS_NAMES
from graspseg.training.presets import TrainConfig

ENDLESS = 1 << 40
_VAL_SEED = 7


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


class SyntheticFrames:
    """Frames made on the fly, a pure function of split, seed and index.

    Args:
        split: whose hands and objects.
        seed: seed of all frames.
        count: number of distinct frames; 0 = endless.
    """

    def __init__(self, split: Literal["train", "val", "unseen"], seed: int, *, count: int = 0) -> None:
        self.split: Literal["train", "val", "unseen"] = split
        self.seed = seed
        self.count = count or ENDLESS
        self._maker = None

    def __len__(self) -> int:
        return self.count

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_maker": None}

    def frame(self, index: int) -> LabelledFrame:
        """Make one frame; the first call of a process loads the models."""
        if self._maker is None:
            from graspseg.synth.generate import FrameMaker

            self._maker = FrameMaker(self.split, self.seed)
        made = self._maker.make(index)
        return LabelledFrame(made.depth_m, made.labels, made.intrinsics)


class FolderFrames:
    """Labelled frames of one or more folders, one after the other.

    Args:
        folders: labelled folders of graspseg's layout.
        split: only frames that `dataset.json` lists under this name; None = all.

    Raises:
        InputError: a folder is not one, or has frames without labels.
    """

    def __init__(self, folders: Sequence[Path], *, split: str | None = None) -> None:
        self.folders = tuple(folders)
        self._sets = [FolderDataset(path, split=split) for path in folders]
        self._ends = np.cumsum([len(each) for each in self._sets])
        for each in self._sets:
            missing = [stem for stem in each.stems if not (each.path / "labels" / f"{stem}.png").is_file()]
            if missing:
                raise InputError(
                    f"{each.path} has {len(missing)} frames without labels (the first is {missing[0]}), expected "
                    f"labels/{missing[0]}.png: label them or take the frames out."
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
                f"{self.folders[which]}: the labels of {sample.stem} vanished during training: restore them."
            )
        return LabelledFrame(sample.frame.depth_m(), sample.labels, sample.frame.intrinsics_or_default())


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


def open_frames(config: TrainConfig) -> tuple[FrameSource, FrameSource]:
    """Frames to train on and to validate on, as the settings say.

    Folders whose `dataset.json` has the splits `train` and `val` are split so; of others the last tenth validates, a
    closed stretch because neighbours in a recording are almost equal.

    Raises:
        InputError: see `FolderFrames` and `check_frames`.
    """
    chosen = config.validation
    val: FrameSource | None = FolderFrames(chosen.data) if chosen.data else None
    if not config.data:
        train: FrameSource = SyntheticFrames("train", config.seed, count=config.frames)
        return train, val or SyntheticFrames("val", _VAL_SEED, count=chosen.frames)
    splits = [FolderDataset(path).description.splits or {} for path in config.data]
    if all({"train", "val"} <= set(each) for each in splits):
        train, val = FolderFrames(config.data, split="train"), val or FolderFrames(config.data, split="val")
    else:
        train = FolderFrames(config.data)
        if val is None and len(train) > 1:
            held = min(max(len(train) // 10, 1), chosen.frames)
            val = FrameRange(train, range(len(train) - held, len(train)))
            train = FrameRange(train, range(len(train) - held))
    return train, val or train


def check_frames(source: FrameSource, name: str, *, same_size: bool) -> tuple[str, ...]:
    """Read frames until every class was seen, so that a set nothing can be learned from is found before training.

    Args:
        source: labelled frames.
        name: what messages call them.
        same_size: whether all frames looked at must have one size.

    Returns:
        Names of the classes among hand and object that no frame holds.

    Raises:
        InputError: no frames, frames without labels, one class only, or frames of several sizes.
    """
    if len(source) == 0:
        raise InputError(f"{name} holds no frames, expected labelled ones: make some with graspseg annotate or synth.")
    seen: set[int] = set()
    shape = None
    for index in range(len(source)):
        frame = source.frame(index)
        shape = shape or frame.labels.shape
        if same_size and frame.labels.shape != shape:
            raise InputError(
                f"{name} holds frames of {shape[1]} x {shape[0]} and {frame.labels.shape[1]} x {frame.labels.shape[0]} "
                "pixels, expected one size: train with --views.kind window."
            )
        seen |= {label for label in range(len(CLASS_NAMES)) if np.any(frame.labels == label)}
        if len(seen) == len(CLASS_NAMES) and not same_size:
            return ()
    if len(seen) < 2 or not seen - {0}:
        found = ", ".join(CLASS_NAMES[label] for label in sorted(seen)) or "no class"
        raise InputError(
            f"The labels of {name} hold {found} only, expected hand or object beside it: check the labels."
        )
    return tuple(CLASS_NAMES[label] for label in (1, 2) if label not in seen)
