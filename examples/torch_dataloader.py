"""Shards in a torch DataLoader: batches of depth and labels for a training loop of your own.

graspseg synth --out set --count 200 --seed 1 --format shards
python examples/torch_dataloader.py set
"""

import sys
from typing import Any, cast

from torch.utils.data import DataLoader

from graspseg import open_dataset


def main(data: str = "set", batch: str = "4") -> None:
    """Print the share of hand and object in each batch; copies of a data set read at once in any number of workers."""
    frames = cast(Any, open_dataset(data))
    for found in DataLoader(frames, batch_size=int(batch), shuffle=True):
        hand, held = ((found["labels"] == label).float().mean().item() for label in (1, 2))
        print(tuple(found["depth"].shape), f"hand {hand:.1%}, object {held:.1%}")


if __name__ == "__main__":
    main(*sys.argv[1:])
