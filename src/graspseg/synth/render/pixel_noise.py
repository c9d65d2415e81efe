"""Random numbers per pixel from a hash of (seed, row, column, channel): cheap, and free of any order of work.

Noise that is alike over several pixels is one such number per cell of a coarse grid, interpolated linearly.

The functions are marked `no_type_check` because the tests' shape checks cannot wrap compiled functions.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from numba import njit


@njit(cache=True, inline="always")
@no_type_check
def random_bits(seed, y, x, channel):
    """32 random bits (integer finalizer of MurmurHash3, public domain)."""
    h = np.uint32(seed) ^ np.uint32(np.uint32(y) * np.uint32(0x9E3779B1))
    h ^= np.uint32(np.uint32(x) * np.uint32(0x85EBCA77)) + np.uint32(np.uint32(channel) * np.uint32(0xC2B2AE3D))
    h ^= h >> np.uint32(16)
    h = np.uint32(h * np.uint32(0x85EBCA6B))
    h ^= h >> np.uint32(13)
    h = np.uint32(h * np.uint32(0xC2B2AE35))
    return np.uint32(h ^ (h >> np.uint32(16)))


@njit(cache=True, inline="always")
@no_type_check
def uniform(seed, y, x, channel):
    """A number in [0, 1)."""
    return np.float32(random_bits(seed, y, x, channel) >> np.uint32(8)) * np.float32(1 / 16777216.0)


@njit(cache=True, inline="always")
@no_type_check
def gauss(seed, y, x, channel):
    """Nearly normal: the sum of four uniform bytes (Irwin-Hall), scaled to unit variance."""
    h = random_bits(seed, y, x, channel)
    total = (h & np.uint32(255)) + ((h >> np.uint32(8)) & np.uint32(255))
    total += ((h >> np.uint32(16)) & np.uint32(255)) + (h >> np.uint32(24))
    return (np.float32(total) - np.float32(510.0)) * np.float32(1 / 147.8)


@njit(cache=True, inline="always")
@no_type_check
def two_bells(seed, y, x, channel):
    """Two independent numbers of unit variance from one hash, each the sum of two uniform bytes (triangular)."""
    h = random_bits(seed, y, x, channel)
    first = (h & np.uint32(255)) + ((h >> np.uint32(8)) & np.uint32(255))
    second = ((h >> np.uint32(16)) & np.uint32(255)) + (h >> np.uint32(24))
    scale = np.float32(1 / 104.5)
    return (np.float32(first) - np.float32(255.0)) * scale, (np.float32(second) - np.float32(255.0)) * scale


@njit(cache=True)
@no_type_check
def lattice(seed, channel, height, width, cell):
    """Unit noise at the corners of cells of `cell` pixels, one row and column more than an image needs."""
    corners = np.empty((height // cell + 2, width // cell + 2), np.float32)
    for j in range(corners.shape[0]):
        for i in range(corners.shape[1]):
            corners[j, i] = gauss(seed, j, i, channel)
    return corners


@njit(cache=True)
@no_type_check
def interpolate_row(corners, y, cell, between, row):
    """Fill `row` with row y of a `lattice`, linear between its corners; `between` has room for a row of them."""
    width = row.shape[0]
    columns = width // cell + 2
    j, t = y // cell, np.float32((y % cell) / cell)
    for i in range(columns):
        between[i] = (1 - t) * corners[j, i] + t * corners[j + 1, i]
    share = np.float32(1.0 / cell)
    for i in range(columns - 1):
        step = (between[i + 1] - between[i]) * share
        for k in range(min(cell, width - i * cell)):
            row[i * cell + k] = between[i] + step * np.float32(k)
