"""Compiled loops: which pixels a depth sensor does not measure.

The functions are marked `no_type_check` because the tests' shape checks cannot wrap compiled functions.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from numba import njit

from graspseg.synth.render.pixel_noise import gauss, interpolate_row, lattice, uniform

LOST, MIXED = 2, 1


@njit(cache=True)
@no_type_check
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
@no_type_check
def _disk(lost, depth, y, x, radius, bound, far):
    """Lose the pixels within `radius` of (y, x) that lie beyond (`far`) or before `bound` meters."""
    height, width = depth.shape
    reach = int(radius)
    square = radius * radius
    for v in range(max(y - reach, 0), min(y + reach + 1, height)):
        for u in range(max(x - reach, 0), min(x + reach + 1, width)):
            if (v - y) * (v - y) + (u - x) * (u - x) <= square and depth[v, u] > 0 and (depth[v, u] > bound) == far:
                lost[v, u] = LOST


@njit(cache=True)
@no_type_check
def _count_jumps(one, other, jump_m):
    count = 0
    for i in range(len(one)):
        count += abs(one[i] - other[i]) >= jump_m
    return count


@njit(cache=True)
@no_type_check
def edges(depth, span, jump_m):
    """Neighbors on two sides of a depth jump or of an outline: [n, 4] near row, near column, far row, far column."""
    height, width = depth.shape
    found = np.empty((4096, 4), np.int64)
    count = 0
    jump_m = np.float32(jump_m)
    block = 32
    for y in range(height):
        below = min(y + 1, height - 1)
        if span[y, 1] <= span[y, 0] and span[below, 1] <= span[below, 0]:
            continue
        for start in range(0, width, block):
            # Most blocks have no jump at all: counting them first is a loop without branches.
            size = min(block, width - start)
            right_size = min(block, width - 1 - start)
            count_jumps = _count_jumps(depth[y, start : start + size], depth[below, start : start + size], jump_m)
            count_jumps += _count_jumps(
                depth[y, start : start + right_size], depth[y, start + 1 : start + 1 + right_size], jump_m
            )
            if count_jumps == 0:
                continue
            for x in range(start, start + size):
                here, right, under = depth[y, x], depth[y, min(x + 1, width - 1)], depth[below, x]
                if max(abs(right - here), abs(under - here)) < jump_m:
                    continue
                for down in range(2):
                    there = under if down else right
                    if abs(there - here) < jump_m:
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
@no_type_check
def lose_rims(depth, edge, lost, seed, near_px, far_px, ragged_px, cell, loss, flying):
    """Mark what is lost beside `edge`s; where nothing is, the pixel behind may be marked MIXED instead.

    The rim's radius wanders with a coarse noise, so outlines come out ragged, not blurred.
    """
    for i in range(edge.shape[0]):
        near_y, near_x, far_y, far_x = edge[i]
        near, far = depth[near_y, near_x], depth[far_y, far_x]
        wander = ragged_px * gauss(seed, near_y // cell, near_x // cell, 21)
        if uniform(seed, near_y // cell, near_x // cell, 22) < loss:
            bound = np.float32(0.5) * (near + far) if far > 0 else np.float32(1e9)
            if near_px + wander >= 0:
                _disk(lost, depth, near_y, near_x, near_px + wander, bound, False)
            if far > 0:
                _disk(lost, depth, far_y, far_x, max(far_px + 1.5 * wander, 0.0), bound, True)
        elif far > 0 and lost[far_y, far_x] == 0 and uniform(seed, far_y, far_x, 23) < flying:
            lost[far_y, far_x] = MIXED


@njit(cache=True)
@no_type_check
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
@no_type_check
def lose_border(depth, lost, focal_baseline):
    """Mark what lies outside the other eye's image: columns x with x - f B / z outside it (u as in `lose_shadow`)."""
    height, width = depth.shape
    for y in range(height):
        for x in range(width):
            z = depth[y, x]
            if z > 0:
                u = x - focal_baseline / z
                if u < 0 or u > width - 1:
                    lost[y, x] = LOST


@njit(cache=True)
@no_type_check
def fill_voids(depth, labels, lost, seed, share, cell):
    """Wrong matches inside voids; returns new depth and labels (BACKGROUND there) and unmarks those pixels.

    In what the other eye does not see, matching finds something in between, in islands: one disk in a `share` of the
    `cell` x `cell` blocks, at one mixture of the depths at the two ends of the void's row.
    """
    height, width = depth.shape
    out, seen = depth.copy(), labels.copy()
    for y in range(height):
        x = 0
        while x < width:
            if lost[y, x] != LOST:
                x += 1
                continue
            first = x
            while x < width and lost[y, x] == LOST:
                x += 1
            if first == 0 or x == width or depth[y, first - 1] <= 0 or depth[y, x] <= 0:
                continue
            before, after = depth[y, first - 1], depth[y, x]
            for u in range(first, x):
                j, i = y // cell, u // cell
                if uniform(seed, j, i, 61) < share:
                    radius = np.float32(0.2 * cell) + np.float32(0.3 * cell) * uniform(seed, j, i, 62)
                    off_y, off_x = y % cell - (cell - 1) / 2, u % cell - (cell - 1) / 2
                    if off_y * off_y + off_x * off_x <= radius * radius:
                        out[y, u], seen[y, u] = before + (after - before) * uniform(seed, j, i, 63), 0
                        lost[y, u] = 0
    return out, seen


