"""How much of the hand is called object: what a robot taking the object from the hand must not do."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

from graspseg.labels import HAND, OBJECT


class HandLeak:
    """Streaming hand-leak rate: hand pixels called object / hand pixels, with a bootstrap 95 % interval over frames.

    The interval is a Poisson bootstrap: each frame enters each resampled total a Poisson(1) number of times, so frames
    need not be kept and memory is constant (Chamandy et al., "Estimating uncertainty for massive data streams", 2012).
    The draws depend on the order of frames only, so equal runs give equal intervals.
    """

    def __init__(self, *, resamples: int = 1000, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        self._resampled = np.zeros((2, resamples), np.int64)
        self.leaked_px = 0
        self.hand_px = 0
        self.frames = 0

    def update(self, prediction: UInt8[np.ndarray, "h w"], target: UInt8[np.ndarray, "h w"]) -> None:
        """Count one frame; a frame without hand pixels in its target changes nothing."""
        hand = target == HAND
        hand_px = int(np.count_nonzero(hand))
        if not hand_px:
            return
        leaked_px = int(np.count_nonzero(prediction[hand] == OBJECT))
        times = self._rng.poisson(1.0, self._resampled.shape[1])
        self._resampled += np.stack([times * leaked_px, times * hand_px])
        self.leaked_px += leaked_px
        self.hand_px += hand_px
        self.frames += 1

    @property
    def rate(self) -> float | None:
        """Leaked share of all hand pixels; None before any hand pixel was seen."""
        return self.leaked_px / self.hand_px if self.hand_px else None

    @property
    def interval_95(self) -> tuple[float, float] | None:
        """2.5 % and 97.5 % quantiles of the resampled rate; None with fewer than two frames."""
        leaked, hand = self._resampled[:, self._resampled[1] > 0]
        if self.frames < 2 or not hand.size:
            return None
        low, high = np.quantile(leaked / hand, [0.025, 0.975])
        return float(low), float(high)

    def summary(self) -> dict[str, object]:
        """Rate, interval and number of frames with a hand, as plain JSON values."""
        interval = self.interval_95
        return {"rate": self.rate, "interval_95": list(interval) if interval else None, "frames": self.frames}
