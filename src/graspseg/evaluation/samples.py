"""Labelled frames by the name a user gives: a data set on disk, or frames of the exam made on the fly."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Literal, get_args

from graspseg.datasets.dataset import Dataset, Sample
from graspseg.datasets.doubts import shared_doubts, spread
from graspseg.datasets.open import open_dataset
from graspseg.datasets.sequences import clips_of
from graspseg.errors import InputError
from graspseg.evaluation.evaluate import Samples
from graspseg.frame import Frame
from graspseg.segment.inputs import CameraOptions
from graspseg.synth.preset_names import PRESETS, PresetName

ExamSplit = Literal["val", "unseen"]


@dataclass
class ExamSamples:
    """Synthetic frames of a frozen seed that no training may use.

    Attributes:
        split: `val` has other objects than training, `unseen` other objects and another hand.
        count: Number of frames.
        preset: Of the generator; `exam1` never changes.
    """

    split: ExamSplit
    count: int
    preset: PresetName = "exam1"

    @cached_property
    def _maker(self):
        from graspseg.synth.generate import EXAM_SEED, FrameMaker
        from graspseg.synth.recipe import Recipe

        return FrameMaker(self.split, EXAM_SEED, recipe=Recipe.preset(self.preset))

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        """Make one frame, the same on every call."""
        made = self._maker.make(index)
        return Sample(f"{self.split}-{index:05d}", made.frame(), made.labels)


@dataclass(frozen=True)
class Part:
    """Frames `first` to `first + count` of others, with the camera the user names."""

    samples: Samples
    first: int
    count: int
    camera: CameraOptions
    clips: Sequence[range]

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        sample = self.samples[self.first + index]
        return replace(sample, frame=self.camera.seen(sample.frame))

    @property
    def sequences(self) -> list[range]:
        """Indices of frames that follow each other in time, empty where the data set does not say so."""
        inside = (
            range(max(clip.start - self.first, 0), min(clip.stop - self.first, self.count)) for clip in self.clips
        )
        return [clip for clip in inside if clip]

    def doubts(self) -> list[str]:
        """What is odd about unit and camera, with what the user says of them, and about the data set's description."""
        if isinstance(self.samples, ExamSamples):
            return []
        frames: list[Frame] = []
        for index in spread(len(self)):
            with contextlib.suppress(InputError):
                frames.append(self[index].frame)
        notes = self.samples.description.notes if isinstance(self.samples, Dataset) else ()
        return [*notes, *shared_doubts(frames)]


def open_samples(
    data: str,
    *,
    split: str | None = None,
    camera: CameraOptions | None = None,
    skip: int = 0,
    limit: int | None = None,
) -> Part:
    """Open a data set on disk, or frames of the exam: `synth:SPLIT:COUNT` or `synth:PRESET/SPLIT:COUNT`.

    Args:
        data: Folder, folder of shards, tar, public data set as `NAME:PATH`, or `synth:` name.
        split: Only the frames that the data set lists under this name.
        camera: Unit and camera of the depth images; None takes what the data set says, else the defaults.
        skip: Leave out so many frames at the beginning.
        limit: At most so many frames; None means all.

    Raises:
        InputError: No such data set or exam, no frame is left, or a camera for the exam, whose frames have one.
    """
    camera = camera or CameraOptions()
    samples: Samples
    clips: Sequence[range] = ()
    if data.startswith("synth:"):
        if camera != CameraOptions():
            raise InputError(f"{data} has a unit and camera of its own, expected no --depth-unit, --fx: leave it out.")
        samples = _open_exam(data)
    else:
        samples = open_dataset(data, depth_unit_m=camera.depth_unit_m, split=split)
        clips = clips_of(samples)
    left = max(0, len(samples) - skip)
    count = left if limit is None else min(left, limit)
    if count < 1 or skip < 0:
        raise InputError(
            f"{data} has {len(samples)} frames, expected at least one after skip {skip} and limit {limit}: "
            "choose other ones."
        )
    return Part(samples, skip, count, camera, clips)


def _open_exam(data: str) -> ExamSamples:
    _, _, rest = data.partition(":")
    name, _, count = rest.partition(":")
    for split, preset in product(get_args(ExamSplit), PRESETS):
        if name in (f"{preset}/{split}", split) and count.isdecimal() and int(count) > 0:
            return ExamSamples(split, int(count), "exam1" if name == split else preset)
    raise InputError(
        f"{data} names no exam, expected synth:val:COUNT, synth:unseen:COUNT, or a preset before it as in "
        "synth:wild/val:COUNT: try synth:val:1000."
    )
