"""One arm on a stage: pose, size and outfit in, labeled meshes out, all in the hand frame.

Label policy: bare skin of hand and arm is HAND; so are gloves and rings (a glove has the hand's shape and moves with
it, a ring is a few pixels wide, and for somebody who must not touch a hand both are the hand). Sleeves, watches and
bracelets are cloth: BACKGROUND, or IGNORE on request.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
from jaxtyping import Float32, Int32

from graspseg.labels import HAND
from graspseg.synth.body.clothing import ArmAxis, Stations, Tube, sample_sleeve, tube_mesh
from graspseg.synth.body.hand import ARTICULATION_LIMITS, HandModel, HandName, arm_position
from graspseg.synth.body.worn import inflate, ring_mesh
from graspseg.synth.recipe import Clothes, Hands, choose
from graspseg.synth.render.scene_parts import Mesh

ELBOW, SHOULDER, MIDDLE_TIP = 2, 23, 20


@dataclass(frozen=True, eq=False)
class ArmPose:
    """Shape and joint angles of a right arm, see `HandModel.vertices`."""

    shape: Float32[np.ndarray, " n"]
    articulation: Float32[np.ndarray, "5 4"]
    wrist: Float32[np.ndarray, "2"]
    elbow: float
    pronation: float

    def moved(self, fingers: np.ndarray, wrist: np.ndarray, elbow: float, pronation: float) -> ArmPose:
        """The pose with its angles changed by so much, inside the joints' limits (fingers) and never overstretched."""
        low, high = ARTICULATION_LIMITS[..., 0], ARTICULATION_LIMITS[..., 1]
        return replace(
            self,
            articulation=np.clip(self.articulation + fingers, low, high).astype(np.float32),
            wrist=(self.wrist + wrist).astype(np.float32),
            elbow=max(self.elbow + elbow, 0.0),
            pronation=self.pronation + pronation,
        )


@dataclass(frozen=True)
class Outfit:
    """What an arm wears.

    Attributes:
        sleeve: from its lower end to the shoulder; None = a bare arm.
        bands: watches and bracelets.
        glove_m: thickness of a glove, 0 = none.
        glove_end: how far it covers the forearm, meters.
        rings: (finger 1 to 4 = index to little, width, thickness).
    """

    sleeve: Tube | None = None
    bands: tuple[Tube, ...] = ()
    glove_m: float = 0.0
    glove_end: float = 0.0
    rings: tuple[tuple[int, float, float], ...] = field(default=())


def sample_pose(
    rng: np.random.Generator, hands: Hands, shape: np.ndarray, articulation: np.ndarray, *, straight: bool = False
) -> ArmPose:
    """An arm behind a hand: random wrist, elbow and turn of the forearm."""
    flexion, deviation = hands.wrist_sigma_rad
    wrist = np.clip([rng.normal(0, flexion), rng.normal(0, deviation)], [-1.0, -0.5], [1.0, 0.35])
    bent = not straight and rng.uniform() < hands.bent_share
    low, high = ARTICULATION_LIMITS[..., 0], ARTICULATION_LIMITS[..., 1]
    return ArmPose(
        shape.astype(np.float32),
        np.clip(articulation, low, high).astype(np.float32),
        wrist.astype(np.float32),
        float(rng.uniform(*(hands.bent_rad if bent else hands.straight_rad))),
        float(rng.uniform(*hands.pronation_rad)),
    )


def hand_length_m(model: HandModel, shape: np.ndarray) -> float:
    """Wrist joint to middle finger's tip, meters."""
    joints = model.joints(shape.astype(np.float32), np.zeros((5, 4), np.float32))
    return float(np.linalg.norm(joints[MIDDLE_TIP] - joints[0]))


