"""An object touches a hand."""

from __future__ import annotations

import numpy as np

from graspseg.annotate.held import keep_held
from graspseg.labels import BACKGROUND, HAND, OBJECT

HAND_BOX, CUP, MUG = (slice(20, 60), slice(10, 50)), (slice(25, 55), slice(52, 80)), (slice(25, 55), slice(100, 130))


def scene(cup_m: float = 0.42) -> tuple[np.ndarray, np.ndarray]:
    """A hand at 0.4 m, a cup two pixels beside it, a mug farther off."""
    labels, depth = np.zeros((80, 140), np.uint8), np.full((80, 140), 1.0, np.float32)
    for box, label, depth_m in ((HAND_BOX, HAND, 0.4), (CUP, OBJECT, cup_m), (MUG, OBJECT, 0.42)):
        labels[box], depth[box] = label, depth_m
    return labels, depth


def test_what_touches_stays_and_what_stands_apart_goes() -> None:
    labels, depth = scene()
    held = keep_held(labels, depth, 100.0)
    assert (held[CUP] == OBJECT).all() and (held[HAND_BOX] == HAND).all() and (held[MUG] == BACKGROUND).all()


def test_what_is_beside_the_hand_in_the_picture_but_not_in_depth_goes() -> None:
    labels, depth = scene(cup_m=0.5)
    assert (keep_held(labels, depth, 100.0) != OBJECT).all()


def test_a_thing_behind_the_held_one_goes() -> None:
    """They touch in the picture; between them depth steps."""
    labels, depth = scene()
    behind = (slice(25, 55), slice(80, 100))
    labels[behind], depth[behind] = OBJECT, 0.5
    held = keep_held(labels, depth, 100.0)
    assert (held[CUP][:, :-1] == OBJECT).all() and (held[behind][:, 1:] == BACKGROUND).all()


def test_specks_of_skin_are_no_hand_and_without_a_hand_nothing_is_held() -> None:
    labels, depth = scene()
    labels[70:73, 100:103] = HAND
    assert (keep_held(labels, depth, 100.0)[70:73, 100:103] == BACKGROUND).all()
    labels[labels == HAND] = BACKGROUND
    assert not keep_held(labels, depth, 100.0).any()
