"""Clips: stagings that move, each a pure function of its key, and the time in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from graspseg.frame import InputError
from graspseg.synth.motion import RATE_HZ
from graspseg.synth.recipe import choose
from graspseg.synth.scene import SceneMaker
from graspseg.synth.scene_parts import Scene
from graspseg.synth.stage import Staging

CLIPS = 1_000_003
"""Keeps the random numbers of clip k apart from those of single frame k."""


@dataclass(frozen=True, eq=False)
class Take:
    """A clip's staging, and the key of all other random numbers of the clip."""

    staging: Staging
    key: tuple[int, ...]


class ClipMaker:
    """Makes the stagings of clips and remembers the last one, as frames are mostly asked for in order.

    Args:
        scenes: Draws the scenes.
        length: Frames of a clip.

    Raises:
        InputError: the recipe has no stage.
    """

    def __init__(self, scenes: SceneMaker, length: int) -> None:
        if scenes.staged is None:
            raise InputError(
                f"Clips were asked of preset {scenes.recipe.name!r}, which knows single frames only: "
                "use --preset wild or interseghands."
            )
        self.length = length
        self._staged = scenes.staged
        self._recipe = scenes.recipe
        self._last: tuple[tuple[int, ...], Take] | None = None

    def take(self, key: Sequence[int], shows_hand: Callable[[Scene], bool]) -> Take:
        """The clip of a key; a hand is in view at its beginning, middle and end."""
        if self._last is None or self._last[0] != tuple(key):
            self._last = tuple(key), self._draw(key, shows_hand)
        return self._last[1]

    def _draw(self, key: Sequence[int], shows_hand: Callable[[Scene], bool]) -> Take:
        end_s = (self.length - 1) / RATE_HZ
        attempt = 0
        while True:
            rng = np.random.default_rng([*key, attempt])
            staging = self._staged.make(rng, choose(rng, self._recipe.interactions), length_s=max(end_s, 1 / RATE_HZ))
            if all(shows_hand(staging.scene(time)) for time in (0.0, end_s / 2, end_s)):
                return Take(staging, (*key, attempt))
            attempt += 1
