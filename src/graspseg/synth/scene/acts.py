"""What single arms on a stage do: interactions of one hand, at the size of the person who plays them."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from graspseg.labels import HAND, OBJECT
from graspseg.synth.body.arm import ArmPose, hand_length_m, sample_pose
from graspseg.synth.objects.cast import Cast
from graspseg.synth.objects.deformable import hold_nonrigid
from graspseg.synth.objects.interactions import BARE_POSES, PALM, Interactions
from graspseg.synth.objects.long_grasps import hold_long
from graspseg.synth.recipe import Hands, Kind
from graspseg.synth.render.scene_parts import Mesh


class Act(NamedTuple):
    """An arm, the object it holds or that lies near it (hand frame), and the point of the hand frame to look at."""

    pose: ArmPose
    thing: Mesh | None
    focus: Float64[np.ndarray, "3"]


class ActMaker:
    """Draws acts.

    Args:
        cast: hand, objects and grasps.
        hands: sizes and poses.
    """

    def __init__(self, cast: Cast, hands: Hands) -> None:
        self._hand = cast.hand
        self._hands = hands
        self._interactions = Interactions(cast.hand, cast.objects, self._arm)
        self._pose: ArmPose | None = None

    def make(self, rng: np.random.Generator, kind: Kind, length_m: float) -> Act:
        """Draw an act of one hand, so long from wrist to middle finger's tip.

        Hand and thing grow alike, so that they touch as they did.
        """
        match kind:
            case "bare":
                return Act(self.bare(rng, length_m), None, PALM.astype(np.float64))
            case "cloth" | "paper" | "cable":
                made = hold_nonrigid(rng, self._hand, kind, self._arm)
            case "foam_tube" | "stick" | "rope" | "board" | "hose" | "bag":
                made = hold_long(rng, self._hand, kind, self._arm)
            case "two_ends":
                raise AssertionError("two hands at the ends of an object are no act of one hand")
            case _:
                made = self._interactions.compose(rng, kind)
        assert self._pose is not None
        pose, thing = self._pose, made.meshes[-1]
        factor = length_m / hand_length_m(self._hand, pose.shape)
        shape = pose.shape.copy()
        shape[0] *= factor
        held = "held" if thing.label == OBJECT else thing.kind
        thing = replace(thing, vertices=(thing.vertices * factor).astype(np.float32), kind=held)
        return Act(replace(pose, shape=shape), thing, made.focus * factor)

    def bare(self, rng: np.random.Generator, length_m: float, *, straight: bool = False) -> ArmPose:
        """An arm whose hand is empty."""
        shape = self._hand.sample_shape(rng)
        shape[0] *= length_m / hand_length_m(self._hand, shape)
        name = BARE_POSES[rng.integers(len(BARE_POSES))]
        articulation = self._hand.sample_articulation(rng, name)
        return sample_pose(rng, self._hands, shape, articulation, straight=straight)

    def length_m(self, rng: np.random.Generator) -> float:
        """Wrist joint to middle finger's tip of a random adult or child, meters."""
        low, high = self._hands.child_mm if rng.uniform() < self._hands.child_share else self._hands.adult_mm
        return float(np.clip(rng.normal((low + high) / 2, (high - low) / 5), low, high)) / 1000

    def _arm(self, rng: np.random.Generator, shape: np.ndarray, articulation: np.ndarray) -> list[Mesh]:
        """A bare arm for the interaction to keep clear of; its pose is the act's if nothing collides."""
        pose = self._pose = sample_pose(rng, self._hands, shape, articulation)
        angles = {"wrist": pose.wrist, "elbow": pose.elbow, "pronation": pose.pronation}
        return [Mesh(self._hand.vertices(pose.shape, pose.articulation, **angles), self._hand.faces, HAND)]
