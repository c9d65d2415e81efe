"""What a pixel of the color image shows: a scene's surfaces in flat arrays, drawn with a number for every face."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import no_type_check

import numpy as np
from jaxtyping import Float32, Float64, Int32
from numba import njit

from graspseg.frame import Intrinsics
from graspseg.synth.render.canvas import Canvas
from graspseg.synth.render.scene_parts import Scene


@dataclass(frozen=True)
class Geometry:
    """The surfaces of a scene one after the other: meshes, then ellipsoids, then planes; each has one material.

    Attributes:
        vertices, normals: of all meshes, meters, camera frame; normals have length 1.
        paint: coordinates that stick to the surface, meters.
        tint: factors on the material's color (RGB) and on its highlight.
        faces: vertex indices into the above.
        face_surface: surface of each face.
        ellipsoids: rows of center, axes (row by row), inverse axes (row by row), half lengths.
        planes: rows of origin, half u, half v.
    """

    vertices: Float32[np.ndarray, "v 3"]
    normals: Float32[np.ndarray, "v 3"]
    paint: Float32[np.ndarray, "v 3"]
    tint: Float32[np.ndarray, "v 4"]
    faces: Int32[np.ndarray, "f 3"]
    face_surface: Int32[np.ndarray, " f"]
    ellipsoids: Float64[np.ndarray, "e 24"]
    planes: Float64[np.ndarray, "p 9"]

    def arrays(self) -> tuple[np.ndarray, ...]:
        """All arrays in the order of the attributes, as the compiled shading takes them."""
        return (
            self.vertices,
            self.normals,
            self.paint,
            self.tint,
            self.faces,
            self.face_surface,
            self.ellipsoids,
            self.planes,
        )


def gather(scene: Scene, paints: list[Float32[np.ndarray, "_v 3"]], tints: list[np.ndarray | None]) -> Geometry:
    """Put the surfaces of a scene together.

    Args:
        scene: what is seen, in the frame of the color camera.
        paints: for every mesh the coordinates that stick to it.
        tints: for every mesh [v, 4] factors, None for all ones.
    """
    counts = np.array([len(mesh.vertices) for mesh in scene.meshes], np.int64)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int32) if len(counts) else np.zeros(0, np.int32)
    ones = [
        np.ones((len(m.vertices), 4), np.float32) if t is None else t for m, t in zip(scene.meshes, tints, strict=True)
    ]
    faces = [mesh.faces + start for mesh, start in zip(scene.meshes, starts, strict=True)]
    surfaces = [np.full(len(mesh.faces), index, np.int32) for index, mesh in enumerate(scene.meshes)]
    return Geometry(
        _stack([mesh.vertices for mesh in scene.meshes], 3, np.float32),
        _stack([vertex_normals(mesh.vertices, mesh.faces) for mesh in scene.meshes], 3, np.float32),
        _stack(paints, 3, np.float32),
        _stack(ones, 4, np.float32),
        _stack(faces, 3, np.int32),
        np.concatenate([np.zeros(0, np.int32), *surfaces]),
        _stack([_ellipsoid(center, axes)[None] for center, axes in scene.ellipsoids], 24, np.float64),
        _stack([np.concatenate(plane)[None] for plane in scene.planes], 9, np.float64),
    )


def _stack(parts: list[np.ndarray], columns: int, kind: type) -> np.ndarray:
    return np.ascontiguousarray(np.concatenate([np.zeros((0, columns), kind), *parts]), kind)


def _ellipsoid(center: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Center, half axes in columns (stored by rows), their inverse, their lengths."""
    lengths = np.linalg.norm(axes, axis=0)
    return np.concatenate([center, np.ravel(axes), np.ravel(np.linalg.inv(axes)), lengths])


def draw(scene: Scene, canvas: Canvas, *, intrinsics: Intrinsics, meshes_only: bool = False) -> None:
    """Draw a scene in the order of `Scene.draw`: face numbers from 1, then one for each ellipsoid and plane."""
    number = 1
    for mesh in scene.meshes:
        canvas.draw_mesh(mesh.vertices, mesh.faces, intrinsics=intrinsics, label=number, step=1)
        number += len(mesh.faces)
    if meshes_only:
        return
    for center, axes in scene.ellipsoids:
        canvas.draw_ellipsoid(center, axes, intrinsics=intrinsics, label=number)
        number += 1
    for origin, u, v in scene.planes:
        canvas.draw_plane(origin, u, v, intrinsics=intrinsics, label=number)
        number += 1


def moved(scene: Scene, pose: Float64[np.ndarray, "4 4"], intrinsics: Intrinsics) -> Scene:
    """The same scene in the frame of another camera; `pose` maps points from the old frame to the new one."""
    rotation, shift = pose[:3, :3], pose[:3, 3]
    return Scene(
        intrinsics,
        [replace(m, vertices=(m.vertices @ rotation.T + shift).astype(np.float32)) for m in scene.meshes],
        [(rotation @ origin + shift, rotation @ u, rotation @ v) for origin, u, v in scene.planes],
        [(rotation @ center + shift, rotation @ axes) for center, axes in scene.ellipsoids],
    )


def vertex_normals(vertices: Float32[np.ndarray, "v 3"], faces: Int32[np.ndarray, "f 3"]) -> Float32[np.ndarray, "v 3"]:
    """Unit normals: the mean of the neighboring faces, weighted by area; 0 for vertices without a face."""
    return _normals(np.ascontiguousarray(vertices), np.ascontiguousarray(faces))


@njit(cache=True)
@no_type_check
def _normals(vertices, faces):
    total = np.zeros((vertices.shape[0], 3), np.float64)
    for f in range(faces.shape[0]):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, az = vertices[j, 0] - vertices[i, 0], vertices[j, 1] - vertices[i, 1], vertices[j, 2] - vertices[i, 2]
        bx, by, bz = vertices[k, 0] - vertices[i, 0], vertices[k, 1] - vertices[i, 1], vertices[k, 2] - vertices[i, 2]
        nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        for v in (i, j, k):
            total[v, 0] += nx
            total[v, 1] += ny
            total[v, 2] += nz
    out = np.zeros((vertices.shape[0], 3), np.float32)
    for v in range(vertices.shape[0]):
        length = np.sqrt(total[v, 0] ** 2 + total[v, 1] ** 2 + total[v, 2] ** 2)
        if length > 0.0:
            for c in range(3):
                out[v, c] = total[v, c] / length
    return out
