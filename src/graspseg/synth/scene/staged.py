"""Draws what happens on a stage: who holds what, who else is there, from where it is seen."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np

from graspseg.frame import Intrinsics
from graspseg.synth.body.arm import SHOULDER, ArmPose, hand_length_m, sample_outfit
from graspseg.synth.body.hand_variation import vary_hand
from graspseg.synth.body.person import HEAD_CENTER, body_meshes, inside_body, leg_meshes, may_sit, shoulder_balls
from graspseg.synth.objects.cast import Cast
from graspseg.synth.objects.interactions import PALM
from graspseg.synth.recipe import Kind, Recipe, Stage, Viewpoint, choose
from graspseg.synth.render.scene_parts import Mesh
from graspseg.synth.scene.acts import ActMaker
from graspseg.synth.scene.backgrounds import Background
from graspseg.synth.scene.clutter import ClutterMaker
from graspseg.synth.scene.motion import ArmMotion, CameraMotion, Waves
from graspseg.synth.scene.room import furnish
from graspseg.synth.scene.stage import Person, StagedArm, Staging, arm_joints, arm_rotation, shoulder_of
from graspseg.synth.scene.viewpoint import Camera, camera_of, sample_camera, sample_intrinsics

TRIES = 12
_MOST_STAGINGS = 12
# Shoulder to wrist: least and greatest (to the arm's own side, down, to the front).
_REACH: dict[Viewpoint, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "third": ((-0.6, -0.35, 0.5), (0.35, 0.75, 1.0)),
    "front": ((-0.45, -0.9, 0.3), (0.8, 0.35, 1.0)),
    "ego": ((-0.5, 0.0, 0.8), (0.15, 0.5, 1.0)),
    "top": ((-0.5, 0.2, 0.6), (0.2, 0.8, 1.0)),
    "any": ((-0.6, -0.35, 0.5), (0.35, 0.75, 1.0)),
}


class NoRoomError(Exception):
    """No hand fits before a recorded background."""


class StageMaker:
    """Draws stagings of one split.

    Args:
        cast: hand, objects and grasps.
        recipe: its `stage` says how often what.
        intrinsics: the camera of all; None draws another one for each.
        cloth: label of sleeves.
        clutter: gives things that stand about; None = the objects of the cast.
    """

    def __init__(
        self, cast: Cast, recipe: Recipe, intrinsics: Intrinsics | None, cloth: int, clutter: ClutterMaker | None = None
    ) -> None:
        self._clutter = clutter or ClutterMaker(cast)
        assert recipe.stage is not None
        self.cast = cast
        self._acts = ActMaker(cast, recipe.hands)
        self.recipe = recipe
        self.stage: Stage = recipe.stage
        self.intrinsics = intrinsics
        self.cloth = cloth

    def make(
        self, rng: np.random.Generator, kind: Kind, *, length_s: float = 0.0, background: Background | None = None
    ) -> Staging:
        """Draw a staging of an interaction; it moves if it has a length.

        With a recorded background, its camera looks, the hands are before its surfaces, and no room is put around.

        Raises:
            NoRoomError: nothing fits before the background.
        """
        for attempt in count():
            if background is not None and attempt == _MOST_STAGINGS:
                raise NoRoomError
            view = choose(rng, self.stage.views)
            intrinsics = sample_intrinsics(rng, self.recipe.lens, view) if background is None else background.intrinsics
            arm, focus = self._first_arm(rng, kind, view, length_s)
            times = np.linspace(0, length_s, 4 if length_s else 1)
            if not _outside(arm, times):
                continue
            fixed = self.intrinsics if background is None else None
            staging = Staging(fixed or intrinsics, _NOWHERE, [arm], self.cloth, interaction=kind)
            self._other_arm(rng, staging, view, times, length_s)
            people = [arm.person]
            if rng.uniform() < self.stage.second_person_share:
                people += self._second_person(rng, staging, arm.world(focus), times, length_s)
                if self.stage.third_person_share and rng.uniform() < self.stage.third_person_share:
                    people += self._second_person(rng, staging, arm.world(focus), times, length_s)
            camera = self._camera(rng, staging, view, people, arm.world(focus), times, background)
            if camera is None:
                continue
            staging.camera = camera
            taken = _points(staging.arms, times)
            seated = self._bodies(rng, staging, people, view, taken)
            if background is None:
                furnish(rng, staging, self.stage, self._clutter, taken, seated=seated)
            if length_s:
                staging.camera_motion = CameraMotion.sample(rng, float(np.linalg.norm(camera.position - focus)))
            return staging
        raise AssertionError("an endless loop ended")

    # -- arms ----------------------------------------------------------------------------------------------------

    def _first_arm(
        self, rng: np.random.Generator, kind: Kind, view: Viewpoint, length_s: float
    ) -> tuple[StagedArm, np.ndarray]:
        """The arm the scene is about, and the point of the hand frame to look at."""
        pose, held, focus = self._acts.make(rng, kind, self._acts.length_m(rng))
        person = Person(float(pose.shape[0]) * rng.uniform(0.96, 1.05))
        arm = self._hang(rng, person, pose, held, reach=rng.uniform(*_REACH[view]), length_s=length_s)
        return arm, focus

    def _hang(
        self,
        rng: np.random.Generator,
        person: Person,
        pose: ArmPose,
        held: Mesh | None,
        *,
        reach: np.ndarray,
        length_s: float,
        side: int | None = None,
    ) -> StagedArm:
        """An arm on a person's shoulder, dressed, and moving if the scene has a length."""
        side = side or int(rng.choice((-1, 1)))
        elbow_side = np.array([rng.normal(0.5, 0.35), rng.normal(1.0, 0.3), rng.normal(-0.3, 0.3)])
        model, hands = self.cast.hand, self.recipe.hands
        if hands.varied_share and rng.uniform() < hands.varied_share:
            child = hand_length_m(model, pose.shape) * 1000 < hands.adult_mm[0]
            model = vary_hand(rng, model, child=child, holding=held is not None)
        rotation = arm_rotation(model, pose, reach, elbow_side)
        outfit = sample_outfit(rng, self.stage.clothes, float(pose.shape[0]))
        arm = StagedArm(model, pose, outfit, person, side, rotation, held)
        return replace(arm, motion=self._motion(rng, arm, length_s)) if length_s else arm

    def _other_arm(
        self, rng: np.random.Generator, staging: Staging, view: Viewpoint, times: np.ndarray, length_s: float
    ) -> None:
        """The same person's other arm: in front as well, or else hanging down."""
        first = staging.arms[0]
        taken, length_m = _points(staging.arms, times), hand_length_m(first.model, first.pose.shape)
        for attempt in range(TRIES):
            front = rng.uniform() < self.stage.other_hand_share and attempt < TRIES - 4
            held = None
            if front and rng.uniform() < self.stage.other_holds_share:
                pose, held, _ = self._acts.make(rng, "hold", length_m)
            else:
                pose = replace(self._acts.bare(rng, length_m, straight=not front), shape=first.pose.shape)
            low, high = _REACH[view] if front else ((0.05, 1.0, -0.1), (0.3, 1.0, 0.3))
            reach = rng.uniform(low, high)
            arm = self._hang(rng, first.person, pose, held, reach=reach, length_s=length_s, side=-first.side)
            arm = replace(arm, outfit=replace(arm.outfit, sleeve=first.outfit.sleeve))
            if _outside(arm, times) and _apart(taken, _points([arm], times)):
                staging.arms.append(arm)
                return

    def _second_person(
        self, rng: np.random.Generator, staging: Staging, focus: np.ndarray, times: np.ndarray, length_s: float
    ) -> list[Person]:
        """Somebody opposite or beside who reaches near the first hand; nobody where there is no room."""
        taken = _points(staging.arms, times)
        for _ in range(TRIES // 3):
            length_m, held = self._acts.length_m(rng), None
            if rng.uniform() < 0.4:
                pose, held, _ = self._acts.make(rng, "hold", length_m)
            else:
                pose = self._acts.bare(rng, length_m)
            yaw = np.pi + rng.normal(0, 0.5)
            person = Person(float(pose.shape[0]), float(yaw))
            arm = self._hang(rng, person, pose, held, reach=rng.uniform(*_REACH["third"]), length_s=length_s)
            goal = focus + np.array([rng.normal(0, 0.15), rng.normal(0, 0.08), rng.uniform(0.08, 0.3)])
            shift = goal - arm.world(PALM)
            shift[1] = np.clip(shift[1], -0.25, 0.25)
            person = replace(person, position=shift)
            arm = replace(arm, person=person)
            trunk = person.place(np.array([[0.0, y, 0.0] for y in (-0.25, 0.0, 0.25, 0.5)]))
            if np.hypot(trunk[:, 0], trunk[:, 2]).min() < 0.5 or inside_body(person.own(taken), person.scale).any():
                continue
            if _outside(arm, times) and _apart(taken, _points([arm], times)):
                staging.arms.append(arm)
                return [person]
        return []

    def _motion(self, rng: np.random.Generator, arm: StagedArm, length_s: float) -> ArmMotion:
        """Slow movements of an arm; an object held may be grabbed or let go on the way."""
        lively = rng.uniform(0.15, 1.0)
        scatter = 0.012 if arm.held is not None else rng.choice([0.05, 0.25])
        motion = ArmMotion(
            swing=Waves.sample(rng, [0.22 * lively] * 3, (0.1, 0.6)),
            wrist=Waves.sample(rng, np.array([0.25, 0.1, 0.2, 0.3]) * lively, (0.1, 0.7)),
            fingers=Waves.sample(rng, [scatter] * 20, (0.2, 0.9)),
        )
        if arm.held is None or rng.uniform() < 0.3:
            return motion
        return _with_grab(rng, arm, motion, length_s)

    # -- camera and bodies ---------------------------------------------------------------------------------------

    def _camera(
        self,
        rng: np.random.Generator,
        staging: Staging,
        view: Viewpoint,
        people: list[Person],
        focus: np.ndarray,
        times: np.ndarray,
        background: Background | None,
    ) -> Camera | None:
        """A camera that nobody stands in the way of; None where none was found."""
        points = _points(staging.arms, times)
        head = people[0].place(HEAD_CENTER[None] * people[0].scale)[0]
        surface = None if background is None else background.plane(rng)
        for _ in range(TRIES):
            if background is None:
                camera = sample_camera(rng, view, self.recipe.aim, focus, head=head, lens=staging.intrinsics)
            else:
                hands = points[np.linalg.norm(points - focus, axis=1) < 0.3]
                camera = camera_of(rng, view, self.recipe.aim, focus, background=background, surface=surface, low=hands)
                if camera is None:
                    continue
            path = camera.position + np.linspace(0, 0.93, 15)[:, None] * (focus - camera.position)
            met = [inside_body(person.own(path), person.scale, margin=1.15) for person in people]
            if view == "ego" and background is None:
                # The camera is worn on the head, which is not drawn.
                met[0][:] = np.linalg.norm(path[0] - focus) < self.recipe.aim.ego_m[0] * people[0].scale
            near = self.recipe.aim.nearest_m * (0.7 if view == "ego" else 1.0)
            seen = camera.see(points)
            close = (seen[:, 2] > -0.05) & (seen[:, 2] < near) & (np.abs(seen[:, :2]) < 0.8 * near).all(axis=1)
            if not any(each.any() for each in met) and not close.any():
                return camera
        return None

    def _bodies(
        self, rng: np.random.Generator, staging: Staging, people: list[Person], view: Viewpoint, taken: np.ndarray
    ) -> bool:
        """Put everybody's body in; returns whether the first person sits."""
        sitting = []
        for number, person in enumerate(people):
            seated = rng.uniform() < self.stage.seated_share and may_sit(person.own(taken), person.scale)
            sitting.append(seated)
            meshes = body_meshes(rng, person.scale, head=view != "ego" or number > 0)
            meshes += leg_meshes(rng, person.scale, seated=seated)
            staging.meshes += [
                replace(m, vertices=person.place(m.vertices).astype(np.float32), person=number) for m in meshes
            ]
            for center, axes in shoulder_balls(person.scale):
                staging.ellipsoids.append((person.place(center), person.rotation @ axes))
        return sitting[0]


_NOWHERE = Camera(np.eye(3), np.zeros(3))


def _with_grab(rng: np.random.Generator, arm: StagedArm, motion: ArmMotion, length_s: float) -> ArmMotion:
    """The motion with a grasp closing early, or opening late, or both."""
    grab, release = rng.uniform(0.3, 0.6) * length_s, rng.uniform(0.6, 0.9) * length_s
    kind = rng.integers(3)
    opened = np.zeros((5, 4))
    opened[:, [0, 2]] = -rng.uniform(0.35, 0.7)
    opened[:, 3] = -0.2
    shoulder = arm_joints(arm.model, arm.pose)[SHOULDER]
    # Away from the object is out of the back of the hand and back toward the wrist.
    away = arm.rotation @ np.array([-0.4, 0.0, -1.0]) * rng.uniform(0.05, 0.1)
    lever = arm.rotation @ (PALM - shoulder)
    retreat = np.cross(lever, away) / (lever @ lever)
    return replace(
        motion,
        grab_s=float(grab) if kind != 1 else -np.inf,
        release_s=float(release) if kind != 0 else np.inf,
        open_s=float(rng.uniform(0.5, 0.9)),
        open_fingers=opened,
        retreat=retreat,
    )


def _points(arms: list[StagedArm], times: np.ndarray) -> np.ndarray:
    """Some world points of arms and what they hold, over the times."""
    return np.concatenate([arm.points(float(time)) for arm in arms for time in times])


def _outside(arm: StagedArm, times: np.ndarray) -> bool:
    """Whether hand, forearm and thing keep out of their person's trunk and head."""
    own = arm.person.own(_points([arm], times))
    far = np.linalg.norm(own * [arm.side, 1, 1] - shoulder_of(arm.person.scale), axis=1) > 0.3
    return not inside_body(own[far], arm.person.scale, margin=1.03).any()


def _apart(some: np.ndarray, others: np.ndarray) -> bool:
    """Whether two sets of points [n, 3] keep 15 mm apart, apart from shared shoulders."""
    a, b = some[::2], others[::2]
    squares = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)
    squares -= 2 * a @ b.T
    return bool(squares.min() > 0.015**2)
