"""The color camera: where it sits beside the depth camera, and what it makes of light: 8 bits with its faults."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import no_type_check

import cv2
import numpy as np
from jaxtyping import Float32, Float64, UInt8
from numba import njit

from graspseg.frame import Intrinsics
from graspseg.synth.color.light import LUMINANCE, Lighting
from graspseg.synth.render.pixel_noise import gauss

_LEVELS = 4096


@dataclass(frozen=True)
class ColorRig:
    """A color camera beside a depth camera, as its calibration says.

    Attributes:
        intrinsics: of the color camera, for pictures of the depth camera's size.
        color_from_depth: 4 x 4, maps points (meters) from the depth camera's frame to the color camera's.
    """

    intrinsics: Intrinsics
    color_from_depth: Float64[np.ndarray, "4 4"]

    @classmethod
    def sample(cls, rng: np.random.Generator, *, width: int, height: int) -> ColorRig:
        """A plausible rig: 25 to 60 mm to one side (SR305: 26 mm), hardly turned, 60 to 75 degrees wide."""
        turn = rng.normal(0, np.radians(0.35), 3)
        side = rng.choice([-1.0, 1.0]) * rng.uniform(0.025, 0.06)
        pose = np.eye(4)
        pose[:3, :3] = cv2.Rodrigues(turn)[0]
        pose[:3, 3] = side, rng.normal(0, 0.001), rng.normal(0, 0.002)
        focal = width / 2 / np.tan(np.radians(rng.uniform(60, 75)) / 2)
        center = (width - 1) / 2 + rng.normal(0, 6), (height - 1) / 2 + rng.normal(0, 6)
        return cls(Intrinsics(float(focal), float(focal), float(center[0]), float(center[1])), pose)


@dataclass(frozen=True)
class Exposure:
    """How the camera turns linear light into 8 bits.

    Attributes:
        gain: factor on all channels; 1 shows a white surface under light of strength 1 as 255.
        white_balance: factor on each channel.
        blur_px: standard deviation of the lens and demosaicing blur; 0 = none.
        shot: variance of the noise per unit of signal, signal 1 being full scale.
        read: variance of the noise in the dark.
    """

    gain: float = 1.0
    white_balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    blur_px: float = 0.0
    shot: float = 0.0
    read: float = 0.0


def sample_exposure(
    rng: np.random.Generator, radiance: Float32[np.ndarray, "h w 3"], lighting: Lighting
) -> tuple[Exposure, float]:
    """What automatic exposure and white balance make of a picture, with their errors.

    Exposure brings the mean luminance near middle gray, not wholly, spares the highlights, and is off by a third of a
    stop; white balance removes 60 to 100 % of the light's color and adds an error of its own.

    Returns:
        The exposure, and the share of the light's color that stays.
    """
    luminance = np.clip(radiance[::6, ::6] @ LUMINANCE, 0.005, 1.5)
    gain = (0.22 / float(luminance.mean())) ** rng.uniform(0.55, 0.95)
    gain = min(gain, 0.9 / float(np.quantile(luminance, 0.985))) * 2 ** rng.normal(0, 0.33)
    left = float(rng.uniform(0.0, 0.4))
    seen = lighting.colors[0] + lighting.sky
    seen = seen / (seen @ LUMINANCE)
    # Relative to what is left: gains of a camera rarely leave this range.
    balance = (1 / seen) ** (1 - left) * np.exp(rng.normal(0, [0.04, 0.015, 0.04]))
    balance = np.clip(balance / balance[1], 0.3, 3.5)
    noise = 2 ** rng.uniform(-2, 1.3)
    exposure = Exposure(
        float(np.clip(gain, 0.25, 4)),
        (float(balance[0]), float(balance[1]), float(balance[2])),
        float(rng.uniform(0.35, 0.9)),
        0.0009 * noise,
        0.000012 * noise,
    )
    return exposure, left


def neutral_balance(color: Float64[np.ndarray, "3"]) -> tuple[float, float, float]:
    """White balance that shows a gray surface in light of this color as gray, green unchanged."""
    return float(color[1] / color[0]), 1.0, float(color[1] / color[2])


def photograph(radiance: Float32[np.ndarray, "h w 3"], exposure: Exposure, *, seed: int) -> UInt8[np.ndarray, "h w 3"]:
    """Linear light to sRGB of 8 bits: white balance, exposure, blur, shot and read noise, clipping, gamma.

    Noise has variance `shot x signal + read` (Foi et al. 2008, Poissonian-Gaussian model of raw data).

    Args:
        radiance: linear RGB.
        exposure: the camera's settings.
        seed: of the noise.
    """
    factors = np.array(exposure.white_balance, np.float32) * np.float32(exposure.gain)
    if exposure.blur_px > 0:
        radiance = cv2.GaussianBlur(radiance, (5, 5), exposure.blur_px)
    out = np.empty(radiance.shape, np.uint8)
    _develop(radiance, factors, np.float32(exposure.shot), np.float32(exposure.read), seed, _gamma(), out)
    return out


@functools.cache
def _gamma() -> UInt8[np.ndarray, "n"]:
    """Codes of sRGB (IEC 61966-2-1) for linear values in steps of 1/4095."""
    value = np.arange(_LEVELS) / (_LEVELS - 1)
    coded = np.where(value <= 0.0031308, 12.92 * value, 1.055 * value ** (1 / 2.4) - 0.055)
    return np.rint(coded * 255).astype(np.uint8)


@njit(cache=True)
@no_type_check
def _develop(radiance, factors, shot, read, seed, gamma, out):
    top = np.float32(gamma.shape[0] - 1)
    for y in range(radiance.shape[0]):
        for x in range(radiance.shape[1]):
            for c in range(3):
                value = radiance[y, x, c] * factors[c]
                spread = np.sqrt(shot * max(value, np.float32(0)) * factors[c] + read * factors[c] * factors[c])
                value += spread * gauss(seed, y, x, c)
                out[y, x, c] = gamma[int(min(max(value, np.float32(0)), np.float32(1)) * top + np.float32(0.5))]
