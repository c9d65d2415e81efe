"""A hand that closes around something round: rods, tubes, ropes, handles of any thickness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from graspseg.synth.body.hand import HandModel

WIDEST_M = 0.028
CONTACT_M = 0.0012
_STEPS = 9
# Degrees, the thumb's row first. The thumb comes from outside the palm, by the first of these abductions that is free.
_OPEN = np.array([[0, 0, 0, 0]] + [[4, 0, 6, 4]] * 4, float)
_CLOSED = np.array([[48, 0, 55, 70]] + [[88, 0, 104, 74]] * 4, float)
_THUMB_OUT = (38.0, 25.0, 10.0, -5.0)
# Which columns of the angles close together: first all, then what still can.
_STAGES = ((0, 2, 3), (2, 3), (3,))


@dataclass(frozen=True)
class Wrap:
    """A closed hand and the line it closes around, hand frame.

    Attributes:
        shape, articulation: of the hand.
        point: middle of the stretch inside the hand, meters.
        out: unit vector along the line, out of the hand on the thumb's side.
        radius: of what fits, meters.
    """

    shape: Float32[np.ndarray, " n"]
    articulation: Float32[np.ndarray, "5 4"]
    point: Float64[np.ndarray, "3"]
    out: Float64[np.ndarray, "3"]
    radius: float


def sample_wrap(
    rng: np.random.Generator, hand: HandModel, radius: float, *, shape: Float32[np.ndarray, " n"] | None = None
) -> Wrap:
    """A hand of a random person, or of the given shape, closed around a rod that lies across its palm.

    Args:
        rng: source of every choice.
        hand: model of the hand.
        radius: of the rod, meters, at most `WIDEST_M`.
        shape: whose hand; None = anybody's.

    Raises:
        ValueError: If the rod is too thick for a hand.
    """
    if not 0 < radius <= WIDEST_M:
        raise ValueError(
            f"A hand closes around rods of up to {WIDEST_M * 1000:.0f} mm radius, not {radius * 1000:g} mm."
        )
    while True:
        own = hand.sample_shape(rng) if shape is None else shape
        lean = rng.normal(0.1, 0.18)
        out = np.array([np.sin(lean), -np.cos(lean), 0.0])
        reach = float(hand.joints(own, np.zeros((5, 4), np.float32))[9, 0])
        point = np.array([reach * rng.uniform(0.72, 0.98), 0.0, 0.0])
        for abduction in _THUMB_OUT:
            angles = np.radians(_OPEN)
            angles[:, 1] = np.radians([abduction, 3, 0, 3, 6]) + rng.normal(0, 0.03, 5)
            skin = hand.coarse_vertices(own, angles.astype(np.float32)).astype(np.float64)
            point[2] = _rest_height(skin[hand.coarse_part == 1], point, out, radius)
            if not _touched(hand, own, angles, point, out, radius)[0]:
                closed = _close(hand, own, angles, point, out, radius)
                return Wrap(own, closed.astype(np.float32), point, out, radius)


def _rest_height(palm: np.ndarray, point: np.ndarray, out: np.ndarray, radius: float) -> float:
    """How high a rod of a direction lies on the palm."""
    beside = np.array([-out[1], out[0], 0.0])
    away = (palm - point) @ beside
    under = np.abs(away) < radius
    return float((palm[under, 2] + np.sqrt(radius**2 - away[under] ** 2)).max(initial=radius)) - CONTACT_M


def _close(
    hand: HandModel, shape: np.ndarray, angles: np.ndarray, point: np.ndarray, out: np.ndarray, radius: float
) -> Float64[np.ndarray, "5 4"]:
    """Bend each finger until it meets the rod, then its outer joints further."""
    for columns in _STAGES:
        start, goal = angles.copy(), angles.copy()
        goal[:, columns] = np.radians(_CLOSED[:, columns])
        free = np.ones(5, bool)
        for step in range(1, _STEPS + 1):
            tried = np.where(free[:, None], start + (goal - start) * step / _STEPS, angles)
            free &= ~_touched(hand, shape, tried, point, out, radius)
            angles = np.where(free[:, None], tried, angles)
            if not free.any():
                break
    return angles


def _touched(
    hand: HandModel, shape: np.ndarray, angles: np.ndarray, point: np.ndarray, out: np.ndarray, radius: float
) -> np.ndarray:
    """Which fingers [5] reach into the rod."""
    skin = hand.coarse_vertices(shape, angles.astype(np.float32)) - point
    along = skin @ out
    near = (skin * skin).sum(axis=1) - along * along < (radius - CONTACT_M) ** 2
    return np.array([near[hand.coarse_part == 2 + f].any() for f in range(5)])
