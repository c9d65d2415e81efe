"""Frames of a data set as batches of tensors, for a training loop of a user's own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from graspseg.datasets.dataset import Sample
from graspseg.errors import InputError


def collate(samples: Sequence[Sample]) -> dict[str, Tensor]:
    """A batch of frames: `DataLoader(open_dataset("shards"), batch_size=8, collate_fn=collate, num_workers=2)`.

    Without `collate_fn` the batches are the same; only the sentence about frames that make no batch is torch's.

    Args:
        samples: labeled frames of one size h x w, at least one.

    Returns:
        `depth`: float32 of shape (b, 1, h, w) in meters, 0 = no measurement; `pixel_angle`: float32 of shape (b,),
        radians a pixel covers; both as networks of graspseg take them. `labels`: int64 of shape (b, h, w):
        0 background, 1 hand, 2 object, 255 ignore.

    Raises:
        InputError: a frame has no labels, or frames have several sizes.
    """
    bare = [sample.stem for sample in samples if sample.labels is None]
    if bare:
        raise InputError(f"{bare[0]} has no label image, expected one for each frame: label it or take it out.")
    sizes = {sample.frame.depth.shape: sample.stem for sample in samples}
    if len(sizes) > 1:
        found = ", ".join(f"{stem} of {width}x{height}" for (height, width), stem in sizes.items())
        raise InputError(
            f"A batch holds frames of several sizes ({found}), expected one: use batch_size=1, or cut them."
        )
    return {key: torch.from_numpy(np.stack([sample[key] for sample in samples])) for key in samples[0]}
