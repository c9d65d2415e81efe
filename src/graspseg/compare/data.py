"""Which frames a comparison trains and judges on, by the names a user gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from graspseg.compare.cells import ComparedFrames
from graspseg.compare.fingerprint import fingerprint
from graspseg.compare.frames import CachedFrames, Size, cache_frames
from graspseg.datasets.dataset import Dataset
from graspseg.datasets.frame_warnings import warn_beside
from graspseg.datasets.public.registry import parse_named
from graspseg.errors import InputError
from graspseg.evaluation.samples import open_samples
from graspseg.synth.dataset import SyntheticDataset
from graspseg.synth.preset_names import PRESETS
from graspseg.training.presets import TrainConfig
from graspseg.training.sources import Skipped, check_frames, open_frames

VAL_FRAMES = 64
_TRAIN_SEED, _VAL_SEED = 0, 7
_SYNTH = "synth:"


def compared_frames(
    data: str,
    train: str | None,
    *,
    count: int,
    size: Size,
    folder: Path,
    workers: int,
    progress: Callable[[str, int, int], None],
) -> ComparedFrames:
    """Make or read all frames of a comparison once, reduce them, and keep them in a folder.

    Args:
        data: frames to judge on, see `open_samples`.
        train: frames to train on: a labeled data set on disk, or `synth:PRESET`; None = nothing is trained.
        count: frames to make of `synth:PRESET`.
        size: of all frames.
        folder: where they are kept.
        workers: processes that make them.
        progress: called with a stage, and frames done and in all.

    Raises:
        InputError: no such frames, too few of them can be used, or their labels hold one class only.
    """

    def cached(name: str, samples: Dataset | None, described: dict[str, object]) -> CachedFrames:
        source = open_samples(data) if samples is None else samples
        warn_beside(source)
        frames = cache_frames(
            source,
            folder / name,
            size=size,
            described=described,
            workers=workers,
            progress=lambda done, total: progress(f"frames: {name}", done, total),
        )
        check_frames(frames, str(described["data"]), same_size=False, skipped=Skipped())
        return frames

    judged_files, train_files = _files("data_files", data), _files("train_files", train or "")
    sources = None if train is None else _sources(train, count)
    judged = cached("judged", None, {"data": data, **judged_files})
    described = {"data": data, "size": str(size), **judged_files}
    if sources is None:
        return ComparedFrames(None, None, judged, described)
    trained, val = (
        cached(name, source, {"data": train, **train_files})
        for name, source in zip(("train", "val"), sources, strict=True)
    )
    return ComparedFrames(
        trained, val, judged, {**described, "train": train, "train_frames": len(trained), **train_files}
    )


def _files(name: str, data: str) -> dict[str, object]:
    """What tells the files of a data set on disk from those it held before somebody corrected a label."""
    public = parse_named(data)
    path = Path(data) if public is None else Path(public[2])
    return {name: fingerprint(path)} if data and path.exists() else {}


def _sources(train: str, count: int) -> tuple[Dataset, Dataset]:
    """Frames to train on and to draw curves with."""
    if not train.startswith(_SYNTH):
        return open_frames(replace(TrainConfig(), data=(Path(train),)))
    name = train.removeprefix(_SYNTH)
    for preset in PRESETS:
        if name == preset and count > 0:
            return (
                SyntheticDataset("train", _TRAIN_SEED, recipes=(preset,), count=count),
                SyntheticDataset("val", _VAL_SEED, recipes=(preset,), count=min(VAL_FRAMES, count)),
            )
    raise InputError(
        f"--train {train} --frames {count} names no frames, expected synth:PRESET with one of {', '.join(PRESETS)} and "
        "at least one frame: try synth:interseghands."
    )
