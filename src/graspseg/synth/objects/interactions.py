"""What one or two hands do with an object: the meshes of each kind of interaction, in the frame of the first hand.

The first hand is a right one in its own frame (see `HandModel`); whoever places the scene may mirror all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float32, Float64

from graspseg.labels import BACKGROUND, OBJECT
from graspseg.synth.body.articulation import HandPose
from graspseg.synth.body.clearance import arm_balls, ball_depth, chain_depth, nearest_gap
from graspseg.synth.body.hand import HandModel
from graspseg.synth.objects.cast import held_vertices
from graspseg.synth.objects.grasp import Grasp, GraspLibrary, load_grasps, load_hands_on_hands, load_pairs
from graspseg.synth.objects.objects import ObjectModel
from graspseg.synth.render.scene_parts import InteractionKind, Mesh, random_rotation

INTERACTION_KINDS: tuple[InteractionKind, ...] = get_args(InteractionKind)
Arm = Callable[[np.random.Generator, np.ndarray, np.ndarray], list[Mesh]]
"""Draws the meshes of a hand with its arm, hand frame, from a shape and joint angles."""

BARE_POSES: tuple[HandPose, ...] = get_args(HandPose)
MIRROR = np.array([1, -1, 1], np.float32)
PALM = np.array([0.07, 0.0, 0.01], np.float32)
CLOSED_RAD = 0.008
DEEPEST_ARM_M = 0.003
NEAR_GAP_M = (0.02, 0.08)
NEAR_STEP_M = 0.003
SURFACE_POINTS = 500
CHILD_SHARE = 0.08


@dataclass(frozen=True)
class Interaction:
    """Meshes in the frame of the first hand, meters, and the point a camera should look at."""

    meshes: list[Mesh]
    focus: Float32[np.ndarray, "3"]


class Interactions:
    """Composes interactions of one hand model with some of the objects, from edition 2 of the grasp library.

    Args:
        hand: model of every hand.
        objects: the objects that may be held or lie near.
        arm: draws a hand with its arm; called again when an arm would cut through something.
    """

    def __init__(self, hand: HandModel, objects: dict[str, ObjectModel], arm: Arm) -> None:
        self._hand, self._objects, self._arm = hand, objects, arm
        self._names = sorted(objects)
        grasps = [g for g in load_grasps(2) if g.hand == hand.name and g.object_name in objects]
        self._grasps = {
            "hold": GraspLibrary([g for g in grasps if g.kind != "palm"]),
            "palm": GraspLibrary([g for g in grasps if g.kind == "palm"]),
            "tool": GraspLibrary([g for g in grasps if g.kind == "handle"]),
        }
        pairs = [p for p in load_pairs() if p.first.hand == hand.name and p.first.object_name in objects]
        self._pairs = {kind: [p for p in pairs if p.kind == kind] for kind in ("two_hands", "handover")}
        self._covers = [c for c in load_hands_on_hands() if c.hand == hand.name]

    def compose(self, rng: np.random.Generator, kind: InteractionKind) -> Interaction:
        """Draw one interaction.

        HAND is on every bare hand and arm, OBJECT on what is held, BACKGROUND on sleeves and on what lies near.

        Raises:
            ValueError: If the kind is unknown.
        """
        match kind:
            case "hold" | "palm" | "tool":
                return self._holding(rng, self._grasps[kind])
            case "bare":
                shape, articulation = self._empty_hand(rng)
                return Interaction(self._arm(rng, shape, articulation), PALM)
            case "two_hands" | "handover":
                return self._pair(rng, kind)
            case "hand_over_hand":
                return self._cover(rng)
            case "near":
                return self._near(rng)
        raise ValueError(f"There is no interaction {kind!r}; choose one of {', '.join(INTERACTION_KINDS)}.")

    def _holding(self, rng: np.random.Generator, library: GraspLibrary) -> Interaction:
        while True:
            grasp = library.sample(rng)
            slack = rng.normal(0, CLOSED_RAD, (5, 4)).astype(np.float32)
            thing = self._held(grasp)
            arm = self._arm(rng, grasp.shape, grasp.articulation + slack)
            if ball_depth(self._balls(arm), thing.vertices[::2]) <= DEEPEST_ARM_M:
                return Interaction([*arm, thing], _between(rng, thing.vertices))

    def _empty_hand(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        shape = self._hand.sample_shape(rng, child=bool(rng.uniform() < CHILD_SHARE))
        return shape, self._hand.sample_articulation(rng, BARE_POSES[rng.integers(len(BARE_POSES))])

    # -- two hands -----------------------------------------------------------------------------------------------

    def _pair(self, rng: np.random.Generator, kind: Literal["two_hands", "handover"]) -> Interaction:
        while True:
            pair = self._pairs[kind][rng.integers(len(self._pairs[kind]))]
            thing = self._held(pair.first)
            first = self._arm(rng, pair.first.shape, pair.first.articulation)
            second = self._left(rng, pair.second.shape, pair.second.articulation, pair.second_pose)
            if self._clear(first, second, thing.vertices[::2]):
                return Interaction([*first, *second, thing], _between(rng, thing.vertices))

    def _cover(self, rng: np.random.Generator) -> Interaction:
        while True:
            cover = self._covers[rng.integers(len(self._covers))]
            first = self._arm(rng, cover.shape, cover.articulations[0])
            second = self._left(rng, cover.shape, cover.articulations[1], cover.pose)
            if self._clear(first, second, np.zeros((0, 3), np.float32)):
                return Interaction([*first, *second], PALM)

    def _left(
        self, rng: np.random.Generator, shape: np.ndarray, articulation: np.ndarray, pose: np.ndarray
    ) -> list[Mesh]:
        turn = pose[:, :3] * MIRROR
        return [
            replace(m, vertices=(m.vertices @ turn.T + pose[:, 3]).astype(np.float32))
            for m in self._arm(rng, shape, articulation)
        ]

    def _clear(self, first: list[Mesh], second: list[Mesh], thing: np.ndarray) -> bool:
        """Whether both arms keep out of each other, of the other hand and of the object."""
        mine, theirs = self._balls(first), self._balls(second)
        near = self._hand.part > 0
        depth = max(
            chain_depth(mine, theirs),
            ball_depth(mine, np.concatenate([second[0].vertices[near][::6], thing])),
            ball_depth(theirs, np.concatenate([first[0].vertices[near][::6], thing])),
        )
        return depth <= DEEPEST_ARM_M

    def _balls(self, arm: list[Mesh]) -> Float64[np.ndarray, "n 4"]:
        return arm_balls(self._hand.name, arm[-1].vertices)

    # -- things --------------------------------------------------------------------------------------------------

    def _held(self, grasp: Grasp) -> Mesh:
        model = self._objects[grasp.object_name]
        return Mesh(held_vertices(model, grasp), model.faces, OBJECT, name=grasp.object_name)

    def _near(self, rng: np.random.Generator) -> Interaction:
        """A hand that holds nothing, and an object 2 to 8 cm away: about to be taken, just let go, or lying there."""
        while True:
            if rng.uniform() < 0.5:
                grasp = self._grasps["hold"].sample(rng)
                shape, articulation = grasp.shape, _opened(rng, grasp.articulation)
                thing, away = self._held(grasp), rng.normal([0.3, 0, 1], 0.4)
            else:
                shape, articulation = self._empty_hand(rng)
                model = self._objects[self._names[rng.integers(len(self._names))]]
                turned = (model.vertices * model.sample_scale(rng)) @ random_rotation(rng).T
                thing, away = Mesh((turned + PALM).astype(np.float32), model.faces, BACKGROUND), rng.normal(size=3)
            arm = self._arm(rng, shape, articulation)
            start = away / np.linalg.norm(away) * 0.45
            skin = np.ascontiguousarray(arm[0].vertices[self._hand.part > 0][::4])
            shift = _approach(skin, _surface(rng, thing), start, float(rng.uniform(*NEAR_GAP_M)))
            if shift is None:
                continue
            moved = (thing.vertices + shift).astype(np.float32)
            if ball_depth(self._balls(arm), moved[::2]) < -NEAR_GAP_M[0] / 2:
                return Interaction([*arm, Mesh(moved, thing.faces, BACKGROUND)], _between(rng, moved))


def _between(rng: np.random.Generator, vertices: np.ndarray) -> Float32[np.ndarray, "3"]:
    """A point between the palm and the middle of an object."""
    weight = np.float32(rng.uniform(0.2, 0.7))
    return PALM * (1 - weight) + vertices.mean(axis=0) * weight


def _opened(rng: np.random.Generator, articulation: np.ndarray) -> Float32[np.ndarray, "5 4"]:
    """Joint angles of a hand that has let go."""
    opened = articulation * np.float32(rng.uniform(0.2, 0.8))
    opened[1:, 1] = articulation[1:, 1] + np.float32(rng.uniform(0.0, 0.1))
    return opened


def _approach(
    skin: np.ndarray, surface: np.ndarray, start: np.ndarray, gap_m: float
) -> Float32[np.ndarray, "3"] | None:
    """Shift of a surface coming from `start` toward the hand that leaves a gap; None when it passes by.

    Each step is the distance still left, so that nothing is passed through (sphere tracing, Hart 1996).
    """
    direction = (-start / np.linalg.norm(start)).astype(np.float32)
    shift = start.astype(np.float32)
    for _ in range(24):
        gap = float(nearest_gap(surface + shift, skin)[0])
        if abs(gap - gap_m) < NEAR_STEP_M:
            return shift
        shift = shift + direction * np.float32(gap - gap_m)
    return None


def _surface(rng: np.random.Generator, thing: Mesh) -> Float32[np.ndarray, "n 3"]:
    """Points spread evenly over a mesh."""
    a, b, c = (thing.vertices[thing.faces[:, i]] for i in range(3))
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    face = rng.choice(len(areas), size=SURFACE_POINTS, p=areas / areas.sum())
    u, v = np.sort(rng.uniform(size=(2, SURFACE_POINTS, 1)), axis=0)
    return (u * a[face] + (v - u) * b[face] + (1 - v) * c[face]).astype(np.float32)
