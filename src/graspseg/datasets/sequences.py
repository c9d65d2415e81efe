"""Which frames of a data set follow each other in time."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from graspseg.datasets.dataset import Dataset

_NUMBER = re.compile(r"[\d.]+$")  # also a time in seconds


def sequences_by_name(stems: Sequence[str]) -> list[range]:
    """Runs of stems that differ in the number at the end only."""
    groups = itertools.groupby(range(len(stems)), key=lambda index: prefix_of(stems[index]))
    found = [list(indices) for _, indices in groups]
    return [range(indices[0], indices[-1] + 1) for indices in found]


def prefix_of(stem: str) -> str:
    """A stem without the number at its end, which frames of one sequence share."""
    return _NUMBER.sub("", stem)


def clips_of(dataset: Dataset) -> list[range]:
    """Indices of frames without a gap in between, of a data set that gives a `rate_hz`, as those of clips do.

    Where numbers at the end of stems jump, as in a split that holds a part of a clip, a new range begins. Data sets
    that do not say that their frames follow each other have no clips.
    """
    if not dataset.description.content.get("rate_hz"):
        return []
    stems = dataset.stems
    clips = []
    for sequence in sequences_by_name(stems):
        start = sequence.start
        for index in sequence[1:]:
            if _number(stems[index]) != _number(stems[index - 1]) + 1:
                clips.append(range(start, index))
                start = index
        clips.append(range(start, sequence.stop))
    return clips


def _number(stem: str) -> float:
    """The frame number a stem ends with; NaN, which follows nothing, where that is none."""
    found = _NUMBER.search(stem)
    return float(found[0]) if found and found[0].isdecimal() else float("nan")
