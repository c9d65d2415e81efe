"""Shards in a torch DataLoader: batches of depth and labels for a training loop of your own.

graspseg synth --out set --count 200 --seed 1 --format shards
python examples/torch_dataloader.py set
"""

import sys
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from graspseg import InputError, open_dataset
from graspseg.datasets.dataset import Sample


def collate(samples: Sequence[Sample]) -> tuple[Tensor, Tensor]:
    """Depth in metres `b 1 h w` (0 = not measured) and labels `b h w` (255 = ignore) of frames of one size."""
    labels = [sample.labels for sample in samples]
    if any(each is None for each in labels):
        raise InputError("A frame has no labels, expected labeled frames: leave the others out.")
    depth_m = np.stack([sample.frame.depth_m() for sample in samples])
    return torch.from_numpy(depth_m)[:, None], torch.from_numpy(np.stack(cast(Any, labels))).long()


def main(data: str = "set", batch: str = "4") -> None:
    """Print the share of hand and object in each batch."""
    frames = cast(Any, open_dataset(data))  # reads at once in any number of workers
    for depth_m, labels in DataLoader(frames, batch_size=int(batch), shuffle=True, collate_fn=collate):
        hand, held = ((labels == label).float().mean().item() for label in (1, 2))
        print(tuple(depth_m.shape), f"hand {hand:.1%}, object {held:.1%}")


if __name__ == "__main__":
    main(*sys.argv[1:])
