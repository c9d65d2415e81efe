"""What a depth sensor makes of a clean rendering: ragged rims, shadows, smoothing, steps, missing patches.

The effects and their strength follow real frames of a RealSense SR305 and of a ZED. The SR305 never measures two
neighboring pixels more than about 12 mm apart: each such step is a void, 2 to 6 px wide plus the projector's shadow on
one side; smaller steps are smoothed into slopes, and the noise on a hand is only 0.1 mm. The ZED grows the near surface
over the far one, smooths over larger steps, and leaves large frayed patches without depth or with a wrong one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypedDict

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from graspseg.frame import Intrinsics
from graspseg.labels import BACKGROUND, HAND, OBJECT
from graspseg.synth import sensor_loss, sensor_reading


@dataclass(frozen=True)
class StructuredLight:
    """One sensor's noise; the defaults are those of an SR300 or SR305.

    Attributes:
        baseline_m: camera to projector; above 0 the projector sits to the right and shadows fall left of near surfaces.
        shadow: whether what the projector (or the other eye) does not see is missing.
        jump_m: depth step between neighbors that the sensor takes for an edge.
        rim_loss: share of the edges beside which pixels are lost.
        rim_near_px, rim_far_px: width lost on the near and on the far side of an edge; below 0 = mostly nothing.
        ragged_px: standard deviation of that width, alike over `ragged_cell_px` pixels.
        ragged_cell_px: size of the outline's irregularities.
        flying: probability that a pixel at an edge without loss lies between the two surfaces.
        lateral_px: standard deviation of the place a pixel is read from (simkinect: 0.5), alike over `lateral_cell_px`.
        lateral_cell_px: size of the blocks that shift together.
        reach_m: distance at which a bright surface seen head-on is barely measured.
        hand_albedo, object_albedo, other_albedo: brightness in the sensor's light, 1 = skin.
        patchy: relative variation of the brightness.
        patch_cell_px: size of its patches.
        smoothing: share of a pixel's depth that comes from its neighbors at each step of the smoothing; 0 = none.
        smoothing_m: steps above it are not smoothed.
        axial: factor on the axial noise of Nguyen et al. 2012.
        fine: white part of the axial noise, the rest being alike over `ripple_px`.
        ripple_px: correlation of the axial noise.
        disparity_sigma_px: matching noise of disparity.
        disparity_step_px: quantization of disparity; 0 = none.
        holes: mean number of elliptical holes.
        mismatches: mean number of small patches with a wrong depth.
        speckle_loss: probability that a 2 x 2 block is lost.
        fatten_px: radius by which near surfaces grow.
    """

    baseline_m: float = 0.047
    shadow: bool = True
    jump_m: float = 0.011
    rim_loss: float = 1.0
    rim_near_px: float = 0.0
    rim_far_px: float = 3.5
    ragged_px: float = 0.8
    ragged_cell_px: int = 3
    flying: float = 0.0
    lateral_px: float = 0.4
    lateral_cell_px: int = 2
    reach_m: float = 1.6
    hand_albedo: float = 1.0
    object_albedo: float = 1.0
    other_albedo: float = 1.0
    patchy: float = 0.15
    patch_cell_px: int = 24
    smoothing: float = 0.5
    smoothing_m: float = 0.011
    axial: float = 0.1
    fine: float = 0.3
    ripple_px: int = 6
    disparity_sigma_px: float = 0.0
    disparity_step_px: float = 0.0
    holes: float = 1.0
    mismatches: float = 0.0
    speckle_loss: float = 0.0002
    fatten_px: float = 0.0

    @classmethod
    def sample(cls, rng: np.random.Generator) -> StructuredLight:
        """Draw a sensor: 1 in 10 clean, 6 in 10 like an SR300, the others noisy or passive stereo."""
        kind = rng.uniform()
        if kind < 0.1:
            return cls.clean()
        if kind < 0.7:
            return cls._sample_sr300(rng)
        return cls._sample_noisy(rng) if kind < 0.83 else _sample_stereo(rng)

    @classmethod
    def clean(cls) -> StructuredLight:
        """A sensor without noise."""
        off = cls(shadow=False, rim_loss=0.0, lateral_px=0.0, reach_m=100.0, patchy=0.0, smoothing=0.0)
        return replace(off, axial=0.0, holes=0.0, speckle_loss=0.0)

    @classmethod
    def _sample_sr300(cls, rng: np.random.Generator) -> StructuredLight:
        return cls(
            baseline_m=float(rng.uniform(0.03, 0.07) * rng.choice((-1, 1))),
            shadow=bool(rng.uniform() < 0.85),
            jump_m=float(rng.uniform(0.007, 0.016)),
            rim_loss=float(1 - 0.3 * rng.uniform() ** 4),
            rim_near_px=float(rng.uniform(-0.7, 1.2)),
            rim_far_px=float(rng.uniform(1.0, 5.0)),
            ragged_px=float(rng.uniform(0.3, 1.3)),
            ragged_cell_px=int(rng.integers(2, 6)),
            flying=float(rng.choice((0.0, 0.05))),
            lateral_px=float(rng.uniform(0.1, 0.7)),
            lateral_cell_px=int(rng.integers(1, 4)),
            reach_m=float(rng.uniform(0.9, 2.5)),
            patchy=float(rng.uniform(0.0, 0.35)),
            patch_cell_px=int(rng.integers(10, 50)),
            smoothing=float(rng.uniform(0.2, 0.75) * (rng.uniform() < 0.85)),
            smoothing_m=float(rng.uniform(0.006, 0.016)),
            axial=float(np.exp(rng.uniform(np.log(0.04), np.log(0.6)))),
            fine=float(rng.uniform(0.1, 0.6)),
            ripple_px=int(rng.integers(3, 10)),
            disparity_step_px=float(rng.choice((0.0, 1 / 64, 1 / 32, 1 / 16))),
            holes=float(rng.uniform(0, 3)),
            mismatches=float(rng.choice((0.0, 1.0), p=(0.8, 0.2))),
            speckle_loss=float(rng.choice((0.0, 0.0002, 0.001))),
            **_sample_albedo(rng),
        )

    @classmethod
    def _sample_noisy(cls, rng: np.random.Generator) -> StructuredLight:
        """Coarser than an SR300: Kinect-like steps, time-of-flight-like flying pixels."""
        return cls(
            baseline_m=float(rng.uniform(0.05, 0.09) * rng.choice((-1, 1))),
            shadow=bool(rng.uniform() < 0.5),
            jump_m=float(rng.uniform(0.008, 0.03)),
            rim_loss=float(rng.uniform(0.0, 0.9)),
            rim_near_px=float(rng.uniform(-1.0, 1.0)),
            rim_far_px=float(rng.uniform(0.0, 3.0)),
            ragged_px=float(rng.uniform(0.2, 1.2)),
            ragged_cell_px=int(rng.integers(1, 6)),
            flying=float(rng.uniform(0.0, 0.5)),
            lateral_px=float(rng.uniform(0.0, 0.9)),
            lateral_cell_px=int(rng.integers(1, 4)),
            reach_m=float(rng.uniform(1.2, 4.0)),
            patchy=float(rng.uniform(0.0, 0.3)),
            smoothing=float(rng.uniform(0.0, 0.5)),
            smoothing_m=float(rng.uniform(0.005, 0.02)),
            axial=float(rng.uniform(0.2, 1.2)),
            fine=float(rng.uniform(0.3, 1.0)),
            ripple_px=int(rng.integers(2, 8)),
            disparity_step_px=float(rng.choice((0.0, 1 / 32, 1 / 16, 1 / 8))),
            holes=float(rng.uniform(0, 6)),
            speckle_loss=float(0.003 * rng.uniform() ** 2),
            **_sample_albedo(rng),
        )


class _Albedo(TypedDict):
    object_albedo: float
    other_albedo: float


def _sample_albedo(rng: np.random.Generator) -> _Albedo:
    """Dark or shining things return little light; skin is always bright in the near infrared."""
    dark = rng.uniform(size=2) < 0.12
    object_albedo, other_albedo = np.where(dark, rng.uniform(0.08, 0.5, 2), rng.uniform(0.6, 1.3, 2)).tolist()
    return _Albedo(object_albedo=object_albedo, other_albedo=other_albedo)


def _sample_stereo(rng: np.random.Generator) -> StructuredLight:
    """Passive stereo like a ZED: voids are less sure, near surfaces grow, wrong depths stay in."""
    return StructuredLight(
        baseline_m=float(rng.uniform(0.06, 0.12) * rng.choice((-1, 1))),
        shadow=bool(rng.uniform() < 0.7),
        jump_m=float(rng.uniform(0.01, 0.03)),
        rim_loss=float(rng.uniform(0.3, 0.9)),
        rim_near_px=float(rng.uniform(-1.5, 1.0)),
        rim_far_px=float(rng.uniform(1.0, 5.0)),
        ragged_px=float(rng.uniform(0.8, 2.2)),
        ragged_cell_px=int(rng.integers(3, 9)),
        flying=float(rng.uniform(0.0, 0.2)),
        lateral_px=float(rng.uniform(0.2, 1.0)),
        lateral_cell_px=int(rng.integers(1, 4)),
        reach_m=float(rng.uniform(1.5, 6.0)),
        hand_albedo=float(rng.uniform(0.5, 1.3)),
        object_albedo=float(rng.uniform(0.3, 1.3)),
        other_albedo=float(rng.uniform(0.3, 1.3)),
        patchy=float(rng.uniform(0.2, 0.8)),
        patch_cell_px=int(rng.integers(8, 40)),
        smoothing=float(rng.uniform(0.4, 0.85)),
        smoothing_m=float(rng.uniform(0.01, 0.03)),
        axial=float(rng.uniform(0.05, 0.4)),
        fine=float(rng.uniform(0.1, 0.6)),
        ripple_px=int(rng.integers(4, 14)),
        disparity_sigma_px=float(rng.uniform(0.0, 0.15)),
        disparity_step_px=float(rng.choice((0.0, 1 / 32, 1 / 16))),
        holes=float(rng.uniform(0, 10)),
        mismatches=float(rng.uniform(0, 12)),
        speckle_loss=float(0.002 * rng.uniform() ** 2),
        fatten_px=float(rng.uniform(0.0, 5.0)),
    )


def structured_light(
    depth_m: Float32[np.ndarray, "h w"],
    labels: UInt8[np.ndarray, "h w"],
    intrinsics: Intrinsics,
    rng: np.random.Generator,
    profile: StructuredLight,
) -> tuple[Float32[np.ndarray, "h w"], UInt8[np.ndarray, "h w"]]:
    """Measure a clean rendering.

    Args:
        depth_m: Rendered depth in metres, 0 = nothing there; not changed.
        labels: Exact labels; not changed.
        intrinsics: The camera.
        rng: Decides everything that is random.
        profile: The sensor.

    Returns:
        Measured depth in metres (0 = no measurement) and labels: a pixel that takes its depth from another pixel takes
        its label too; pixels without measurement, between two surfaces or with a wrong depth are BACKGROUND.
    """
    p = profile
    seed = np.uint32(rng.integers(1 << 32))
    span = sensor_loss.spans(depth_m)
    if p.fatten_px > 0:
        edge = sensor_loss.edges(depth_m, span, p.jump_m)
        depth_m, labels = sensor_reading.fatten(depth_m, labels, edge, seed, p.jump_m, p.fatten_px, p.ragged_cell_px)
        span = sensor_loss.spans(depth_m)
    lost = np.zeros(depth_m.shape, np.uint8)
    if p.rim_loss > 0 or p.flying > 0:
        rim = (p.rim_near_px, p.rim_far_px, p.ragged_px, p.ragged_cell_px, p.rim_loss, p.flying)
        sensor_loss.lose_rims(depth_m, sensor_loss.edges(depth_m, span, p.jump_m), lost, seed, *rim)
    if p.shadow:
        sensor_loss.lose_shadow(depth_m, span, lost, intrinsics.fx * p.baseline_m)
    light = (_albedo_of_labels(p), p.patchy, p.patch_cell_px)
    sensor_loss.lose_weak(depth_m, labels, span, lost, seed, intrinsics.fx, p.reach_m, *light)
    measured, seen = sensor_reading.gather(depth_m, labels, lost, span, seed, p.lateral_px, p.lateral_cell_px)
    if p.smoothing > 0:
        sensor_reading.smooth(measured, 1 - p.smoothing, p.smoothing_m)
    if p.axial > 0 or p.disparity_sigma_px > 0 or p.disparity_step_px > 0:
        matching = (intrinsics.fx * abs(p.baseline_m), p.disparity_sigma_px, p.disparity_step_px)
        sensor_reading.disturb(measured, span, seed, p.axial, p.fine, p.ripple_px, *matching)
    _speckle(measured, seen, rng, int(rng.poisson(p.speckle_loss * measured.size / 4)))
    _punch_holes(measured, seen, rng, int(rng.poisson(p.holes)))
    _mismatch(measured, seen, rng, int(rng.poisson(p.mismatches)))
    return measured, seen


def _albedo_of_labels(profile: StructuredLight) -> np.ndarray:
    """Brightness by label; 256 entries, as compiled loops do not check indices."""
    albedo = np.ones(256, np.float32)
    albedo[[BACKGROUND, HAND, OBJECT]] = profile.other_albedo, profile.hand_albedo, profile.object_albedo
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
