"""One hand, or two, with a long object: a tube or rope wrapped by a fist, a sheet between finger tips, a bag.

Hand frame of the first hand, meters. Shapes that look right, no physics.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32, Float64

from graspseg.labels import OBJECT
from graspseg.synth.body.clearance import arm_balls, ball_depth, chain_depth, deepest, vertex_normals
from graspseg.synth.body.hand import HandModel
from graspseg.synth.objects.deformable import hold_of
from graspseg.synth.objects.interactions import MIRROR, Arm, Interaction
from graspseg.synth.objects.long_objects import (
    GRIP_M,
    LONG_KINDS,
    STEP_M,
    Line,
    arc,
    bag,
    bend_scale,
    board,
    radius_m,
    round_thing,
    wander,
)
from graspseg.synth.objects.objects import Split
from graspseg.synth.objects.solids import Solid
from graspseg.synth.objects.wrap import sample_wrap
from graspseg.synth.render.scene_parts import LongKind, Mesh, rotation_of
from graspseg.synth.render.vectors import cross

ENDS: dict[Split, dict[LongKind, float]] = {
    "train": {"foam_tube": 0.4, "stick": 0.1, "rope": 0.2, "board": 0.3},
    "val": {"foam_tube": 0.4, "stick": 0.1, "rope": 0.2, "board": 0.3},
    "unseen": {"foam_tube": 0.15, "rope": 0.1, "board": 0.15, "hose": 0.6},
}
"""What both hands hold at its ends in each split, by weight."""

DEEPEST_M = 0.004
_DRAWS = 10
_APART_M = (0.1, 0.5)
# How far a sheet reaches in between the finger tips.
_PINCHED_M = 0.012


@dataclass(frozen=True)
class _Grip:
    """A closed right hand and what it closes on: the point, the way out, the normal of what lies on its thumb."""

    shape: Float32[np.ndarray, " n"]
    articulation: Float32[np.ndarray, "5 4"]
    point: Float64[np.ndarray, "3"]
    out: Float64[np.ndarray, "3"]
    normal: Float64[np.ndarray, "3"]


def hold_long(rng: np.random.Generator, hand: HandModel, kind: LongKind, arm: Arm) -> Interaction:
    """A hand with an object of 25 to 60 cm, which it holds somewhere along it; hand frame.

    Args:
        rng: source of every choice.
        hand: model of the hand.
        kind: what is held.
        arm: draws a hand with its arm.

    Returns:
        The arm's meshes, then the object (OBJECT, named after its kind).

    Raises:
        ValueError: If the kind is unknown.
    """
    _check(kind)
    while True:
        radius = 0.0 if kind == "board" else radius_m(rng, kind)
        grip = _grip(rng, hand, radius)
        skin = hand.vertices(grip.shape, grip.articulation)
        normals = vertex_normals(skin, hand.faces)
        for _ in range(_DRAWS):
            thing = _mesh(_alone(rng, kind, grip, radius), kind)
            if not _clear_of_hand(thing.vertices, grip.point, skin, normals):
                continue
            meshes = arm(rng, grip.shape, grip.articulation)
            if ball_depth(arm_balls(hand.name, meshes[-1].vertices), thing.vertices[::3]) <= DEEPEST_M:
                return Interaction([*meshes, thing], (grip.point * 0.7 + [0.02, 0, 0]).astype(np.float32))


def hold_long_between(rng: np.random.Generator, hand: HandModel, kind: LongKind, arm: Arm) -> Interaction:
    """Two hands of a person with an object between them, each at one of its ends; first hand's frame.

    Args:
        rng: source of every choice.
        hand: model of both hands.
        kind: what is held; anything but a bag.
        arm: draws a hand with its arm.

    Returns:
        The first arm's meshes, those of the other (left) one, then the object (OBJECT, named after its kind).

    Raises:
        ValueError: If the kind is unknown, or a bag.
    """
    _check(kind)
    if kind == "bag":
        raise ValueError("Two hands hold no 'bag' by its ends; choose another kind.")
    while True:
        radius = 0.0 if kind == "board" else radius_m(rng, kind)
        first = _grip(rng, hand, radius)
        second = _grip(rng, hand, radius, shape=first.shape)
        line = _between(rng, kind, first)
        turn, shift = _other_hand(rng, second, line)
        thing = _mesh(_from_end_to_end(rng, kind, line, radius), kind)
        mine = arm(rng, first.shape, first.articulation)
        theirs = [
            replace(m, vertices=(m.vertices @ turn.T + shift).astype(np.float32))
            for m in arm(rng, second.shape, second.articulation)
        ]
        if _apart(hand, mine, theirs, thing.vertices):
            middle = line.points[len(line.points) // 2]
            return Interaction([*mine, *theirs, thing], ((first.point + middle) / 2).astype(np.float32))


def _check(kind: str) -> None:
    if kind not in LONG_KINDS:
        raise ValueError(f"There is no long object {kind!r}; choose one of {', '.join(LONG_KINDS)}.")


def _mesh(solid: Solid, kind: LongKind) -> Mesh:
    return Mesh(solid[0].astype(np.float32), solid[1], OBJECT, name=kind)


def _grip(
    rng: np.random.Generator, hand: HandModel, radius: float, *, shape: Float32[np.ndarray, " n"] | None = None
) -> _Grip:
    """A fist around a rod, or for radius 0 the tips of thumb and index finger at a sheet."""
    if radius:
        wrap = sample_wrap(rng, hand, radius, shape=shape)
        return _Grip(wrap.shape, wrap.articulation, wrap.point, wrap.out, np.array([0.0, 0.0, 1.0]))
    own = hand.sample_shape(rng) if shape is None else shape
    articulation = hand.sample_articulation(rng, "pinch")
    hold = hold_of(hand, own, articulation, fist=False)
    # A sheet lies across the line from tip to tip; it leaves the hand about where the fingers point.
    out = rotation_of(hold.across * rng.normal(0, 0.35)) @ hold.out
    return _Grip(own, articulation, hold.point, out, hold.across)


def _alone(rng: np.random.Generator, kind: LongKind, grip: _Grip, radius: float) -> Solid:
    """An object held by one hand."""
    if kind == "bag":
        down = np.array([1.0, 0.0, rng.normal(0.2, 0.5)])
        return bag(rng, grip.point, grip.out, down, radius)
    if kind == "board":
        length = rng.uniform(0.2, 0.45)
        line = arc(rng, grip.point - grip.out * _PINCHED_M, grip.out, grip.normal, length, straight=0.03, flat=True)
        below, above = rng.uniform(0.05, 0.25, 2)
        return board(rng, line, below=below, above=above)
    total, held = rng.uniform(0.25, 0.6), rng.uniform(0.06, 0.94)
    ends = []
    for sign, length in ((-1.0, total * held), (1.0, total * (1 - held))):
        ends.append(wander(rng, grip.point, sign * grip.out, max(length, GRIP_M), bend_scale(kind), straight=GRIP_M))
    if rng.uniform() < 0.5:
        ends.reverse()
    slim = len(ends[0]) * STEP_M + 1.3 * GRIP_M
    return round_thing(rng, kind, np.concatenate([ends[0][:0:-1], ends[1]]), radius, slim=slim)


def _between(rng: np.random.Generator, kind: LongKind, grip: _Grip) -> Line:
    """The line from the first hand's point to the other's."""
    straight = 0.03 if kind == "board" else GRIP_M
    length = 2 * straight + rng.uniform(*_APART_M)
    line = arc(rng, grip.point, grip.out, grip.normal, length, straight=straight, flat=kind == "board")
    if kind != "stick":
        return line
    count = len(line.points)
    points = grip.point + np.linspace(0, length, count)[:, None] * grip.out
    return Line(points, np.repeat(grip.out[None], count, axis=0), np.repeat(grip.normal[None], count, axis=0))


def _other_hand(rng: np.random.Generator, grip: _Grip, line: Line) -> tuple[np.ndarray, np.ndarray]:
    """Map `v @ turn.T + shift` from the frame of a right hand to a left one at the line's far end."""
    own = _axes(grip.out * MIRROR, grip.normal * MIRROR)
    normal = rotation_of(line.tangents[-1] * rng.normal(0, 0.35)) @ line.normals[-1]
    turn = _axes(-line.tangents[-1], normal) @ own.T * MIRROR
    return turn, line.points[-1] - turn @ grip.point


