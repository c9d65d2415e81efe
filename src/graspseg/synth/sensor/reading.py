"""Compiled loops: what depth a sensor reads where it measures.

The functions are marked `no_type_check` because the tests' shape checks cannot wrap compiled functions.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from numba import njit

from graspseg.synth.render.pixel_noise import gauss, interpolate_row, lattice, two_bells, uniform
from graspseg.synth.sensor.loss import LOST, MIXED

_SHIFT = 3
# A power of two above twice the shift.
_RING = 8


@njit(cache=True)
@no_type_check
def fatten(depth, labels, edge, seed, jump_m, radius_px, cell):
    """Foreground fattening of window matching: near surfaces grow over far ones and over nothing, unevenly.

    Source: Scharstein and Szeliski, A taxonomy of dense two-frame stereo correspondence algorithms, 2002 (which
    section: not verified).
    """
    height, width = depth.shape
    grown, grown_labels = depth.copy(), labels.copy()
    for i in range(edge.shape[0]):
        y, x = edge[i, 0], edge[i, 1]
        z, label = depth[y, x], labels[y, x]
        radius = radius_px * (1 + 0.7 * gauss(seed, y // cell, x // cell, 41))
        reach = int(max(radius, 0.0))
        for b in range(max(y - reach, 0), min(y + reach + 1, height)):
            for a in range(max(x - reach, 0), min(x + reach + 1, width)):
                inside = (b - y) ** 2 + (a - x) ** 2 <= radius * radius
                if inside and (grown[b, a] <= 0 or grown[b, a] > z + jump_m):
                    grown[b, a], grown_labels[b, a] = z, label
    return grown, grown_labels


@njit(cache=True)
@no_type_check
def _near_span(span, y, rows, height, width):
    """Columns of `rows` rows from y on that a shift of up to _SHIFT pixels may fill."""
    first, last = width, 0
    for v in range(max(y - _SHIFT, 0), min(y + rows + _SHIFT, height)):
        if span[v, 1] > span[v, 0]:
            first, last = min(first, span[v, 0] - _SHIFT), max(last, span[v, 1] + _SHIFT)
    return max(first, 0), min(last, width)


@njit(cache=True, inline="always")
@no_type_check
def _or_far(depth):
    return depth if depth > 0 else np.float32(1e9)


@njit(cache=True)
@no_type_check
def _mix_row(depth, lost, columns, down, row, row_seen, seed, y):
    """Move the MIXED pixels of a gathered row toward the nearest of their neighbors, in place."""
    height, width = depth.shape
    for x in range(width):
        sy, sx = min(max(y + down[x], 0), height - 1), columns[x]
        z = row[x]
        if lost[sy, sx] == MIXED and z > 0:
            nearest = min(_or_far(depth[max(sy - 1, 0), sx]), _or_far(depth[min(sy + 1, height - 1), sx]))
            nearest = min(nearest, _or_far(depth[sy, max(sx - 1, 0)]), _or_far(depth[sy, min(sx + 1, width - 1)]))
            row[x] = z + min(nearest - z, np.float32(0)) * uniform(seed, y, x, 4)
            row_seen[x] = 0


@njit(cache=True)
@no_type_check
def _keep_row(depth, labels, lost, kept_depth, kept_labels):
    """Copy a row of depth and labels, 0 where lost; returns whether any pixel is MIXED."""
    mixed = 0
    for x in range(depth.shape[0]):
        kept = (depth[x] > 0) & (lost[x] != LOST)
        kept_depth[x] = depth[x] if kept else np.float32(0)
        kept_labels[x] = labels[x] if kept else np.uint8(0)
        mixed += lost[x] == MIXED
    return mixed > 0


@njit(cache=True)
@no_type_check
def _shift_row(seed, lateral_px, j, start, end, across, along):
    """Draw the shifts of the blocks `start` to `end` - 1 of the j-th row of blocks, whole pixels."""
    for i in range(start, end):
        right, down = two_bells(seed, j, i, 1)
        across[i] = np.int32(min(max(np.rint(lateral_px * right), -_SHIFT), _SHIFT))
        along[i] = np.int32(min(max(np.rint(lateral_px * down), -_SHIFT), _SHIFT))


@njit(cache=True)
@no_type_check
def gather(depth, labels, lost, span, seed, lateral_px, cell):
    """Read every pixel from a place nearby; returns depth and labels of what is left (labels 0 where lost or mixed).

    Source: Handa et al. 2014, whose code (ankurhanda/simkinect) shifts by 0.5 px (sigma); here `cell` x `cell` pixels
    shift alike, as real outlines step.
    """
    height, width = depth.shape
    out, seen = np.zeros((height, width), np.float32), np.zeros((height, width), np.uint8)
    # Only the rows within reach of a shift, in turn: they stay in the processor's nearest cache.
    kept_depth, kept_labels = np.empty((_RING, width), np.float32), np.empty((_RING, width), np.uint8)
    flat_depth, flat_labels = kept_depth.reshape(-1), kept_labels.reshape(-1)
    mixed = np.zeros(height, np.bool_)
    ready = 0
    # 32 bits throughout, so that the loops over pixels can be vectorized.
    zero, across_end, down_end, stride = np.int32(0), np.int32(width - 1), np.int32(height - 1), np.int32(width)
    mask = np.int32(_RING - 1)
    block = (np.arange(width) // cell).astype(np.int32)
    across, along = np.zeros(width, np.int32), np.zeros(width, np.int32)
    columns, down = np.arange(width).astype(np.int32), np.zeros(width, np.int32)
    for y in range(height):
        while ready < min(y + _SHIFT + 1, height):
            to = ready % _RING
            mixed[ready] = _keep_row(depth[ready], labels[ready], lost[ready], kept_depth[to], kept_labels[to])
            ready += 1
        if y % cell == 0 and lateral_px > 0:
            start, end = _near_span(span, y, cell, height, width)
            if end > start:
                _shift_row(seed, lateral_px, y // cell, block[start], block[end - 1] + 1, across, along)
            for x in range(start, end):
                columns[x] = min(max(np.int32(x) + across[block[x]], zero), across_end)
                down[x] = along[block[x]]
        first, last = _near_span(span, y, 1, height, width)
        row, row_seen = out[y], seen[y]
        for x in range(first, last):
            # One unsigned index: no wrap-around to test.
            at = np.uint32((min(max(np.int32(y) + down[x], zero), down_end) & mask) * stride + columns[x])
            row[x], row_seen[x] = flat_depth[at], flat_labels[at]
        if mixed[max(y - _SHIFT, 0) : y + _SHIFT + 1].any():
            _mix_row(depth, lost, columns, down, row, row_seen, seed, y)
    return out, seen


@njit(cache=True)
@no_type_check
def smooth(depth, alpha, delta_m):
    """Edge-preserving recursive filter along rows and columns, both ways, in place; steps above `delta_m` stay.

    Source: Gastal and Oliveira, Domain transform for edge-aware image and video processing, 2011, section 5, in the
    form of the RealSense SDK's spatial filter.
    """
    height, width = depth.shape
    alpha, delta_m = np.float32(alpha), np.float32(delta_m)
    for way in range(2):
        for y in range(1, height):
            row, last = (y, y - 1) if way == 0 else (height - 1 - y, height - y)
            for x in range(width):
                z, p = depth[row, x], depth[last, x]
                # Where either is 0 the step is larger than any delta in use: nothing leaks into holes.
                step = p - z
                depth[row, x] = z + (np.float32(1) - alpha) * step if abs(step) < delta_m else z
    block = 8
    for top in range(0, height, block):
        bottom = min(top + block, height)
        for x in range(1, width):
            for y in range(top, bottom):
                step = depth[y, x - 1] - depth[y, x]
                if abs(step) < delta_m:
                    depth[y, x] += (np.float32(1) - alpha) * step
        for x in range(width - 2, -1, -1):
            for y in range(top, bottom):
                step = depth[y, x + 1] - depth[y, x]
                if abs(step) < delta_m:
                    depth[y, x] += (np.float32(1) - alpha) * step


@njit(cache=True)
@no_type_check
def disturb(depth, span, seed, axial, fine, ripple_cell, focal_baseline, disparity_sigma, step_px):
    """Axial noise and steps of disparity, in place.

    sigma_z = axial (0.0012 + 0.0019 (z - 0.4)^2) (Nguyen, Izadi, Lovell 2012, without its term for steep slopes; as
    programs that cite it have it), and z^2 sigma_d / (f B) for matching noise (from z = f B / d; Intel's RMS error has
    the same form); a part `fine` of it is white, the rest alike over `ripple_cell` pixels.
    """
    height, width = depth.shape
    ripples = lattice(seed, 11, height, width, ripple_cell)
    ripple, between = np.empty(width, np.float32), np.empty(width + 2, np.float32)
    axial, fine = np.float32(axial), np.float32(fine)
    matching = np.float32(disparity_sigma / focal_baseline)
    whole, one = np.float32(focal_baseline / step_px if step_px > 0 else 0.0), np.float32(1)
    for y in range(height):
        first, last = _near_span(span, y, 1, height, width)
        if last <= first:
            continue
        interpolate_row(ripples, y, ripple_cell, between, ripple)
        row, waves = depth[y, first:last], ripple[first:last]
        for i in range(last - first):
            z = row[i]
            off = z - np.float32(0.4)
            sigma = axial * (np.float32(0.0012) + np.float32(0.0019) * off * off) + matching * z * z
            noisy = z + sigma * (waves[i] + fine * gauss(seed, y, first + i, 12))
            row[i] = max(noisy, np.float32(0.001)) if z > 0 else np.float32(0)
        if whole > 0:
            for i in range(last - first):
                row[i] = whole / max(np.rint(whole / row[i]), one) if row[i] > 0 else np.float32(0)


@njit(cache=True)
@no_type_check
def round_to(depth, step_m):
    """Round what was measured to whole steps, in place; never to 0."""
    step, one = np.float32(step_m), np.float32(1)
    for y in range(depth.shape[0]):
        row = depth[y]
        for x in range(row.shape[0]):
            row[x] = max(np.rint(row[x] / step), one) * step if row[x] > 0 else np.float32(0)
