"""What each surface of a scene is, and the coordinates its paint sticks to.

Where a mesh does not say, it is read off its shape: one that shares its faces with a model of the library is that
object, one with as many vertices as a hand model is that hand or a sleeve on its arm, a small ellipsoid is a head
where no mesh is a body.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import get_args

import numpy as np
from jaxtyping import Float32

from graspseg.labels import HAND, OBJECT
from graspseg.synth.body.hand import HandModel, HandName
from graspseg.synth.color.skin import rest_hand
from graspseg.synth.objects.objects import ObjectModel, load_objects
from graspseg.synth.render.scene_parts import Mesh, Scene, SurfaceKind

_LARGEST_HEAD_M = 0.135
_LARGEST_RING_M = 0.04
_WORN: tuple[SurfaceKind, ...] = ("skin", "glove", "ring", "band", "sleeve")


@dataclass(frozen=True, eq=False)
class Surface:
    """One surface of a scene.

    Attributes:
        kind: what it is.
        paint: [v, 3] for meshes, coordinates that stick to the surface, meters; None for planes and ellipsoids, which
            have their own.
        half_m: half sides of the box around it, meters, along the axes of `paint`.
        category: of the library object it is, else empty.
        hand: the hand model that skin and sleeves belong to.
        person: whose skin or cloth: 0 is the first hand's.
    """

    kind: SurfaceKind
    paint: Float32[np.ndarray, "v 3"] | None
    half_m: tuple[float, float, float]
    category: str = ""
    hand: HandName | None = None
    person: int = 0


def identify(scene: Scene) -> list[Surface]:
    """Name the surfaces of a scene in the order of its meshes, ellipsoids and planes."""
    kinds: list[SurfaceKind] = [_kind(mesh) for mesh in scene.meshes]
    hands = [m for m, kind in zip(scene.meshes, kinds, strict=True) if kind in ("skin", "glove") and _hand_of(m)]
    found: list[Surface] = []
    for mesh, kind in zip(scene.meshes, kinds, strict=True):
        hand = _hand_of(mesh)
        model = _models().get(id(mesh.faces))
        if hand is not None:
            paint = rest_hand(hand)
        else:
            paint = _own_axes(mesh.vertices) if model is None else _scaled(model, mesh.vertices)
        person = mesh.person
        if person is None:
            person = _nearest(mesh, hands) if kind in _WORN else 0
        found.append(Surface(kind, paint, _half(paint), "" if model is None else model.category, hand, person))
    bodies = "body" in kinds
    for _, axes in scene.ellipsoids:
        lengths = np.linalg.norm(axes, axis=0)
        half = (float(lengths[0]), float(lengths[1]), float(lengths[2]))
        found.append(Surface("head" if lengths.max() < _LARGEST_HEAD_M and not bodies else "body", None, half))
    for origin, u, v in scene.planes:
        normal = np.cross(u, v)
        facing = abs(normal @ origin) / np.linalg.norm(normal) / np.linalg.norm(origin) > 0.9
        size = float(np.linalg.norm(u)), float(np.linalg.norm(v)), 0.001
        found.append(Surface("wall" if facing else "table", None, size))
    return found


def _kind(mesh: Mesh) -> SurfaceKind:
    if mesh.kind is not None:
        return mesh.kind
    if mesh.label == OBJECT:
        return "held"
    if _hand_of(mesh) is not None:
        return "skin" if mesh.label == HAND else "sleeve"
    # What belongs to a hand and is no hand: rings are small, cuffs of gloves are not.
    small = np.ptp(mesh.vertices, axis=0).max() < _LARGEST_RING_M
    return ("ring" if small else "glove") if mesh.label == HAND else "clutter"


def _nearest(mesh: Mesh, hands: list[Mesh]) -> int:
    """Which of some hands a mesh is, or is nearest to; 0 where there is none."""
    gaps = [0.0 if hand is mesh else _gap(mesh.vertices, hand.vertices) + 1e-9 for hand in hands]
    return int(np.argmin(gaps)) if gaps else 0


def _gap(one: np.ndarray, other: np.ndarray) -> float:
    """Least distance of some points of one mesh to some of another, meters."""
    some, more = one[:: max(1, len(one) // 100)], other[:: max(1, len(other) // 300)]
    return float(np.linalg.norm(some[:, None] - more[None], axis=2).min())


def _half(paint: np.ndarray) -> tuple[float, float, float]:
    x, y, z = np.abs(paint).max(axis=0).tolist()
    return x, y, z


def _hand_of(mesh: Mesh) -> HandName | None:
    for name in get_args(HandName):
        if len(mesh.vertices) == len(HandModel.load(name).part):
            return name
    return None


@cache
def _models() -> dict[int, ObjectModel]:
    """Library objects by the identity of their faces, which scenes share and nothing ever frees."""
    return {id(model.faces): model for model in load_objects().values()}


def _scaled(model: ObjectModel, vertices: Float32[np.ndarray, "v 3"]) -> Float32[np.ndarray, "v 3"]:
    """The model's own coordinates at the size it has in the scene: least squares for the affine map between them."""
    own = np.column_stack([model.vertices.astype(np.float64), np.ones(len(vertices))])
    square = own.T @ own + np.eye(4) * 1e-12
    scale = np.linalg.norm(np.linalg.solve(square, own.T @ vertices)[:3], axis=1)
    # Rounded: the last bits may differ between machines.
    return (model.vertices * np.round(scale, 3)).astype(np.float32)


def _own_axes(vertices: Float32[np.ndarray, "v 3"]) -> Float32[np.ndarray, "v 3"]:
    """Coordinates along a mesh's principal axes, longest first, for meshes of no model."""
    centered = vertices - vertices.mean(axis=0)
    _, axes = np.linalg.eigh(centered.T.astype(np.float64) @ centered)
    paint = centered @ axes[:, ::-1]
    return (paint * np.where(paint[0] < 0, -1, 1)).astype(np.float32)
