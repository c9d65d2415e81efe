"""Telling hand and object apart: surfaces vote, up to steps in depth, also where the color camera does not see."""

from __future__ import annotations

import numpy as np

from graspseg.annotate.separate import depth_levels, separate

SHAPE = (80, 120)
SKIN, THING = -7.0, -25.0  # logarithms of the density of skin


def hand_before_thing() -> np.ndarray:
    """Depth: a hand, columns 30 to 69, 20 mm before a thing."""
    depth = np.full(SHAPE, 0.42, np.float32)
    depth[:, 30:70] = 0.40
    return depth


def run(log_skin: np.ndarray, seen: np.ndarray, depth: np.ndarray) -> np.ndarray:
    color = np.where(log_skin[..., None] == SKIN, np.array([200, 150, 120]), np.array([40, 90, 180])).astype(np.uint8)
    kept = np.full(SHAPE, 255, np.uint8)
    return separate(log_skin.astype(np.float32), color, seen, depth, kept) > 0


def test_wrong_colors_within_a_surface_are_outvoted() -> None:
    """A fifth of the pixels of each surface, at random, has the color of the other one."""
    right = np.zeros(SHAPE, bool)
    right[:, 30:70] = True
    wrong = np.random.default_rng(0).uniform(size=SHAPE) < 0.2
    log_skin = np.where(right ^ wrong, SKIN, THING)
    hand = run(log_skin, np.full(SHAPE, 255, np.uint8), hand_before_thing())
    assert np.count_nonzero(hand != right) < 0.1 * np.count_nonzero(wrong)


def test_what_is_not_seen_takes_the_class_of_its_surface() -> None:
    depth, log_skin = hand_before_thing(), np.full(SHAPE, THING)
    log_skin[:, 30:70] = SKIN
    log_skin[:, 70:85] = SKIN  # the picture shows the hand where it hides the thing
    seen = np.full(SHAPE, 255, np.uint8)
    seen[:, 70:85] = 0
    hand = run(log_skin, seen, depth)
    assert hand[:, 32:68].all() and not hand[:, 72:].any() and not hand[:, :28].any()


def test_without_any_color_nothing_is_decided_for_the_object() -> None:
    odds = separate(
        np.zeros(SHAPE, np.float32),
        np.zeros((*SHAPE, 3), np.uint8),
        np.zeros(SHAPE, np.uint8),
        hand_before_thing(),
        np.full(SHAPE, 255, np.uint8),
    )
    assert np.isfinite(odds).all()


def test_levels_of_depth_begin_at_the_nearest_pixel() -> None:
    depth = np.array([[0.3, 0.3065, 0.33, 0.0]], np.float32)
    kept = np.array([[255, 255, 255, 0]], np.uint8)
    assert depth_levels(depth, kept).tolist() == [[0, 10, 46, 255]]
