"""Compiled patterns painted in object coordinates, so that they stick to a surface whatever its pose.

Noise is value noise (Perlin's lattice with values instead of gradients) read from one small periodic volume. All
coordinates are meters. The functions are marked `no_type_check` because the tests' shape checks cannot wrap compiled
functions.
"""

from __future__ import annotations

import functools
import math
from typing import no_type_check

import numpy as np
from jaxtyping import Float32
from numba import njit

NOISE_SIDE = 32
PLAIN, BLOTCHES, STRIPES, CHECKS, WOOD, PRINT, DOTS, WEAVE, SKIN, HEAD = range(10)

MATERIAL = np.dtype(
    [
        ("colors", np.float32, (3, 3)),  # linear RGB albedo: base, second, ink
        ("pattern", np.int32),
        ("scale_m", np.float32),  # period of the pattern
        ("axis", np.float32, (3,)),  # unit vector across stripes, along the grain of wood
        ("duty", np.float32),  # share of the second color
        ("wobble", np.float32),  # noise added to the phase, periods
        ("grain", np.float32),  # relative strength of the mottling that every material has
        ("grain_m", np.float32),  # its size
        ("half_m", np.float32, (3,)),  # half sides of the box around the object
        ("specular", np.float32),  # reflectance at normal incidence
        ("shine", np.int32),  # exponent of the highlight is 2^shine
        ("metal", np.float32),  # 1: no diffuse part, the highlight has the color of the material
        ("softness", np.float32, (3,)),  # how far light wraps around, per channel
    ]
)


@functools.cache
def noise_volume() -> Float32[np.ndarray, "32 32 32"]:
    """Independent numbers in [-1, 1], the same in every process."""
    return np.random.default_rng(20_261).uniform(-1, 1, (NOISE_SIDE,) * 3).astype(np.float32)


@njit(cache=True)
@no_type_check
def noise(volume, x, y, z):
    """Smooth noise in [-1, 1] with details of size 1; period 32."""
    fx, fy, fz = math.floor(x), math.floor(y), math.floor(z)
    u, v, w = np.float32(x - fx), np.float32(y - fy), np.float32(z - fz)
    three, two = np.float32(3), np.float32(2)
    u, v, w = u * u * (three - two * u), v * v * (three - two * v), w * w * (three - two * w)
    i, j, k = int(fx) & (NOISE_SIDE - 1), int(fy) & (NOISE_SIDE - 1), int(fz) & (NOISE_SIDE - 1)
    i1, j1, k1 = (i + 1) & (NOISE_SIDE - 1), (j + 1) & (NOISE_SIDE - 1), (k + 1) & (NOISE_SIDE - 1)
    a = volume[i, j, k] + w * (volume[i, j, k1] - volume[i, j, k])
    b = volume[i, j1, k] + w * (volume[i, j1, k1] - volume[i, j1, k])
    c = volume[i1, j, k] + w * (volume[i1, j, k1] - volume[i1, j, k])
    d = volume[i1, j1, k] + w * (volume[i1, j1, k1] - volume[i1, j1, k])
    a += v * (b - a)
    c += v * (d - c)
    return a + u * (c - a)


