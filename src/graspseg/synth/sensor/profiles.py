"""The one list of sensors: each draws another unit's parameters for every frame.

Numpy only, so that commands can list the sensors without compiling anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from graspseg.synth.sensor.mixture import draw_mixed
from graspseg.synth.sensor.parameters import SensorParameters

SensorName = Literal[
    "mixed", "sr305", "d435", "kinect1", "kinect2", "azure", "zed", "soft", "block", "clean", "desk", "gesture", "any"
]
Principle = Literal["structured light", "active stereo", "time of flight", "passive stereo", "any", "none"]


@dataclass(frozen=True)
class SensorProfile:
    """A kind of sensor that frames can be made with by name.

    Attributes:
        draw: Draws one unit; real units of one kind differ.
        principle: How it measures.
        description: One line for a person who chooses.
        sources: Where formulas and numbers come from.
        calibrated: Whether its parameters were fitted to real frames (docs/data/sensors.md); None where no camera is
            meant.
    """

    draw: Callable[[np.random.Generator], SensorParameters]
    principle: Principle
    description: str
    sources: tuple[str, ...]
    calibrated: bool | None


def _about(rng: np.random.Generator, value: float, spread: float = 0.15) -> float:
    """A number within `spread` of `value`, relative."""
    return float(value * rng.uniform(1 - spread, 1 + spread))


def _draw_sr305(rng: np.random.Generator) -> SensorParameters:
    """Fitted to real frames by benchmarks/sensors/sensors.py; the baseline is the one that shadows look like."""
    return SensorParameters(
        baseline_m=-_about(rng, 0.11, 0.05),
        jump_m=_about(rng, 0.011),
        rim_near_px=float(rng.uniform(-1.2, -0.5)),
        rim_far_px=_about(rng, 1.2, 0.5),
        ragged_px=_about(rng, 2.0),
        ragged_cell_px=int(rng.integers(8, 15)),
        lateral_px=_about(rng, 0.3),
        reach_m=_about(rng, 1.4),
        patchy=_about(rng, 0.3, 0.5),
        smoothing=_about(rng, 0.5),
        smoothing_m=_about(rng, 0.011),
        axial=0.0,
        fine=_about(rng, 0.02),
        ripple_px=int(rng.integers(3, 6)),
        disparity_sigma_px=_about(rng, 0.021, 0.3),
        holes=float(rng.uniform(0, 3)),
        speckle_loss=_about(rng, 0.0003, 0.5),
        depth_step_m=0.000125,
    )


def _draw_zed(rng: np.random.Generator) -> SensorParameters:
    """Fitted to real frames by benchmarks/sensors/sensors.py; radii in pixels hold at a focal length of 691 px.

    A ZED's baseline is 0.12 m; matching loses somewhat more than the other eye's shadow.
    """
    return SensorParameters(
        baseline_m=_about(rng, 0.14, 0.05),
        border=True,
        jump_m=_about(rng, 0.02),
        rim_loss=_about(rng, 0.8, 0.1),
        rim_near_px=float(rng.uniform(-3.0, -1.2)),
        rim_far_px=_about(rng, 4.0, 0.5),
        ragged_px=_about(rng, 2.4),
        ragged_cell_px=int(rng.integers(4, 8)),
        flying=_about(rng, 0.1, 0.5),
        lateral_px=_about(rng, 0.35),
        reach_m=_about(rng, 6.0),
        hand_albedo=_about(rng, 0.36, 0.4),
        object_albedo=_about(rng, 0.6, 0.4),
        contrast=_about(rng, 0.16, 0.1),
        patchy=_about(rng, 0.25),
        patch_cell_px=int(rng.integers(10, 30)),
        smoothing=_about(rng, 0.7),
        smoothing_m=_about(rng, 0.02),
        axial=_about(rng, 0.2, 0.3),
        fine=_about(rng, 0.15),
        ripple_px=int(rng.integers(5, 10)),
        disparity_sigma_px=_about(rng, 0.05, 0.3),
        holes=_about(rng, 40.0, 0.5),
        mismatches=_about(rng, 8.0, 0.5),
        speckle_loss=_about(rng, 0.0005, 0.5),
        fatten_px=_about(rng, 1.2, 0.5),
        islands=_about(rng, 0.2, 0.5),
        island_cell_px=int(rng.integers(7, 17)),
        depth_step_m=0.001,
    )


def _draw_d435(rng: np.random.Generator) -> SensorParameters:
    """Half the units have the baseline of a D435 (50 mm), half that of a D405 (18 mm)."""
    return SensorParameters(
        baseline_m=float(rng.choice((0.05, 0.018))),
        border=True,
        jump_m=_about(rng, 0.015),
        rim_loss=_about(rng, 0.5, 0.3),
        rim_near_px=float(rng.uniform(-1.0, 0.5)),
        rim_far_px=_about(rng, 1.5, 0.5),
        ragged_px=_about(rng, 1.0, 0.3),
        ragged_cell_px=int(rng.integers(3, 7)),
        flying=float(rng.uniform(0.0, 0.2)),
        lateral_px=_about(rng, 0.5, 0.5),
        reach_m=float(rng.uniform(2.0, 4.0)),
        patchy=_about(rng, 0.3, 0.3),
        smoothing=_about(rng, 0.4, 0.5),
        smoothing_m=_about(rng, 0.01, 0.5),
        axial=0.0,
        fine=_about(rng, 0.3, 0.5),
        ripple_px=int(rng.integers(4, 10)),
        disparity_sigma_px=_about(rng, 0.06, 0.4),
        disparity_step_px=1 / 32,
        holes=float(rng.uniform(0, 5)),
        mismatches=float(rng.uniform(0, 2)),
        speckle_loss=float(rng.uniform(0, 0.001)),
        fatten_px=float(rng.uniform(1.0, 3.0)),
        depth_step_m=float(rng.choice((0.001, 0.0001))),
    )


def _draw_kinect1(rng: np.random.Generator) -> SensorParameters:
    """Steps of 1/8 px of disparity, a pattern correlated over 9 px, the projector 75 mm to the right."""
    return SensorParameters(
        baseline_m=_about(rng, 0.075, 0.05),
        jump_m=_about(rng, 0.02, 0.3),
        rim_loss=float(rng.uniform(0.4, 0.9)),
        rim_near_px=float(rng.uniform(-1.5, 0.5)),
        rim_far_px=float(rng.uniform(1.0, 4.0)),
        ragged_px=float(rng.uniform(0.8, 2.2)),
        ragged_cell_px=int(rng.integers(4, 10)),
        flying=float(rng.uniform(0.0, 0.15)),
        lateral_px=_about(rng, 0.8, 0.3),
        lateral_cell_px=int(rng.integers(2, 5)),
        reach_m=float(rng.uniform(3.0, 5.0)),
        object_albedo=float(rng.uniform(0.3, 1.3)),
        other_albedo=float(rng.uniform(0.5, 1.3)),
        patchy=_about(rng, 0.2, 0.5),
        smoothing=float(rng.uniform(0.3, 0.7)),
        smoothing_m=_about(rng, 0.015, 0.3),
        axial=_about(rng, 0.8, 0.4),
        fine=float(rng.uniform(0.05, 0.4)),
        ripple_px=int(rng.integers(5, 11)),
        disparity_step_px=1 / 8,
        holes=float(rng.uniform(0, 4)),
        mismatches=float(rng.choice((0.0, 1.0))),
        speckle_loss=float(rng.uniform(0, 0.0005)),
        fatten_px=float(rng.uniform(0.0, 2.5)),
        depth_step_m=0.001,
    )


def _draw_kinect2(rng: np.random.Generator) -> SensorParameters:
    return _time_of_flight(rng, noise_m=0.0015, mixing_px=0.6, mixing_loss=float(rng.uniform(0.0, 0.3)), reach_m=4.5)


def _draw_azure(rng: np.random.Generator) -> SensorParameters:
    return _time_of_flight(rng, noise_m=0.001, mixing_px=0.5, mixing_loss=float(rng.uniform(0.3, 0.7)), reach_m=3.5)


def _time_of_flight(
    rng: np.random.Generator, *, noise_m: float, mixing_px: float, mixing_loss: float, reach_m: float
) -> SensorParameters:
    """Light source beside the lens: no shadow, no matching; edges are interpolated, dark things noisy."""
    return SensorParameters(
        shadow=False,
        jump_m=_about(rng, 0.012),
        rim_loss=0.0,
        lateral_px=0.0,
        reach_m=_about(rng, reach_m),
        object_albedo=float(rng.uniform(0.1, 1.3)),
        other_albedo=float(rng.uniform(0.3, 1.3)),
        patchy=_about(rng, 0.2, 0.5),
        smoothing=float(rng.uniform(0.0, 0.4)),
        smoothing_m=_about(rng, 0.01),
        axial=0.0,
        holes=float(rng.uniform(0, 1)),
        speckle_loss=float(rng.uniform(0, 0.0003)),
        mixing_px=_about(rng, mixing_px),
        mixing_loss=mixing_loss,
        shot_noise_m=_about(rng, noise_m, 0.3),
        depth_step_m=0.001,
    )


def _draw_soft(rng: np.random.Generator) -> SensorParameters:
    """Smooth surfaces that run into each other: structured light of phones, stereo with large matching windows."""
    stereo = bool(rng.uniform() < 0.6)
    return SensorParameters(
        baseline_m=float(rng.uniform(0.03, 0.12) * rng.choice((-1, 1))),
        shadow=bool(rng.uniform() < (0.8 if stereo else 0.2)),
        border=stereo,
        jump_m=float(rng.uniform(0.015, 0.04)),
        rim_loss=float(rng.uniform(0.2, 0.9)) if stereo else 0.0,
        rim_near_px=float(rng.uniform(-2.0, 0.5)),
        rim_far_px=float(rng.uniform(0.5, 5.0)),
        ragged_px=float(rng.uniform(0.5, 2.0)),
        ragged_cell_px=int(rng.integers(3, 9)),
        flying=float(rng.uniform(0.0, 0.3)),
        lateral_px=float(rng.uniform(0.0, 0.6)),
        reach_m=float(rng.uniform(2.0, 5.0)),
        object_albedo=float(rng.uniform(0.4, 1.3)),
        other_albedo=float(rng.uniform(0.4, 1.3)),
        patchy=float(rng.uniform(0.0, 0.3)),
        smoothing=float(rng.uniform(0.5, 0.9)),
        smoothing_m=float(rng.uniform(0.01, 0.03)),
        axial=0.0,
        holes=float(rng.uniform(0, 6)),
        mismatches=float(rng.uniform(0, 3)),
        fatten_px=float(rng.uniform(0.0, 4.0)) if stereo else 0.0,
        blur_px=float(rng.uniform(1.0, 5.0)),
        blur_jump_m=float(rng.uniform(0.01, 0.05)),
        disparity_sigma_px=float(rng.uniform(0.0, 0.06)),
        depth_step_m=float(rng.choice((0.0, 0.001))),
    )


def _draw_block(rng: np.random.Generator) -> SensorParameters:
    """Stereo whose matching window is as wide as a finger: hand, sleeve and object run into each other and grow.

    Chosen by eye beside real frames, not fitted. Steps of disparity are seen as terraces on flat surfaces.
    """
    return SensorParameters(
        baseline_m=float(rng.uniform(0.04, 0.12) * rng.choice((-1, 1))),
        border=True,
        jump_m=float(rng.uniform(0.02, 0.05)),
        rim_loss=float(rng.uniform(0.3, 0.9)),
        rim_near_px=float(rng.uniform(-3.0, 0.0)),
        rim_far_px=float(rng.uniform(0.5, 4.0)),
        ragged_px=float(rng.uniform(0.8, 2.5)),
        ragged_cell_px=int(rng.integers(4, 10)),
        flying=float(rng.uniform(0.0, 0.3)),
        lateral_px=float(rng.uniform(0.0, 1.0)),
        lateral_cell_px=int(rng.integers(2, 5)),
        reach_m=float(rng.uniform(2.5, 6.0)),
        patchy=float(rng.uniform(0.0, 0.2)),
        smoothing=float(rng.uniform(0.6, 0.93)),
        smoothing_m=float(rng.uniform(0.02, 0.06)),
        axial=float(rng.uniform(0.0, 0.3)),
        fine=float(rng.uniform(0.0, 0.1)),
        ripple_px=int(rng.integers(6, 16)),
        disparity_sigma_px=float(rng.uniform(0.02, 0.12)),
        disparity_step_px=float(rng.choice((0.0, 1 / 16, 1 / 8, 1 / 4))),
        holes=float(rng.uniform(0, 4)),
        mismatches=float(rng.uniform(0, 3)),
        fatten_px=float(rng.uniform(1.5, 6.0)),
        blur_px=float(rng.uniform(3.0, 9.0)),
        blur_jump_m=float(rng.uniform(0.03, 0.1)),
        depth_step_m=0.001,
    )


_DESK: dict[SensorName, float] = {
    "block": 0.28,
    "zed": 0.24,
    "kinect1": 0.18,
    "d435": 0.12,
    "sr305": 0.1,
    "soft": 0.08,
}
_GESTURE: dict[SensorName, float] = {"sr305": 0.38, "kinect1": 0.2, "mixed": 0.2, "azure": 0.12, "d435": 0.1}
_ANY: dict[SensorName, float] = {
    "mixed": 0.25,
    "sr305": 0.16,
    "zed": 0.19,
    "d435": 0.12,
    "soft": 0.16,
    "azure": 0.07,
    "kinect2": 0.05,
}


def _draw_any(rng: np.random.Generator) -> SensorParameters:
    return _draw_one(rng, _ANY)


def _draw_desk(rng: np.random.Generator) -> SensorParameters:
    """Units up to three times as rough as calibrated ones: matching suffers on plain, dark or distant surfaces."""
    drawn = _draw_one(rng, _DESK)
    return replace(drawn, disparity_sigma_px=drawn.disparity_sigma_px * float(np.exp(rng.uniform(0.0, 1.1))))


def _draw_gesture(rng: np.random.Generator) -> SensorParameters:
    return _draw_one(rng, _GESTURE)


def _draw_one(rng: np.random.Generator, shares: dict[SensorName, float]) -> SensorParameters:
    name = str(rng.choice(list(shares), p=list(shares.values())))
    return next(profile.draw(rng) for key, profile in SENSORS.items() if key == name)


def _draw_clean(rng: np.random.Generator) -> SensorParameters:
    return SensorParameters.clean()


_SHADOW = "shadow: ordering along an epipolar line (Scharstein and Szeliski 2002)"
_AXIAL = "axial noise: Nguyen, Izadi and Lovell 2012, without its term for steep slopes"
_LATERAL = "shifts: Handa et al. 2014 (simkinect)"
_MATCHING = "sigma_z = z^2 sigma_d / (f B) (Intel, Tuning depth cameras for best performance)"
_FATTENING = "foreground fattening: Scharstein and Szeliski 2002 (section not verified)"
_MIXING = "flying pixels: Sarbolandi, Lefloch and Kolb 2015 (arXiv 1505.05459; section not verified)"
_SHOT = "noise by returned light: Poisson noise of the samples (Lange and Seitz 2001, not verified)"
_BASELINES = "baselines: Intel, D400 series data sheet (as quoted in forums)"
_SUBPIXEL = "step of 1/32 px: Intel, Subpixel linearity improvement for RealSense depth cameras"
_EIGHTH = "step of 1/8 px: Khoshelham and Oude Elberink 2012 (section not verified)"
_FITTED = "other numbers: fitted"

SENSORS: dict[SensorName, SensorProfile] = {
    "mixed": SensorProfile(
        draw_mixed,
        "any",
        "another kind for every frame, broader than any real one",
        (_SHADOW, _AXIAL, _LATERAL, _FATTENING),
        calibrated=None,
    ),
    "sr305": SensorProfile(
        _draw_sr305,
        "structured light",
        "RealSense SR300, SR305",
        (_SHADOW, _MATCHING, _LATERAL, _FITTED),
        calibrated=True,
    ),
    "d435": SensorProfile(
        _draw_d435,
        "active stereo",
        "RealSense D405, D435",
        (_SHADOW, _MATCHING, _FATTENING, _BASELINES, _SUBPIXEL),
        calibrated=False,
    ),
    "kinect1": SensorProfile(
        _draw_kinect1,
        "structured light",
        "Kinect v1, Xtion, Astra",
        (_SHADOW, _AXIAL, _LATERAL, _EIGHTH),
        calibrated=False,
    ),
    "kinect2": SensorProfile(
        _draw_kinect2,
        "time of flight",
        "Kinect v2 with interpolated edges, without multipath",
        (_MIXING, _SHOT),
        calibrated=False,
    ),
    "azure": SensorProfile(
        _draw_azure,
        "time of flight",
        "Azure Kinect, half of its interpolated edges dropped, without multipath",
        (_MIXING, _SHOT),
        calibrated=False,
    ),
    "zed": SensorProfile(
        _draw_zed,
        "passive stereo",
        "ZED",
        (_SHADOW, _AXIAL, _MATCHING, _FATTENING, _FITTED),
        calibrated=True,
    ),
    "soft": SensorProfile(
        _draw_soft,
        "passive stereo",
        "phones and stereo with large matching windows: surfaces run into each other",
        (_SHADOW, _MATCHING, _FATTENING),
        calibrated=False,
    ),
    "block": SensorProfile(
        _draw_block,
        "passive stereo",
        "stereo with windows as wide as a finger: hand, sleeve and object melt together",
        (_SHADOW, _MATCHING, _FATTENING),
        calibrated=False,
    ),
    "clean": SensorProfile(_draw_clean, "none", "exact depth", (), calibrated=None),
    "desk": SensorProfile(
        _draw_desk,
        "any",
        "block, zed, kinect1, d435, sr305 or soft for every frame: what looks at desks",
        (_SHADOW, _MATCHING),
        calibrated=None,
    ),
    "gesture": SensorProfile(
        _draw_gesture,
        "any",
        "sr305, kinect1, mixed, azure or d435 for every frame: what people gesture at",
        (_SHADOW, _MATCHING, _MIXING),
        calibrated=None,
    ),
    "any": SensorProfile(
        _draw_any, "any", "one of all of these for every frame", (_SHADOW, _MATCHING, _MIXING), calibrated=None
    ),
}


ALIKE: dict[Principle, tuple[SensorName, ...]] = {
    "structured light": ("sr305",),
    "active stereo": ("d435",),
    "time of flight": ("kinect2", "azure"),
    "passive stereo": ("zed", "soft"),
}
"""What may measure a scene before a background recorded by a principle; frozen, as frames of `rooms` depend on it."""


def describe_sensors() -> list[str]:
    """The table in words, one line a sensor: `name: description (principle, uncalibrated)`."""
    lines = []
    for name, profile in SENSORS.items():
        details = [profile.principle] if profile.principle not in ("any", "none") else []
        details += ["uncalibrated"] if profile.calibrated is False else []
        lines.append(f"{name}: {profile.description}" + (f" ({', '.join(details)})" if details else ""))
    return lines
