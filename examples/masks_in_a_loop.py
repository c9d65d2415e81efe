"""Masks of every frame of a data set, in a loop.

    python examples/masks_in_a_loop.py [DATA] [OUT]

DATA is a folder of 16-bit depth images, shards or a recording's folder.
"""

import sys
from pathlib import Path

import cv2

from graspseg import Segmenter, open_dataset


def main(data: str = "examples/frames", out: str = "masks") -> None:
    """Write a label image for each frame: 0 background, 1 hand, 2 object."""
    segment = Segmenter()  # make it once: loading takes longer than many frames
    Path(out).mkdir(parents=True, exist_ok=True)
    frames = open_dataset(data)
    for index in range(len(frames)):
        sample = frames[index]
        found = segment(sample.frame)
        cv2.imwrite(f"{out}/{sample.stem.replace('/', '_')}.png", found.labels)
        print(sample.stem, found)


if __name__ == "__main__":
    main(*sys.argv[1:])
