"""Compiled loops of the sensor in `sensor.py`: what happens to each pixel.

Random numbers come from a hash of (seed, row, column, channel), so they cost little and do not depend on the order of
work. Noise that is alike over several pixels is one such number per cell of a coarse grid, interpolated linearly.
"""

from __future__ import annotations

import numpy as np
from numba import njit

LOST, MIXED = 1, 2


@njit(cache=True, inline="always")
def _hash(seed, y, x, channel):
    """32 random bits (integer finalizer of MurmurHash3, public domain)."""
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
def _interpolate_row(seed, channel, y, cell, corner, row):
    """Fill `row` with one row of unit noise, linear between the corners of cells of `cell` pixels."""
    width = row.shape[0]
    columns = width // cell + 2
    j, t = y // cell, np.float32((y % cell) / cell)
    for i in range(columns):
        corner[i] = (1 - t) * _gauss(seed, j, i, channel) + t * _gauss(seed, j + 1, i, channel)
    share = np.float32(1.0 / cell)
    for i in range(columns - 1):
        step = (corner[i + 1] - corner[i]) * share
        for k in range(min(cell, width - i * cell)):
            row[i * cell + k] = corner[i] + step * np.float32(k)


@njit(cache=True)
def spans(depth):
    """First and one-past-last column with a depth, [h, 2]; equal where a row is empty."""
    height, width = depth.shape
    found = np.zeros((height, 2), np.int64)
    for y in range(height):
        first = 0
        while first < width and depth[y, first] <= 0:
            first += 1
        last = width
        while last > first and depth[y, last - 1] <= 0:
            last -= 1
        if last > first:
            found[y, 0], found[y, 1] = first, last
    return found


@njit(cache=True)
def _disk(lost, depth, y, x, radius, bound, far):
    """Lose the pixels within `radius` of (y, x) that lie beyond (`far`) or before `bound` metres."""
    height, width = depth.shape
    reach = int(radius)
    square = radius * radius
    for v in range(max(y - reach, 0), min(y + reach + 1, height)):
        for u in range(max(x - reach, 0), min(x + reach + 1, width)):
            if (v - y) * (v - y) + (u - x) * (u - x) <= square and depth[v, u] > 0 and (depth[v, u] > bound) == far:
                lost[v, u] = LOST


@njit(cache=True)
def _jumps(here, there, jump_m):
    return abs(there - here) >= jump_m and (here > 0 or there > 0)


@njit(cache=True)
def edges(depth, span, jump_m):
    """Neighboring pixels on two sides of a depth jump or of an outline: [n, 4] near row, near column, far row, column."""
    height, width = depth.shape
    found = np.empty((4096, 4), np.int64)
    count = 0
    jump_m = np.float32(jump_m)
    for y in range(height):
        below = min(y + 1, height - 1)
        first, last = min(span[y, 0], span[below, 0]), max(span[y, 1], span[below, 1])
        if span[y, 1] <= span[y, 0] or span[below, 1] <= span[below, 0]:
            first, last = 0, width
        for x in range(max(first - 1, 0), min(last + 1, width)):
            here, right, under = depth[y, x], depth[y, min(x + 1, width - 1)], depth[below, x]
            # Nearly all pixels end here: one test for both neighbors.
            if max(abs(right - here), abs(under - here)) < jump_m:
                continue
            for down in range(2):
                there = under if down else right
                if not _jumps(here, there, jump_m):
                    continue
                if count == len(found):
                    longer = np.empty((2 * count, 4), np.int64)
                    longer[:count] = found
                    found = longer
                v, u = y + down, x + 1 - down
                nearer_here = there <= 0 or 0 < here < there
                found[count, 0], found[count, 1] = (y, x) if nearer_here else (v, u)
                found[count, 2], found[count, 3] = (v, u) if nearer_here else (y, x)
                count += 1
    return found[:count]


