"""Things that stand or lie about: objects of the split and, where the recipe asks, household things and lookalikes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int32

from graspseg.synth.objects.cast import Cast
from graspseg.synth.objects.household import sample_furniture, sample_small
from graspseg.synth.scene.lookalikes import lookalike


class ClutterMaker:
    """Draws things of one split.

    Args:
        cast: its objects.
        lookalike_share: things that could be taken for hands.
        household_share: of the others, things that stand about in homes and offices.
    """

    def __init__(self, cast: Cast, *, lookalike_share: float = 0.0, household_share: float = 0.0) -> None:
        self._cast = cast
        self._lookalike_share = lookalike_share
        self._household_share = household_share

    def __call__(self, rng: np.random.Generator) -> tuple[np.ndarray, Int32[np.ndarray, "f 3"]]:
        """An object at a plausible size, in its own frame, meters; lookalikes and household things have z up."""
        if self._lookalike_share and rng.uniform() < self._lookalike_share:
            return lookalike(rng, self._cast)
        if self._household_share and rng.uniform() < self._household_share:
            return sample_small(rng, self._cast.split)
        return self._cast.clutter(rng)

    def furniture(self, rng: np.random.Generator) -> tuple[np.ndarray, Int32[np.ndarray, "f 3"]] | None:
        """A piece of furniture, z up, meters; None where it shall be a plain box."""
        if not self._household_share or rng.uniform() >= self._household_share:
            return None
        return sample_furniture(rng, self._cast.split)
