"""Which hand of a frame is which one of the frames before."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np

from graspseg.errors import InputError
from graspseg.segment.hands import SeenHand


@dataclass(frozen=True)
class HandTrackSettings:
    """When a hand is the same as one before.

    Attributes:
        reach_m: most that the middle of a hand moves from one frame to the next.
        lost_reach_m: added for each frame in which it was not seen, up to four.
        memory: frames after which a hand that is gone is forgotten; what comes then is another one.

    Raises:
        InputError: a number that none of these can be.
    """

    reach_m: float = 0.15
    lost_reach_m: float = 0.04
    memory: int = 60

    def __post_init__(self) -> None:
        if not (self.reach_m > 0 and self.lost_reach_m >= 0 and self.memory >= 0):
            raise InputError(
                f"Hand tracks have reach_m {self.reach_m:g}, lost_reach_m {self.lost_reach_m:g} and memory "
                f"{self.memory}, expected meters above 0 and frames from 0: leave them out."
            )


@dataclass
class _Track:
    number: int
    hand: SeenHand
    unseen: int = 0


class HandTracks:
    """Gives the hands of a stream numbers that stay theirs.

    Pairs of hands are taken nearest first, by the distance of their middles in 3-D plus what their boxes do not share.
    A hand that was lost keeps its number when one comes back near where it went; numbers are never given twice.

    Args:
        settings: when a hand is the same.
    """

    def __init__(self, settings: HandTrackSettings | None = None) -> None:
        self.settings = settings or HandTrackSettings()
        self._numbers = itertools.count(1)
        self._tracks: list[_Track] = []

    def reset(self) -> None:
        """Forget all hands, as when another stream begins; numbers go on."""
        self._tracks.clear()

    def __call__(self, hands: tuple[SeenHand, ...]) -> tuple[SeenHand, ...]:
        """The hands of the next frame with the numbers of their tracks, in the same order."""
        pairs = sorted(
            (cost, order, index)
            for order, hand in enumerate(hands)
            for index, track in enumerate(self._tracks)
            if (cost := self._cost(track, hand)) is not None
        )
        taken: dict[int, _Track] = {}
        used: set[int] = set()
        for _, order, index in pairs:
            if order not in taken and index not in used:
                taken[order] = self._tracks[index]
                used.add(index)
        for index, track in enumerate(self._tracks):
            track.unseen = 0 if index in used else track.unseen + 1
        self._tracks = [track for track in self._tracks if track.unseen <= self.settings.memory]
        found = []
        for order, hand in enumerate(hands):
            track = taken.get(order)
            if track is None:
                track = _Track(next(self._numbers), hand)
                self._tracks.append(track)
            track.hand = hand
            found.append(replace(hand, track=track.number))
        return tuple(found)

    def _cost(self, track: _Track, hand: SeenHand) -> float | None:
        """How unlike a hand is to a track, None where it cannot be the same."""
        reach_m = self.settings.reach_m + min(track.unseen, 4) * self.settings.lost_reach_m
        distance_m = float(np.linalg.norm(np.subtract(track.hand.center_m, hand.center_m)))
        shared = _iou(track.hand.box, hand.box)
        if distance_m > reach_m and shared < 0.5:
            return None
        return distance_m / reach_m + 1 - shared


def _iou(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> float:
    across = min(a[2], b[2]) - max(a[0], b[0])
    down = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(across, 0) * max(down, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)