@njit(cache=True)
@no_type_check
def _step(edge, width, value):
    """0 below the edge, 1 above, smooth over `width`."""
    t = min(max((value - edge) / width + 0.5, 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


@njit(cache=True)
@no_type_check
def _band(phase, duty, width):
    """Share of the second color at a phase (periods): 1 over `duty` of each period, edges `width` wide."""
    t = phase - math.floor(phase)
    return _step(0.0, width, t) * (1.0 - _step(duty, width, t)) + _step(1.0, width, t)


@njit(cache=True)
@no_type_check
def _printed(material, volume, x, y, z, width):
    """A printed panel: (share of the panel's color, share of ink) with lines of something like text."""
    half = material.half_m
    radius = max(max(half[1], half[2]), 1e-3)
    around = math.atan2(y, z) * radius
    if abs(x - material.wobble * half[0]) > material.duty * half[0] or abs(around) > 1.9 * radius:
        return 0.0, 0.0
    size = material.scale_m
    row = math.floor(around / (2.0 * size))
    in_row = around / (2.0 * size) - row
    word = noise(volume, x / (3.0 * size) + 7.3 * row, row * 3.7, 0.5)
    letter = noise(volume, x / (0.45 * size), row * 5.1, around / (0.6 * size))
    ink = 1.0 if 0.2 < in_row < 0.75 and word > -0.15 and letter > -0.2 else 0.0
    # One line in five is a bar or a logo of one piece.
    if row % 5 == 2:
        ink = 1.0 if word > 0.0 else 0.0
    return 1.0, ink * min(1.0, size / (2.0 * width))


@njit(cache=True)
@no_type_check
def _blend(material, volume, x, y, z, pixel_m):
    """(share of the second color, share of ink) at object coordinates; `pixel_m` is what one pixel covers there."""
    pattern, scale = material.pattern, material.scale_m
    width = min(max(pixel_m / scale, 0.02), 1.0)
    axis = material.axis
    if pattern == BLOTCHES:
        n = noise(volume, x / scale, y / scale, z / scale)
        n += 0.5 * noise(volume, 2.1 * x / scale, 2.1 * y / scale, 2.1 * z / scale + 9.0)
        return _step(1.0 - 2.0 * material.duty, material.wobble + width, n), 0.0
    if pattern == STRIPES:
        phase = (x * axis[0] + y * axis[1] + z * axis[2]) / scale
        if material.wobble > 0.0:
            phase += material.wobble * noise(volume, 0.3 * x / scale, 0.3 * y / scale, 0.3 * z / scale)
        return _band(phase, material.duty, width), 0.0
    if pattern == CHECKS:
        # Shifted by less than a period: flat sides through the origin would flicker between two cells.
        cells = math.floor(x / scale + 0.37) + math.floor(y / scale + 0.37) + math.floor(z / scale + 0.37)
        return float(cells % 2), 0.0
    if pattern == WOOD:
        along = x * axis[0] + y * axis[1] + z * axis[2]
        px, py, pz = x - along * axis[0], y - along * axis[1], z - along * axis[2]
        n = noise(volume, (px + 0.15 * along) / (4 * scale), py / (4 * scale), (pz + 0.1 * along) / (4 * scale))
        ring = math.sqrt(px * px + py * py + pz * pz) / scale + material.wobble * n
        ring -= math.floor(ring)
        fiber = noise(volume, px / 0.0012 + 0.02 * along / 0.0012, py / 0.0012, pz / 0.0012 + 3.0)
        shade = (ring if ring < 0.8 else 4.0 * (1.0 - ring)) * (1.0 - 0.7 * width)
        return min(max(shade + 0.25 * fiber * min(1.0, 0.0012 / pixel_m), 0.0), 1.0), 0.0
    if pattern == PRINT:
        return _printed(material, volume, x, y, z, pixel_m)
    if pattern == DOTS:
        u, v, w = x / scale, y / scale, z / scale
        u, v, w = u - math.floor(u) - 0.5, v - math.floor(v) - 0.5, w - math.floor(w) - 0.5
        return 1.0 - _step(0.5 * material.duty + 0.15, width, math.sqrt(u * u + v * v + w * w)), 0.0
    if pattern == WEAVE:
        u, v = (x + z) / scale, (y - z) / scale
        u, v = u - math.floor(u), v - math.floor(v)
        return (abs(2.0 * u - 1.0) + abs(2.0 * v - 1.0)) * 0.5 * max(1.0 - 2.0 * pixel_m / scale, 0.0), 0.0
    return 0.0, 0.0


@njit(cache=True)
@no_type_check
def albedo(material, volume, x, y, z, pixel_m):
    """Linear RGB at object coordinates (meters) where one pixel covers `pixel_m`."""
    pattern = material.pattern
    share, ink = 0.0, 0.0
    if pattern == HEAD:
        # Above and behind the face is hair: y points down, z away from who looks at the face.
        edge = 0.3 * noise(volume, x / 0.02, y / 0.02, z / 0.02)
        share = _step(0.15, 0.1, -y / material.half_m[1] + 0.6 * z / material.half_m[2] + 0.15 * edge)
    elif pattern != PLAIN and pattern != SKIN:
        share, ink = _blend(material, volume, x, y, z, pixel_m)
    gain = 1.0
    size = material.grain_m
    if material.grain > 0.0:
        fade = min(1.0, size / (1.5 * pixel_m))
        gain += material.grain * fade * noise(volume, x / size, y / size, z / size)
    colors = material.colors
    first = 1.0 - share
    r = (first * colors[0, 0] + share * colors[1, 0]) * gain
    g = (first * colors[0, 1] + share * colors[1, 1]) * gain
    b = (first * colors[0, 2] + share * colors[1, 2]) * gain
    if ink > 0.0:
        r += ink * (colors[2, 0] - r)
        g += ink * (colors[2, 1] - g)
        b += ink * (colors[2, 2] - b)
    if pattern == SKIN:
        # Blood shines through in patches of a centimeter or two: green and blue are absorbed, red is not.
        blood = noise(volume, x / 0.017 + 5.0, y / 0.017, z / 0.017)
        r *= 1.0 + 0.02 * blood
        g *= 1.0 - 0.05 * blood
        b *= 1.0 - 0.045 * blood
    return r, g, b
