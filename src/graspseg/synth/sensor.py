"""What a depth sensor makes of a clean rendering: shifted edges, steps, shadows, holes.

All random numbers per pixel come from a hash of (seed, pixel, channel): cheap, and the same whatever the order of work.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, UInt8
from numba import njit

from graspseg.frame import Intrinsics
from graspseg.labels import BACKGROUND, HAND, OBJECT

_JUMP_M = 0.012


@dataclass(frozen=True)
class StructuredLight:
    """One sensor's noise.

    Attributes:
        baseline_m: camera to projector distance; its sign says on which side the projector sits.
        disparity_step_px: quantisation of disparity (SR300 interpolates to about 1/16 px, Kinect v1 to 1/8).
        disparity_sigma_px: matching noise of disparity, correlated over 2 pixels.
        lateral_sigma_px: shift of the pixel a depth is read from (Nguyen et al. 2012: about 0.8 px; simkinect: 0.5).
        axial: factor on Nguyen's axial noise sigma_z = 0.0012 + 0.0019 (z - 0.4)^2 metres.
        rim_px: width in which pixels beside a depth jump may be lost.
        rim_loss: probability that such a pixel is lost.
        flying: probability that a pixel right beside a jump lies between the two surfaces.
        grazing_tan: tangent of the incidence angle beyond which pixels get lost.
        grazing_loss: probability of that.
        shadow: whether what the projector does not reach is missing.
        holes: mean number of elliptical holes.
        speckle_loss: probability that any pixel is lost.
        reach_m: depths beyond are not measured.
        fatten_px: radius by which foreground grows, and smoothing afterwards (block matching of passive stereo); 0 = none.
    """

    baseline_m: float = 0.05
    disparity_step_px: float = 1 / 16
    disparity_sigma_px: float = 0.05
    lateral_sigma_px: float = 0.5
    axial: float = 0.5
    rim_px: int = 2
    rim_loss: float = 0.5
    flying: float = 0.05
    grazing_tan: float = 5.0
    grazing_loss: float = 0.7
    shadow: bool = True
    holes: float = 3.0
    speckle_loss: float = 0.0005
    reach_m: float = 2.0
    fatten_px: int = 0

    @classmethod
    def sample(cls, rng: np.random.Generator) -> StructuredLight:
        """A sensor between nearly clean and bad, one in seven of the passive stereo kind."""
        strength = rng.uniform(0.0, 1.0) ** 1.2
        stereo = rng.uniform() < 1 / 7
        return cls(
            baseline_m=float(rng.uniform(0.02, 0.08) * rng.choice((-1, 1))),
            disparity_step_px=float(1 / rng.choice((8, 16, 32))),
            disparity_sigma_px=float(0.16 * strength * rng.uniform(0.3, 1)),
            lateral_sigma_px=float(strength * rng.uniform(0.0, 0.9)),
            axial=float(strength * rng.uniform(0.0, 1.0)),
            rim_px=int(rng.integers(0, 4)),
            rim_loss=float(rng.uniform(0.1, 1.0)),
            flying=float(strength * rng.choice((0.0, 0.05, 0.3))),
            grazing_tan=float(rng.uniform(2.5, 12)),
            grazing_loss=float(rng.uniform(0.2, 1)),
            shadow=bool(rng.uniform() < 0.65),
            holes=float(strength * 6),
            speckle_loss=float(0.003 * strength * rng.uniform()),
            reach_m=float(rng.uniform(0.9, 3.0)),
            fatten_px=int(rng.integers(2, 6)) if stereo else 0,
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
        depth_m: rendered depth in metres, 0 = nothing there.
        labels: exact labels.
        intrinsics: the camera.
        rng: decides everything.
        profile: the sensor.

    Returns:
        Measured depth in metres (0 = no measurement) and labels: a pixel that takes its depth from a neighbour takes
        its label too; pixels without measurement and pixels between two surfaces are BACKGROUND.
    """
    seed = np.uint32(rng.integers(1 << 32))
    if profile.fatten_px:
        depth_m, labels = _fatten(depth_m, labels, profile.fatten_px)
    shade = _shadow(depth_m, intrinsics.fx * profile.baseline_m) if profile.shadow else np.zeros((1, 1), np.bool_)
    measured, seen = _measure(
        depth_m,
        labels,
        shade,
        seed,
        intrinsics.fx * abs(profile.baseline_m),
        intrinsics.fx,
        profile.disparity_step_px,
        profile.disparity_sigma_px,
        profile.lateral_sigma_px,
        profile.axial,
        profile.rim_px,
        profile.rim_loss,
        profile.flying,
        profile.grazing_tan,
        profile.grazing_loss,
        profile.speckle_loss,
        profile.reach_m,
    )
    _punch_holes(measured, rng, rng.poisson(profile.holes))
    seen[measured == 0] = BACKGROUND
    return measured, seen


