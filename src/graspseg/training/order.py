"""The order in which training meets the frames of a source. Imports no torch."""

from __future__ import annotations

import numpy as np

from graspseg.datasets.dataset import ENDLESS, Dataset

WINDOW = 1 << 14


class FrameOrder:
    """An order of its own for every pass over a source, each frame once; a pure function of seed and pass.

    Frames are shuffled freely where that costs nothing. Of shards that hold more than `WINDOW` frames, the shards are
    shuffled, laid end to end and cut into windows, and the frames of each window are shuffled: readers keep to
    few shards at a time, and need neither an order of all frames nor the headers of all shards in memory.

    Args:
        source: frames in any order; endless ones come as they are.
        seed: seed of the orders.
    """

    def __init__(self, source: Dataset, seed: int) -> None:
        self.count = len(source)
        self.seed = seed
        self._starts = np.arange(0)
        if WINDOW < self.count < ENDLESS:
            self._starts = source.block_starts()
        self._turn = self._window = -1
        self._blocks = self._laid = self._shuffled = np.arange(0)

    def frame_index(self, turn: int, place: int) -> int:
        """Which frame of the source is at a place (from 0 to `count` excluded) of a pass."""
        if self.count >= ENDLESS:
            return turn * self.count + place
        in_windows = 0 < len(self._starts) < self.count
        window, within = divmod(place, WINDOW) if in_windows else (0, place)
        if turn != self._turn:
            self._begin_pass(turn, in_windows=in_windows)
        if not in_windows:
            return int(self._blocks[within])
        if window != self._window:
            rng = np.random.default_rng((self.seed, 3, turn, window))
            self._window, self._shuffled = window, rng.permutation(min(WINDOW, self.count - window * WINDOW))
        laid = window * WINDOW + int(self._shuffled[within])
        number = int(np.searchsorted(self._laid, laid, side="right")) - 1
        return int(self._starts[self._blocks[number]] + laid - self._laid[number])

    def _begin_pass(self, turn: int, *, in_windows: bool) -> None:
        """Shuffle the blocks and lay them end to end; without windows every frame is a block."""
        self._turn, self._window = turn, -1
        rng = np.random.default_rng((self.seed, 1, turn))
        self._blocks = rng.permutation(len(self._starts) if in_windows else self.count)
        if in_windows:
            sizes = np.diff(self._starts, append=self.count)[self._blocks]
            self._laid = np.cumsum(sizes) - sizes
