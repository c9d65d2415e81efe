"""The grasp library: hands closed on objects offline by `tools/assets/make_grasps.py`, drawn at random here.

One file holds two editions. Edition 1 is the library that the frozen exam draws from. Edition 2 keeps those of its
grasps that pass every rule of `docs/data/grasps.md`, repairs others, and adds flat palms and rare kinds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
from jaxtyping import Float32

from graspseg.synth.preset_names import Edition

GraspKind = Literal["power", "pinch", "tripod", "lateral", "hook", "plate", "handle", "palm"]
GRASP_KINDS: tuple[GraspKind, ...] = ("power", "pinch", "tripod", "lateral", "hook", "plate", "handle", "palm")

PairKind = Literal["two_hands", "handover"]
PAIR_KINDS: tuple[PairKind, ...] = ("two_hands", "handover")


@dataclass(frozen=True)
class Grasp:
    """One closed grasp in the hand frame (see `HandModel`), meters and radians.

    Attributes:
        hand: name of the hand model it was closed with.
        kind: grasp type.
        shape: hand shape coefficients.
        articulation: finger joint angles.
        object_name: key into `load_objects()`.
        object_scale: scale per object axis.
        object_pose: rotation and translation from object to hand frame; of a left hand, the mirrored hand frame.
        left: whether the hand is a left one, the mirror image (-y) of the model.
    """

    hand: str
    kind: GraspKind
    shape: Float32[np.ndarray, " n"]
    articulation: Float32[np.ndarray, "5 4"]
    object_name: str
    object_scale: Float32[np.ndarray, "3"]
    object_pose: Float32[np.ndarray, "3 4"]
    left: bool = False


@dataclass(frozen=True)
class GraspPair:
    """A right and a left hand on one object: `two_hands` of one person, or a `handover` between two people."""

    kind: PairKind
    first: Grasp
    second: Grasp

    @property
    def second_pose(self) -> Float32[np.ndarray, "3 4"]:
        """Rotation and translation from the left hand's mirrored frame to the right hand's frame."""
        mine, theirs = self.first.object_pose, self.second.object_pose
        rotation = mine[:, :3] @ theirs[:, :3].T
        return np.column_stack([rotation, mine[:, 3] - rotation @ theirs[:, 3]])


@dataclass(frozen=True)
class HandOnHand:
    """A right hand, and a left hand of the same person that covers or holds it.

    Attributes:
        hand: name of the hand model.
        shape: hand shape coefficients of both.
        articulations: joint angles of the right and of the left hand.
        pose: rotation and translation from the left hand's mirrored frame to the right hand's.
    """

    hand: str
    shape: Float32[np.ndarray, " n"]
    articulations: Float32[np.ndarray, "2 5 4"]
    pose: Float32[np.ndarray, "3 4"]


class GraspLibrary:
    """Grasps to draw from, balanced over objects."""

    def __init__(self, grasps: list[Grasp]) -> None:
        """Index the grasps by object, so that an object is drawn as often as any other, however many grasps it has."""
        self._by_object: dict[str, list[Grasp]] = {}
        for grasp in grasps:
            self._by_object.setdefault(grasp.object_name, []).append(grasp)
        self._names = sorted(self._by_object)

    def __len__(self) -> int:
        return sum(len(grasps) for grasps in self._by_object.values())

    def sample(self, rng: np.random.Generator) -> Grasp:
        """Draw an object, then one of its grasps."""
        grasps = self._by_object[self._names[rng.integers(len(self._names))]]
        return grasps[rng.integers(len(grasps))]


@cache
def load_grasps(edition: Edition = 1) -> tuple[Grasp, ...]:
    """The one-handed grasps of an edition of the shipped library, in a fixed order.

    Args:
        edition: 1 for the frames of the frozen exam, 2 for grasps that pass every rule.
    """
    grasps, member = _stored_grasps(), _arrays()[f"edition_{edition}"]
    return tuple(grasps[i] for i in np.flatnonzero(member))


@cache
def load_pairs() -> tuple[GraspPair, ...]:
    """Two hands on one object."""
    grasps, arrays = _stored_grasps(), _arrays()
    kinds, rows = arrays["pair_kind"].tolist(), arrays["pair_rows"].tolist()
    return tuple(
        GraspPair(PAIR_KINDS[kind], grasps[first], grasps[second])
        for kind, (first, second) in zip(kinds, rows, strict=True)
    )


@cache
def load_hands_on_hands() -> tuple[HandOnHand, ...]:
    """One hand on the other."""
    found: list[HandOnHand] = []
    arrays = _arrays()
    for name in arrays["hand_names"].tolist():
        stored = [arrays[f"cover_{name}_{key}"].astype(np.float32) for key in ("shape", "articulation", "pose")]
        found += [HandOnHand(name, *row) for row in zip(*stored, strict=True)]
    return tuple(found)


@cache
def _arrays() -> dict[str, np.ndarray]:
    with np.load(str(files("graspseg.synth") / "assets" / "grasps.npz")) as stored:
        return {key: stored[key] for key in stored.files}


@cache
def _stored_grasps() -> tuple[Grasp, ...]:
    arrays = _arrays()
    hands, objects = arrays["hand_names"].tolist(), arrays["object_names"].tolist()
    shapes = {name: arrays[f"shape_{name}"].astype(np.float32) for name in hands}
    return tuple(
        Grasp(
            hand=hands[hand],
            kind=GRASP_KINDS[arrays["kind"][i]],
            shape=shapes[hands[hand]][arrays["row"][i]],
            articulation=arrays["articulation"][i].astype(np.float32),
            object_name=objects[arrays["object"][i]],
            object_scale=arrays["object_scale"][i].astype(np.float32),
            object_pose=arrays["object_pose"][i].astype(np.float32),
            left=bool(arrays["left"][i]),
        )
        for i, hand in enumerate(arrays["hand"])
    )
