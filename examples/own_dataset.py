"""Frames of your own format as a data set: score a model on them, or hand them to training and evaluation.

    python examples/own_dataset.py [FOLDER]
    cd examples && graspseg evaluate own_dataset:make     # every command takes it; frames are in npz_frames/

Here a frame is an .npz with `depth` (uint16 millimeters) and `mask` (0 background, 1 hand, 2 object).
"""

import sys
from pathlib import Path

import numpy as np

from graspseg import Frame, InputError, Intrinsics, Segmenter
from graspseg.datasets.dataset import Dataset, Sample
from graspseg.metrics import Confusion

CAMERA = Intrinsics(fx=475.0, fy=475.0, cx=319.5, cy=239.5)


class NpzFrames(Dataset):
    """A folder of .npz files; `stems` and `read` are all that a data set must have."""

    def __init__(self, folder: Path) -> None:
        self._files = sorted(folder.glob("*.npz"))
        if not self._files:
            raise InputError(f"{folder} holds no .npz files, expected frames: name another folder.")

    @property
    def stems(self) -> list[str]:
        """Names of the frames."""
        return [file.stem for file in self._files]

    def read(self, index: int) -> Sample:
        """Read one frame with its labels."""
        stored = np.load(self._files[index])
        frame = Frame(stored["depth"], 0.001, CAMERA)
        return Sample(self._files[index].stem, frame, stored["mask"])


def make() -> NpzFrames:
    """The data set, for commands: they call this without arguments."""
    return NpzFrames(Path("npz_frames"))


def main(folder: str = "npz_frames") -> None:
    """Print the IoU of the shipped model on the folder."""
    segment, confusion = Segmenter(), Confusion()
    for sample in NpzFrames(Path(folder)):
        confusion.update(segment(sample.frame).labels, sample.target())
    print(confusion.iou_dataset)


if __name__ == "__main__":
    main(*sys.argv[1:])
