"""One random scene without a stage: who holds what, seen from where, in front of what. Everything is placed in meters.

World frame = the frame of the first (right or mirrored left) hand; the camera looks at it from anywhere. Things that
stand behind (table, wall, torso, clutter) are placed in the camera frame, so that they never cut through the hand.
Recipes with a stage put people, tables and rooms upright instead, see `stage.py`.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np
from jaxtyping import Float32

from graspseg.frame import Intrinsics
from graspseg.labels import BACKGROUND, HAND, IGNORE, OBJECT
from graspseg.synth.body.clothing import thin_sleeve
from graspseg.synth.body.hand import ARTICULATION_LIMITS, arm_end, arm_position
from graspseg.synth.body.hand_variation import vary_hand
from graspseg.synth.objects.cast import Cast, held_vertices
from graspseg.synth.objects.interactions import BARE_POSES, Interactions
from graspseg.synth.objects.long_grasps import ENDS, hold_long_between
from graspseg.synth.objects.objects import Split
from graspseg.synth.recipe import RECIPES, Kind, Recipe, SleevePolicy, choose
from graspseg.synth.render.scene_parts import Mesh, Scene, random_rotation
from graspseg.synth.scene.backgrounds import Background
from graspseg.synth.scene.clutter import ClutterMaker
from graspseg.synth.scene.staged import NoRoomError, StageMaker
from graspseg.synth.scene.surroundings import surround
from graspseg.synth.scene.viewpoint import HEIGHT, WIDTH

MIRROR = np.array([1, -1, 1], np.float32)
_MOST_PLACES = 200
TWO_HANDED: tuple[Kind, ...] = ("two_hands", "hand_over_hand", "handover", "two_ends")


class SceneMaker:
    """Draws scenes of one split: its objects, its hand, its grasps."""

    def __init__(
        self,
        split: Split,
        intrinsics: Intrinsics | None = None,
        *,
        recipe: Recipe = RECIPES["exam1"],
        sleeve: SleevePolicy = "background",
    ) -> None:
        """Load what the split may show; without `intrinsics` every scene has another camera."""
        self.intrinsics = intrinsics
        self.recipe = recipe
        self.kinds: dict[Kind, float] = {**recipe.interactions, **(recipe.unseen if split == "unseen" else {})}
        self.cast = Cast(split, recipe.most_objects, edition=recipe.edition)
        self.clutter = ClutterMaker(
            self.cast, lookalike_share=recipe.lookalike_share, household_share=recipe.household_share
        )
        self.cloth = IGNORE if sleeve == "ignore" else BACKGROUND
        self.staged = StageMaker(self.cast, recipe, intrinsics, self.cloth, self.clutter) if recipe.stage else None
        self._interactions = Interactions(self.cast.hand, self.cast.objects, self._arm)

    def make(self, rng: np.random.Generator, background: Background | None = None) -> Scene:
        """Draw a scene, to be seen before a recorded background where one is given."""
        if self.staged is None:
            return self._loose(rng, None, background)
        kind = choose(rng, self.kinds)
        if kind in TWO_HANDED:
            return self._loose(rng, kind, background)
        return self.staged.make(rng, kind, background=background).scene(0.0)

    def _loose(self, rng: np.random.Generator, kind: Kind | None, background: Background | None) -> Scene:
        """Draw a scene without a stage; the kind of interaction is drawn too where none is given."""
        loose = self.recipe.loose
        scene = Scene(background.intrinsics if background else self.intrinsics or self._intrinsics(rng))
        scene.interaction = kind or choose(rng, self.kinds)
        meshes, focus = self._interaction(rng, scene.interaction)
        if rng.uniform() < loose.mirror_share:
            meshes = [replace(m, vertices=m.vertices * MIRROR) for m in meshes]
            focus = focus * MIRROR
        ends = self._arm_ends(meshes) if self.staged else np.zeros((0, 3), np.float32)
        for attempt in count():
            if background is not None and attempt == _MOST_PLACES:
                raise NoRoomError
            rotation, shift = self._camera(rng, focus, scene.intrinsics)
            if _in_view(ends @ rotation.T + shift, scene.intrinsics):
                continue
            placed = [(m.vertices @ rotation.T + shift).astype(np.float32) for m in meshes]
            if all(_keeps_distance(vertices, self.recipe.aim.nearest_m) for vertices in placed):
                break
        else:
            raise AssertionError("an endless loop ended")
        scene.meshes = [replace(m, vertices=vertices) for vertices, m in zip(placed, meshes, strict=True)]
        if rng.uniform() < loose.second_hand_share:
            self._second_hand(rng, scene)
        if background is None and rng.uniform() < self.recipe.surroundings.share:
            surround(rng, scene, self.clutter, self.recipe.surroundings)
        if rng.uniform() < loose.nearby_share:
            self._float_nearby(rng, scene)
        return scene

    # -- the hand and what it holds, in the hand frame -----------------------------------------------------------

    def _interaction(self, rng: np.random.Generator, kind: Kind) -> tuple[list[Mesh], np.ndarray]:
        """Meshes of what the hands do, in the frame of the first hand, and the point to look at."""
        match kind:
            case "bare":
                return self._bare_hand(rng)
            case "hold":
                return self._holding_hand(rng)
            case "two_hands" | "hand_over_hand" | "handover":
                made = self._interactions.compose(rng, kind)
                return made.meshes, made.focus
            case "two_ends":
                thing = choose(rng, ENDS[self.cast.split])
                made = hold_long_between(rng, self.cast.hand, thing, self._arm)
                return made.meshes, made.focus
        raise AssertionError(f"recipe {self.recipe.name} asks for {kind!r}, which needs a stage")

    def _holding_hand(self, rng: np.random.Generator) -> tuple[list[Mesh], np.ndarray]:
        hands, grasp = self.recipe.hands, self.cast.grasps.sample(rng)
        articulation = grasp.articulation + rng.normal(0, hands.grasp_jitter_rad, (5, 4)).astype(np.float32)
        meshes = self._arm(rng, grasp.shape, articulation)
        model = self.cast.objects[grasp.object_name]
        vertices = held_vertices(model, grasp)
        vertices = (vertices + rng.normal(0, hands.held_jitter_m, 3)).astype(np.float32)
        meshes.append(Mesh(vertices, model.faces, OBJECT, name=grasp.object_name))
        palm = np.array([0.07, 0, 0.01], np.float32)
        weight = np.float32(rng.uniform(0.2, 0.7))
        return meshes, palm * (1 - weight) + vertices.mean(axis=0) * weight

    def _bare_hand(self, rng: np.random.Generator) -> tuple[list[Mesh], np.ndarray]:
        hand = self.cast.hand
        shape = hand.sample_shape(rng, child=rng.uniform() < self.recipe.hands.bare_child_share)
        pose = BARE_POSES[rng.integers(len(BARE_POSES))]
        return self._arm(rng, shape, hand.sample_articulation(rng, pose)), np.array([0.07, 0, 0], np.float32)

    def _arm(self, rng: np.random.Generator, shape: np.ndarray, articulation: np.ndarray) -> list[Mesh]:
        """Hand and arm: bare, sleeved or cut off near the wrist, as a crop would have it."""
        hands, loose, hand = self.recipe.hands, self.recipe.loose, self.cast.hand
        if hands.varied_share and rng.uniform() < hands.varied_share:
            hand = vary_hand(rng, hand, holding=True)
        articulation = np.clip(articulation, ARTICULATION_LIMITS[..., 0], ARTICULATION_LIMITS[..., 1])
        flexion, deviation = hands.wrist_sigma_rad
        wrist = np.array([rng.normal(0, flexion), rng.normal(0, deviation)], np.float32)
        bend = hands.bent_rad if rng.uniform() < hands.bent_share else hands.straight_rad
        vertices = hand.vertices(
            shape.astype(np.float32), articulation.astype(np.float32), wrist=wrist, elbow=float(rng.uniform(*bend))
        )
        along = arm_position(self.cast.hand_name)[hand.faces].min(axis=1)
        faces = hand.faces
        ending = rng.uniform()
        if ending < loose.cut_share:
            return [Mesh(vertices, faces[along < rng.uniform(*loose.cut_m)], HAND)]
        if ending < loose.cut_share + loose.sleeve_share:
            start = rng.uniform(*loose.sleeve_start_m)
            thick = rng.uniform(*loose.sleeve_thick_m)
            skin = Mesh(vertices, faces[along < start + 0.03], HAND)
            cuff = thin_sleeve(rng, vertices, arm_position(self.cast.hand_name), thick)
            return [skin, Mesh(cuff, faces[along >= start], self.cloth, "sleeve")]
        return [Mesh(vertices, faces, HAND)]

    def _intrinsics(self, rng: np.random.Generator) -> Intrinsics:
        lens = self.recipe.lens
        usual = rng.uniform() < lens.usual_share
        focal = lens.usual_focal_px if usual else float(rng.uniform(*lens.focal_px))
        across, down = lens.center_sigma_px
        return Intrinsics(focal, focal, 319.5 + float(rng.normal(0, across)), 239.5 + float(rng.normal(0, down)))

    def _camera(
        self, rng: np.random.Generator, focus: np.ndarray, intrinsics: Intrinsics
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rotation and shift from hand to camera frame; the focus lands somewhere in the middle of the image."""
        aim = self.recipe.aim
        rotation = random_rotation(rng)
        distance = rng.uniform(*(aim.near_m if rng.uniform() < aim.near_share else aim.far_m))
        x = np.clip(rng.normal(0, aim.offset_sigma), -aim.offset_limit, aim.offset_limit) * 640 + 319.5
        y = np.clip(rng.normal(0, aim.offset_sigma), -aim.offset_limit, aim.offset_limit) * 480 + 239.5
        ray = np.array([(x - intrinsics.cx) / intrinsics.fx, (y - intrinsics.cy) / intrinsics.fy, 1.0])
        return rotation, ray * distance - rotation @ focus

    def _arm_ends(self, meshes: list[Mesh]) -> Float32[np.ndarray, "n 3"]:
        """The vertices where arms (and sleeves of their shape) are cut off."""
        n_vertices, end = len(arm_position(self.cast.hand_name)), arm_end(self.cast.hand_name)
        return np.concatenate([mesh.vertices[end] for mesh in meshes if len(mesh.vertices) == n_vertices])

    # -- around it, in the camera frame --------------------------------------------------------------------------

    def _second_hand(self, rng: np.random.Generator, scene: Scene) -> None:
        """Another hand, bare or holding something, that does not touch the first."""
        bare = rng.uniform() < self.recipe.loose.second_bare_share
        meshes, focus = self._bare_hand(rng) if bare else self._holding_hand(rng)
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
            scene.meshes.append(replace(mesh, vertices=moved.astype(np.float32)))

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


def _keeps_distance(vertices: np.ndarray, nearest_m: float) -> bool:
    """Whether nothing stands so close before the camera that it would fill the image."""
    z = vertices[:, 2]
    before = (z > 0) & (z < nearest_m)
    return not (before & (np.abs(vertices[:, :2]) < 0.8 * nearest_m).all(axis=1)).any()


def _in_view(points: np.ndarray, intrinsics: Intrinsics) -> bool:
    """Whether some of the points [n, 3] of the camera frame show, with a margin of 20 px."""
    x, y, z = points[points[:, 2] > 0].T
    u, v = intrinsics.fx * x / z + intrinsics.cx, intrinsics.fy * y / z + intrinsics.cy
    return bool(((u > -20) & (u < WIDTH + 20) & (v > -20) & (v < HEIGHT + 20)).any())
