"""Clips: stagings that move, each a pure function of its key, and the time in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from graspseg.errors import InputError
from graspseg.synth.recipe import Kind, choose
from graspseg.synth.scene.floating import SceneMaker
from graspseg.synth.scene.motion import RATE_HZ
from graspseg.synth.scene.stage import Staging

CLIPS = 1_000_003
"""Keeps the random numbers of clip k apart from those of single frame k."""

MOVING: tuple[Kind, ...] = ("hold", "palm", "tool", "bare")
"""What hands do in clips."""


@dataclass(frozen=True, eq=False)
class Take:
    """A clip's staging, and the key of all other random numbers of the clip."""

    staging: Staging
    key: tuple[int, ...]


class ClipMaker:
    """Makes the stagings of clips and remembers the last one, as frames are mostly requested in order.

    Args:
        scenes: Draws the scenes.
        length: Frames of a clip.

    Raises:
        InputError: the recipe has no stage.
    """

    def __init__(self, scenes: SceneMaker, length: int) -> None:
        if scenes.staged is None:
            raise InputError(
                f"Clips were requested of preset {scenes.recipe.name!r}, which knows single frames only: "
                "use --preset wild or interseghands."
            )
        self.length = length
        self._staged = scenes.staged
        self._kinds: dict[Kind, float] = {kind: weight for kind, weight in scenes.kinds.items() if kind in MOVING}
        self._last: tuple[tuple[int, ...], Take] | None = None

    def take(self, key: Sequence[int], good: Callable[[Take, float], bool]) -> Take:
        """The clip of a key: the first one drawn that is `good` up to its end, in seconds."""
        if self._last is None or self._last[0] != tuple(key):
            self._last = tuple(key), self._draw(key, good)
        return self._last[1]

    def _draw(self, key: Sequence[int], good: Callable[[Take, float], bool]) -> Take:
        end_s = max(self.length - 1, 1) / RATE_HZ
        attempt = 0
        while True:
            rng = np.random.default_rng([*key, attempt])
            kind = choose(rng, self._kinds)
            take = Take(self._staged.make(rng, kind, length_s=end_s), (*key, attempt))
            if good(take, end_s):
                return take
            attempt += 1
