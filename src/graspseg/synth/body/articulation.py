"""Joint angles of a hand: their meaning, their limits, and poses of an empty hand.

Rows thumb, index, middle, ring, little. Fingers: [knuckle flexion, knuckle abduction away from the middle finger (for
the middle finger itself toward the thumb), middle joint flexion, end joint flexion]; thumb: [flexion across the palm,
abduction out of the palm, knuckle flexion, end joint flexion]. Radians; 0 is a straight, relaxed hand with the thumb
about 40 degrees out of the palm; flexion > 0 closes.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Float32, Float64

HandPose = Literal["relaxed", "fist", "point", "spread", "count", "pinch"]

ARTICULATION_LIMITS: Float32[np.ndarray, "5 4 2"] = np.radians(
    [
        [[-20, 50], [-30, 40], [-10, 60], [-15, 80]],
        [[-25, 90], [-15, 20], [0, 105], [0, 75]],
        [[-25, 90], [-12, 12], [0, 105], [0, 75]],
        [[-25, 90], [-15, 15], [0, 105], [0, 75]],
        [[-25, 90], [-15, 25], [0, 105], [0, 75]],
    ]
).astype(np.float32)
"""Least and greatest angle of each joint, radians."""
WRIST_LIMITS: Float32[np.ndarray, "2 2"] = np.radians([[-60, 70], [-30, 20]]).astype(np.float32)
"""Least and greatest wrist flexion (toward the palm) and radial deviation, radians."""
ELBOW_LIMITS: Float32[np.ndarray, "2"] = np.radians([0, 140]).astype(np.float32)
"""Least and greatest elbow flexion, radians."""
PRONATION_LIMITS: Float32[np.ndarray, "2"] = np.radians([-80, 80]).astype(np.float32)
"""Least and greatest pronation (palm turned down > 0, up < 0), radians; at 0 a bent elbow lies on the thumb's side."""

# Degrees; the thumb's row first. The pinch closes on both hand models.
_STRAIGHT = np.array([[-5, -5, 2, 2]] + [[0, 0, 4, 3]] * 4, float)
_RELAXED = np.array([[12, 0, 12, 12], [18, -4, 26, 12], [22, 0, 32, 15], [25, -4, 34, 17], [28, -6, 34, 18]], float)
_FIST = np.array([[40, 5, 40, 40], [80, 0, 100, 60], [84, 0, 101, 62], [84, 0, 100, 62], [82, 0, 98, 60]], float)
_SPREAD = np.array([[-15, -12, 0, 0], [-4, 15, 4, 3], [-4, 0, 4, 3], [-4, 11, 4, 3], [-4, 20, 5, 3]], float)
_PINCH = np.array([[30, 14, 15, 20], [59, 1, 41, 14], [38, 0, 40, 18], [34, 0, 34, 16], [28, 0, 30, 15]], float)
# Closed fingers vary less than open ones.
_SCATTER = {"relaxed": 1.0, "fist": 0.35, "point": 0.6, "spread": 1.0, "count": 0.6, "pinch": 0.35}


def sample_articulation(rng: np.random.Generator, pose: HandPose) -> Float32[np.ndarray, "5 4"]:
    """Joint angles of an empty hand in a pose, with the scatter of real hands, inside `ARTICULATION_LIMITS`.

    Raises:
        ValueError: If the pose is unknown.
    """
    match pose:
        case "relaxed":
            angles = _STRAIGHT + rng.uniform(0, 1.6) * (_RELAXED - _STRAIGHT)
        case "fist":
            angles = _FIST * rng.uniform(0.85, 1.03)
        case "point":
            angles = _fingers_out(rng, np.array([rng.uniform() < 0.25, True, False, False, False]))
        case "spread":
            angles = _SPREAD * np.array([1, rng.uniform(-0.6, 1.1), 1, 1])
        case "count":
            angles = _fingers_out(rng, rng.uniform(size=5) < 0.55)
        case "pinch":
            angles = _PINCH.copy()
            angles[2:] = _RELAXED[2:] + rng.uniform(-0.4, 1) * (_FIST - _RELAXED)[2:]
        case _:
            raise ValueError(f"There is no hand pose {pose!r}; choose relaxed, fist, point, spread, count or pinch.")
    angles = np.radians(angles + _SCATTER[pose] * _scatter(rng))
    return np.clip(angles, ARTICULATION_LIMITS[..., 0], ARTICULATION_LIMITS[..., 1]).astype(np.float32)


def _fingers_out(rng: np.random.Generator, out: np.ndarray) -> Float64[np.ndarray, "5 4"]:
    """Some fingers straight, a little spread; the others folded."""
    straight = _STRAIGHT + rng.uniform(0, 0.8) * np.where(np.arange(4) == 1, _SPREAD, 0)
    return np.where(out[:, None], straight, _FIST * rng.uniform(0.8, 1.0))


def _scatter(rng: np.random.Generator) -> Float64[np.ndarray, "5 4"]:
    """Degrees: neighbors move together, and the end joint follows the middle joint."""
    curl = np.cumsum(rng.normal(0, [3, 5, 4, 4, 5])) - rng.normal(0, 5)
    noise = rng.normal(0, [4, 3, 4, 3], (5, 4))
    noise[:, 0] += 0.6 * curl
    noise[:, 2] += curl
    noise[:, 3] += 0.5 * noise[:, 2]
    return noise
