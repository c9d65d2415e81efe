"""Compiled loops of the rasterizer in `render.py`: arrays in, arrays changed in place, no allocation per face.

The functions are marked `no_type_check` because the tests' shape checks cannot wrap compiled functions.
"""

from __future__ import annotations

import math
from typing import no_type_check

import numpy as np
from numba import njit

NEAR_M = 0.05
# Vertices are snapped to 1/4096 px: edge tests become exact integer arithmetic, so shared edges cannot leak.
_BITS = 12
_STEPS = 1 << _BITS
# Boxes from so many columns on are worth three divisions a row.
_WIDE = 24
# Farther off-screen vertices are pulled in: products of two coordinates must fit 64 bits.
_LIMIT = 1 << 28


@njit(cache=True)
@no_type_check
def _snap(value):
    """Screen coordinate in 1/4096 px, rounded to nearest."""
    return math.floor(min(max(value * _STEPS, -_LIMIT), _LIMIT) + 0.5)


@njit(cache=True)
@no_type_check
def project(vertices, camera, size, screen, inverse):
    """Fill `screen` [v, 2] (1/4096 px) and `inverse` [v] (1/m; 0 for vertices nearer than NEAR_M).

    Returns whether any face may show in an image of `size` (width, height): not where all vertices lie beyond one
    border, or all are nearer than NEAR_M.
    """
    fx, fy, cx, cy = camera
    near = 0
    left, right, top, bottom = _LIMIT, -_LIMIT, _LIMIT, -_LIMIT
    for i in range(vertices.shape[0]):
        z = np.float64(vertices[i, 2])
        if z < NEAR_M:
            inverse[i] = 0.0
            screen[i, 0] = 0
            screen[i, 1] = 0
            near += 1
            continue
        q = 1.0 / z
        inverse[i] = q
        screen[i, 0] = _snap(fx * vertices[i, 0] * q + cx)
        screen[i, 1] = _snap(fy * vertices[i, 1] * q + cy)
        left, right = min(left, screen[i, 0]), max(right, screen[i, 0])
        top, bottom = min(top, screen[i, 1]), max(bottom, screen[i, 1])
    if near > 0:
        return near < vertices.shape[0]
    return right >= 0 and bottom >= 0 and left <= (size[0] - 1) * _STEPS and top <= (size[1] - 1) * _STEPS


