"""What is odd about a data set as a whole, as a few of its frames show it."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter

from graspseg.datasets.dataset import Dataset
from graspseg.errors import InputError, printable
from graspseg.frame import Frame, FrameWarning

_LOOKED_AT = 3


def warnings_of(dataset: Dataset) -> list[str]:
    """Sentences on fields that nobody reads, and on a unit or camera that none of a few frames agrees with.

    Frames that cannot be read are left to whoever reads them all.
    """
    frames: list[Frame] = []
    for index in spread(len(dataset)):
        with contextlib.suppress(InputError):
            frames.append(dataset[index].frame)
    return [*dataset.description.notes, *(f"{dataset.name}: {sentence}" for sentence in shared_warnings(frames))]


def warn_beside(dataset: Dataset) -> None:
    """Say what lies beside the frames and is left out, where a command only draws from them; see `Dataset.beside`.

    Raises:
        InputError: the folder cannot be listed.
    """
    for sentence in dataset.beside():
        print(f"graspseg: warning: {printable(sentence)}", file=sys.stderr, flush=True)


def spread(count: int) -> list[int]:
    """Indices of a few frames of so many: the first, the last and between."""
    return sorted({round((count - 1) * number / (_LOOKED_AT - 1)) for number in range(_LOOKED_AT)}) if count else []


def shared_warnings(frames: list[Frame]) -> list[str]:
    """Warnings about unit and camera that all frames raise, in the words of the first."""
    found: list[list[FrameWarning]] = [
        [warning for warning in frame.warnings() if warning.about != "empty"] for frame in frames
    ]
    counts = Counter(about for warnings in found for about in {warning.about for warning in warnings})
    return [warning.sentence for warning in (found[0] if found else ()) if counts[warning.about] == len(frames)]
