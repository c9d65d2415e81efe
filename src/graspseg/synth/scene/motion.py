"""How arms and cameras of a clip move: sums of slow sines, and a hand that closes on an object or lets it go.

Everything is a pure function of the time since the clip's start, so that any frame can be made alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

RATE_HZ = 30.0


@dataclass(frozen=True, eq=False)
class Waves:
    """A smooth random path in k dimensions: for each a sum of sines.

    Attributes:
        height: [s, k] amplitudes.
        rate: [s, k] hertz.
        phase: [s, k] radians.
    """

    height: Float64[np.ndarray, "s k"]
    rate: Float64[np.ndarray, "s k"]
    phase: Float64[np.ndarray, "s k"]

    @classmethod
    def sample(cls, rng: np.random.Generator, height: np.ndarray | list[float], rate_hz: tuple[float, float]) -> Waves:
        """Three sines for each dimension, together about as high as `height`."""
        size = (3, len(height))
        share = rng.dirichlet([2.0, 2.0, 2.0], len(height)).T
        return cls(share * np.asarray(height), rng.uniform(*rate_hz, size), rng.uniform(0, 2 * np.pi, size))

    def at(self, time_s: float) -> Float64[np.ndarray, " k"]:
        """Offset from where the path was at time 0."""
        turn = 2 * np.pi * self.rate
        return (self.height * (np.sin(turn * time_s + self.phase) - np.sin(self.phase))).sum(axis=0)


@dataclass(frozen=True, eq=False)
class ArmMotion:
    """How one arm moves.

    Attributes:
        swing: rotation about the shoulder, radians (3).
        wrist: flexion, deviation, elbow flexion, pronation (4).
        fingers: the joint angles (20).
        grab_s, release_s: from when to when the object is held; the hand is open before and after.
        open_s: how long opening and closing take.
        open_fingers: [5, 4] what opening adds to the joint angles.
        retreat: rotation about the shoulder that takes the open hand away, radians (3).
    """

    swing: Waves
    wrist: Waves
    fingers: Waves
    grab_s: float = -np.inf
    release_s: float = np.inf
    open_s: float = 0.7
    open_fingers: Float64[np.ndarray, "5 4"] | None = None
    retreat: Float64[np.ndarray, "3"] | None = None

    def held_time(self, time_s: float) -> float:
        """The nearest time at which the object is held: it rests where it was grabbed or let go."""
        return float(np.clip(time_s, self.grab_s, self.release_s))

    def opening(self, time_s: float) -> float:
        """0 while held, 1 when the hand is open and away."""
        away = max(self.grab_s - time_s, time_s - self.release_s, 0.0)
        share = min(away / self.open_s, 1.0)
        return share * share * (3 - 2 * share)


@dataclass(frozen=True, eq=False)
class CameraMotion:
    """A slow path with the tremor of a hand, meters and radians."""

    path: Waves
    turn: Waves
    tremor: Waves

    @classmethod
    def sample(cls, rng: np.random.Generator, distance_m: float) -> CameraMotion:
        """A hand-held (or worn) camera; now and then one that stands still but for its tremor."""
        lively = rng.uniform(0.2, 1.0) if rng.uniform() < 0.8 else 0.0
        travel = 0.12 * distance_m * lively
        tremor = rng.uniform(0.0, 1.0)
        heights = [0.0007 * tremor] * 3 + [0.002 * tremor] * 3
        return cls(
            Waves.sample(rng, [travel] * 3, (0.05, 0.3)),
            Waves.sample(rng, [0.07 * lively] * 3, (0.05, 0.35)),
            Waves.sample(rng, heights, (2.0, 6.0)),
        )

    def at(self, time_s: float) -> tuple[Float64[np.ndarray, "3"], Float64[np.ndarray, "3"]]:
        """Shift in the world and rotation vector of the camera since the clip's start."""
        tremor = self.tremor.at(time_s)
        return self.path.at(time_s) + tremor[:3], self.turn.at(time_s) + tremor[3:]
