"""Closing one hand on one object: placing, flexing until contact, accepting."""

from __future__ import annotations

import numpy as np

from graspseg.synth.body.hand import ARTICULATION_LIMITS, HandModel, _shaped, _skin
from graspseg.synth.objects.grasp import Grasp, GraspKind
from graspseg.synth.objects.objects import ObjectModel
from solver_field import Field

TOUCH_M = 0.0015
SINK_M = -0.001
DEEPEST_M = -0.002
STEP_RAD = np.radians(4.0)


def random_rotation(rng: np.random.Generator) -> np.ndarray:
    """Uniform rotation matrix."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q *= np.sign(np.diag(r))
    return q if np.linalg.det(q) > 0 else -q


def frame_from(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Rotation whose columns are x, z x x and z made orthogonal to x."""
    x = x / np.linalg.norm(x)
    z = z - (z @ x) * x
    z = z / np.linalg.norm(z)
    return np.column_stack([x, np.cross(z, x), z])


class Solver:
    """Closes one hand on one object."""

    def __init__(
        self,
        hand: HandModel,
        model: ObjectModel,
        field: Field,
        rng: np.random.Generator,
        *,
        shape: np.ndarray | None = None,
        scale: np.ndarray | None = None,
    ) -> None:
        """Draw the person and the object's size unless they are given."""
        self.hand, self.model, self.field, self.rng = hand, model, field, rng
        self.shape = hand.sample_shape(rng) if shape is None else shape
        self.part = hand.coarse_part[hand.coarse_part > 0]
        a, n = hand.arrays, len(hand.coarse_part)
        rest = _shaped(a["mean"], a["basis"], self.shape)
        self.rest, self.rest_joints = rest[:n][hand.coarse_part > 0], rest[n:]
        self.bones = [np.ascontiguousarray(a[key][hand.coarse_part > 0]) for key in ("bone_index", "bone_weight")]
        self.scale = (model.sample_scale(rng) if scale is None else scale).astype(np.float64)
        self.articulation = np.zeros((5, 4), np.float32)
        self.pose = np.eye(3, 4)
        rest = self.points()
        self.length = np.linalg.norm(rest[self.part == 4].max(axis=0))
        self.tips = []
        for finger in range(5):
            ids = np.flatnonzero(self.part == finger + 2)
            along = rest[ids, 0] if finger else np.linalg.norm(rest[ids], axis=1)
            self.tips.append(ids[along > along.max() - 0.012])

    def points(self, mask: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Vertices of the hand (without arm) at the current joint angles."""
        transforms, _ = self.hand._pose(self.rest_joints, self.articulation, None, 0.0)
        return _skin(self.rest[mask], self.bones[0][mask], self.bones[1][mask], transforms).astype(np.float64)

    def gap(self, points: np.ndarray) -> np.ndarray:
        return self.field(points, self.pose, self.scale)

    def sizes(self) -> np.ndarray:
        return np.ptp(self.model.vertices, axis=0) * self.scale

    # -- placing -------------------------------------------------------------------------------------------------

    def open_hand(self, kind: GraspKind) -> None:
        rng, a = self.rng, self.articulation
        a[:] = 0
        a[1:, 1] = rng.normal(0.03, 0.07, 4)
        a[1:, 0] = rng.uniform(0.0, 0.25) + rng.normal(0, 0.05, 4)
        a[1:, 2] = rng.uniform(0.05, 0.3)
        a[0] = (rng.uniform(-0.1, 0.3), rng.uniform(0.5, 0.9), 0.0, 0.0)
        if kind == "plate":
            a[1:, 0], a[1:, 2] = rng.normal(0.0, 0.06, 4), rng.uniform(0.0, 0.15)
            a[0] = (-0.1, rng.uniform(0.0, 0.3), 0.0, 0.0)
        if kind == "palm":
            a[1:, 0], a[1:, 2] = rng.uniform(0.0, 0.2) + rng.normal(0, 0.03, 4), rng.uniform(0.05, 0.35)
            a[1:, 1], a[0] = rng.uniform(-0.02, 0.2), (rng.uniform(-0.3, 0.1), rng.uniform(0.0, 0.5), 0.0, 0.0)
        if kind == "hook":
            a[0] = (rng.uniform(0, 0.3), rng.uniform(0.0, 0.3), rng.uniform(0, 0.2), rng.uniform(0, 0.3))
        self.clip()

    def clip(self) -> None:
        np.clip(self.articulation, ARTICULATION_LIMITS[..., 0], ARTICULATION_LIMITS[..., 1], out=self.articulation)

    def place_on_palm(self, kind: GraspKind) -> bool:
        """Put the object before the palm and push it in along the palm's normal until it touches."""
        rng, length = self.rng, self.length
        across = np.array([rng.normal(0, 0.35), rng.choice([-1.0, 1.0]), rng.normal(0, 0.15)])
        sizes = self.sizes()
        anchor, free = np.zeros(3), rng.uniform() < 0.2 and kind == "power"
        if kind == "palm":
            r = self.resting()
        elif kind == "plate":
            r = frame_from(np.array([*rng.normal(size=2), 0.0]), np.array([0, 0, rng.choice([-1.0, 1.0])]))
        elif free:
            r = random_rotation(rng)
        else:
            spin = np.array([np.cos(s := rng.uniform(0, 2 * np.pi)), 0, np.sin(s)])
            axis = self.model.grip_axis.astype(np.float64)
            local = frame_from(axis, np.eye(3)[np.argmin(np.abs(axis))])
            r = frame_from(across, spin) @ local.T
            anchor = self.model.grip_center * self.scale
            slack = 0.2 if kind in ("handle", "hook") else 0.6
            half = 0.5 * np.abs(axis) @ sizes
            anchor = anchor + axis * rng.uniform(-1, 1) * slack * max(half - 0.03, 0)
        reach = {"hook": 0.62, "plate": 0.5, "palm": 0.5}.get(kind, 0.36 + min(0.35 * sizes[2] / length, 0.18))
        target = np.array([(reach + rng.normal(0, 0.05)) * length, rng.normal(0, 0.012), 0.0])
        self.pose = np.column_stack([r, target - r @ anchor])
        solid = self.points()[self.part != 2]
        depth = 0.25
        while depth > -0.02:
            self.pose[2, 3] = depth - (r @ anchor)[2]
            nearest = self.gap(solid).min()
            if nearest < 0.0003:
                break
            depth -= max(nearest * 0.8, 0.0004)
        else:
            return False
        return self.clear_thumb()

    def resting(self) -> np.ndarray:
        """Rotation that stands the object on one of its sides, larger sides more often, turned about the vertical."""
        rng, sizes = self.rng, self.sizes()
        areas = np.array([sizes[1] * sizes[2], sizes[0] * sizes[2], sizes[0] * sizes[1]]) ** 0.7
        up = np.eye(3)[rng.choice(3, p=areas / areas.sum())] * rng.choice([-1.0, 1.0])
        turn = np.array([np.cos(s := rng.uniform(0, 2 * np.pi)), np.sin(s), 0.0])
        vertical = np.array([*rng.normal(0, 0.06, 2), 1.0])
        local = frame_from(np.eye(3)[(np.argmax(np.abs(up)) + 1) % 3], up)
        return frame_from(turn - (turn @ vertical) * vertical / (vertical @ vertical), vertical) @ local.T

    def balanced(self, points: np.ndarray, gaps: np.ndarray) -> bool:
        """Whether the object's middle lies above the contacts of an upturned palm."""
        contacts = points[gaps < 2 * TOUCH_M][:, :2]
        middle = self.pose[:2, 3] + (self.pose[:, :3] @ (self.model.vertices.mean(axis=0) * self.scale))[:2]
        return bool((contacts.min(axis=0) < middle).all() and (contacts.max(axis=0) > middle).all())

    def clear_thumb(self) -> bool:
        """Swing the thumb to the first place where it does not sink into the object."""
        rng = self.rng
        for _ in range(24):
            points = self.points(self.part == 2)
            if self.gap(points).min() > -0.0005:
                return True
            self.articulation[0] = (rng.uniform(-0.5, 0.8), rng.uniform(-0.1, 1.1), rng.uniform(-0.2, 0.2), 0.0)
            self.clip()
        return False

    def place_between(self, kind: GraspKind) -> bool:
        """Put a thin part of the object between thumb and finger tips (or the index finger's side)."""
        rng = self.rng
        sizes = self.sizes()
        if sizes[2] > 0.07:
            return False
        thumb, other = self.oppose(kind, sizes[2] + 0.017)
        across = other - thumb
        out = np.array([rng.normal(0.4, 0.6), rng.normal(0, 0.8), rng.normal(0.3, 0.6)])
        r = frame_from(out - (out @ across) * across / (across @ across), across)
        grip_at = np.array([rng.uniform(-0.5, 0.3) * sizes[0], rng.uniform(-0.2, 0.2) * sizes[1], 0.0])
        self.pose = np.column_stack([r, (thumb + other) / 2 - r @ grip_at])
        return self.touch_thumb(across / np.linalg.norm(across)) and self.open_fingers()

    def touch_thumb(self, outward: np.ndarray) -> bool:
        """Slide the object along the line from thumb to fingers until the thumb just touches it."""
        points = self.points(self.part == 2)
        for _ in range(60):
            gap = self.gap(points).min()
            if -0.0005 <= gap < 0.0008:
                return True
            self.pose[:, 3] -= outward * np.clip(gap * 0.8, -0.004, 0.004)
        return False

    def open_fingers(self) -> bool:
        """Straighten the fingers that sink into the object; False when palm or fingers cannot get out of its way."""
        a = self.articulation
        for _ in range(30):
            gaps = self.gap(self.points())
            if gaps[self.part == 1].min() < 0:
                return False
            inside = [f for f in range(1, 5) if gaps[self.part == f + 2].min() <= 0]
            if not inside:
                return True
            for finger in inside:
                a[finger, 0] -= STEP_RAD
                a[finger, 2] -= STEP_RAD / 2
            self.clip()
        return False

    def oppose(self, kind: GraspKind, aperture_m: float) -> tuple[np.ndarray, np.ndarray]:
        """Bend thumb and fingers so that their tips face each other at a given distance; returns the two places.

        Random postures near the grasp's usual one, the one with the best distance is kept.
        """
        rng, a = self.rng, self.articulation
        curl = rng.uniform(0.2, 1.3)
        best, places, kept = np.inf, (np.zeros(3), np.zeros(3)), a.copy()
        for _ in range(160):
            a[:] = 0
            a[1:, 1] = rng.normal(0, 0.05, 4)
            if kind == "lateral":
                a[1:, 0] = rng.uniform(0.4, 1.0)
                a[1:, 2], a[1:, 3] = rng.uniform(0.9, 1.5), rng.uniform(0.3, 0.8)
            else:
                a[1:, 0], a[1:, 2], a[1:, 3] = rng.uniform(0.2, 1.2), rng.uniform(0.2, 1.1), rng.uniform(0.0, 0.5)
                a[3 if kind == "pinch" else 4 :, 0] = curl
            a[0] = rng.uniform(-0.2, 0.87), rng.uniform(-0.2, 0.7), rng.uniform(-0.1, 0.7), rng.uniform(-0.1, 0.7)
            self.clip()
            points = self.points()
            thumb = points[self.tips[0]].mean(axis=0)
            if kind == "lateral":
                index = points[self.part == 3]
                other = index[np.argsort(index[:, 1])[:12]].mean(axis=0)
            else:
                fingers = (1, 2) if kind == "tripod" else (1,)
                other = np.mean([points[self.tips[f]].mean(axis=0) for f in fingers], axis=0)
            miss = abs(float(np.linalg.norm(other - thumb)) - aperture_m)
            if miss < best:
                best, places, kept = miss, (thumb, other), a.copy()
        a[:] = kept
        return places

    # -- closing -------------------------------------------------------------------------------------------------

    def close(self, finger: int, *, most_rad: float = 9.0) -> None:
        """Flex one finger joint by joint until its skin touches; a joint stops when flexing it would sink in."""
        mask = self.part == finger + 2
        a = self.articulation
        columns, rates = ((0, 2, 3), (1.0, 1.2, 0.8))
        active = [True, True, True]
        start = a[finger].copy()
        while any(active):
            for j, (column, rate) in enumerate(zip(columns, rates, strict=True)):
                if not active[j]:
                    continue
                before = a[finger, column]
                a[finger, column] = min(before + rate * STEP_RAD, ARTICULATION_LIMITS[finger, column, 1])
                blocked = a[finger, column] == before or a[finger, column] - start[column] > most_rad
                if blocked or self.gap(self.points(mask)).min() < SINK_M:
                    a[finger, column] = before
                    active[j] = False

    def accept(self, kind: GraspKind) -> bool:
        points = self.hand.coarse_vertices(self.shape, self.articulation).astype(np.float64)
        gaps = self.gap(points)
        if gaps.min() < DEEPEST_M:
            return False
        on_hand = self.hand.coarse_part > 0
        points, gaps = points[on_hand], gaps[on_hand]
        touching = {part for part in range(1, 7) if gaps[self.part == part].min() < TOUCH_M}
        fingers = touching & {3, 4, 5, 6}
        if kind in ("pinch", "tripod", "lateral"):
            return 2 in touching and bool(fingers)
        if kind == "palm":
            return len(touching) >= 3 and bool(fingers) and self.balanced(points, gaps)
        if kind in ("hook", "plate"):
            return len(touching) >= 2 and bool(fingers)
        return bool(fingers) and (2 in touching or 1 in touching) and len(touching) >= 3

    def grasp(self, kind: GraspKind) -> Grasp:
        """What `solve` found."""
        scale, pose = self.scale.astype(np.float32), self.pose.astype(np.float32)
        return Grasp(self.hand.name, kind, self.shape, self.articulation.copy(), self.model.name, scale, pose)

    def solve(self, kind: GraspKind) -> bool:
        self.open_hand(kind)
        between = kind in ("pinch", "tripod", "lateral")
        if not (self.place_between(kind) if between else self.place_on_palm(kind)):
            return False
        straight = int(self.rng.integers(1, 5)) if self.rng.uniform() < 0.1 and not between else -1
        if between:
            order = [1, 2, 3, 4]
        else:
            order = [1, 2, 3, 4, 0] if kind == "hook" or self.rng.uniform() < 0.3 else [0, 1, 2, 3, 4]
        thumb_rests = kind == "palm" or (kind == "hook" and self.rng.uniform() < 0.6)
        for finger in order:
            if finger == straight or (finger == 0 and thumb_rests):
                continue
            most = 0.5 if kind in ("plate", "palm") else (0.6 if between and finger >= 3 else 9.0)
            self.close(finger, most_rad=most)
        return self.accept(kind)