@njit(cache=True)
@no_type_check
def _cut(first, last, edge, fall):
    """The part of the columns `first` to `last` - 1 of a row where `edge` - column x `fall` is not below 0."""
    if fall > 0:
        return first, min(last, edge // fall + 1)
    if fall < 0:
        return max(first, -(edge // -fall)), last
    return first, last if edge >= 0 else first


@njit(cache=True, inline="always")
@no_type_check
def _fill_wide_row(depths, classes, start, size, label, edges, falls, q_row, q_right):
    """Find the covered stretch of `size` pixels from the flat index `start` on; write all of it, without branches."""
    first, last = _cut(0, size, edges[0], falls[0])
    first, last = _cut(first, last, edges[1], falls[1])
    first, last = _cut(first, last, edges[2], falls[2])
    for i in range(first, last):
        at = start + np.uint64(i)
        q = np.float32(q_row + i * q_right)
        nearer = q > depths[at]
        depths[at] = q if nearer else depths[at]
        classes[at] = label if nearer else classes[at]


@njit(cache=True, inline="always")
@no_type_check
def _fill_row(depths, classes, start, size, label, edges, falls, q_row, q_right):
    """Test each of `size` pixels from the flat index `start` on."""
    a, b, c = edges
    for i in range(size):
        if (a | b | c) >= 0:
            at = start + np.uint64(i)
            q = np.float32(q_row + i * q_right)
            if q > depths[at]:
                depths[at] = q
                classes[at] = label
        a -= falls[0]
        b -= falls[1]
        c -= falls[2]


@njit(cache=True)
@no_type_check
def _fill_triangle(depths, classes, height, width, label, x0, y0, q0, x1, y1, q1, x2, y2, q2):
    """Rasterize one snapped triangle; coordinates in 1/4096 px, q the inverse depths."""
    left = max((min(x0, x1, x2) + _STEPS - 1) >> _BITS, 0)
    right = min(max(x0, x1, x2) >> _BITS, width - 1)
    if left > right:
        return
    top = max((min(y0, y1, y2) + _STEPS - 1) >> _BITS, 0)
    bottom = min(max(y0, y1, y2) >> _BITS, height - 1)
    if top > bottom:
        return
    area = (x1 - x0) * (y2 - y0) - (y1 - y0) * (x2 - x0)
    if area == 0:
        return
    if area < 0:
        x1, y1, q1, x2, y2, q2 = x2, y2, q2, x1, y1, q1
        area = -area
    dx0, dy0 = x2 - x1, y2 - y1
    dx1, dy1 = x0 - x2, y0 - y2
    dx2, dy2 = x1 - x0, y1 - y0
    px, py = left * _STEPS, top * _STEPS
    w0 = dx0 * (py - y1) - dy0 * (px - x1)
    w1 = dx1 * (py - y2) - dy1 * (px - x2)
    w2 = dx2 * (py - y0) - dy2 * (px - x0)
    scale = 1.0 / area
    q_row = (w0 * q0 + w1 * q1 + w2 * q2) * scale
    q_right = -(dy0 * q0 + dy1 * q1 + dy2 * q2) * (_STEPS * scale)
    q_down = (dx0 * q0 + dx1 * q1 + dx2 * q2) * (_STEPS * scale)
    # An edge owns the centers on it in one of its two directions only.
    w0 -= 0 if dy0 < 0 or (dy0 == 0 and dx0 > 0) else 1
    w1 -= 0 if dy1 < 0 or (dy1 == 0 and dx1 > 0) else 1
    w2 -= 0 if dy2 < 0 or (dy2 == 0 and dx2 > 0) else 1
    size, falls = right - left + 1, (dy0 * _STEPS, dy1 * _STEPS, dy2 * _STEPS)
    for y in range(top, bottom + 1):
        # Unsigned: there is no wrap-around to test for.
        start = np.uint64(y * width + left)
        if size < _WIDE:
            _fill_row(depths, classes, start, size, label, (w0, w1, w2), falls, q_row, q_right)
        else:
            _fill_wide_row(depths, classes, start, size, label, (w0, w1, w2), falls, q_row, q_right)
        w0 += dx0 * _STEPS
        w1 += dx1 * _STEPS
        w2 += dx2 * _STEPS
        q_row += q_down


@njit(cache=True)
@no_type_check
def _fill_clipped(depths, classes, height, width, label, corners, camera):
    """Cut one triangle (corners [3, 3], meters) at NEAR_M and rasterize what is left."""
    kept = np.empty((4, 3))
    count = 0
    for i in range(3):
        a, b = corners[i], corners[(i + 1) % 3]
        if a[2] >= NEAR_M:
            kept[count] = a
            count += 1
        if (a[2] >= NEAR_M) != (b[2] >= NEAR_M):
            # Always from the visible end, so that both faces of an edge get the same point.
            start, end = (a, b) if a[2] >= NEAR_M else (b, a)
            t = (start[2] - NEAR_M) / (start[2] - end[2])
            kept[count] = start + t * (end - start)
            kept[count, 2] = NEAR_M
            count += 1
    xs, ys, qs = np.empty(4, np.int64), np.empty(4, np.int64), np.empty(4)
    for i in range(count):
        qs[i] = 1.0 / kept[i, 2]
        xs[i] = _snap(camera[0] * kept[i, 0] * qs[i] + camera[2])
        ys[i] = _snap(camera[1] * kept[i, 1] * qs[i] + camera[3])
    for i in range(1, count - 1):
        second, third = (xs[i], ys[i], qs[i]), (xs[i + 1], ys[i + 1], qs[i + 1])
        _fill_triangle(depths, classes, height, width, label, xs[0], ys[0], qs[0], *second, *third)


@njit(cache=True)
@no_type_check
def fill_mesh(buffer, labels, vertices, faces, screen, inverse, camera, label, step):
    """Rasterize every face; `screen` and `inverse` come from `project`, camera is [fx, fy, cx, cy].

    Face f writes `label` + f x `step`.
    """
    corners = np.empty((3, 3))
    height, width = buffer.shape
    depths, classes = buffer.reshape(-1), labels.reshape(-1)
    for f in range(faces.shape[0]):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        qi, qj, qk = inverse[i], inverse[j], inverse[k]
        if qi > 0.0 and qj > 0.0 and qk > 0.0:
            _fill_triangle(
                depths,
                classes,
                height,
                width,
                label + f * step,
                screen[i, 0],
                screen[i, 1],
                qi,
                screen[j, 0],
                screen[j, 1],
                qj,
                screen[k, 0],
                screen[k, 1],
                qk,
            )
        elif qi > 0.0 or qj > 0.0 or qk > 0.0:
            corners[0] = vertices[i]
            corners[1] = vertices[j]
            corners[2] = vertices[k]
            _fill_clipped(depths, classes, height, width, label + f * step, corners, camera)


@njit(cache=True)
@no_type_check
def fill_plane(buffer, labels, inverse, inside, label):
    """Write 1/z = inverse . (x, y, 1) where every row of `inside` [n, 3] is >= 0 there."""
    height, width = buffer.shape
    for y in range(height):
        # Each condition is linear in x: the covered part of a row is one interval.
        low, high = 0.0, width - 1.0
        for i in range(inside.shape[0]):
            slope, start = inside[i, 0], inside[i, 1] * y + inside[i, 2]
            if slope > 0.0:
                low = max(low, -start / slope)
            elif slope < 0.0:
                high = min(high, -start / slope)
            elif start < 0.0:
                high = -1.0
        if low > high:
            continue
        q_row = inverse[1] * y + inverse[2]
        depths, classes = buffer[y], labels[y]
        for x in range(math.ceil(low), math.floor(high) + 1):
            q = np.float32(q_row + inverse[0] * x)
            nearer = q > depths[x]
            depths[x] = q if nearer else depths[x]
            classes[x] = label if nearer else classes[x]


@njit(cache=True)
@no_type_check
def fill_ellipsoid(buffer, labels, forms, center, box, label):
    """Write the first hit beyond NEAR_M of each ray in `box`; `forms` [3, 3] give axes^-1 ray, center is axes^-1 c."""
    constant = center[0] ** 2 + center[1] ** 2 + center[2] ** 2 - 1.0
    for y in range(box[1], box[3]):
        for x in range(box[0], box[2]):
            square = 0.0
            half = 0.0
            for i in range(3):
                e = forms[i, 0] * x + forms[i, 1] * y + forms[i, 2]
                square += e * e
                half += e * center[i]
            disc = half * half - constant * square
            if disc < 0.0:
                continue
            root = math.sqrt(disc)
            near, far = half - root, half + root
            if near >= NEAR_M * square:
                q = square / near
            elif far >= NEAR_M * square:
                q = square / far
            else:
                continue
            if np.float32(q) > buffer[y, x]:
                buffer[y, x] = np.float32(q)
                labels[y, x] = label


@njit(cache=True)
@no_type_check
def invert(buffer):
    """1 / buffer, 0 where the buffer is 0."""
    height, width = buffer.shape
    depth = np.empty((height, width), np.float32)
    for y in range(height):
        for x in range(width):
            q = buffer[y, x]
            depth[y, x] = np.float32(1.0) / q if q > 0.0 else np.float32(0.0)
    return depth
