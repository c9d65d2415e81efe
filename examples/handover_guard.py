"""Where a gripper may take an object out of a hand, and how far the hand is from there.

    python examples/handover_guard.py [FRAME or FOLDER] [WITHIN_MM]

`advise` judges one frame; `watch` follows a stream and reports when a hand comes within some millimeters of the
gripper, and when it has left. This shows the numbers that a hand-over needs. It is NOT a safety device: what is not
seen as a hand may be one, and a frame may come late or not at all. A robot needs a certified one beside it.
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graspseg import Segmentation, Segmenter, open_dataset, read_frame
from graspseg.segment.cloud import cloud
from graspseg.segment.stream import StreamSegmenter

GRIPPER_M = 0.04
"""Radius of what the gripper needs around its grasp."""
SURE = 0.9
"""Least confidence and probability of a hand."""
ENOUGH = 0.1
"""Least share of the object that a gripper must find within its radius: a stray pixel is no grasp."""
MOST_POINTS = 1500
"""Points of each cloud that distances are taken of."""


@dataclass(frozen=True)
class Advice:
    """Whether to close the gripper.

    Attributes:
        take: whether the hand is farther away than the gripper needs, and the model is sure.
        why: what decided.
        grasp_m: the place on the object farthest from the hand, x right, y down, z forward; None without one.
        clearance_m: distance of that point from the nearest point of the hand; None without both.
    """

    take: bool
    why: str
    grasp_m: tuple[float, float, float] | None = None
    clearance_m: float | None = None


def advise(found: Segmentation) -> Advice:
    """Judge one frame."""
    held, hand = _thinned(found.object_cloud()), _thinned(found.hand_cloud())
    if not len(held):
        return Advice(False, "no object in a hand")
    if not len(hand):
        return Advice(False, "an object, but no hand: look again")
    nearest_m = _distances(held, hand).min(axis=1)
    solid = (_distances(held, held) < GRIPPER_M).mean(axis=1) >= ENOUGH
    best = int(np.where(solid, nearest_m, -1).argmax())
    x, y, z = map(float, held[best])
    grasp, clearance = (x, y, z), float(nearest_m[best])
    if min(found.confidence or 0.0, found.hand_present or 0.0) < SURE:
        return Advice(False, "the model is not sure", grasp, clearance)
    if clearance < GRIPPER_M:
        return Advice(False, "do not touch: the hand is too near", grasp, clearance)
    return Advice(True, "the object sticks out of the hand", grasp, clearance)


@dataclass(frozen=True)
class Event:
    """A hand came near the gripper, or is gone from there.

    Attributes:
        number: of the frame, from 0.
        near: whether it came; else it went.
        distance_mm: from the gripper to the nearest point of a hand; None when none is seen.
        track: the hand's number in the stream, see `SeenHand`; None when none is seen.
    """

    number: int
    near: bool
    distance_mm: float | None
    track: int | None


def watch(
    results: Iterable[Segmentation], gripper_m: tuple[float, float, float], *, within_mm: float = 80.0
) -> Iterator[Event]:
    """Events of a stream.

    Args:
        results: of a `StreamSegmenter`, frame by frame.
        gripper_m: the gripper's place in the camera's axes: x right, y down, z forward. A robot knows its pose in its
            own axes; the camera's pose in them (hand-eye calibration) turns one into the other.
        within_mm: how near is near. A hand has left when it is a quarter farther than that, so that noise at the limit
            makes one event and not many.
    """
    near, gripper = False, np.array(gripper_m)
    for number, found in enumerate(results):
        seen = [(_nearest_mm(found, hand.full_mask(found.labels.shape), gripper), hand.track) for hand in found.hands]
        distance_mm, track = min(seen, key=lambda each: each[0], default=(None, None))
        limit_mm = within_mm * (1.25 if near else 1.0)
        if near != (distance_mm is not None and distance_mm <= limit_mm):
            near = not near
            yield Event(number, near, distance_mm, track)


def _nearest_mm(found: Segmentation, mask: np.ndarray, gripper_m: np.ndarray) -> float:
    return 1000 * float(np.linalg.norm(cloud(found.frame, mask) - gripper_m, axis=1).min())


def _distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.sqrt(((one[:, None] - other[None]) ** 2).sum(axis=2))


def _thinned(points: np.ndarray) -> np.ndarray:
    return points[:: max(1, -(-len(points) // MOST_POINTS))]


def main(source: str = "examples/frames/depth/unseen-0000026.png", within_mm: str = "80") -> None:
    """Print the advice for one depth image, or the events of a folder with a gripper at its first object."""
    if not Path(source).is_dir():
        print(advise(Segmenter()(read_frame(source))))
        return
    frames, stream = open_dataset(source), StreamSegmenter(Segmenter())
    grasps = (advise(stream.segmenter(frames[index].frame)).grasp_m for index in range(len(frames)))
    gripper_m = next((grasp for grasp in grasps if grasp is not None), (0.0, 0.0, 0.4))
    results = (stream(frames[index].frame) for index in range(len(frames)))
    for event in watch(results, gripper_m, within_mm=float(within_mm)):
        print(event)


if __name__ == "__main__":
    main(*sys.argv[1:])
