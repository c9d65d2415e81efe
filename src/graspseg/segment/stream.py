"""Frames that follow each other: windows follow the hands, and labels are steadied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from graspseg.errors import InputError
from graspseg.frame import Frame
from graspseg.segment.hand_tracks import HandTracks
from graspseg.segment.hands import find_hands
from graspseg.segment.segmenter import Segmentation, Segmenter
from graspseg.segment.surface_watch import SurfaceWatch
from graspseg.segment.temporal_filter import TemporalFilter
from graspseg.segment.windows import follow_boxes, follow_view

Reason = Literal["start", "interval", "new_surface", "presence", "overlap", "close", "model"]
"""Why everything is looked at: nothing is known; it is long ago; something came near; hardly a hand is left in the
windows; a hand moved by half its box; it is so close that no window would show more; or the model is one that does not
look through windows."""


@dataclass(frozen=True)
class TrackSettings:
    """When a stream looks at everything again.

    Attributes:
        interval: after so many frames at the latest.
        overlap: when the box of a group and its next one have less than this share of their union in common.
        surface_gap: a new surface counts at most once in so many frames, because a camera that moves shows them always.

    Raises:
        InputError: a number that none of these can be.
    """

    interval: int = 30
    overlap: float = 0.5
    surface_gap: int = 5

    def __post_init__(self) -> None:
        if self.interval < 1 or self.surface_gap < 1 or not 0 <= self.overlap < 1:
            raise InputError(
                f"Tracking has interval {self.interval}, surface_gap {self.surface_gap} and overlap {self.overlap:g}, "
                "expected whole frames from 1 and a share below 1: leave them out."
            )


class StreamSegmenter:
    """Segments frames that follow each other, such as those of a camera.

    The first frame is looked at as a whole (full pass, then a closer window for each hand and its object). From then on
    only closer windows are run, placed where the hands were a moment ago, until there is a reason to look at everything
    again. The hands of a result have the numbers of their tracks (`result.hands[0].track`). Keeps a frame and its
    result; not for several threads at once.

    Examples:
        >>> stream = StreamSegmenter(Segmenter())  # doctest: +SKIP
        >>> labels = stream(frame).labels  # doctest: +SKIP

    Args:
        segmenter: segments single frames.
        track: when everything is looked at again; None looks at everything always.
        smooth: steadies labels; None leaves them as they are.

    Attributes:
        reason: why everything was looked at in the last frame, None where only closer windows were.
        passes: how many frames had each reason, and how many none.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        *,
        track: TrackSettings | None = TrackSettings(),
        smooth: TemporalFilter | None = None,
    ) -> None:
        self.segmenter, self._track, self._smooth = segmenter, track, smooth
        self._follows = track is not None and segmenter.predictor.follows
        self._watch = SurfaceWatch()
        self._tracks = HandTracks()
        self.passes: Counter[Reason | None] = Counter()
        self.reset()

    def reset(self) -> None:
        """Forget what came before, as when another stream begins."""
        self.reason: Reason | None = "start"
        self._boxes: list[np.ndarray] = []
        self._shape: tuple[tuple[int, ...], float] | None = None
        self._since_full = 0
        self._finest_px = 0.0
        self._jumped = False
        self._watch.forget()
        self._tracks.reset()
        if self._smooth is not None:
            self._smooth.reset()

    def __call__(self, frame: Frame | np.ndarray) -> Segmentation:
        """Segment the next frame; one of another size or unit begins anew.

        Args:
            frame: a frame, or uint16 depth in millimeters of shape (height, width).

        Raises:
            InputError: see `Segmenter`; what was known stays known.
        """
        if isinstance(frame, np.ndarray) and frame.dtype == np.uint16 and frame.ndim == 2 and frame.size:
            frame = Frame(frame)
        if not isinstance(frame, Frame):
            return self.segmenter(frame)  # which says what was expected
        shape = (frame.depth.shape, frame.depth_unit_m)
        if shape != self._shape:
            self.reset()
            self._shape = shape
        result = self._segment(frame)
        self.passes[self.reason] += 1
        if self._smooth is not None:
            result = self._smooth(frame, result)
        return replace(result, tracked=self._tracks(find_hands(frame, result.labels)))

    def _segment(self, frame: Frame) -> Segmentation:
        if self._track is None or not self._follows:
            self.reason = "model" if self._track is not None else "start"
            return self.segmenter(frame)
        views = [follow_view(box, self.segmenter.info.side) for box in self._boxes]
        self.reason = self._needs_full(frame, views, self._track)
        if self.reason is None:
            result = self.segmenter(frame, focus=views)
            boxes = follow_boxes(result.labels, most=self.segmenter.hands)
            if not boxes:
                self.reason = "presence"
            elif not _overlap(self._boxes, boxes, self._track.overlap):
                self.reason = "overlap"
            else:
                self._boxes = boxes
                self._since_full += 1
                return result
        return self._look_at_all(frame, self._track)

    def _needs_full(self, frame: Frame, views: Sequence, track: TrackSettings) -> Reason | None:
        """Why everything must be looked at, as far as that is known before looking."""
        if not views:
            return "start"
        if self._jumped:
            return "overlap"
        if max(view.size_px for view in views) >= self._finest_px:
            return "close"
        if self._since_full + 1 >= track.interval:
            return "interval"
        if self._since_full + 1 >= track.surface_gap and self._watch.has_new(frame, views):
            return "new_surface"
        return None

    def _look_at_all(self, frame: Frame, track: TrackSettings) -> Segmentation:
        result = self.segmenter(frame)
        boxes = follow_boxes(result.labels, most=self.segmenter.hands)
        # What moves that fast would be lost again: no window follows it until it is slower.
        self._jumped = bool(self._boxes and boxes) and not _overlap(self._boxes, boxes, track.overlap)
        self._boxes, self._since_full = boxes, 0
        full = result.looks[0].view if result.looks else None
        if full is not None:
            self._finest_px = full.size_px * self.segmenter.info.side / full.side
        self._watch.learn(frame)
        return result


def _overlap(before: Sequence[np.ndarray], now: Sequence[np.ndarray], least: float) -> bool:
    """Whether every box is found again: a later one shares enough of their union with it."""
    return all(max(_iou(box, other) for other in now) >= least for box in before)


def _iou(a: np.ndarray, b: np.ndarray) -> float:
    shared = float(np.prod(np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0)))
    return shared / (float(np.prod(a[2:] - a[:2])) + float(np.prod(b[2:] - b[:2])) - shared)