def sample_outfit(rng: np.random.Generator, clothes: Clothes, scale: float) -> Outfit:
    """What a person of a size (1 = the mean adult) wears on one arm."""
    kind = choose(rng, clothes.sleeves)
    fabric = choose(rng, clothes.fabrics)
    low, high = {"short": (0.29, 0.42), "rolled": (0.08, 0.29), "long": (-0.008, 0.035)}[kind]
    rolled = kind == "rolled" and rng.uniform() < 0.7
    sleeve = sample_sleeve(rng, fabric, float(rng.uniform(low, high)) * scale, scale=scale, rolled=rolled)
    bands = []
    if rng.uniform() < clothes.watch_share:
        start = float(rng.uniform(0.012, 0.035))
        width, dial = float(rng.uniform(0.016, 0.026)), float(rng.uniform(0.004, 0.01))
        bands.append(Tube(start, start + width, ease=0.0025, dial=dial, closed_end=True, rings=8))
    if rng.uniform() < clothes.bracelet_share:
        start, width = float(rng.uniform(0.015, 0.06)), float(rng.uniform(0.003, 0.014))
        ease = float(rng.uniform(0.002, 0.007))
        bands.append(Tube(start, start + width, ease=ease, thick=0.003, closed_end=True, rings=6))
    glove = float(rng.uniform(*clothes.glove_m)) if rng.uniform() < clothes.glove_share else 0.0
    rings = ()
    if rng.uniform() < clothes.ring_share:
        fingers = rng.permutation(4)[: rng.integers(1, 3)] + 1
        rings = tuple((int(f), float(rng.uniform(0.002, 0.007)), float(rng.uniform(0.001, 0.0022))) for f in fingers)
    end = float(rng.uniform(0.02, 0.12)) if rng.uniform() < 0.7 else float(rng.uniform(0.12, 0.2))
    return Outfit(sleeve, tuple(bands), glove, end, rings)


def arm_meshes(model: HandModel, pose: ArmPose, outfit: Outfit, *, cloth: int) -> list[Mesh]:
    """The dressed arm.

    Args:
        model: The hand model.
        pose: Its pose.
        outfit: What it wears.
        cloth: Label of sleeves, watches and bracelets.
    """
    angles = {"wrist": pose.wrist, "elbow": pose.elbow, "pronation": pose.pronation}
    vertices = model.vertices(pose.shape, pose.articulation, **angles)
    scale = float(pose.shape[0])
    faces, sleeve, lowest = model.faces, outfit.sleeve, _lowest(model.name) * scale
    axis = ArmAxis.of(vertices, _stations(model.name), scale)
    meshes = []
    if outfit.glove_m:
        vertices = inflate(
            vertices, faces, np.where(arm_position(model.name) * scale < outfit.glove_end, outfit.glove_m, 0.0)
        )
        cuff = Tube(0.012, max(outfit.glove_end, 0.03), ease=outfit.glove_m + 0.001, thick=0.001, rings=24)
        meshes.append(Mesh(*tube_mesh(axis, replace(cuff, closed_end=True)), HAND, "glove"))
    elif outfit.rings:
        joints = model.joints(pose.shape, pose.articulation, **angles)
        for finger, width, thick in outfit.rings:
            base, tip = joints[3 + 3 * finger], joints[4 + 3 * finger]
            skin = vertices[model.part == 2 + finger]
            meshes.append(Mesh(*ring_mesh(base, tip, skin, width_m=width, thick_m=thick), HAND, "ring"))
    for band in outfit.bands:
        if sleeve is None or band.end < sleeve.start - 0.005:
            meshes.append(Mesh(*tube_mesh(axis, band), cloth, "band"))
    if sleeve is not None:
        meshes.append(Mesh(*tube_mesh(axis, sleeve), cloth, "sleeve"))
        bare = lowest < sleeve.start + 0.05
        faces, lowest = _select(faces, bare), lowest[bare]
    if outfit.glove_m:
        gloved = lowest < outfit.glove_end
        meshes.append(Mesh(vertices, _select(faces, gloved), HAND, "glove"))
        faces = _select(faces, ~gloved)
    meshes.append(Mesh(vertices, faces, HAND, "skin"))
    return meshes


def _select(faces: np.ndarray, chosen: np.ndarray) -> Int32[np.ndarray, "f 3"]:
    """`faces[chosen]`, in a third of the time."""
    return faces.take(np.flatnonzero(chosen), axis=0)


@cache
def _stations(name: HandName) -> Stations:
    return Stations.of(arm_position(name))


@cache
def _lowest(name: HandName) -> Float32[np.ndarray, " f"]:
    """How far up the arm each face begins, meters behind the wrist."""
    return arm_position(name)[HandModel.load(name).faces].min(axis=1)
