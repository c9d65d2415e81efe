"""How fast a stream runs: frames a second, tail of the times, drops."""

from __future__ import annotations

from collections import Counter, deque
from time import monotonic

import numpy as np

from graspseg.labels import HAND, OBJECT
from graspseg.live.stream import LiveResult
from graspseg.segment.stream import Reason

_BIN_MS, _BINS = 0.1, 20_000
_RECENT = 60


class Statistics:
    """Counts results in memory that does not grow: times go into bins of a tenth of a millisecond, up to 2 s.

    Attributes:
        frames: results so far.
        with_hand: those with a hand.
        passes: how many looked at everything and why, None where windows followed the hands.
    """

    def __init__(self) -> None:
        self.frames = self.with_hand = 0
        self.passes: Counter[Reason | None] = Counter()
        self._segment, self._latency = np.zeros((2, _BINS), np.int64)
        self._begin_s = self._end_s = monotonic()
        self._recent: deque[float] = deque(maxlen=_RECENT)
        self._last: LiveResult | None = None

    def add(self, result: LiveResult) -> None:
        """Count a result."""
        now_s = monotonic()
        if not self.frames:
            self._begin_s = now_s
        self._end_s = now_s
        self._recent.append(now_s)
        self.frames += 1
        self.passes[result.reason] += 1
        self.with_hand += bool((result.segmentation.labels == HAND).any())
        for bins, time_ms in ((self._segment, result.segment_ms), (self._latency, result.latency_ms)):
            bins[min(int(time_ms / _BIN_MS), _BINS - 1)] += 1
        self._last = result

    @property
    def seconds(self) -> float:
        """From the first result to the last one."""
        return self._end_s - self._begin_s

    @property
    def rate_hz(self) -> float:
        """Frames a second from the first result to the last one; 0 before there are two."""
        return (self.frames - 1) / self.seconds if self.frames > 1 and self.seconds else 0.0

    def segment_ms(self, percent: int) -> float:
        """Percentile of the time that segmenting took, to 0.1 ms; NaN before anything was."""
        return _percentile(self._segment, percent)

    def latency_ms(self, percent: int) -> float:
        """Percentile of the time from the arrival of a frame to its result."""
        return _percentile(self._latency, percent)

    def line(self, dropped: int) -> str:
        """The newest state in one line: rate over the last 60 frames, times, drops, what is seen."""
        if self._last is None:
            return "waiting for the first frame"
        span_s = self._recent[-1] - self._recent[0]
        rate = (len(self._recent) - 1) / span_s if span_s else 0.0
        labels, present = self._last.segmentation.labels, self._last.segmentation.hand_present
        seen = "" if present is None else f", hand present {present:.2f}"
        return (
            f"{rate:5.1f} frames/s, {self.segment_ms(50):.1f} ms (p99 {self.segment_ms(99):.1f}), {dropped} dropped, "
            f"hand {np.count_nonzero(labels == HAND):,} px, object {np.count_nonzero(labels == OBJECT):,} px{seen}"
        )

    def summary(self, dropped: int, failed: int) -> str:
        """All of it in one line."""
        if not self.frames:
            return "no frame was segmented"
        lost = f", {failed} could not be used" if failed else ""
        followed = self.passes[None] / self.frames
        times = f"{self.segment_ms(50):.1f} ms (median; p99 {self.segment_ms(99):.1f} ms)"
        latency = f"{self.latency_ms(50):.1f} ms (p99 {self.latency_ms(99):.1f} ms)"
        return (
            f"{self.frames} frames in {self.seconds:.1f} s: {self.rate_hz:.1f} frames a second, segmented in {times}, "
            f"latency {latency}, {dropped} dropped{lost}, {followed:.0%} tracked, hand in {self.with_hand}"
        )


def _percentile(bins: np.ndarray, percent: int) -> float:
    total = int(bins.sum())
    if not total:
        return float("nan")
    return (int(np.searchsorted(np.cumsum(bins), percent / 100 * total)) + 0.5) * _BIN_MS
