"""What a depth sensor makes of a clean rendering: ragged rims, shadows, mixed pixels, smoothing, steps, holes.

`graspseg.synth.sensor.profiles` names sensors and says where their numbers come from.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from graspseg.frame import Intrinsics
from graspseg.labels import BACKGROUND, HAND, OBJECT
from graspseg.synth.sensor import light as sensor_light
from graspseg.synth.sensor import loss as sensor_loss
from graspseg.synth.sensor import reading as sensor_reading
from graspseg.synth.sensor.parameters import SensorParameters


def measure(
    depth_m: Float32[np.ndarray, "h w"],
    labels: UInt8[np.ndarray, "h w"],
    intrinsics: Intrinsics,
    rng: np.random.Generator,
    sensor: SensorParameters,
) -> tuple[Float32[np.ndarray, "h w"], UInt8[np.ndarray, "h w"]]:
    """Measure a clean rendering.

    Args:
        depth_m: Rendered depth in meters, 0 = nothing there; not changed.
        labels: Exact labels; not changed.
        intrinsics: The camera.
        rng: Decides everything that is random.
        sensor: What it does.

    Returns:
        Measured depth in meters (0 = no measurement) and labels: a pixel that takes its depth from another pixel takes
        its label too; pixels without measurement, between two surfaces or with a wrong depth are BACKGROUND.
    """
    p = sensor
    seed = np.uint32(rng.integers(1 << 32))
    light = (_albedo_of_labels(p), p.patchy, p.patch_cell_px)
    span = sensor_loss.spans(depth_m)
    if p.fatten_px > 0:
        edge = sensor_loss.edges(depth_m, span, p.jump_m)
        depth_m, labels = sensor_reading.fatten(depth_m, labels, edge, seed, p.jump_m, p.fatten_px, p.ragged_cell_px)
        span = sensor_loss.spans(depth_m)
    lost = _lose_at_edges(depth_m, span, intrinsics, seed, p)
    if p.islands > 0:
        depth_m, labels = sensor_loss.fill_voids(depth_m, labels, lost, seed, p.islands, p.island_cell_px)
    sensor_loss.lose_weak(depth_m, labels, span, lost, seed, intrinsics.fx, p.reach_m, *light)
    if p.contrast > 0:
        sensor_loss.lose_plain(depth_m, labels, span, lost, seed, intrinsics.fx, np.float32(p.contrast), *light)
    if p.mixing_px > 0:
        edge = sensor_loss.edges(depth_m, span, p.jump_m)
        mixing = (p.mixing_px, p.jump_m, p.mixing_loss, p.reach_m, light[0])
        depth_m, labels = sensor_light.mix(depth_m, labels, edge, lost, seed, *mixing)
    measured, seen = sensor_reading.gather(depth_m, labels, lost, span, seed, p.lateral_px, p.lateral_cell_px)
    if p.blur_px > 0:
        _blur(measured, p.blur_px, p.blur_jump_m)
    if p.smoothing > 0:
        sensor_reading.smooth(measured, 1 - p.smoothing, p.smoothing_m)
    if p.axial > 0 or p.disparity_sigma_px > 0 or p.disparity_step_px > 0:
        matching = (intrinsics.fx * abs(p.baseline_m), p.disparity_sigma_px, p.disparity_step_px)
        sensor_reading.disturb(measured, span, seed, p.axial, p.fine, p.ripple_px, *matching)
    if p.shot_noise_m > 0:
        sensor_light.shot_noise(measured, seen, seed, intrinsics.fx, p.shot_noise_m, *light)
    _speckle(measured, seen, rng, int(rng.poisson(p.speckle_loss * measured.size / 4)))
    _punch_holes(measured, seen, rng, int(rng.poisson(p.holes)))
    _mismatch(measured, seen, rng, int(rng.poisson(p.mismatches)))
    if p.depth_step_m > 0:
        sensor_reading.round_to(measured, p.depth_step_m)
    return measured, seen


def _lose_at_edges(
    depth_m: np.ndarray, span: np.ndarray, intrinsics: Intrinsics, seed: np.uint32, p: SensorParameters
) -> np.ndarray:
    """What depth edges cost: marks of `sensor_loss`, [h, w]."""
    lost = np.zeros(depth_m.shape, np.uint8)
    if p.rim_loss > 0 or p.flying > 0:
        rim = (p.rim_near_px, p.rim_far_px, p.ragged_px, p.ragged_cell_px, p.rim_loss, p.flying)
        sensor_loss.lose_rims(depth_m, sensor_loss.edges(depth_m, span, p.jump_m), lost, seed, *rim)
    if p.shadow:
        sensor_loss.lose_shadow(depth_m, span, lost, intrinsics.fx * p.baseline_m)
    if p.border:
        sensor_loss.lose_border(depth_m, lost, intrinsics.fx * p.baseline_m)
    return lost


def _blur(depth_m: np.ndarray, sigma_px: float, jump_m: float) -> None:
    """Average disparity over a Gaussian window of what was measured, in place, where that moves a pixel little."""
    inverse = np.divide(1, depth_m, out=np.zeros_like(depth_m), where=depth_m > 0)
    weight = cv2.GaussianBlur((depth_m > 0).astype(np.float32), (0, 0), sigma_px)
    mean = cv2.GaussianBlur(inverse, (0, 0), sigma_px)
    smooth = np.divide(weight, mean, out=np.zeros_like(depth_m), where=(mean > 0) & (depth_m > 0))
    np.copyto(depth_m, smooth, where=(smooth > 0) & (np.abs(smooth - depth_m) < jump_m))


def _albedo_of_labels(sensor: SensorParameters) -> np.ndarray:
    """Brightness by label; 256 entries, as compiled loops do not check indices."""
    albedo = np.ones(256, np.float32)
    albedo[[BACKGROUND, HAND, OBJECT]] = sensor.other_albedo, sensor.hand_albedo, sensor.object_albedo
    return albedo


def _somewhere(depth_m: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    """A random pixel (x, y), if possible one with a depth."""
    height, width = depth_m.shape
    columns, rows = rng.integers(width, size=6), rng.integers(height, size=6)
    best = int(np.argmax(depth_m[rows, columns] > 0))
    return int(columns[best]), int(rows[best])


def _speckle(depth_m: np.ndarray, labels: np.ndarray, rng: np.random.Generator, count: int) -> None:
    """Lose blocks of 2 x 2 pixels anywhere."""
    height, width = depth_m.shape
    rows, columns = rng.integers(height, size=count), rng.integers(width, size=count)
    for y, x in ((rows, columns), (rows - 1, columns), (rows, columns - 1), (rows - 1, columns - 1)):
        depth_m[y, x], labels[y, x] = 0, BACKGROUND


def _punch_holes(depth_m: np.ndarray, labels: np.ndarray, rng: np.random.Generator, count: int) -> None:
    """Elliptical patches without measurement (Mahler et al. 2017, Dex-Net 2.0)."""
    for _ in range(count):
        axes = (int(rng.gamma(2.0, 1.6)) + 1, int(rng.gamma(2.0, 1.6)) + 1)
        where, turn = _somewhere(depth_m, rng), float(rng.uniform(0, 180))
        cv2.ellipse(depth_m, where, axes, turn, 0, 360, 0.0, -1)
        cv2.ellipse(labels, where, axes, turn, 0, 360, BACKGROUND, -1)


def _mismatch(depth_m: np.ndarray, labels: np.ndarray, rng: np.random.Generator, count: int) -> None:
    """Small clusters of wrong depths near something measured: BACKGROUND, as they belong to no surface."""
    height, width = depth_m.shape
    for _ in range(count):
        x, y = _somewhere(depth_m, rng)
        depth = float(depth_m[y, x]) or 0.5
        size = int(rng.integers(1, 6))
        centers = np.clip(rng.normal((x, y), 8.0, (size, 2)), 0, (width - 1, height - 1)).astype(int).tolist()
        axes, factors = rng.integers(1, 5, (size, 2)).tolist(), rng.uniform(0.75, 1.3, size).tolist()
        for where, axis, factor in zip(centers, axes, factors, strict=True):
            cv2.ellipse(depth_m, where, axis, 0, 0, 360, depth * factor, -1)
            cv2.ellipse(labels, where, axis, 0, 0, 360, BACKGROUND, -1)
