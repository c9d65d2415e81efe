"""Hand-shaped and other confusing things without a hand: everything here is BACKGROUND wherever it stands.

Most kinds are built from a few numbers drawn anew each time. A glove is cut from the hand of the split, and what a
gripper holds is an object of the split; some kinds occur in the split `unseen` only.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32, Int32

from graspseg.synth.objects.cast import Cast
from graspseg.synth.objects.solids import Solid, settled
from graspseg.synth.scene import lookalike_bodies as bodies
from graspseg.synth.scene import lookalike_growth as growth
from graspseg.synth.scene import lookalike_machines as machines

Maker = Callable[[np.random.Generator, Cast], Solid]

LOOKALIKES: dict[str, tuple[float, Maker]] = {
    "glove": (1.0, bodies.glove),
    "bust": (1.0, bodies.bust),
    "figure": (1.5, bodies.figure),
    "animal": (0.7, bodies.animal),
    "foot": (1.2, bodies.foot),
    "two_finger_gripper": (1.5, machines.two_finger_gripper),
    "lamp": (0.8, machines.lamp),
    "rack": (0.7, machines.rack),
    "branch": (1.2, growth.branch),
    "bundle": (1.6, growth.bundle),
    "plant": (1.2, growth.plant),
    "cables": (1.0, growth.cables),
    "cloth_heap": (1.4, growth.cloth_heap),
    "paper_ball": (0.6, growth.paper_ball),
    "garment": (1.4, growth.garment),
}
"""Weight and maker of each kind that every split shows."""

UNSEEN_LOOKALIKES: dict[str, tuple[float, Maker]] = {
    "three_finger_gripper": (3.0, machines.three_finger_gripper),
    "prongs": (3.0, machines.prongs),
    "stand": (2.0, machines.stand),
    "jar_of_rods": (2.0, growth.jar_of_rods),
}
"""Weight and maker of each kind that only the split `unseen` shows."""


def lookalike_kinds(cast: Cast) -> list[str]:
    """The kinds that a split may show."""
    return [*LOOKALIKES, *(UNSEEN_LOOKALIKES if cast.split == "unseen" else ())]


def lookalike(
    rng: np.random.Generator, cast: Cast, kind: str | None = None
) -> tuple[Float32[np.ndarray, "v 3"], Int32[np.ndarray, "f 3"]]:
    """Something that may be mistaken for a hand, an arm or a held object, as it stands or lies.

    Args:
        rng: source of every choice.
        cast: of the split.
        kind: draw this kind; None = any kind of the split, by weight.

    Returns:
        Vertices, meters, z up, the middle of the bounding box at the origin; faces, some of them open sheets.

    Raises:
        ValueError: If the split shows no such kind.
    """
    table = LOOKALIKES | (UNSEEN_LOOKALIKES if cast.split == "unseen" else {})
    if kind is None:
        weights = np.array([weight for weight, _ in table.values()])
        kind = list(table)[rng.choice(len(table), p=weights / weights.sum())]
    if kind not in table:
        raise ValueError(f"The split {cast.split!r} shows no {kind!r}; choose one of {', '.join(table)}.")
    return settled(table[kind][1](rng, cast))
