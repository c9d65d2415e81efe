"""Scenes with people, a table and a room, upright and whole: no arm ends in the air.

The world is the first person's body frame (`person.py`): meters, y down, z to that person's front. A `Staging` is a
pure function of time; a still is one taken at time 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float32, Float64

from graspseg.frame import Intrinsics
from graspseg.labels import BACKGROUND
from graspseg.synth.body.arm import ELBOW, SHOULDER, ArmPose, Outfit, arm_meshes
from graspseg.synth.body.hand import HandModel
from graspseg.synth.body.person import SHOULDER_M
from graspseg.synth.render.scene_parts import Kind, Mesh, Scene, rotation_of
from graspseg.synth.render.vectors import cross
from graspseg.synth.scene.motion import ArmMotion, CameraMotion
from graspseg.synth.scene.viewpoint import HEIGHT, WIDTH, Camera

MIRROR = np.array([-1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Person:
    """Where a person is: size (1 = the mean adult), turn about the vertical, place of the shoulders' middle."""

    scale: float
    yaw: float = 0.0
    position: Float64[np.ndarray, "3"] = field(default_factory=lambda: np.zeros(3))

    def place(self, points: np.ndarray) -> Float64[np.ndarray, "*n 3"]:
        """Points of the body frame in the world."""
        return points @ self.rotation.T + self.position

    def own(self, points: np.ndarray) -> Float64[np.ndarray, "*n 3"]:
        """World points in this person's body frame."""
        return (points - self.position) @ self.rotation

    @cached_property
    def rotation(self) -> Float64[np.ndarray, "3 3"]:
        """From the body frame to the world."""
        return rotation_of(np.array([0.0, self.yaw, 0.0]))