@njit(cache=True)
def lose_rims(depth, edge, lost, seed, near_px, far_px, ragged_px, cell, loss, flying):
    """Mark what is lost beside `edge`s; where nothing is, the pixel behind may be marked MIXED instead.

    The rim's radius wanders with a coarse noise, so outlines come out ragged, not blurred.
    """
    for i in range(edge.shape[0]):
        near_y, near_x, far_y, far_x = edge[i]
        near, far = depth[near_y, near_x], depth[far_y, far_x]
        wander = ragged_px * _gauss(seed, near_y // cell, near_x // cell, 21)
        if _uniform(seed, near_y // cell, near_x // cell, 22) < loss:
            bound = np.float32(0.5) * (near + far) if far > 0 else np.float32(1e9)
            if near_px + wander >= 0:
                _disk(lost, depth, near_y, near_x, near_px + wander, bound, False)
            if far > 0:
                _disk(lost, depth, far_y, far_x, max(far_px + 1.5 * wander, 0.0), bound, True)
        elif far > 0 and lost[far_y, far_x] == 0 and _uniform(seed, far_y, far_x, 23) < flying:
            lost[far_y, far_x] = MIXED


@njit(cache=True)
def lose_shadow(depth, span, lost, focal_baseline):
    """Mark what the projector (or the other eye) does not see.

    A point at column x is seen by the projector at u = x - f B / z. Going toward the projector's far side, a point
    whose u does not advance hides behind a nearer one (ordering along an epipolar line; Scharstein and Szeliski 2002).
    """
    for y in range(depth.shape[0]):
        first, last = span[y, 0], span[y, 1]
        front = np.float32(1e9)
        for i in range(last - first):
            x = last - 1 - i if focal_baseline > 0 else first + i
            z = depth[y, x]
            if z <= 0:
                continue
            u = x - focal_baseline / z
            if focal_baseline < 0:
                u = -u
            if u > front + 0.5:
                lost[y, x] = LOST
            elif u < front:
                front = u


@njit(cache=True)
def lose_weak(depth, labels, span, lost, seed, focal, reach_m, albedo, patchy, patch_cell):
    """Mark surfaces that send too little light back: cos(angle) albedo < (z / reach)^2.

    The albedo varies in patches, and finely, which frays the borders of what is lost.
    """
    height, width = depth.shape
    coarse, fine = np.empty(width, np.float32), np.empty(width, np.float32)
    corner = np.empty(width + 2, np.float32)
    focal, patchy, scale = np.float32(focal), np.float32(patchy), np.float32(reach_m**-4)
    for y in range(height):
        first, last = span[y, 0], span[y, 1]
        if last <= first:
            continue
        _interpolate_row(seed, 31, y, patch_cell, corner, coarse)
        _interpolate_row(seed, 32, y, 3, corner, fine)
        above, below = max(y - 1, 0), min(y + 1, height - 1)
        for x in range(first, last):
            z = depth[y, x]
            if z <= 0:
                continue
            left, right = depth[y, max(x - 1, 0)], depth[y, min(x + 1, width - 1)]
            up, down = depth[above, x], depth[below, x]
            across = np.float32(0.5) * (right - left) if left > 0 and right > 0 else np.float32(0)
            along = np.float32(0.5) * (down - up) if up > 0 and down > 0 else np.float32(0)
            tangent = (across * across + along * along) * focal * focal
            light = albedo[labels[y, x]] * (np.float32(1) + patchy * (coarse[x] + np.float32(0.5) * fine[x]))
            square = z * z
            if light <= 0 or light * light < square * (square + tangent) * scale:
                lost[y, x] = LOST


@njit(cache=True)
def fatten(depth, labels, edge, seed, jump_m, radius_px, cell):
    """Foreground fattening of window matching: near surfaces grow over far ones and over nothing, unevenly.

    Source: Scharstein and Szeliski, A taxonomy of dense two-frame stereo correspondence algorithms, 2002, section 3.2.
    """
    height, width = depth.shape
    grown, grown_labels = depth.copy(), labels.copy()
    for i in range(edge.shape[0]):
        y, x = edge[i, 0], edge[i, 1]
        z, label = depth[y, x], labels[y, x]
        radius = radius_px * (1 + 0.7 * _gauss(seed, y // cell, x // cell, 41))
        reach = int(max(radius, 0.0))
        for b in range(max(y - reach, 0), min(y + reach + 1, height)):
            for a in range(max(x - reach, 0), min(x + reach + 1, width)):
                inside = (b - y) ** 2 + (a - x) ** 2 <= radius * radius
                if inside and (grown[b, a] <= 0 or grown[b, a] > z + jump_m):
                    grown[b, a], grown_labels[b, a] = z, label
    return grown, grown_labels


@njit(cache=True)
def gather(depth, labels, lost, span, seed, lateral_px, cell, speckle):
    """Read every pixel from a place nearby; returns depth and labels of what is left (labels 0 where lost or mixed).

    Source: Handa et al. 2014 (pixel shifts of 0.5 px); one shift per `cell` x `cell` pixels, as real outlines step.
    """
    height, width = depth.shape
    out, seen = np.zeros((height, width), np.float32), np.zeros((height, width), np.uint8)
    margin = 3 if lateral_px > 0 else 0
    right, down = np.zeros(width, np.int64), np.zeros(width, np.int64)
    for y in range(height):
        first, last = width, 0
        for v in range(max(y - margin, 0), min(y + margin + 1, height)):
            if span[v, 1] > span[v, 0]:
                first, last = min(first, span[v, 0]), max(last, span[v, 1])
        if y % cell == 0 and lateral_px > 0:
            for i in range((width + cell - 1) // cell):
                across = min(max(np.rint(lateral_px * _gauss(seed, y // cell, i, 1)), -3), 3)
                along = min(max(np.rint(lateral_px * _gauss(seed, y // cell, i, 2)), -3), 3)
                right[i * cell : (i + 1) * cell] = int(across)
                down[i * cell : (i + 1) * cell] = int(along)
        for x in range(max(first - margin, 0), min(last + margin, width)):
            sy, sx = min(max(y + down[x], 0), height - 1), min(max(x + right[x], 0), width - 1)
            z = depth[sy, sx]
            if z <= 0 or lost[sy, sx] == LOST:
                continue
            if speckle > 0 and _uniform(seed, y >> 1, x >> 1, 3) < speckle:
                continue
            label = labels[sy, sx]
            if lost[sy, sx] == MIXED:
                other = z
                for v, u in ((sy - 1, sx), (sy + 1, sx), (sy, sx - 1), (sy, sx + 1)):
                    if 0 <= v < height and 0 <= u < width and 0 < depth[v, u] < other:
                        other = depth[v, u]
                z += (other - z) * _uniform(seed, y, x, 4)
                label = np.uint8(0)
            out[y, x], seen[y, x] = z, label
    return out, seen


@njit(cache=True)
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
def disturb(depth, span, seed, axial, fine, ripple_cell, focal_baseline, disparity_sigma, step_px):
    """Axial noise and steps of disparity, in place.

    sigma_z = axial (0.0012 + 0.0019 (z - 0.4)^2) (Nguyen, Izadi, Lovell 2012, eq. 4), and z^2 sigma_d / (f B) for
    matching noise; a part `fine` of it is white, the rest alike over `ripple_cell` pixels.
    """
    height, width = depth.shape
    ripple, corner = np.empty(width, np.float32), np.empty(width + 2, np.float32)
    axial, fine = np.float32(axial), np.float32(fine)
    matching = np.float32(disparity_sigma / focal_baseline)
    whole = np.float32(focal_baseline / step_px) if step_px > 0 else np.float32(0)
    for y in range(height):
        first, last = max(span[y, 0] - 3, 0), min(span[y, 1] + 3, width)
        if span[y, 1] <= span[y, 0]:
            first, last = 0, width
        _interpolate_row(seed, 11, y, ripple_cell, corner, ripple)
        for x in range(first, last):
            z = depth[y, x]
            if z <= 0:
                continue
            off = z - np.float32(0.4)
            sigma = axial * (np.float32(0.0012) + np.float32(0.0019) * off * off) + matching * z * z
            z += sigma * (ripple[x] + fine * _gauss(seed, y, x, 12))
            if whole > 0:
                z = whole / max(np.rint(whole / z), np.float32(1))
            depth[y, x] = max(z, np.float32(0.001))
