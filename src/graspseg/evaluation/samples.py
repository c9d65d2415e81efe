"""Labeled frames by the name a user gives: a data set on disk, or frames made on the fly to judge on."""

from __future__ import annotations

from dataclasses import replace

from graspseg.datasets.combined import Subset
from graspseg.datasets.dataset import Dataset, Sample
from graspseg.datasets.open import open_dataset
from graspseg.errors import InputError
from graspseg.segment.inputs import CameraOptions
from graspseg.synth.dataset import is_synthetic, open_judged


class SeenBy(Subset):
    """Consecutive frames of a data set with the camera the user names.

    Args:
        dataset: all frames.
        indices: which of them, one after the other.
        camera: what the user says of it.
    """

    def __init__(self, dataset: Dataset, indices: range, camera: CameraOptions) -> None:
        super().__init__(dataset, indices)
        self.camera = camera

    def read(self, index: int) -> Sample:
        """Read one frame and its labels; see `Dataset`."""
        sample = super().read(index)
        return replace(sample, frame=self.camera.seen(sample.frame))


def open_samples(
    data: str,
    *,
    split: str | None = None,
    camera: CameraOptions | None = None,
    skip: int = 0,
    limit: int | None = None,
) -> Dataset:
    """Open a data set on disk, or frames to judge on: `synth:SPLIT:COUNT` or `synth:PRESET/SPLIT:COUNT`.

    Args:
        data: Folder, folder of shards, tar, public data set as `NAME:PATH`, or `synth:` name.
        split: Only the frames that the data set lists under this name.
        camera: Unit and camera of the depth images; None takes what the data set says, else the defaults.
        skip: Leave out so many frames at the beginning.
        limit: At most so many frames; None means all.

    Raises:
        InputError: No such data set, no frame is left, or a camera for made frames, which have one.
    """
    camera = camera or CameraOptions()
    dataset: Dataset
    if is_synthetic(data):
        if camera != CameraOptions():
            raise InputError(f"{data} has a unit and camera of its own, expected no --depth-unit, --fx: leave it out.")
        dataset = open_judged(data)
    else:
        dataset = open_dataset(data, depth_unit_m=camera.depth_unit_m, split=split)
    left = max(0, len(dataset) - skip)
    count = left if limit is None else min(left, limit)
    if count < 1 or skip < 0:
        raise InputError(
            f"{data} has {len(dataset)} frames, expected at least one after skip {skip} and limit {limit}: "
            "choose other ones."
        )
    return SeenBy(dataset, range(skip, skip + count), camera)
