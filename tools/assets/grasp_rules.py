"""What a grasp of the library must satisfy, measured on the hand's fine mesh and the shipped object mesh."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import KDTree

from graspseg.synth.body.clearance import vertex_normals
from graspseg.synth.body.hand import HandModel
from graspseg.synth.objects.grasp import Grasp, GraspKind
from graspseg.synth.objects.objects import ObjectModel
from surface_fields import SurfaceField

DEEPEST_M = 0.002
"""Most that one surface may sink into the other."""
CONTACT_M = 0.003
"""Skin this close to the object touches it: pulp and palm flatten by 2-3 mm under load, the mesh does not."""
OPPOSING = -0.3
"""Largest cosine between the normals of two contacts that hold something between them."""
SPACING_M = 0.003
HEAD_FREE = 0.3
"""Least share of a tool's length, from its head on, that nothing touches."""
HELD_BETWEEN: tuple[GraspKind, ...] = ("power", "pinch", "tripod", "lateral", "handle")
MIRROR = np.array([1.0, -1.0, 1.0])


@dataclass(frozen=True)
class Finding:
    """Measures of one grasp, meters.

    Attributes:
        depth_m: how far skin sinks into the object, or the object into the hand.
        outward: unit vector along which the object would leave the deepest place, in the frame of `object_pose`.
        parts: parts of the hand that touch (palm 1, thumb 2, fingers 3-6).
        facing: smallest cosine between the contact normals of two parts.
        head_free: share of the object's length, from its head (+x) on, that lies beyond every contact.
    """

    depth_m: float
    outward: np.ndarray
    parts: frozenset[int]
    facing: float
    head_free: float

    def broken(self, kind: GraspKind) -> list[str]:
        """The rules that a grasp of this kind breaks."""
        rules = {
            "penetration": self.depth_m > DEEPEST_M,
            "contacts": len(self.parts) < 2,
            "opposition": kind in HELD_BETWEEN and self.facing > OPPOSING,
            "thumb": kind in ("pinch", "tripod", "lateral") and 2 not in self.parts,
            "fingers": not self.parts & {3, 4, 5, 6},
            "head": kind == "handle" and self.head_free < HEAD_FREE,
        }
        return [name for name, wrong in rules.items() if wrong]


class Examiner:
    """Measures grasps of one object by one hand."""

    def __init__(self, hand: HandModel, model: ObjectModel, field: SurfaceField) -> None:
        self.hand, self.model, self.field = hand, model, field
        self.on_hand = np.flatnonzero(hand.part > 0)
        self.part = hand.part[self.on_hand]
        self.hand_faces = hand.faces[(hand.part[hand.faces] > 0).all(axis=1)]
        self.surface = surface_points(model.vertices, model.faces)

    def examine(self, grasp: Grasp) -> Finding:
        """Measure one grasp of this hand and object."""
        mirror = MIRROR if grasp.left else np.ones(3)
        skin = self.hand.vertices(grasp.shape, grasp.articulation)
        points = skin[self.on_hand] * mirror
        gaps, normals = self.field.gaps(points, grasp.object_pose, grasp.object_scale)
        touching = gaps < CONTACT_M
        parts = [p for p in range(1, 7) if (touching & (self.part == p)).any()]
        facing = 1.0
        for p in parts:
            for q in parts:
                if p < q:
                    pairs = normals[touching & (self.part == p)] @ normals[touching & (self.part == q)].T
                    facing = min(facing, float(pairs.min()))
        depth, outward = self.object_in_hand(grasp, skin, mirror)
        if -gaps.min() > depth:
            depth, outward = -float(gaps.min()), -normals[gaps.argmin()]
        return Finding(depth, outward, frozenset(parts), facing, self.head_free(grasp, points[touching]))

    def object_in_hand(self, grasp: Grasp, skin: np.ndarray, mirror: np.ndarray) -> tuple[float, np.ndarray]:
        """Depth of the object's deepest point below the skin, and the normal of the skin vertex nearest to it."""
        rotation, shift = grasp.object_pose[:, :3], grasp.object_pose[:, 3]
        corners = ((self.surface * grasp.object_scale) @ rotation.T + shift) * mirror
        points = skin[self.on_hand]
        corners = corners[((corners > points.min(axis=0)) & (corners < points.max(axis=0))).all(axis=1)]
        if not len(corners):
            return 0.0, np.zeros(3)
        depth, normals = depth_below(corners, points, vertex_normals(skin, self.hand_faces)[self.on_hand])
        return float(depth.max()), normals[depth.argmax()] * mirror

    def head_free(self, grasp: Grasp, contacts: np.ndarray) -> float:
        along = ((contacts - grasp.object_pose[:, 3]) @ grasp.object_pose[:, 0]) / grasp.object_scale[0]
        low, high = self.model.vertices[:, 0].min(), self.model.vertices[:, 0].max()
        return float((high - along.max(initial=low)) / (high - low))

    def settled(self, grasp: Grasp, *, attempts: int = 4) -> Grasp | None:
        """The grasp itself or, moved out of the skin a little, one that passes every rule; None if there is none."""
        grasp = stored(grasp)
        for _ in range(attempts):
            finding = self.examine(grasp)
            broken = finding.broken(grasp.kind)
            if not broken:
                return grasp
            if broken != ["penetration"] or finding.depth_m > 4 * DEEPEST_M:
                return None
            pose = grasp.object_pose.copy()
            pose[:, 3] += (finding.depth_m - 0.5 * DEEPEST_M) * finding.outward
            grasp = stored(replace(grasp, object_pose=pose))
        return None


def stored(grasp: Grasp) -> Grasp:
    """The grasp as it comes back from the library: half precision (0.1 mm and 0.001 rad)."""
    keys = ("shape", "articulation", "object_scale", "object_pose")
    return replace(grasp, **{key: getattr(grasp, key).astype(np.float16).astype(np.float32) for key in keys})


def surface_points(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """The vertices and points spread over the faces, about `SPACING_M` apart."""
    a, b, c = (vertices[faces[:, i]].astype(np.float64) for i in range(3))
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    rng = np.random.default_rng(0)
    count = int(areas.sum() / SPACING_M**2)
    face = rng.choice(len(faces), size=count, p=areas / areas.sum())
    u, v = np.sort(rng.uniform(size=(2, count, 1)), axis=0)
    return np.concatenate([vertices, u * a[face] + (v - u) * b[face] + (1 - v) * c[face]])


def depth_below(points: np.ndarray, skin: np.ndarray, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far points [n, 3] lie below the plane of the nearest skin vertex, 0 outside; that vertex's normal."""
    distance, nearest = KDTree(skin).query(points)
    along = ((points - skin[nearest]) * normals[nearest]).sum(axis=1)
    return np.where(along < -0.6 * distance, -along, 0.0), normals[nearest]