@njit(cache=True, inline="always")
def _hash(seed, y, x, channel):
    """32 random bits of a pixel (integer finaliser of MurmurHash3)."""
    h = np.uint32(seed) ^ np.uint32(np.uint32(y) * np.uint32(0x9E3779B1))
    h ^= np.uint32(np.uint32(x) * np.uint32(0x85EBCA77)) + np.uint32(np.uint32(channel) * np.uint32(0xC2B2AE3D))
    h ^= h >> np.uint32(16)
    h = np.uint32(h * np.uint32(0x85EBCA6B))
    h ^= h >> np.uint32(13)
    h = np.uint32(h * np.uint32(0xC2B2AE35))
    return np.uint32(h ^ (h >> np.uint32(16)))


@njit(cache=True, inline="always")
def _uniform(seed, y, x, channel):
    return np.float32(_hash(seed, y, x, channel)) * np.float32(1 / 4294967296.0)


@njit(cache=True, inline="always")
def _gauss(seed, y, x, channel):
    """Nearly normal: the sum of four uniform bytes (Irwin-Hall), scaled to unit variance."""
    h = _hash(seed, y, x, channel)
    total = (h & np.uint32(255)) + ((h >> np.uint32(8)) & np.uint32(255))
    total += ((h >> np.uint32(16)) & np.uint32(255)) + (h >> np.uint32(24))
    return (np.float32(total) - np.float32(510.0)) * np.float32(1 / 147.8)


@njit(cache=True)
def _shadow(depth_m, focal_baseline):
    """Pixels the projector does not reach.

    A point at column x lands on the projector's column u = x - f B / z. Walking toward the projector's far side, a point
    whose u does not advance lies behind a nearer one (epipolar ordering; Scharstein and Szeliski 2002, section 3.4).
    """
    height, width = depth_m.shape
    shade = np.zeros((height, width), np.bool_)
    for y in range(height):
        if focal_baseline > 0:
            front = np.float32(1e9)
            for x in range(width - 1, -1, -1):
                if depth_m[y, x] > 0:
                    u = x - focal_baseline / depth_m[y, x]
                    if u > front + 0.5:
                        shade[y, x] = True
                    elif u < front:
                        front = u
        else:
            front = np.float32(-1e9)
            for x in range(width):
                if depth_m[y, x] > 0:
                    u = x - focal_baseline / depth_m[y, x]
                    if u < front - 0.5:
                        shade[y, x] = True
                    elif u > front:
                        front = u
    return shade


