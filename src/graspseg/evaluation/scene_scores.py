"""Scores of frames that may hold no hand at all: what is found where nothing is, and what is lost where something is.

IoU says nothing of a frame without a hand. These scores count pixels and frames instead, and look along the edges of
the windows a network was shown, where answers that were cut leave straight lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from graspseg.labels import BACKGROUND, HAND, IGNORE, OBJECT
from graspseg.metrics import Confusion, HandLeak
from graspseg.segment.segmentation import Segmentation

FALSE_ALARM_PX = 200
"""More pixels of hand or object than this in a frame without any are a false alarm."""
LOST_SHARE = 0.1
"""A hand of which less than this share is called hand is lost."""
SEAM_REACH_PX = 2
"""How far from the edge of a window a change of label counts for a seam."""
_SMOOTH_M = 0.01  # per pixel; where depth jumps by more, an outline is to be expected

Box = tuple[int, int, int, int]


@dataclass
class SceneScores:
    """Scores of one segmenter on one set; only pixels with depth and a known label are judged.

    Attributes:
        confusion: Pixels by target and prediction.
        leak: Hand called object.
        false_px: Pixels of hand or object in each frame whose labels hold neither.
        hand_frames: Frames with a hand.
        lost: Those whose hand is lost.
        seam_px: Pixels of each frame at seams.
        wall_ms, cpu_ms: Time of each frame, as the clock says and of all processors.
    """

    confusion: Confusion = field(default_factory=Confusion)
    leak: HandLeak = field(default_factory=HandLeak)
    false_px: list[int] = field(default_factory=list)
    hand_frames: int = 0
    lost: int = 0
    seam_px: list[int] = field(default_factory=list)
    wall_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    def update(
        self,
        labels: UInt8[np.ndarray, "h w"],
        target: UInt8[np.ndarray, "h w"],
        depth_m: Float32[np.ndarray, "h w"],
        *,
        windows: Sequence[Box] = (),
    ) -> None:
        """Judge one frame.

        Args:
            labels: The answer, 0, 1 or 2.
            target: The truth, 0, 1, 2 or IGNORE.
            depth_m: Meters, 0 = no measurement.
            windows: Boxes `x0, y0, x1, y1` (ends excluded) of the closer windows the answer is made of.
        """
        target = np.where(depth_m > 0, target, np.uint8(IGNORE))
        self.confusion.update(labels, target)
        self.leak.update(labels, target)
        hand = target == HAND
        hand_px = int(np.count_nonzero(hand))
        if hand_px:
            self.hand_frames += 1
            self.lost += int(np.count_nonzero(labels[hand] == HAND)) < LOST_SHARE * hand_px
        if not ((target != BACKGROUND) & (target != IGNORE)).any():
            self.false_px.append(int(np.count_nonzero((labels != BACKGROUND) & (target == BACKGROUND))))
        self.seam_px.append(seam_pixels(labels, depth_m, windows))

    def time(self, wall_ms: float, cpu_ms: float) -> None:
        """Note how long one frame took."""
        self.wall_ms.append(wall_ms)
        self.cpu_ms.append(cpu_ms)

    def summary(self) -> dict[str, Any]:
        """All scores as plain JSON values; shares are fractions of 1, None where nothing could be judged.

        IoU is over the whole set and None for a class that no truth of the set holds; `mean` is over the others.
        """
        false = np.array(self.false_px)
        return {
            "frames": self.confusion.images,
            "hand_frames": self.hand_frames,
            "hand_free_frames": len(false),
            "iou": self._iou(),
            "hand_called_object": self.leak.rate,
            "hands_lost": self.lost,
            "false_alarms": int(np.count_nonzero(false > FALSE_ALARM_PX)),
            "false_alarm_share": float(np.mean(false > FALSE_ALARM_PX)) if len(false) else None,
            "false_px_a_frame": float(false.mean()) if len(false) else None,
            "seam_px_a_frame": float(np.mean(self.seam_px)) if self.seam_px else None,
            "wall_ms": float(np.median(self.wall_ms)) if self.wall_ms else None,
            "cpu_ms": float(np.median(self.cpu_ms)) if self.cpu_ms else None,
        }

    def _iou(self) -> dict[str, float | None]:
        held = self.confusion.matrix.sum(axis=1) > 0
        found = self.confusion.iou_dataset
        iou = {name: found[name] for value, name in ((HAND, "hand"), (OBJECT, "object")) if held[value]}
        known = [share for share in iou.values() if share is not None]
        mean = sum(known) / len(known) if known else None
        return {"hand": iou.get("hand"), "object": iou.get("object"), "mean": mean}


def merged(scores: Sequence[SceneScores]) -> SceneScores:
    """Scores over several sets together, each frame counting once (hand called object is left out)."""
    total = SceneScores()
    for part in scores:
        total.confusion.merge(part.confusion)
        total.hand_frames += part.hand_frames
        total.lost += part.lost
        for name in ("false_px", "seam_px", "wall_ms", "cpu_ms"):
            getattr(total, name).extend(getattr(part, name))
    return total


def closer_windows(found: Segmentation) -> tuple[Box, ...]:
    """Boxes of all windows of an answer but the first, in frame pixels."""
    height, width = found.labels.shape
    return tuple(answer.view.region(width, height) for answer in found.looks[1:] if answer.view is not None)


def seam_pixels(labels: UInt8[np.ndarray, "h w"], depth_m: Float32[np.ndarray, "h w"], windows: Sequence[Box]) -> int:
    """Pixels whose label differs from the next one across the edge of a window, at most 2 px from that edge.

    Outlines are expected where depth jumps, so only neighbors on one surface (at most 1 cm apart) count.
    """
    height, width = labels.shape
    seams = np.zeros(labels.shape, bool)
    for x0, y0, x1, y1 in windows:
        for edge in (edge for edge in (x0, x1) if 0 < edge < width):
            _mark(seams.T, labels.T, depth_m.T, edge, y0, y1)
        for edge in (edge for edge in (y0, y1) if 0 < edge < height):
            _mark(seams, labels, depth_m, edge, x0, x1)
    return int(np.count_nonzero(seams))


def _mark(seams: np.ndarray, labels: np.ndarray, depth_m: np.ndarray, edge: int, start: int, stop: int) -> None:
    """Mark changes of label from row to row around the edge between rows `edge - 1` and `edge`."""
    reach = SEAM_REACH_PX
    rows, columns = slice(max(edge - reach, 0), edge + reach), slice(max(start, 0), stop)
    label, depth = labels[rows, columns], depth_m[rows, columns]
    changed = (label[1:] != label[:-1]) & (np.minimum(depth[1:], depth[:-1]) > 0)
    changed &= np.abs(depth[1:] - depth[:-1]) <= _SMOOTH_M
    seams[rows, columns][1:] |= changed
    seams[rows, columns][:-1] |= changed
