"""What a scene is made of, and how it is drawn. Everything in meters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from jaxtyping import Float32, Float64, Int32

from graspseg.frame import Intrinsics
from graspseg.labels import BACKGROUND, OBJECT
from graspseg.synth.render.canvas import Canvas

InteractionKind = Literal["hold", "bare", "palm", "tool", "two_hands", "hand_over_hand", "handover", "near"]
NonRigidKind = Literal["cloth", "paper", "cable"]
LongKind = Literal["foam_tube", "stick", "rope", "board", "hose", "bag"]
Kind = InteractionKind | NonRigidKind | LongKind | Literal["two_ends"]
"""What the first hand of a scene does; the kinds of bendable and of long objects mean that it holds one.

`two_ends`: both hands hold a long object, each at one end.
"""

SurfaceKind = Literal["skin", "glove", "ring", "band", "sleeve", "held", "clutter", "body", "head", "table", "wall"]

_WORN: tuple[SurfaceKind, ...] = ("sleeve", "glove", "ring", "band")


@dataclass
class Mesh:
    """Triangles in the camera frame with one label.

    Attributes:
        vertices: meters.
        faces: vertex indices.
        label: class.
        kind: what it is, for color; None where that can be distinguished from shape and label.
        person: whose skin or cloth it is, for color; None where the nearest hand tells.
        name: of the object that is held, empty for all else.
    """

    vertices: Float32[np.ndarray, "v 3"]
    faces: Int32[np.ndarray, "f 3"]
    label: int
    kind: SurfaceKind | None = None
    person: int | None = None
    name: str = ""


@dataclass
class Scene:
    """What the camera sees, ready to draw.

    Attributes:
        intrinsics: the camera.
        meshes: hands, sleeves, objects and clutter.
        planes: rectangles as (origin, half u, half v); always BACKGROUND.
        ellipsoids: (center, half axes in columns); always BACKGROUND.
        interaction: what the first hand does, None where nobody drew it.
    """

    intrinsics: Intrinsics
    meshes: list[Mesh] = field(default_factory=list)
    planes: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)
    ellipsoids: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)
    interaction: Kind | None = None

    def facts(self) -> dict[str, Any]:
        """What is known of it, as JSON takes it.

        Returns:
            `interaction`; `objects`, the names of what is held, in view or not; `worn`, what covers arms and fingers.
        """
        return {
            "interaction": self.interaction,
            "objects": sorted({mesh.name for mesh in self.meshes if mesh.label == OBJECT}),
            "worn": sorted({str(mesh.kind) for mesh in self.meshes if mesh.kind in _WORN}),
        }

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
    return rotation_of(rng.normal(0, sigma_rad, 3))


def rotation_of(vector: np.ndarray) -> Float64[np.ndarray, "3 3"]:
    """Rotation of a rotation vector, radians (Rodrigues' formula)."""
    angle = float(np.linalg.norm(vector))
    x, y, z = vector / max(angle, 1e-9)
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k


def box(size: np.ndarray) -> tuple[np.ndarray, Int32[np.ndarray, "f 3"]]:
    """A box about the origin: its corners and faces; `size` in meters."""
    corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]) * size
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))], np.int32)
    return corners, faces
