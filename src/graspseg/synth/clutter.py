"""Things that stand or lie about: objects of the split and, where the recipe asks, what could be taken for a hand."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int32

from graspseg.synth.cast import Cast
from graspseg.synth.lookalikes import lookalike


class ClutterMaker:
    """Draws things of one split.

    Args:
        cast: its objects.
        lookalike_share: things that could be taken for hands.
    """

    def __init__(self, cast: Cast, *, lookalike_share: float = 0.0) -> None:
        self._cast = cast
        self._lookalike_share = lookalike_share

    def __call__(self, rng: np.random.Generator) -> tuple[np.ndarray, Int32[np.ndarray, "f 3"]]:
        """A thing at a plausible size, in its own frame, metres."""
        if self._lookalike_share and rng.uniform() < self._lookalike_share:
            return lookalike(rng, self._cast)
        return self._cast.clutter(rng)
