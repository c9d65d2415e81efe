"""Training samples: windows cut from labeled frames and varied, all by nearest neighbor. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from graspseg.crop import SMALLEST_WINDOW_PX, View, crop_depth, crop_labels, whole_view
from graspseg.frame import Intrinsics
from graspseg.labels import BACKGROUND, HAND, IGNORE, OBJECT
from graspseg.training.presets import AugmentSettings, ViewSettings

_STRIDE = 4
_DECOYS = 4


@dataclass(frozen=True)
class TrainingSample:
    """What a network learns from.

    Attributes:
        depth: meters, 0 = no measurement.
        labels: 0/1/2/255, BACKGROUND where nothing was measured.
        pixel_angle: radians one pixel covers.
    """

    depth: Float32[np.ndarray, "h w"]
    labels: UInt8[np.ndarray, "h w"]
    pixel_angle: float


def training_sample(
    depth_m: Float32[np.ndarray, "h w"],
    labels: UInt8[np.ndarray, "h w"],
    *,
    intrinsics: Intrinsics,
    rng: np.random.Generator,
    views: ViewSettings,
    augment: AugmentSettings,
) -> TrainingSample:
    """Cut one varied sample from a frame.

    Args:
        depth_m: meters, 0 = no measurement.
        labels: 0/1/2/255.
        intrinsics: camera of the frame.
        rng: decides everything; equal generators give equal samples.
        views: how samples are cut.
        augment: how samples are varied.

    Paper: section 4.5 (flips, rotations, Gaussian noise).
    """
    if rng.random() < augment.window_share:
        depth_m = depth_window(depth_m, labels, reach_m=float(rng.uniform(*augment.window_m)))
    angle = 0.0 if rng.random() < augment.upright_share else np.deg2rad(augment.rotation_deg) * rng.uniform(-1, 1)
    mirror = bool(rng.random() < augment.mirror_share)
    if views.kind == "frame":
        depth, target = _turn(depth_m, angle, mirror), _turn(labels, angle, mirror)
        pixel_angle = 1.0 / intrinsics.fx
    else:
        decoy = _decoy_view(depth_m, labels, rng, views, float(angle), intrinsics) if views.decoy_share else None
        view = decoy or _random_view(depth_m, labels, rng, views, float(angle))
        view = replace(view, mirror=mirror)
        depth, target = crop_depth(depth_m, view), crop_labels(labels, view)
        pixel_angle = view.pixel_angle(intrinsics)
    if rng.random() < augment.flip_share:
        depth, target = np.ascontiguousarray(depth[::-1]), np.ascontiguousarray(target[::-1])
    if rng.random() < augment.occlusion_share:
        _occlude(depth, rng)
    depth = _vary_depth(depth, rng, augment)
    return TrainingSample(depth, measured_labels(target, depth), float(pixel_angle))


def eval_sample(
    depth_m: Float32[np.ndarray, "h w"],
    labels: UInt8[np.ndarray, "h w"],
    *,
    intrinsics: Intrinsics,
    views: ViewSettings,
    look: Literal["first", "second"],
) -> TrainingSample:
    """The unvaried sample for validation: everything measured (first look), or hand and object with 30 % margin.

    A frame without hand and object has no second look of its own and is looked at as in the first.
    """
    if views.kind == "frame":
        return TrainingSample(depth_m, measured_labels(labels, depth_m), 1.0 / intrinsics.fx)
    view = foreground_view(labels, depth_m, side=views.side, margin=0.3) if look == "second" else None
    view = view or whole_view(depth_m, views.side)
    depth = crop_depth(depth_m, view)
    return TrainingSample(depth, measured_labels(crop_labels(labels, view), depth), view.pixel_angle(intrinsics))


def measured_labels(labels: UInt8[np.ndarray, "h w"], depth_m: Float32[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
    """Labels with BACKGROUND where nothing was measured; IGNORE stays."""
    return np.where((depth_m > 0) | (labels == IGNORE), labels, np.uint8(BACKGROUND))


def depth_window(
    depth_m: Float32[np.ndarray, "h w"], labels: UInt8[np.ndarray, "h w"], *, reach_m: float
) -> Float32[np.ndarray, "h w"]:
    """Depth without what lies more than `reach_m` behind the nearest surface.

    The nearest surface is the 0.5th percentile, so that single near pixels do not decide. When hand and object would
    vanish (something else is nearer), the window starts at them instead.

    Paper: section 3 (16 cm).
    """
    sparse, sparse_labels = depth_m[::_STRIDE, ::_STRIDE], labels[::_STRIDE, ::_STRIDE]
    measured = sparse[sparse > 0]
    if not measured.size:
        return depth_m
    nearest = _low(measured)
    target = sparse[((sparse_labels == HAND) | (sparse_labels == OBJECT)) & (sparse > 0)]
    if target.size and np.median(target) > nearest + reach_m:
        nearest = _low(target)
    return np.where(depth_m <= nearest + np.float32(reach_m), depth_m, np.float32(0))


def _low(values: np.ndarray) -> float:
    rank = values.size // 200
    return float(np.partition(values, rank)[rank])


def foreground_view(
    labels: UInt8[np.ndarray, "h w"],
    depth_m: Float32[np.ndarray, "h w"],
    *,
    side: int,
    margin: float,
    angle_rad: float = 0.0,
    classes: tuple[int, ...] = (HAND, OBJECT),
) -> View | None:
    """The smallest window at that angle around measured hand and object, enlarged by `margin`; None without any.

    Exact to four pixels.
    """
    sparse = labels[::_STRIDE, ::_STRIDE]
    found = np.isin(sparse, classes) & (depth_m[::_STRIDE, ::_STRIDE] > 0)
    rows, columns = np.nonzero(found)
    if not columns.size:
        return None
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    across, down = cos * columns - sin * rows, sin * columns + cos * rows
    middle_u, middle_v = (across.min() + across.max()) / 2, (down.min() + down.max()) / 2
    extent = max(np.ptp(across), np.ptp(down)) + 1
    return View(
        center_x=float(cos * middle_u + sin * middle_v) * _STRIDE,
        center_y=float(cos * middle_v - sin * middle_u) * _STRIDE,
        size_px=max(float(extent) * _STRIDE * (1 + margin), SMALLEST_WINDOW_PX),
        side=side,
        angle_rad=angle_rad,
    )


def _random_view(
    depth_m: np.ndarray, labels: np.ndarray, rng: np.random.Generator, views: ViewSettings, angle_rad: float
) -> View:
    """A window as inexact as the windows of run time are."""
    if views.part_share and rng.random() < views.part_share:
        return _part_view(depth_m, labels, rng, views, angle_rad)
    if views.single_share and rng.random() < views.single_share:
        labels = _one_piece(labels, rng)
    first_look = rng.random() < views.first_look_share
    around = (HAND, OBJECT)
    margin = float(rng.uniform(*views.focus_margin))
    if rng.random() < views.contact_share:
        around, margin = (OBJECT,), float(rng.uniform(*views.contact_margin))
    view = foreground_view(labels, depth_m, side=views.side, margin=margin, angle_rad=angle_rad, classes=around)
    if view is not None and around == (OBJECT,):
        view = replace(view, size_px=max(view.size_px, views.side * float(rng.uniform(0.5, 0.9))))
    if not first_look and view is not None:
        shift = views.focus_shift * view.size_px
    else:
        view = whole_view(depth_m, views.side)
        jitter = views.first_look_jitter
        # A second look at a frame without hand: some closer window, as after a false find.
        scale = rng.uniform(1 - jitter / 2, 1 + jitter) if first_look else rng.uniform(0.2, 0.8)
        shift = jitter / 3 * view.size_px if first_look else view.size_px / 4
        view = replace(view, size_px=max(view.size_px * float(scale), SMALLEST_WINDOW_PX), angle_rad=angle_rad)
    dx, dy = rng.uniform(-shift, shift, 2)
    return replace(view, center_x=view.center_x + float(dx), center_y=view.center_y + float(dy))


def _part_view(
    depth_m: np.ndarray, labels: np.ndarray, rng: np.random.Generator, views: ViewSettings, angle_rad: float
) -> View:
    """A window of some part of everything measured; half of them hold a pixel of hand or object, where there is one."""
    whole = whole_view(depth_m, views.side)
    size = max(whole.size_px * float(rng.uniform(*views.part_size)), SMALLEST_WINDOW_PX)
    room = max(whole.size_px - size, 0.0) / 2
    x, y = whole.center_x + rng.uniform(-room, room), whole.center_y + rng.uniform(-room, room)
    rows, columns = np.nonzero(np.isin(labels[::_STRIDE, ::_STRIDE], (HAND, OBJECT)))
    if len(rows) and rng.random() < 0.5:
        pick = rng.integers(len(rows))
        x, y = np.array([columns[pick], rows[pick]]) * _STRIDE + rng.uniform(-0.4, 0.4, 2) * size
    return View(float(x), float(y), size, views.side, angle_rad)


def _decoy_view(
    depth_m: np.ndarray,
    labels: np.ndarray,
    rng: np.random.Generator,
    views: ViewSettings,
    angle_rad: float,
    intrinsics: Intrinsics,
) -> View | None:
    """A window about a surface that is neither hand nor object, the nearest of a few; None where it is not its turn."""
    if rng.random() >= views.decoy_share:
        return None
    sparse = depth_m[::_STRIDE, ::_STRIDE]
    rows, columns = np.nonzero((sparse > 0) & (labels[::_STRIDE, ::_STRIDE] == BACKGROUND))
    if not len(rows):
        return None
    picks = rng.integers(len(rows), size=rng.integers(1, _DECOYS + 1))
    pick = picks[int(sparse[rows[picks], columns[picks]].argmin())]
    y, x = int(rows[pick]), int(columns[pick])
    size = intrinsics.fx * float(rng.uniform(*views.decoy_m)) / float(sparse[y, x])
    size = min(max(size, SMALLEST_WINDOW_PX), 0.8 * whole_view(depth_m, views.side).size_px)
    dx, dy = rng.uniform(-0.25, 0.25, 2) * size
    return View(x * _STRIDE + float(dx), y * _STRIDE + float(dy), size, views.side, angle_rad)


def _one_piece(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Labels of one of the connected pieces of hand and object, where there are several of some size."""
    sparse = np.isin(labels[::_STRIDE, ::_STRIDE], (HAND, OBJECT)).astype(np.uint8)
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(sparse)
    areas = stats[1:, cv2.CC_STAT_AREA]
    large = np.flatnonzero(areas >= max(0.1 * areas.max(), 6)) + 1 if count > 1 else np.zeros(0, int)
    if len(large) < 2:
        return labels
    height, width = labels.shape
    chosen = (pieces == large[rng.integers(len(large))]).astype(np.uint8)
    chosen = chosen.repeat(_STRIDE, axis=0).repeat(_STRIDE, axis=1)[:height, :width]
    return np.where(chosen > 0, labels, np.uint8(BACKGROUND))