@njit(cache=True)
@no_type_check
def _brighten(labels, albedo, patchy, coarse, fine, bright):
    """Fill the row `bright`: the albedo of each pixel's class, which varies in patches and finely."""
    half, one = np.float32(0.5), np.float32(1)
    for x in range(labels.shape[0]):
        bright[x] = albedo[labels[x]] * (one + patchy * (coarse[x] + half * fine[x]))


@njit(cache=True)
@no_type_check
def lose_weak(depth, labels, span, lost, seed, focal, reach_m, albedo, patchy, patch_cell):
    """Mark surfaces that send too little light back: cos(angle) albedo < (z / reach)^2.

    The albedo varies in patches, and finely, which frays the borders of what is lost.
    """
    height, width = depth.shape
    patches, grains = lattice(seed, 31, height, width, patch_cell), lattice(seed, 32, height, width, 3)
    coarse, fine, bright = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.float32)
    between = np.empty(width + 2, np.float32)
    focal_square, patchy, scale = np.float32(focal * focal), np.float32(patchy), np.float32(reach_m**-4)
    zero, half = np.float32(0), np.float32(0.5)
    for y in range(height):
        if span[y, 1] <= span[y, 0]:
            continue
        interpolate_row(patches, y, patch_cell, between, coarse)
        interpolate_row(grains, y, 3, between, fine)
        # A loop of its own: looking up the albedo would keep the next one from being vectorized.
        _brighten(labels[y], albedo, patchy, coarse, fine, bright)
        size = width - 2
        middle, left, right = depth[y, 1 : width - 1], depth[y, : width - 2], depth[y, 2:]
        up, down = depth[max(y - 1, 0), 1 : width - 1], depth[min(y + 1, height - 1), 1 : width - 1]
        marks, lights = lost[y, 1 : width - 1], bright[1:]
        for i in range(size):
            across = half * (right[i] - left[i]) if left[i] * right[i] > 0 else zero
            along = half * (down[i] - up[i]) if up[i] * down[i] > 0 else zero
            tangent = (across * across + along * along) * focal_square
            light, square = lights[i], middle[i] * middle[i]
            weak = light <= zero or light * light < square * (square + tangent) * scale
            marks[i] = LOST if weak else marks[i]
        # The outermost columns have no slope of their own.
        lost[y, 0] = max(lost[y, 0], lost[y, 1])
        lost[y, width - 1] = max(lost[y, width - 1], lost[y, width - 2])


@njit(cache=True)
@no_type_check
def lose_plain(depth, labels, span, lost, seed, focal, needed, albedo, patchy, patch_cell):
    """Mark surfaces with too little contrast to match: albedo cos(angle) < `needed`, at any distance.

    A passive camera sees a surface as bright from afar as from near by, so that nothing falls off with distance; seen
    aslant it looks different to either eye. The albedo varies in the same patches as in `lose_weak`.
    """
    height, width = depth.shape
    patches, grains = lattice(seed, 31, height, width, patch_cell), lattice(seed, 32, height, width, 3)
    coarse, fine, bright = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.float32)
    between = np.empty(width + 2, np.float32)
    focal_square, zero, half = np.float32(focal * focal), np.float32(0), np.float32(0.5)
    for y in range(height):
        first, last = span[y, 0], span[y, 1]
        if last <= first:
            continue
        interpolate_row(patches, y, patch_cell, between, coarse)
        interpolate_row(grains, y, 3, between, fine)
        _brighten(labels[y], albedo, patchy, coarse, fine, bright)
        above, below = depth[max(y - 1, 0)], depth[min(y + 1, height - 1)]
        for x in range(first, last):
            z, left, right = depth[y, x], depth[y, max(x - 1, 0)], depth[y, min(x + 1, width - 1)]
            across = half * (right - left) if left * right > 0 else zero
            along = half * (below[x] - above[x]) if above[x] * below[x] > 0 else zero
            secant = np.sqrt(z * z + (across * across + along * along) * focal_square)
            lost[y, x] = LOST if bright[x] * z < needed * secant else lost[y, x]