@dataclass(frozen=True, eq=False)
class StagedArm:
    """One arm of a person and what it holds.

    Attributes:
        model, pose, outfit: the arm.
        person: whose it is.
        side: 1 = right, -1 = left.
        rotation: from the hand frame to the body frame of a right arm, at time 0.
        held: the object in the hand frame, or None; one that only lies near is BACKGROUND.
        motion: None = it keeps still.
    """

    model: HandModel
    pose: ArmPose
    outfit: Outfit
    person: Person
    side: int
    rotation: Float64[np.ndarray, "3 3"]
    held: Mesh | None = None
    motion: ArmMotion | None = None

    def meshes(self, time_s: float, *, cloth: int) -> list[Mesh]:
        """Arm and object in the world; one not yet or no longer held is BACKGROUND."""
        pose, turn, shift = self._at(time_s)
        meshes = arm_meshes(self.model, pose, self.outfit, cloth=cloth)
        for mesh in meshes:
            mesh.vertices = mesh.vertices @ turn + shift
        if self.held is not None:
            held_s = time_s if self.motion is None else self.motion.held_time(time_s)
            label = self.held.label if held_s == time_s else BACKGROUND
            meshes.append(replace(self.held, vertices=self.thing(held_s), label=label))
        return meshes

    def thing(self, time_s: float) -> Float32[np.ndarray, "v 3"]:
        """World vertices of the held object as the hand carries it at a time."""
        assert self.held is not None
        _, turn, shift = self._at(time_s)
        return self.held.vertices @ turn + shift

    def points(self, time_s: float) -> np.ndarray:
        """Some world points [n, 3] of the skin and of what is held, for keeping things apart."""
        return self._still_points if self.motion is None else self._points(time_s)

    @cached_property
    def _still_points(self) -> np.ndarray:
        return self._points(0.0)

    def _points(self, time_s: float) -> np.ndarray:
        pose, turn, shift = self._at(time_s)
        angles = {"wrist": pose.wrist, "elbow": pose.elbow, "pronation": pose.pronation}
        points = self.model.coarse_vertices(pose.shape, pose.articulation, **angles)[::4]
        if self.held is not None:
            points = np.concatenate([points, self.held.vertices[:: len(self.held.vertices) // 200 + 1]])
        return (points @ turn + shift).astype(np.float64)

    def world(self, point: np.ndarray) -> np.ndarray:
        """A point of the hand frame in the world, at time 0."""
        _, turn, shift = self._at(0.0)
        return point @ turn + shift

    def _at(self, time_s: float) -> tuple[ArmPose, np.ndarray, np.ndarray]:
        """The pose at a time, and the map `points @ turn + shift` from the hand frame to the world."""
        return self._still if self.motion is None else self._placed(time_s)

    @cached_property
    def _still(self) -> tuple[ArmPose, np.ndarray, np.ndarray]:
        return self._placed(0.0)

    def _placed(self, time_s: float) -> tuple[ArmPose, np.ndarray, np.ndarray]:
        pose, rotation = self.pose, self.rotation
        if self.motion is not None:
            motion, held_s, opening = self.motion, self.motion.held_time(time_s), self.motion.opening(time_s)
            fingers, swing = motion.fingers.at(held_s).reshape(5, 4), motion.swing.at(held_s)
            if motion.open_fingers is not None and motion.retreat is not None:
                fingers, swing = fingers + opening * motion.open_fingers, swing + opening * motion.retreat
            flexion, deviation, elbow, pronation = motion.wrist.at(held_s)
            pose = pose.moved(fingers, np.array([flexion, deviation]), float(elbow), float(pronation))
            rotation = rotation_of(swing) @ rotation
        mirror = MIRROR if self.side < 0 else 1.0
        own_shift = shoulder_of(self.person.scale) - rotation @ arm_joints(self.model, pose)[SHOULDER]
        turn = (rotation.T * mirror) @ self.person.rotation.T
        shift = self.person.place(own_shift * mirror)
        return pose, turn.astype(np.float32), shift.astype(np.float32)


@dataclass(eq=False)
class Staging:
    """A scene over time.

    Attributes:
        intrinsics, camera: what looks at it.
        arms: arms with what they hold.
        meshes, planes, ellipsoids: what does not move, as in `Scene` but in the world.
        cloth: label of cloth on arms.
        camera_motion: None = it stands still.
        interaction: what the first arm does.
    """

    intrinsics: Intrinsics
    camera: Camera
    arms: list[StagedArm]
    cloth: int
    meshes: list[Mesh] = field(default_factory=list)
    planes: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)
    ellipsoids: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    camera_motion: CameraMotion | None = None
    interaction: Kind | None = None

    def scene(self, time_s: float) -> Scene:
        """What the camera sees at a time, in its frame."""
        camera = self.camera if self.camera_motion is None else self.camera.moved(*self.camera_motion.at(time_s))
        turn = camera.rotation
        scene = Scene(self.intrinsics, interaction=self.interaction)
        seen = [arm for arm in self.arms if self._in_view(camera.see(arm.points(time_s)))]
        people = list(dict.fromkeys(arm.person for arm in self.arms))
        moved = [(mesh, people.index(arm.person)) for arm in seen for mesh in arm.meshes(time_s, cloth=self.cloth)]
        placed = [*moved, *((mesh, mesh.person) for mesh in self.meshes)]
        scene.meshes = [Mesh(camera.see(m.vertices), m.faces, m.label, m.kind, person, m.name) for m, person in placed]
        for origin, u, v in self.planes:
            scene.planes.append((turn @ (origin - camera.position), turn @ u, turn @ v))
        for center, axes in self.ellipsoids:
            scene.ellipsoids.append((turn @ (center - camera.position), turn @ axes))
        return scene

    def _in_view(self, points: np.ndarray) -> bool:
        """Whether some of the points [n, 3] of the camera frame may show, with a margin for cloth."""
        lens, depth = self.intrinsics, np.maximum(points[:, 2], 0.0)
        across = np.abs(points[:, 0]) < depth * (0.5 * WIDTH + 20) / lens.fx + 0.08
        down = np.abs(points[:, 1]) < depth * (0.5 * HEIGHT + 20) / lens.fy + 0.08
        return bool((across & down & (points[:, 2] > -0.05)).any())


def shoulder_of(scale: float) -> Float64[np.ndarray, "3"]:
    """The right shoulder joint in the body frame."""
    return np.array([SHOULDER_M, 0.03, 0.0]) * scale


def arm_joints(model: HandModel, pose: ArmPose) -> np.ndarray:
    """Joints of a posed arm in the hand frame, see `HandModel.joints`."""
    return model.joints(pose.shape, pose.articulation, wrist=pose.wrist, elbow=pose.elbow, pronation=pose.pronation)


def arm_rotation(
    model: HandModel, pose: ArmPose, reach: np.ndarray, elbow_side: np.ndarray
) -> Float64[np.ndarray, "3 3"]:
    """Rotation from the hand frame to the body frame.

    The line from shoulder to wrist comes to lie along `reach`; about it the arm turns until its elbow points toward
    `elbow_side` as far as it can (the swivel angle of Korein and Badler 1982).
    """
    joints = arm_joints(model, pose).astype(np.float64)
    return _basis(reach, elbow_side) @ _basis(joints[0] - joints[SHOULDER], joints[ELBOW] - joints[SHOULDER]).T


def _basis(first: np.ndarray, toward: np.ndarray) -> Float64[np.ndarray, "3 3"]:
    """Right-handed axes in columns: the first along `first`, the second as near `toward` as possible."""
    first = first / np.linalg.norm(first)
    second = toward - first * (toward @ first)
    if np.linalg.norm(second) < 1e-5:
        second = cross(first, np.eye(3)[np.abs(first).argmin()])
    second /= np.linalg.norm(second)
    return np.stack([first, second, cross(first, second)], axis=1)
