"""How often labels change from one frame to the next where the truth does not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8

from graspseg.labels import BACKGROUND, IGNORE

GATE_M = 0.01


@dataclass(frozen=True)
class _Seen:
    prediction: np.ndarray
    target: np.ndarray
    depth_m: np.ndarray


class Flicker:
    """Streaming flicker on clips: share of still pixels whose predicted label changes between consecutive frames.

    Looked at are pixels that have a depth and a target other than IGNORE in both frames, and whose depth changes by at
    most 1 cm. Still are those of them whose target is the same in both. `rate` is the share of still pixels whose
    prediction changes, `foreground_rate` the same over still pixels of hand and object, and `truth_change_rate` the
    share of all looked-at pixels whose target changes: what a perfect model would show there.

    Limits: pixels are compared in place, nothing is warped. Under a moving camera or hand a still pixel may show
    another spot of the same class, so that an error which is steady on the object and travels with it counts as
    flicker, and the depth gate only drops pixels where something nearer or farther came in. A label that is steadily
    wrong does not flicker: read it beside the IoU.
    """

    def __init__(self) -> None:
        self._last: _Seen | None = None
        self.pairs = 0
        self.looked_at_px = 0
        self.still_px = np.zeros(2, np.int64)
        self.changed_px = np.zeros(2, np.int64)

    def update(
        self,
        prediction: UInt8[np.ndarray, "h w"],
        target: UInt8[np.ndarray, "h w"],
        depth_m: Float32[np.ndarray, "h w"],
        *,
        follows: bool,
    ) -> None:
        """Count one frame.

        Args:
            prediction: Labels.
            target: Labels.
            depth_m: Depth in meters, 0 = no measurement.
            follows: Whether it is the next frame of the sequence that the last one is from.
        """
        last, self._last = self._last, _Seen(prediction, target, depth_m)
        if not follows or last is None or last.target.shape != target.shape:
            return
        looked_at = (depth_m > 0) & (last.depth_m > 0) & (np.abs(depth_m - last.depth_m) <= GATE_M)
        looked_at &= (target != IGNORE) & (last.target != IGNORE)
        still = looked_at & (target == last.target)
        changed = still & (prediction != last.prediction)
        foreground = target != BACKGROUND
        self.pairs += 1
        self.looked_at_px += int(np.count_nonzero(looked_at))
        self.still_px += [np.count_nonzero(still), np.count_nonzero(still & foreground)]
        self.changed_px += [np.count_nonzero(changed), np.count_nonzero(changed & foreground)]

    def merge(self, other: Flicker) -> None:
        """Add what another counter saw of other sequences."""
        self.pairs += other.pairs
        self.looked_at_px += other.looked_at_px
        self.still_px += other.still_px
        self.changed_px += other.changed_px

    def summary(self) -> dict[str, float | int | None] | None:
        """Rates and number of pairs of frames, None where no frame followed another."""
        if not self.pairs:
            return None
        rate, foreground_rate = (
            int(changed) / int(still) if still else None
            for changed, still in zip(self.changed_px, self.still_px, strict=True)
        )
        moved_px = self.looked_at_px - int(self.still_px[0])
        return {
            "rate": rate,
            "foreground_rate": foreground_rate,
            "truth_change_rate": moved_px / self.looked_at_px if self.looked_at_px else None,
            "pairs": self.pairs,
        }
