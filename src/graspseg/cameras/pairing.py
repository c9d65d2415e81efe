"""Which color picture belongs to which depth image, by time."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from statistics import median

_LATEST_S = 0.1  # a hand moves 10 cm in that time


def pair_by_time(depth_s: Sequence[float], color_s: Sequence[float]) -> list[tuple[int, int]]:
    """Pair every depth image with the color picture nearest in time.

    A depth image whose nearest picture is farther away than three quarters of the usual time between pictures (at
    most 0.1 s) has none: its picture was lost.

    Args:
        depth_s: times of the depth images in seconds.
        color_s: times of the color pictures on the same clock.

    Returns:
        Index of depth and of color, in the order of depth.
    """
    order = sorted(range(len(color_s)), key=lambda index: color_s[index])
    times = [color_s[index] for index in order]
    steps = [after - before for before, after in itertools.pairwise(times)]
    most = min(0.75 * median(steps), _LATEST_S) if steps else _LATEST_S
    pairs: list[tuple[int, int]] = []
    for index, time in enumerate(depth_s):
        right = bisect.bisect_left(times, time)
        near = [place for place in (right - 1, right) if 0 <= place < len(times)]
        if not near:
            continue
        place = min(near, key=lambda place: abs(times[place] - time))
        if abs(times[place] - time) <= most:
            pairs.append((index, order[place]))
    return pairs
