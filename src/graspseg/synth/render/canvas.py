"""Inverse-depth rasterizer: meshes, rectangles and ellipsoids into one depth and label image.

Camera frame: x right, y down, z forward, meters. Pixel centers lie at integer coordinates, so the point
(X, Y, Z) falls on (fx X/Z + cx, fy Y/Z + cy). The buffer holds 1/z, which is linear in screen space: interpolating
it is perspective-correct. Everything is single-threaded; equal input gives equal bits.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float32, Int32, UInt8

from graspseg.frame import Intrinsics
from graspseg.labels import BACKGROUND
from graspseg.synth.render import rasterizer as raster
from graspseg.synth.render.vectors import cross

NEAR_M = raster.NEAR_M


class Canvas:
    """A depth and label image that surfaces are drawn into; the nearest surface wins, the first one drawn on a tie.

    Args:
        width: pixels.
        height: pixels.
        numbers: type of `labels`: `uint8` for classes, `int32` where every face writes its own number.

    Attributes:
        inverse_depth: [h, w] 1/m, 0 where nothing was drawn.
        labels: [h, w] class (or number) of the nearest surface, BACKGROUND where nothing was drawn.
    """

    def __init__(self, width: int, height: int, *, numbers: type[np.integer] = np.uint8) -> None:
        if width < 1 or height < 1:
            raise ValueError(f"Canvas of {width}x{height} pixels: both sides must be at least 1.")
        self.inverse_depth = np.zeros((height, width), np.float32)
        self.labels = np.full((height, width), BACKGROUND, numbers)

    @property
    def depth(self) -> Float32[np.ndarray, "h w"]:
        """Depth in meters, 0 where nothing was drawn (a new array)."""
        return raster.invert(self.inverse_depth)

    def clear(self) -> None:
        """Forget everything drawn so far; the memory is kept."""
        self.inverse_depth.fill(0.0)
        self.labels.fill(BACKGROUND)

    def draw_mesh(
        self,
        vertices_cam: Float32[np.ndarray, "v 3"],
        faces: Int32[np.ndarray, "f 3"],
        *,
        intrinsics: Intrinsics,
        label: int,
        step: int = 0,
    ) -> None:
        """Draw a triangle mesh, both sides of every face.

        A pixel is covered when its center is inside the triangle; a center on an edge belongs to exactly one of the two
        triangles that share it, so a closed surface has neither cracks nor doubled pixels. Faces are cut at NEAR_M.

        Args:
            vertices_cam: Meters, camera frame; may lie outside the image or behind the camera.
            faces: Vertex indices; either winding.
            intrinsics: Pinhole camera of this canvas.
            label: Class written where this mesh is nearest.
            step: Face f writes `label + f step`.
        """
        screen = np.empty((len(vertices_cam), 2), np.int64)
        inverse = np.empty(len(vertices_cam), np.float64)
        camera = np.array([intrinsics.fx, intrinsics.fy, intrinsics.cx, intrinsics.cy], np.float64)
        height, width = self.labels.shape
        if not raster.project(np.ascontiguousarray(vertices_cam), camera, (width, height), screen, inverse):
            return
        raster.fill_mesh(
            self.inverse_depth,
            self.labels,
            np.ascontiguousarray(vertices_cam),
            np.ascontiguousarray(faces),
            screen,
            inverse,
            camera,
            label,
            step,
        )

    def draw_plane(
        self,
        origin: np.ndarray,
        u_axis: np.ndarray,
        v_axis: np.ndarray,
        *,
        intrinsics: Intrinsics,
        label: int,
    ) -> None:
        """Draw the rectangle (or parallelogram) `origin + a u_axis + b v_axis`, -1 <= a, b <= 1, exactly per pixel.

        With n = u x v, the plane's inverse depth is (n . ray) / (n . origin), linear in the pixel; so are a/z and b/z,
        hence the inside test is linear too.

        Args:
            origin: [3] center, meters.
            u_axis: [3] half extent along the first side, meters.
            v_axis: [3] half extent along the second side, meters.
            intrinsics: Pinhole camera of this canvas.
            label: Class written where the rectangle is nearest.
        """
        origin, u_axis, v_axis = (np.asarray(a, np.float64) for a in (origin, u_axis, v_axis))
        normal = cross(u_axis, v_axis)
        distance = float(normal @ origin)
        if abs(distance) < 1e-9 * float(np.linalg.norm(normal)) or not normal.any():
            return  # seen exactly edge-on, or without area
        inverse = _pixel_form(normal / distance, intrinsics)
        dual = np.linalg.inv(np.stack([u_axis, v_axis, normal], axis=1))
        a = _pixel_form(dual[0], intrinsics) - (dual[0] @ origin) * inverse
        b = _pixel_form(dual[1], intrinsics) - (dual[1] @ origin) * inverse
        near = np.array([0.0, 0.0, 1.0 / NEAR_M])
        inside = np.stack([inverse, near - inverse, inverse - a, inverse + a, inverse - b, inverse + b])
        raster.fill_plane(self.inverse_depth, self.labels, inverse, inside, self.labels.dtype.type(label))

    def draw_ellipsoid(self, center: np.ndarray, axes: np.ndarray, *, intrinsics: Intrinsics, label: int) -> None:
        """Draw the ellipsoid `center + axes @ s`, |s| <= 1, exactly per pixel.

        With e = axes^-1 ray and g = axes^-1 center, the inverse depth q solves (g.g - 1) q^2 - 2 (e.g) q + e.e = 0.

        Args:
            center: [3] meters.
            axes: [3, 3] half-length axes in the columns, meters.
            intrinsics: Pinhole camera of this canvas.
            label: Class written where the ellipsoid is nearest.
        """
        center, axes = np.asarray(center, np.float64), np.asarray(axes, np.float64)
        height, width = self.labels.shape
        box = _ellipsoid_box(center, axes, intrinsics, width, height)
        if box[0] >= box[2] or box[1] >= box[3]:
            return
        inverse_axes = np.linalg.inv(axes)
        forms = np.stack([_pixel_form(row, intrinsics) for row in inverse_axes])
        number = self.labels.dtype.type(label)
        raster.fill_ellipsoid(self.inverse_depth, self.labels, forms, inverse_axes @ center, box, number)

    def finish(self) -> tuple[Float32[np.ndarray, "h w"], UInt8[np.ndarray, "h w"]]:
        """Return copies of the depth (meters, 0 = nothing) and of the labels."""
        return raster.invert(self.inverse_depth), self.labels.copy()


def _pixel_form(direction: np.ndarray, intrinsics: Intrinsics) -> np.ndarray:
    """Write `direction . ray(x, y)` as [p, q, r] with p x + q y + r, the ray scaled to z = 1."""
    p, q = direction[0] / intrinsics.fx, direction[1] / intrinsics.fy
    return np.array([p, q, direction[2] - p * intrinsics.cx - q * intrinsics.cy])


def _ellipsoid_box(
    center: np.ndarray, axes: np.ndarray, intrinsics: Intrinsics, width: int, height: int
) -> tuple[int, int, int, int]:
    """Pixel box (x0, y0, x1, y1), ends excluded, of the ellipsoid's outline.

    The outline's dual conic is A A^T - c c^T; a vertical line x = t touches it where (1, 0, -t) C (1, 0, -t)^T = 0.
    Source: Hartley and Zisserman, Multiple View Geometry, section 8.3 (result 8.9).
    """
    shape = axes @ axes.T
    if center[2] - np.sqrt(shape[2, 2]) <= NEAR_M:
        behind = center[2] + np.sqrt(shape[2, 2]) <= NEAR_M
        return (0, 0, 0, 0) if behind else (0, 0, width, height)
    conic = shape - np.outer(center, center)
    ends: list[int] = []
    for i, (focal, offset, limit) in enumerate(
        ((intrinsics.fx, intrinsics.cx, width), (intrinsics.fy, intrinsics.cy, height))
    ):
        root = np.sqrt(max(conic[i, 2] ** 2 - conic[i, i] * conic[2, 2], 0.0))
        low, high = sorted(((conic[i, 2] - root) / conic[2, 2], (conic[i, 2] + root) / conic[2, 2]))
        first, last = math.ceil(focal * low + offset), math.floor(focal * high + offset)
        ends += [min(max(first, 0), limit), min(max(last + 1, 0), limit)]
    return ends[0], ends[2], ends[1], ends[3]