@njit(cache=True)
def _measure(
    depth_m,
    labels,
    shade,
    seed,
    focal_baseline,
    focal,
    step_px,
    sigma_px,
    lateral_px,
    axial,
    rim_px,
    rim_loss,
    flying,
    grazing_tan,
    grazing_loss,
    speckle_loss,
    reach_m,
):
    height, width = depth_m.shape
    out = np.zeros((height, width), np.float32)
    seen = np.zeros((height, width), np.uint8)
    shaded = shade.shape[0] == height
    for y in range(height):
        for x in range(width):
            sy, sx = y, x
            if lateral_px > 0:
                # Lateral noise: the depth is read from a pixel nearby (simkinect, Handa et al. 2014).
                sy = min(max(y + int(np.rint(lateral_px * _gauss(seed, y, x, 1))), 0), height - 1)
                sx = min(max(x + int(np.rint(lateral_px * _gauss(seed, y, x, 2))), 0), width - 1)
            z = depth_m[sy, sx]
            if z <= 0 or z > reach_m or (shaded and shade[sy, sx]):
                continue
            if speckle_loss > 0 and _uniform(seed, y, x, 3) < speckle_loss:
                continue
            lost, mixed = False, np.float32(0)
            for k in range(1, rim_px + 1):
                for side in range(4):
                    ny = sy + (k if side == 0 else -k if side == 1 else 0)
                    nx = sx + (k if side == 2 else -k if side == 3 else 0)
                    if ny < 0 or nx < 0 or ny >= height or nx >= width:
                        continue
                    other = depth_m[ny, nx]
                    jump = other - z
                    if other > 0 and abs(jump) < 0.012 + 0.01 * k:
                        continue
                    # Coarse noise makes the rim's width wander; the far side of a jump loses more than the near one.
                    chance = rim_loss * (1.0 if other > 0 and jump < 0 else 0.45) / (0.5 + 0.5 * k)
                    if 0.5 * (_uniform(seed, y, x, 4) + _uniform(seed, y >> 2, x >> 2, 5)) < 0.75 * chance:
                        lost = True
                    elif k == 1 and other > 0 and mixed == 0 and _uniform(seed, y, x, 6) < flying:
                        mixed = z + jump * _uniform(seed, y, x, 7)
            if lost:
                continue
            if 0 < sx < width - 1 and 0 < sy < height - 1:
                left, right = depth_m[sy, sx - 1], depth_m[sy, sx + 1]
                up, down = depth_m[sy - 1, sx], depth_m[sy + 1, sx]
                if left > 0 and right > 0 and up > 0 and down > 0:
                    slope = np.sqrt((right - left) ** 2 + (down - up) ** 2) * 0.5 * focal / z
                    if slope > grazing_tan and _uniform(seed, y, x, 8) < grazing_loss:
                        continue
            label = labels[sy, sx]
            if mixed > 0:
                z, label = mixed, np.uint8(0)
            noise = 0.7 * _gauss(seed, y >> 1, x >> 1, 9) + 0.7 * _gauss(seed, y, x, 10)
            # Axial noise (Nguyen, Izadi, Lovell 2012, equation 4, head-on part).
            z += np.float32(axial * (0.0012 + 0.0019 * (z - 0.4) ** 2) * noise)
            disparity = focal_baseline / z + sigma_px * _gauss(seed, y >> 1, x >> 1, 11)
            disparity = np.rint(disparity / step_px) * step_px
            if disparity <= 0:
                continue
            out[y, x] = focal_baseline / disparity
            seen[y, x] = label
    return out, seen


def _punch_holes(depth_m: np.ndarray, rng: np.random.Generator, count: int) -> None:
    """Elliptical patches without measurement, mostly where something is (Mahler et al. 2017, Dex-Net 2.0)."""
    height, width = depth_m.shape
    for _ in range(count):
        for _ in range(5):
            x, y = int(rng.integers(width)), int(rng.integers(height))
            if depth_m[y, x] > 0:
                break
        axes = (int(rng.gamma(2.0, 1.6)) + 1, int(rng.gamma(2.0, 1.6)) + 1)
        cv2.ellipse(depth_m, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, 0.0, -1)


def _fatten(depth_m: np.ndarray, labels: np.ndarray, radius_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Foreground fattening of block matching, then its smoothing (Scharstein and Szeliski 2002, section 5)."""
    inverse = np.divide(1, depth_m, out=np.zeros_like(depth_m), where=depth_m > 0)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (radius_px + 1, radius_px + 1))
    grown = [cv2.dilate(np.where(labels == k, inverse, np.float32(0)), kernel) for k in (BACKGROUND, HAND, OBJECT)]
    nearest = np.argmax(grown, axis=0).astype(np.uint8)
    inverse = np.max(grown, axis=0)
    valid = (inverse > 0).astype(np.float32)
    sigma = 0.5 * radius_px
    smooth = cv2.GaussianBlur(inverse, (0, 0), sigma) / np.maximum(cv2.GaussianBlur(valid, (0, 0), sigma), 1e-6)
    return np.where(valid > 0, 1 / np.maximum(smooth, 1e-6), 0).astype(np.float32), nearest
