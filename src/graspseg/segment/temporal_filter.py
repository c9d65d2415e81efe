"""Steady labels: probabilities of a stream are averaged over time where depth does not change."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Float32

from graspseg.frame import Frame
from graspseg.labels import BACKGROUND, OBJECT
from graspseg.segment.segmentation import Segmentation

Box = tuple[int, int, int, int]
_MARGIN_PX = 4
_NEIGHBORHOOD_PX = 25


@dataclass(frozen=True)
class FilterSettings:
    """How strongly a stream is steadied.

    Attributes:
        memory: share of the average that goes on to the next frame where nothing moves, 0 to below 1.
        gate_m: depth that changes by more, and by more than `gate_share` of itself, is another surface: nothing goes
            on there.
        gate_share: see `gate_m`; noise of depth cameras grows with the distance.
        moving_share: share of pixels around one that changed their surface at which nothing goes on either.
    """

    memory: float = 0.7
    gate_m: float = 0.01
    gate_share: float = 0.02
    moving_share: float = 0.12


@dataclass(frozen=True)
class Steadied:
    """Averaged probabilities of a part of a frame; elsewhere it is background.

    Attributes:
        box: frame pixels `x0, y0, x1, y1`, ends excluded.
        probabilities: of background, hand and object there.
    """

    box: Box
    probabilities: Float32[np.ndarray, "3 r c"]

    view = None

    def add_to(self, planes: Float32[np.ndarray, "3 h w"], *, origin: tuple[int, int] = (0, 0)) -> None:
        """See `Answer`."""
        (x, y), (x0, y0, x1, y1) = origin, self.box
        left, top = max(x0, x), max(y0, y)
        right, bottom = min(x1, x + planes.shape[2]), min(y1, y + planes.shape[1])
        if left < right and top < bottom:
            part = self.probabilities[:, top - y0 : bottom - y0, left - x0 : right - x0]
            planes[:, top - y : bottom - y, left - x : right - x] = part


_NOTHING = Steadied((0, 0, 0, 0), np.zeros((3, 0, 0), np.float32))


class TemporalFilter:
    """Exponential moving average of a stream's probabilities, gated by depth change.

    Where depth stays as it was, and around it too, errors that come and go from frame to frame are averaged away; where
    something moves, the newest answer counts alone, so that nothing trails behind a hand. Costs time only in the box of
    what is and was found.

    Args:
        settings: how strongly.
    """

    def __init__(self, settings: FilterSettings | None = None) -> None:
        self.settings = settings or FilterSettings()
        self._last: tuple[Frame, Steadied] | None = None

    def reset(self) -> None:
        """Forget what came before."""
        self._last = None

    def __call__(self, frame: Frame, result: Segmentation) -> Segmentation:
        """The result with steady labels, probabilities and confidence; `hand_present` is left as it is.

        Args:
            frame: the depth image; one of another size or unit than the one before begins anew.
            result: what the model says of it.
        """
        last = self._last
        if last is not None and (
            last[0].depth.shape != frame.depth.shape or last[0].depth_unit_m != frame.depth_unit_m
        ):
            last = None
        box = _box(result, None if last is None else last[1].box)
        planes = _planes(result, frame, box)
        if last is not None and planes.size:
            weight = self._weights(last[0], frame, box)
            planes += (_cut(last[1], box) - planes) * weight
        labels = np.zeros_like(result.labels)
        x0, y0, x1, y1 = box
        if planes.size:
            background, hand, held = planes
            likeliest = (hand > background).view(np.uint8)
            likeliest[held > np.maximum(background, hand)] = OBJECT
            labels[y0:y1, x0:x1] = likeliest * (frame.depth[y0:y1, x0:x1] > 0)
        found = labels[y0:y1, x0:x1] != BACKGROUND
        confidence = (
            float(np.maximum(planes[0], np.maximum(planes[1], planes[2]))[found].mean()) if found.any() else None
        )
        steadied = Steadied(box, planes) if found.any() else _NOTHING
        self._last = frame, steadied
        return replace(result, labels=labels, looks=(steadied,), confidence=confidence)

    def _weights(self, before: Frame, now: Frame, box: Box) -> Float32[np.ndarray, "r c"]:
        """Share of the earlier average at each pixel of the box."""
        x0, y0, x1, y1 = box
        unit = np.float32(now.depth_unit_m)
        old, new = (each.depth[y0:y1, x0:x1] * unit for each in (before, now))
        gate = np.maximum(np.float32(self.settings.gate_m), new * np.float32(self.settings.gate_share))
        changed = (np.abs(new - old) > gate) & (np.maximum(new, old) > 0)
        unknown = (new == 0) | (old == 0)
        # A hole that opens or closes is no motion, though nothing can be said of it.
        moved = (changed & ~unknown).astype(np.float32)
        share = cv2.blur(moved, (_NEIGHBORHOOD_PX, _NEIGHBORHOOD_PX))
        still = np.clip(1 - share / np.float32(self.settings.moving_share), 0, 1)
        still[changed | unknown] = 0
        return still * np.float32(self.settings.memory)


def _box(result: Segmentation, last: Box | None) -> Box:
    """What holds all that is found, with a margin, and all that was."""
    height, width = result.labels.shape
    x, y, across, down = cv2.boundingRect(result.labels)
    boxes = [] if last is None or last[0] >= last[2] else [last]
    if across:
        boxes.append((x - _MARGIN_PX, y - _MARGIN_PX, x + across + _MARGIN_PX, y + down + _MARGIN_PX))
    if not boxes:
        return 0, 0, 0, 0
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return max(min(x0), 0), max(min(y0), 0), min(max(x1), width), min(max(y1), height)


def _planes(result: Segmentation, frame: Frame, box: Box) -> Float32[np.ndarray, "3 r c"]:
    """What a result says in a box, sum 1; background where nothing was measured or what was found is hardly a hand."""
    x0, y0, x1, y1 = box
    planes = np.zeros((3, y1 - y0, x1 - x0), np.float32)
    for answer in result.looks:
        answer.add_to(planes, origin=(x0, y0))
    total = planes[0] + planes[1] + planes[2]
    planes /= np.maximum(total, np.float32(1e-12))
    dropped = (result.labels[y0:y1, x0:x1] == BACKGROUND) & (np.maximum(planes[1], planes[2]) > planes[0])
    planes[:, (frame.depth[y0:y1, x0:x1] == 0) | (total <= 0) | dropped] = np.array([[1], [0], [0]], np.float32)
    return planes


def _cut(steadied: Steadied, box: Box) -> Float32[np.ndarray, "3 r c"]:
    """Earlier probabilities in another box that holds theirs."""
    x0, y0, x1, y1 = box
    planes = np.zeros((3, y1 - y0, x1 - x0), np.float32)
    planes[0] = 1
    steadied.add_to(planes, origin=(x0, y0))
    return planes
