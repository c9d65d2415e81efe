"""Things that bend, held in a closed hand: cloth, paper, cable. For exams only; shapes that look right, no physics.

A pinching hand holds them between the tips of thumb and index finger, a fist inside the curled fingers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
from jaxtyping import Float32, Float64, Int32

from graspseg.labels import OBJECT
from graspseg.synth.body.clearance import arm_balls, ball_depth, deepest, vertex_normals
from graspseg.synth.body.hand import HandModel
from graspseg.synth.objects.interactions import Arm, Interaction
from graspseg.synth.render.scene_parts import Mesh, NonRigidKind
from graspseg.synth.render.vectors import cross

NONRIGID_KINDS: tuple[NonRigidKind, ...] = get_args(NonRigidKind)

DEEPEST_M = 0.003
DRAWS = 12
GRID = 33
TUBE_SIDES = 10
TUBE_STEP_M = 0.006
THUMB_TIP, INDEX_TIP = 18, 19


@dataclass(frozen=True)
class Hold:
    """Where a hand holds something, hand frame.

    Attributes:
        point: middle of what the skin presses on, meters.
        out: unit vector that leads away from the hand.
        across: unit vector from one side that presses to the other, orthogonal to `out`.
        fist: whether the curled fingers hold it and not two tips.
    """

    point: Float64[np.ndarray, "3"]
    out: Float64[np.ndarray, "3"]
    across: Float64[np.ndarray, "3"]
    fist: bool

    @property
    def side(self) -> Float64[np.ndarray, "3"]:
        """Third unit vector of the frame."""
        return cross(self.across, self.out)


def hold_nonrigid(rng: np.random.Generator, hand: HandModel, kind: NonRigidKind, arm: Arm) -> Interaction:
    """A hand with cloth, paper or a cable, hand frame.

    Args:
        rng: source of every choice.
        hand: model of the hand.
        kind: what is held.
        arm: draws a hand with its arm.

    Raises:
        ValueError: If the kind is unknown.
    """
    if kind not in NONRIGID_KINDS:
        raise ValueError(f"There is no bendable object {kind!r}; choose one of {', '.join(NONRIGID_KINDS)}.")
    while True:
        shape = hand.sample_shape(rng)
        fist = kind != "paper" and bool(rng.uniform() < 0.4)
        articulation = hand.sample_articulation(rng, "fist" if fist else "pinch")
        hold = hold_of(hand, shape, articulation, fist=fist)
        skin = hand.vertices(shape, articulation)
        normals = vertex_normals(skin, hand.faces)
        for _ in range(DRAWS):
            thing = {"cloth": cloth, "paper": paper, "cable": cable}[kind](rng, hold)
            beyond = np.linalg.norm(thing.vertices - hold.point, axis=1) > (0.05 if fist else 0.015)
            if deepest(np.ascontiguousarray(thing.vertices[beyond][::3]), skin, normals) > DEEPEST_M:
                continue
            meshes = arm(rng, shape, articulation)
            if ball_depth(arm_balls(hand.name, meshes[-1].vertices), thing.vertices[::3]) <= DEEPEST_M:
                return Interaction(
                    [*meshes, replace(thing, name=kind)], (hold.point * 0.6 + [0.03, 0, 0]).astype(np.float32)
                )


def hold_of(hand: HandModel, shape: np.ndarray, articulation: np.ndarray, *, fist: bool) -> Hold:
    """The place between the tips of thumb and index finger, or the tunnel of a fist."""
    joints = hand.joints(shape, articulation).astype(np.float64)
    if fist:
        point = (
            joints[[4 + 3 * f for f in (1, 2, 3)]].mean(axis=0) * 0.5
            + joints[[3 + 3 * f for f in (1, 2, 3)]].mean(axis=0) * 0.5
        )
        point[2] += 0.012
        return Hold(point, np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, 1.0]), fist=True)
    thumb, index = joints[THUMB_TIP], joints[INDEX_TIP]
    out = _unit(thumb - joints[5]) + _unit(index - joints[8])
    across = index - thumb
    out = _unit(out)
    return Hold((thumb + index) / 2, out, _unit(across - (across @ out) * out), fist=False)


def cloth(rng: np.random.Generator, hold: Hold) -> Mesh:
    """A cloth that hangs from where it is held: soft folds that open with the distance, and a sagging fall."""
    length, fan = rng.uniform(0.1, 0.28), rng.uniform(0.15, 0.55)
    down = _unit(hold.out + rng.normal(0, 0.25, 3))
    side = _unit(hold.side - (hold.side @ down) * down)
    normal = cross(down, side)
    along, around = np.meshgrid(np.linspace(0, 1, GRID), np.linspace(-1, 1, 3 * GRID), indexing="ij")
    corners = 1 - rng.uniform(0.1, 0.35) * np.abs(np.sin(around * rng.uniform(1.2, 2.2) + rng.uniform(-0.6, 0.6)))
    gathered = rng.uniform(0.002, 0.008)
    radius, angle = along * length * corners, around * np.pi / 2 * fan
    folds = np.zeros_like(along)
    for waves in rng.uniform(0.7, 3.2, 3):
        drift = rng.normal(0, 1.2) * along
        folds += rng.normal(0, 0.16) * np.sin(waves * np.pi * around + rng.uniform(0, 6.3) + drift)
    swing = rng.normal(0, 0.5) * along**2 * length + rng.normal(0, 0.3) * around * along**2 * length
    places = hold.point + (
        (radius * np.cos(angle))[..., None] * down
        + (radius * np.sin(angle) + gathered * around)[..., None] * side
        + (radius * folds * np.sqrt(along) + swing)[..., None] * normal
    )
    return _sheet(places)


def paper(rng: np.random.Generator, hold: Hold) -> Mesh:
    """A sheet bent about one direction, so that it stays developable, held near its edge.

    Across the rulings it follows a plane curve whose curvature changes linearly (Euler's spiral).
    """
    width, height = rng.uniform(0.07, 0.21), rng.uniform(0.09, 0.3)
    u, v = np.meshgrid(np.linspace(-0.5, 0.5, GRID), np.linspace(0, 1, GRID), indexing="ij")
    u = (u + rng.uniform(-0.35, 0.35)) * width
    v = v * height - rng.uniform(0.006, 0.014)
    ruling = rng.uniform(0, np.pi)
    flat, bent = u * np.cos(ruling) + v * np.sin(ruling), -u * np.sin(ruling) + v * np.cos(ruling)
    ends = np.linspace(bent.min(), bent.max(), 400)
    turn = rng.normal(0, 5) * ends + rng.normal(0, 25) * ends**2 / 2
    step = ends[1] - ends[0]
    curve = np.cumsum(np.column_stack([np.cos(turn), np.sin(turn)]), axis=0) * step
    curve -= [np.interp(0, ends, curve[:, 0]), np.interp(0, ends, curve[:, 1])]
    forward, lift = np.interp(bent, ends, curve[:, 0]), np.interp(bent, ends, curve[:, 1])
    right, ahead = np.cos(ruling) * flat - np.sin(ruling) * forward, np.sin(ruling) * flat + np.cos(ruling) * forward
    across = _unit(hold.across + rng.normal(0, 0.08, 3))
    ahead_axis = _unit(hold.out - (hold.out @ across) * across)
    side = cross(across, ahead_axis)
    return _sheet(hold.point + right[..., None] * side + ahead[..., None] * ahead_axis + lift[..., None] * across)


def cable(rng: np.random.Generator, hold: Hold) -> Mesh:
    """A round cable that leaves the hand on both sides and winds on, smooth in its curvature."""
    radius = rng.uniform(0.0015, 0.005)
    start = hold.out if hold.fist else _unit(hold.side + rng.normal(0, 0.3) * hold.out)
    halves = []
    for sign in (1.0, -1.0):
        count = int(rng.uniform(0.08, 0.4) / TUBE_STEP_M)
        heading, bend = sign * start, rng.normal(0, 2.0, 3)
        point, places = hold.point.copy(), []
        for i in range(count):
            places.append(point)
            straight = i * TUBE_STEP_M < (0.06 if hold.fist else 0.012)
            if not straight:
                bend = 0.93 * bend + rng.normal(0, 2.2, 3)
                heading = _unit(heading + (cross(bend, heading) + 1.5 * hold.out * (not hold.fist)) * TUBE_STEP_M)
            point = point + heading * TUBE_STEP_M
        halves.append(np.array(places))
    return _tube(np.concatenate([halves[1][:0:-1], halves[0]]), radius)


def _tube(line: Float64[np.ndarray, "n 3"], radius: float) -> Mesh:
    """A closed tube around a line; its cross-section does not twist along the way."""
    tangents = np.gradient(line, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    normal = _unit(cross(tangents[0], np.eye(3)[np.argmin(np.abs(tangents[0]))]))
    rings = []
    angles = np.linspace(0, 2 * np.pi, TUBE_SIDES, endpoint=False)
    for point, tangent in zip(line, tangents, strict=True):
        normal = _unit(normal - (normal @ tangent) * tangent)
        other = cross(tangent, normal)
        rings.append(point + radius * (np.cos(angles)[:, None] * normal + np.sin(angles)[:, None] * other))
    vertices = np.concatenate([*rings, line[[0, -1]]]).astype(np.float32)
    n, k = len(line), np.arange(TUBE_SIDES)
    following = (k + 1) % TUBE_SIDES
    base = (np.arange(n - 1) * TUBE_SIDES)[:, None]
    a, b, c, d = base + k, base + following, base + TUBE_SIDES + k, base + TUBE_SIDES + following
    wall = np.concatenate([np.stack([a, b, d], axis=-1), np.stack([a, d, c], axis=-1)]).reshape(-1, 3)
    last = (n - 1) * TUBE_SIDES
    first_cap = np.column_stack([following, k, np.full(TUBE_SIDES, n * TUBE_SIDES)])
    last_cap = np.column_stack([last + k, last + following, np.full(TUBE_SIDES, n * TUBE_SIDES + 1)])
    return Mesh(vertices, np.concatenate([wall, first_cap, last_cap]).astype(np.int32), OBJECT)


def _sheet(points: Float64[np.ndarray, "m n 3"]) -> Mesh:
    """Triangles over a grid of points."""
    rows, columns = points.shape[:2]
    index: Int32[np.ndarray, "m n"] = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    a, b, c, d = (q.ravel() for q in (index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]))
    faces = np.concatenate([np.column_stack([a, b, d]), np.column_stack([a, d, c])]).astype(np.int32)
    vertices: Float32[np.ndarray, "v 3"] = points.reshape(-1, 3).astype(np.float32)
    return Mesh(vertices, faces, OBJECT)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)
