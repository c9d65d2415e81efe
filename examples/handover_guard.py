"""Where a gripper may take an object out of a hand, and how far the hand is from there.

    python examples/handover_guard.py [FRAME]

This shows the numbers that a hand-over needs. It is not a safety device: what is not seen as a hand may be one.
"""

import sys
from dataclasses import dataclass

import numpy as np

from graspseg import Segmentation, Segmenter, read_frame

GRIPPER_M = 0.04
"""Radius of what the gripper needs around its grasp."""
SURE = 0.9
"""Least confidence and probability of a hand."""
ENOUGH = 0.1
"""Least share of the object that a gripper must find within its radius: a stray pixel is no grasp."""
MOST_POINTS = 1500
"""Points of each cloud that distances are taken of."""


@dataclass(frozen=True)
class Advice:
    """Whether to close the gripper.

    Attributes:
        take: whether the hand is farther away than the gripper needs, and the model is sure.
        why: what decided.
        grasp_m: the place on the object farthest from the hand, x right, y down, z forward; None without one.
        clearance_m: distance of that point from the nearest point of the hand; None without both.
    """

    take: bool
    why: str
    grasp_m: tuple[float, float, float] | None = None
    clearance_m: float | None = None


def advise(found: Segmentation) -> Advice:
    """Judge one frame."""
    held, hand = _thinned(found.object_cloud()), _thinned(found.hand_cloud())
    if not len(held):
        return Advice(False, "no object in a hand")
    if not len(hand):
        return Advice(False, "an object, but no hand: look again")
    nearest_m = _distances(held, hand).min(axis=1)
    solid = (_distances(held, held) < GRIPPER_M).mean(axis=1) >= ENOUGH
    best = int(np.where(solid, nearest_m, -1).argmax())
    x, y, z = map(float, held[best])
    grasp, clearance = (x, y, z), float(nearest_m[best])
    if min(found.confidence or 0.0, found.hand_present or 0.0) < SURE:
        return Advice(False, "the model is not sure", grasp, clearance)
    if clearance < GRIPPER_M:
        return Advice(False, "do not touch: the hand is too near", grasp, clearance)
    return Advice(True, "the object sticks out of the hand", grasp, clearance)


def _distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.sqrt(((one[:, None] - other[None]) ** 2).sum(axis=2))


def _thinned(points: np.ndarray) -> np.ndarray:
    return points[:: max(1, -(-len(points) // MOST_POINTS))]


def main(frame: str = "examples/frames/depth/unseen-0000026.png") -> None:
    """Print the advice for one depth image."""
    print(advise(Segmenter()(read_frame(frame))))


if __name__ == "__main__":
    main(*sys.argv[1:])