def _turn(image: np.ndarray, angle: float, mirror: bool) -> np.ndarray:
    """The whole frame rotated about its center and mirrored, at its own size."""
    height, width = image.shape
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), float(np.rad2deg(angle)), 1.0)
    turned = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_NEAREST)
    return np.ascontiguousarray(turned[:, ::-1]) if mirror else turned


def _occlude(depth: np.ndarray, rng: np.random.Generator) -> None:
    """Take the measurement from a rectangle or a half-plane, in place."""
    height, width = depth.shape
    if rng.random() < 0.5:
        h, w = int(height * rng.uniform(0.1, 0.4)), int(width * rng.uniform(0.1, 0.4))
        y, x = int(rng.integers(0, height - h)), int(rng.integers(0, width - w))
        depth[y : y + h, x : x + w] = 0
        return
    angle, offset = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.45)
    across = np.cos(angle) * (np.arange(width) / width - 0.5)
    down = np.sin(angle) * (np.arange(height) / height - 0.5)
    depth[across[None, :] + down[:, None] > offset] = 0


def _vary_depth(depth: np.ndarray, rng: np.random.Generator, augment: AugmentSettings) -> np.ndarray:
    """Scale metric depth and add Gaussian noise where something was measured."""
    scale = np.float32(rng.uniform(*augment.zoom))
    sigma = np.float32(rng.uniform(0, augment.noise_m))
    noisy = depth * scale + rng.standard_normal(depth.shape, dtype=np.float32) * sigma
    return np.where(depth > 0, np.maximum(noisy, np.float32(0.001)), np.float32(0))
