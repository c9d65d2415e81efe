"""Color-depth alignment (paper, section 3, "after aligning the color and depth images"): the color of depth pixels.

A depth pixel is a point X in space; the color camera sees it at K (R X + t), bent by its lens. Where something nearer
stands on the same line of sight, the picture shows that instead: such pixels have no color ("not seen").
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float32, Float64, UInt8

from graspseg.annotate.paper.background import Box
from graspseg.cameras.rgbd import ColorCamera
from graspseg.datasets.byte_cache import ByteCache
from graspseg.frame import Intrinsics

CELL_PX = 2
_RAYS: ByteCache[np.ndarray] = ByteCache(64 << 20, lambda rays: rays.nbytes)
_FAR_M = np.float32(1e6)
_RING = np.ones((3, 3), np.uint8)


class Aligned(NamedTuple):
    """The color of depth pixels.

    Attributes:
        color: RGB; means nothing where not seen.
        seen: 255 where the color camera sees the point, else 0.
    """

    color: UInt8[np.ndarray, "h w 3"]
    seen: UInt8[np.ndarray, "h w"]


class Rays(NamedTuple):
    """Where a point at depth z of every depth pixel is in the color camera's frame: `z * turned + translation`."""

    turned: Float32[np.ndarray, "3 h w"]
    translation: Float32[np.ndarray, "3"]


def align(
    color: UInt8[np.ndarray, "hc wc 3"],
    depth_m: Float32[np.ndarray, "h w"],
    kept: UInt8[np.ndarray, "h w"],
    rays: Rays,
    camera: ColorCamera,
    *,
    tolerance_m: float,
) -> Aligned:
    """Take the color of depth pixels from the picture of another camera.

    Only what is kept hides: the background is farther away from both cameras.

    Args:
        color: RGB picture.
        depth_m: meters.
        kept: 255 for pixels whose color is requested.
        rays: of the depth pixels.
        camera: that took the picture.
        tolerance_m: a surface hides what is farther by more than this.
    """
    x, y, z = (depth_m * rays.turned[axis] + rays.translation[axis] for axis in range(3))
    z = np.maximum(z, np.float32(1e-6))
    u, v = project(x / z, y / z, camera)
    picture = cv2.remap(color, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    height, width = color.shape[:2]
    inside = (u > -0.5) & (u < width - 0.5) & (v > -0.5) & (v < height - 0.5) & (kept > 0)
    place = (v * np.float32(1 / CELL_PX)).astype(np.int32) * (width // CELL_PX + 1)
    place += (u * np.float32(1 / CELL_PX)).astype(np.int32)
    place[~inside] = 0
    hidden = _hidden(place[inside], z[inside], (height // CELL_PX + 1, width // CELL_PX + 1), tolerance_m)
    seen = np.zeros(kept.shape, np.uint8)
    seen[inside] = np.where(hidden, np.uint8(0), np.uint8(255))
    return Aligned(picture, seen)


def _hidden(place: np.ndarray, z: np.ndarray, cells: tuple[int, int], tolerance_m: float) -> np.ndarray:
    """Which points lie behind the nearest one in their cell of the picture or in a cell beside it (a z-buffer)."""
    nearest = np.full(cells, _FAR_M)
    np.minimum.at(nearest.ravel(), place, z)
    nearest = cv2.erode(nearest, _RING)
    return z > nearest.ravel()[place] + np.float32(tolerance_m)


def project(
    x: Float32[np.ndarray, "h w"], y: Float32[np.ndarray, "h w"], camera: ColorCamera
) -> tuple[Float32[np.ndarray, "h w"], Float32[np.ndarray, "h w"]]:
    """Pixels of the color picture at tangents `x`, `y` of the viewing angle.

    Lens distortion: Brown-Conrady, in the order k1 k2 p1 p2 k3 k4 k5 k6 of OpenCV's `calib3d`.
    """
    if any(camera.distortion):
        k1, k2, p1, p2, k3, k4, k5, k6 = (*camera.distortion, *[0.0] * 8)[:8]
        square = x * x + y * y
        radial = (1 + square * (k1 + square * (k2 + square * k3))) / (1 + square * (k4 + square * (k5 + square * k6)))
        both = 2 * x * y
        x, y = (
            x * radial + p1 * both + p2 * (square + 2 * x * x),
            y * radial + p2 * both + p1 * (square + 2 * y * y),
        )
    lens = camera.intrinsics
    return (
        x * np.float32(lens.fx) + np.float32(lens.cx),
        y * np.float32(lens.fy) + np.float32(lens.cy),
    )


def rays(shape: tuple[int, int], intrinsics: Intrinsics, camera: ColorCamera, box: Box) -> Rays:
    """Rays of the depth pixels in a box; those of a pair of cameras are worked out once."""
    turned = _turned(shape, intrinsics, camera.rotation.tobytes())
    return Rays(turned[:, box.y0 : box.y1, box.x0 : box.x1], camera.translation_m.astype(np.float32))


def _turned(shape: tuple[int, int], intrinsics: Intrinsics, rotation: bytes) -> Float32[np.ndarray, "3 h w"]:
    return _RAYS.get((shape, intrinsics, rotation), lambda: _turn(shape, intrinsics, rotation))


def _turn(shape: tuple[int, int], intrinsics: Intrinsics, rotation: bytes) -> Float32[np.ndarray, "3 h w"]:
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    directions: Float64[np.ndarray, "3 h w"] = np.stack(
        [(x - intrinsics.cx) / intrinsics.fx, (y - intrinsics.cy) / intrinsics.fy, np.ones_like(x)]
    )
    matrix = np.frombuffer(rotation).reshape(3, 3)
    return np.einsum("ij,jyx->iyx", matrix, directions).astype(np.float32)
