"""What hand and object lie on: large planes within the depth range, and what looks just like them (beyond the paper).

The paper assumes that hand and object are the nearest things. Over a desk they are not: the desk runs through the depth
range, and near the hand a stereo camera measures parts of it as if they stood above it. A plane that is larger than
anything a hand holds is taken out, with the low relief that it has by the errors of the sensor, and with what has the
very color of the plane beside it.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from graspseg.annotate.denoise import denoise
from graspseg.annotate.histogram import color_bins, color_histogram
from graspseg.annotate.skin_model import to_lab
from graspseg.frame import Intrinsics

_GRID = 128  # points across, for the search
_FARTHEST_M = 3.0
_LEAST_M = (0.3, 0.4)  # a plane at least as large is no thing in a hand
_LEAST_SHARE = 0.04  # of all measurements
_PLANES = 3
_TRIED = 64
_ROUNDS = 4
_PARALLEL = 0.8  # cosine
_LOW_M = 0.035  # a desk's errors reach as high
_RELIEF_M = 0.02
_TALL_SHARE = 0.15  # of a piece that is more than relief
_PIECE_PX = 50
_TALL_FEWEST = 300
_ON_SHARE = 0.01  # of the image: less of a plane is a slice through something
_AT_SAME_COLOR = 0.35  # where more of what stands is like the plane, color says nothing
_OPEN = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
_SMALLER = 4
_BESIDE = (0.06, 0.15, 0.3)  # of the image's width
_FEW_BESIDE = 0.05
_ONE_COLOR = (8.0, 3.0)  # deviation of lightness and of chroma in a plane of one color
_LIKE = (12.0, 4.5)


class Plane(NamedTuple):
    """A plane: points p with normal . p = offset, the normal towards the camera."""

    normal: Float32[np.ndarray, "3"]
    offset_m: float


def find_planes(depth_m: Float32[np.ndarray, "h w"], camera: Intrinsics) -> list[Plane]:
    """Planes larger than anything a hand holds, the one with most points first.

    Args:
        depth_m: meters, 0 = no measurement.
        camera: of the depth.
    """
    step = max(1, depth_m.shape[1] // _GRID)
    points, normals = _oriented(depth_m[::step, ::step], _coarse(camera, step))
    least = _LEAST_SHARE * np.count_nonzero(depth_m[::step, ::step])
    found: list[Plane] = []
    rng = np.random.default_rng(0)
    while len(found) < _PLANES and len(points) > max(least, _TRIED):
        tried = rng.choice(len(points), _TRIED, replace=False)
        offsets = (normals[tried] * points[tried]).sum(axis=1)
        near = np.abs(points @ normals[tried].T - offsets) < tolerance_m(points[:, 2:])
        counts = np.count_nonzero(near & (normals @ normals[tried].T > _PARALLEL), axis=0)
        if counts.max() < least:
            break
        best = tried[counts.argmax()]
        plane, on = _refined(Plane(normals[best], float(offsets[counts.argmax()])), points, normals)
        if np.count_nonzero(on) >= least and _is_large(points[on]):
            found.append(plane)
        left = np.abs(points @ plane.normal - plane.offset_m) >= tolerance_m(points[:, 2])
        if left.all():
            break
        points, normals = points[left], normals[left]
    return found


def tolerance_m(depth_m: Float32[np.ndarray, "*shape"]) -> Float32[np.ndarray, "*shape"]:
    """How far from a plane measurements on it lie at most: errors of a depth camera grow with the square."""
    return np.float32(0.006) + np.float32(0.012) * depth_m * depth_m


def support_share(depth_m: Float32[np.ndarray, "h w"], planes: list[Plane], camera: Intrinsics, end_m: float) -> float:
    """Share of what is measured up to a distance that lies on one of the planes, 0 to 1.

    Args:
        depth_m: meters, 0 = no measurement.
        planes: see `find_planes`.
        camera: of the depth.
        end_m: where hand and object end.
    """
    within = (depth_m > 0) & (depth_m <= np.float32(end_m))
    if not planes or not within.any():
        return 0.0
    on = _large_pieces((depth_m > 0) & (np.abs(_heights(depth_m, planes, camera)) <= tolerance_m(depth_m)))
    return float(np.count_nonzero(on & within) / np.count_nonzero(within))


def free_of_support(
    depth_m: Float32[np.ndarray, "h w"],
    color: UInt8[np.ndarray, "h w 3"],
    seen: UInt8[np.ndarray, "h w"],
    planes: list[Plane],
    camera: Intrinsics,
    range_m: float,
) -> Bool[np.ndarray, "h w"] | None:
    """What is measured and belongs to none of the planes; None where they are not really there.

    Args:
        depth_m: meters, 0 = no measurement.
        color: aligned RGB.
        seen: 255 where the color is that of the depth pixel.
        planes: see `find_planes`.
        camera: of the depth.
        range_m: how far behind the nearest thing hand and object reach.
    """
    measured = depth_m > 0
    height = np.abs(_heights(depth_m, planes, camera))
    tolerance = tolerance_m(depth_m)
    on = _large_pieces(measured & (height <= tolerance))
    if not on.any():
        return None
    low = measured & ~on & (height < _LOW_M + tolerance)
    tall = measured & ~on & ~low
    color = denoise(color, cv2.bitwise_and(seen, measured.view(np.uint8) * np.uint8(255)))
    judged = seen > 0
    like = judged & _looks_like(color, on & judged)
    stands = tall & (depth_m <= _nearest(depth_m, tall) + np.float32(range_m))
    reported = np.count_nonzero(stands & like) < _AT_SAME_COLOR * max(np.count_nonzero(stands), 1)
    if reported:
        tall &= ~like
        stands &= ~like
    low &= ~like
    if np.count_nonzero(stands & judged) >= _TALL_FEWEST:
        low &= ~(judged & _rather(color, on & judged, stands & judged))
    free = cv2.morphologyEx((tall | low).view(np.uint8), cv2.MORPH_OPEN, _OPEN)
    return _tall_pieces(free, height > _RELIEF_M + tolerance)


def _coarse(camera: Intrinsics, step: int) -> Intrinsics:
    return Intrinsics(camera.fx / step, camera.fy / step, camera.cx / step, camera.cy / step)


def _points(depth_m: Float32[np.ndarray, "h w"], camera: Intrinsics) -> Float32[np.ndarray, "h w 3"]:
    height, width = depth_m.shape
    x = ((np.arange(width) - camera.cx) / camera.fx).astype(np.float32)
    y = ((np.arange(height) - camera.cy) / camera.fy).astype(np.float32)
    return np.dstack([x * depth_m, y[:, None] * depth_m, depth_m])


def _oriented(
    depth_m: Float32[np.ndarray, "h w"], camera: Intrinsics
) -> tuple[Float32[np.ndarray, "n 3"], Float32[np.ndarray, "n 3"]]:
    """Points whose four neighbors two steps away are measured, and their normals, towards the camera."""
    reach = 2
    if min(depth_m.shape) <= 2 * reach:
        return np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32)
    points = _points(depth_m, camera)
    whole = (depth_m > 0) & (depth_m < _FARTHEST_M)
    inner = slice(reach, -reach)
    beside = [
        (slice(None, -2 * reach), inner), (slice(2 * reach, None), inner),
        (inner, slice(None, -2 * reach)), (inner, slice(2 * reach, None)),
    ]  # fmt: skip
    good = whole[inner, inner] & np.logical_and.reduce([whole[place] for place in beside])
    up, down, left, right = (points[place][good] for place in beside)
    normals = np.cross(right - left, down - up)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    normals[normals[:, 2] > 0] *= -1
    return points[inner, inner][good], normals


def _refined(
    plane: Plane, points: Float32[np.ndarray, "n 3"], normals: Float32[np.ndarray, "n 3"]
) -> tuple[Plane, Bool[np.ndarray, " n"]]:
    """The least-squares plane through the points on it, a few times."""
    tolerance = tolerance_m(points[:, 2])
    on = np.zeros(len(points), bool)
    for _ in range(_ROUNDS):
        on = (np.abs(points @ plane.normal - plane.offset_m) < tolerance) & (normals @ plane.normal > _PARALLEL)
        if np.count_nonzero(on) < 3:
            break
        weights = (1 / tolerance[on] ** 2)[:, None]
        middle = (points[on] * weights).sum(axis=0) / weights.sum()
        away = points[on] - middle
        normal = np.linalg.eigh((away * weights).T @ away)[1][:, 0]
        normal = normal if normal[2] <= 0 else -normal
        plane = Plane(normal, float(normal @ middle))
    return plane, on


def _is_large(points: Float32[np.ndarray, "n 3"]) -> bool:
    away = points - points.mean(axis=0)
    along = away @ np.linalg.eigh(away.T @ away)[1][:, 1:]
    low, high = np.percentile(along, (3, 97), axis=0)
    return bool((high - low >= _LEAST_M).all())


def _heights(
    depth_m: Float32[np.ndarray, "h w"], planes: list[Plane], camera: Intrinsics
) -> Float32[np.ndarray, "h w"]:
    """Distance from the nearest plane, positive on the camera's side."""
    points = _points(depth_m, camera)
    heights = np.full(depth_m.shape, np.inf, np.float32)
    for plane in planes:
        own = (points @ plane.normal.astype(np.float32) - np.float32(plane.offset_m)).astype(np.float32)
        heights = np.where(np.abs(own) < np.abs(heights), own, heights)
    return heights