def _axes(first: np.ndarray, second: np.ndarray) -> Float64[np.ndarray, "3 3"]:
    """Axes in columns: the first, the second made orthogonal to it, and their cross product."""
    first = first.astype(np.float64) / np.linalg.norm(first)
    second = second - (second @ first) * first
    second = second / np.linalg.norm(second)
    return np.stack([first, second, cross(first, second)], axis=1)


def _from_end_to_end(rng: np.random.Generator, kind: LongKind, line: Line, radius: float) -> Solid:
    """The object between two hands and a little beyond them."""
    if kind == "board":
        first, last = line.points[0] - line.tangents[0] * _PINCHED_M, line.points[-1] + line.tangents[-1] * _PINCHED_M
        longer = Line(
            np.concatenate([first[None], line.points, last[None]]),
            np.concatenate([line.tangents[:1], line.tangents, line.tangents[-1:]]),
            np.concatenate([line.normals[:1], line.normals, line.normals[-1:]]),
        )
        below, above = rng.uniform(0.03, 0.22, 2)
        return board(rng, longer, below=below, above=above)
    ends = []
    for point, out in ((line.points[0], -line.tangents[0]), (line.points[-1], line.tangents[-1])):
        beyond = GRIP_M + rng.gamma(1.0, 0.03)
        ends.append(wander(rng, point, out, beyond, bend_scale(kind), straight=GRIP_M))
    whole = np.concatenate([ends[0][:0:-1], line.points, ends[1][1:]])
    return round_thing(rng, kind, whole, radius, slim=len(whole) * STEP_M)


def _clear_of_hand(thing: np.ndarray, point: np.ndarray, skin: np.ndarray, normals: np.ndarray) -> bool:
    """Whether the object keeps out of the hand that holds it, beyond where it is held."""
    beyond = thing[np.linalg.norm(thing - point, axis=1) > GRIP_M * 1.3]
    return not len(beyond) or bool(deepest(np.ascontiguousarray(beyond[::3]), skin, normals) <= DEEPEST_M)


def _apart(hand: HandModel, mine: list[Mesh], theirs: list[Mesh], thing: np.ndarray) -> bool:
    """Whether both arms keep out of each other, of the other hand and of what they hold."""
    first, second = (arm_balls(hand.name, arm[-1].vertices) for arm in (mine, theirs))
    near = hand.part > 0
    depth = max(
        chain_depth(first, second),
        ball_depth(first, np.concatenate([theirs[0].vertices[near][::6], thing[::3]])),
        ball_depth(second, np.concatenate([mine[0].vertices[near][::6], thing[::3]])),
    )
    return depth <= DEEPEST_M
