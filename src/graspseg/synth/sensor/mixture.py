"""The sensor `mixed`: another kind of sensor for every frame, set by eye, broader than any real one.

Its draws are frozen: the test set's frames depend on each of them.
"""

from __future__ import annotations

from typing import TypedDict

import numpy as np

from graspseg.synth.sensor.parameters import SensorParameters


def draw_mixed(rng: np.random.Generator) -> SensorParameters:
    """Draw a sensor: 1 in 10 clean, 6 in 10 like an SR300, the others noisy or passive stereo."""
    kind = rng.uniform()
    if kind < 0.1:
        return SensorParameters.clean()
    if kind < 0.7:
        return _sample_sr300(rng)
    return _sample_noisy(rng) if kind < 0.83 else _sample_stereo(rng)


def _sample_sr300(rng: np.random.Generator) -> SensorParameters:
    return SensorParameters(
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


def _sample_noisy(rng: np.random.Generator) -> SensorParameters:
    """Coarser than an SR300: Kinect-like steps, time-of-flight-like flying pixels."""
    return SensorParameters(
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


def _sample_stereo(rng: np.random.Generator) -> SensorParameters:
    """Passive stereo like a ZED: voids are less sure, near surfaces grow, wrong depths stay in."""
    return SensorParameters(
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