def _large_pieces(on: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Pieces of a plane; a plane behind the hand cuts thin slices out of what stands before it."""
    whole = cv2.morphologyEx(on.view(np.uint8), cv2.MORPH_OPEN, _OPEN)
    _, number, facts, _ = cv2.connectedComponentsWithStats(whole, connectivity=4)
    large = facts[:, cv2.CC_STAT_AREA] > _ON_SHARE * on.size
    large[0] = False
    near = cv2.dilate(large[np.asarray(number, np.int32)].view(np.uint8), _OPEN)
    return on & (near > 0)


def _tall_pieces(free: UInt8[np.ndarray, "h w"], tall: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Pieces that are more than relief of a plane."""
    count, number, facts, _ = cv2.connectedComponentsWithStats(free, connectivity=4)
    areas = facts[:, cv2.CC_STAT_AREA]
    standing = np.bincount(np.asarray(number)[tall], minlength=count) / np.maximum(areas, 1)
    good = (standing > _TALL_SHARE) & (areas > _PIECE_PX)
    good[0] = False
    return good[np.asarray(number, np.int32)]


def _nearest(depth_m: Float32[np.ndarray, "h w"], mask: Bool[np.ndarray, "h w"]) -> float:
    """Depth of the nearest patch of a mask, 0 without."""
    whole = cv2.erode(mask.view(np.uint8), np.ones((5, 5), np.uint8)) > 0
    return float(depth_m[whole].min()) if whole.any() else 0.0


def _looks_like(color: UInt8[np.ndarray, "h w 3"], on: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """What has the color that the plane has beside it, where that is one color."""
    lab = to_lab(color)
    small, weight = lab[::_SMALLER, ::_SMALLER], on[::_SMALLER, ::_SMALLER].astype(np.float32)
    usual, known = np.zeros_like(small), np.zeros_like(weight)
    for share in _BESIDE:
        size = (round(share * color.shape[1] / _SMALLER) | 1,) * 2
        total = cv2.blur(weight, size)
        mean, square = (
            cv2.blur(values * weight[..., None], size) / np.maximum(total, 1e-6)[..., None]
            for values in (small, small * small)
        )
        deviation = np.sqrt(np.maximum(square - mean * mean, 0))
        one = (deviation[..., 0] < _ONE_COLOR[0]) & (np.hypot(deviation[..., 1], deviation[..., 2]) < _ONE_COLOR[1])
        new = known < _FEW_BESIDE
        usual = np.where(new[..., None], mean, usual)
        known = np.where(new, np.where(one, total, 0), known)
    shape = color.shape[1::-1]
    away = np.abs(lab - cv2.resize(usual, shape))
    like = (away[..., 0] < _LIKE[0]) & (np.hypot(away[..., 1], away[..., 2]) < _LIKE[1])
    like &= cv2.resize(known, shape) > _FEW_BESIDE / 2
    return cv2.medianBlur(like.view(np.uint8), 5) > 0


def _rather(
    color: UInt8[np.ndarray, "h w 3"], on: Bool[np.ndarray, "h w"], stands: Bool[np.ndarray, "h w"]
) -> Bool[np.ndarray, "h w"]:
    """What has a color that planes of this frame show more often than what stands on them."""
    everything = np.ones(on.shape, bool)
    places = color_bins(color, everything).reshape(on.shape)
    plane, held = (
        color_histogram(places[mask], np.ones(np.count_nonzero(mask), np.float32))[places] for mask in (on, stands)
    )
    odds = np.log(plane + np.float32(1e-9)) - np.log(held + np.float32(1e-9))
    return cv2.blur(np.clip(odds, -4, 4).astype(np.float32), (5, 5)) >= 0
