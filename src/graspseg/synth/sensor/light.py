"""Compiled loops: time of flight, where a pixel's depth comes from all the light it collects.

Modeled: mixed pixels and noise by returned light. Not modeled: multipath, phase wrapping, lens scatter.
The functions are marked `no_type_check` because the tests' shape checks cannot wrap compiled functions.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from numba import njit

from graspseg.synth.render.pixel_noise import gauss, interpolate_row, lattice, uniform
from graspseg.synth.sensor.loss import LOST

_NEIGHBORHOOD = 2


@njit(cache=True)
@no_type_check
def _mixed_depth(depth, y, x, across, along, sigma):
    """Mean depth of the spot around (x + across, y + along), weighted by the light each pixel returns."""
    height, width = depth.shape
    light, total = np.float32(0), np.float32(0)
    scale = np.float32(-0.5 / (sigma * sigma))
    for v in range(max(y - _NEIGHBORHOOD, 0), min(y + _NEIGHBORHOOD + 1, height)):
        for u in range(max(x - _NEIGHBORHOOD, 0), min(x + _NEIGHBORHOOD + 1, width)):
            z = depth[v, u]
            if z > 0:
                off_x, off_y = np.float32(u - x) - across, np.float32(v - y) - along
                weight = np.exp(scale * (off_x * off_x + off_y * off_y)) / (z * z)
                light += weight
                total += weight * z
    return total / light


@njit(cache=True)
@no_type_check
def mix(depth, labels, edge, lost, seed, sigma, own_m, loss, reach_m, albedo):
    """Mixed ("flying") pixels beside the `edge`s; returns new depth and labels and marks some of them LOST.

    A pixel sums the phasors of all light from its spot; for steps well under the unambiguous range their angle is the
    mean depth weighted by returned light, 1 / z^2. Where it ends up more than `own_m` away from the pixel's own
    surface, it belongs to none: BACKGROUND. The edge passes anywhere through a pixel, so the spot's center is jittered.
    What `sensor_loss.lose_weak` took for a steep slope there is a step and returns light: it is unmarked.

    Source: Sarbolandi, Lefloch and Kolb, Kinect range sensing: structured-light versus time-of-flight Kinect, 2015,
    arXiv 1505.05459, on flying pixels (which section: not verified).
    """
    height, width = depth.shape
    out, seen = depth.copy(), labels.copy()
    done = np.zeros((height, width), np.bool_)
    half = np.float32(0.5)
    for i in range(edge.shape[0]):
        for k in range(2):
            center_y, center_x = edge[i, 2 * k], edge[i, 2 * k + 1]
            for y in range(max(center_y - 1, 0), min(center_y + 2, height)):
                for x in range(max(center_x - 1, 0), min(center_x + 2, width)):
                    if done[y, x] or depth[y, x] <= 0:
                        continue
                    done[y, x] = True
                    across, along = uniform(seed, y, x, 51) - half, uniform(seed, y, x, 52) - half
                    z = depth[y, x]
                    if albedo[labels[y, x]] * reach_m * reach_m >= z * z:
                        lost[y, x] = 0
                    out[y, x] = _mixed_depth(depth, y, x, across, along, sigma)
                    if abs(out[y, x] - z) > own_m:
                        seen[y, x] = 0
                        if uniform(seed, y, x, 53) < loss:
                            lost[y, x] = LOST
    return out, seen


@njit(cache=True)
@no_type_check
def shot_noise(depth, labels, seed, focal, sigma_m, albedo, patchy, patch_cell):
    """Noise by the light that comes back, in place: sigma = sigma_m z / sqrt(albedo cos(angle)).

    The phase from four samples with Poisson noise, of mean B and amplitude A, has a sigma of sqrt(B) / (sqrt(2) A), so
    that depth has c / (4 sqrt(2) pi f_mod) sqrt(B) / A: worked out here; the usual source is Lange and Seitz,
    Solid-state time-of-flight range camera, 2001 (not verified; `sigma_m` stands for all constants). Indoors B is the
    sensor's own light, so sigma falls as 1 / sqrt(A), and A = albedo cos(angle) / z^2. The albedo varies in the same
    patches as in `sensor_loss.lose_weak`.
    """
    height, width = depth.shape
    patches = lattice(seed, 31, height, width, patch_cell)
    coarse, between = np.empty(width, np.float32), np.empty(width + 2, np.float32)
    before = depth.copy()
    focal, sigma_m, patchy = np.float32(focal), np.float32(sigma_m), np.float32(patchy)
    one, least = np.float32(1), np.float32(0.02)
    for y in range(height):
        interpolate_row(patches, y, patch_cell, between, coarse)
        up, down = max(y - 1, 0), min(y + 1, height - 1)
        for x in range(width):
            z = before[y, x]
            if z <= 0:
                continue
            left, right = before[y, max(x - 1, 0)], before[y, min(x + 1, width - 1)]
            above, below = before[up, x], before[down, x]
            # The smaller of two differences: a step on one side is no slope.
            across = min(abs(right - z), abs(z - left))
            along = min(abs(below - z), abs(z - above))
            cosine = z / np.sqrt(z * z + (across * across + along * along) * focal * focal)
            light = max(albedo[labels[y, x]] * (one + patchy * coarse[x]) * cosine, least)
            depth[y, x] = max(z + sigma_m * z / np.sqrt(light) * gauss(seed, y, x, 54), np.float32(0.001))
