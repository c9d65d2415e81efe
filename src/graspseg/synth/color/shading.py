"""Compiled shading: for every pixel the surface point it shows, its color there, and the light that leaves it.

Matte light follows Lambert, softened for wide lights and for skin by letting it wrap around the edge of the shade;
highlights follow Blinn and Phong with the normalization (n + 8) / 8, mirrored light Schlick's Fresnel term. Light from
everywhere is a sky above and a ground below (hemisphere lighting), reduced where near surfaces cover it (`occlusion`)
and enriched by what these throw back, albedo being taken as theirs: rho' = ao / (1 - rho (1 - ao)).

The functions are marked `no_type_check` because the tests' shape checks cannot wrap compiled functions.
"""

from __future__ import annotations

import math
from typing import no_type_check

import numpy as np
from numba import njit

from graspseg.synth.color.light import BACKDROP_REACH
from graspseg.synth.color.texture import albedo

_CREASE_COS = 0.74  # neighbors that differ by more than 42 degrees meet in an edge, not in a curve
_BIAS_M = 0.004
_SAMPLES, _TURNS = 10, 16


def _spirals() -> np.ndarray:
    """[turn, sample, 2] places in the unit disc: a golden-angle spiral in 16 orientations."""
    k, turn = np.arange(_SAMPLES), np.arange(_TURNS)[:, None]
    angle, radius = 2.399963 * (k + turn), (k + 0.5) / _SAMPLES
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)


SPIRALS = _spirals()


@njit(cache=True)
@no_type_check
def _mesh_point(f, px, py, pz, vertices, normals, paint, tint, faces, surface):
    """Fill `surface` (normal 3, paint 3, tint 4) at the point (px, py, pz) of face f."""
    i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
    ax, ay, az = vertices[j, 0] - vertices[i, 0], vertices[j, 1] - vertices[i, 1], vertices[j, 2] - vertices[i, 2]
    bx, by, bz = vertices[k, 0] - vertices[i, 0], vertices[k, 1] - vertices[i, 1], vertices[k, 2] - vertices[i, 2]
    qx, qy, qz = px - vertices[i, 0], py - vertices[i, 1], pz - vertices[i, 2]
    nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    square = nx * nx + ny * ny + nz * nz
    wb, wc = 1.0 / 3.0, 1.0 / 3.0
    if square > 0.0:
        wb = (nx * (qy * bz - qz * by) + ny * (qz * bx - qx * bz) + nz * (qx * by - qy * bx)) / square
        wc = (nx * (ay * qz - az * qy) + ny * (az * qx - ax * qz) + nz * (ax * qy - ay * qx)) / square
    wb, wc = min(max(wb, 0.0), 1.0), min(max(wc, 0.0), 1.0)
    wa = max(1.0 - wb - wc, 0.0)
    scale = 1.0 / math.sqrt(max(square, 1e-30))
    nx, ny, nz = nx * scale, ny * scale, nz * scale
    sx = sy = sz = 0.0
    for v, w in ((i, wa), (j, wb), (k, wc)):
        mx, my, mz = normals[v, 0], normals[v, 1], normals[v, 2]
        if mx * nx + my * ny + mz * nz < _CREASE_COS:
            mx, my, mz = nx, ny, nz
        sx, sy, sz = sx + w * mx, sy + w * my, sz + w * mz
    surface[0], surface[1], surface[2] = sx, sy, sz
    for c in range(3):
        surface[3 + c] = wa * paint[i, c] + wb * paint[j, c] + wc * paint[k, c]
    for c in range(4):
        surface[6 + c] = wa * tint[i, c] + wb * tint[j, c] + wc * tint[k, c]


@njit(cache=True)
@no_type_check
def _ellipsoid_point(row, px, py, pz, surface):
    x, y, z = px - row[0], py - row[1], pz - row[2]
    for c in range(3):
        surface[c] = 0.0
    for i in range(3):
        s = row[12 + 3 * i] * x + row[13 + 3 * i] * y + row[14 + 3 * i] * z
        surface[3 + i] = s * row[21 + i]
        for c in range(3):
            surface[c] += s * row[12 + 3 * i + c]
    for c in range(4):
        surface[6 + c] = 1.0


@njit(cache=True)
@no_type_check
def _plane_point(row, px, py, pz, surface):
    x, y, z = px - row[0], py - row[1], pz - row[2]
    u = math.sqrt(row[3] ** 2 + row[4] ** 2 + row[5] ** 2)
    v = math.sqrt(row[6] ** 2 + row[7] ** 2 + row[8] ** 2)
    surface[0] = row[4] * row[8] - row[5] * row[7]
    surface[1] = row[5] * row[6] - row[3] * row[8]
    surface[2] = row[3] * row[7] - row[4] * row[6]
    surface[3] = (x * row[3] + y * row[4] + z * row[5]) / u
    surface[4] = (x * row[6] + y * row[7] + z * row[8]) / v
    surface[5] = 0.0
    for c in range(4):
        surface[6 + c] = 1.0


@njit(cache=True)
@no_type_check
def _point(number, px, py, pz, geometry, meshes, surface):
    """Fill `surface` at a point of the face, ellipsoid or plane with a number from 0; returns the surface's index."""
    vertices, normals, paint, tint, faces, face_surface, ellipsoids, planes = geometry
    further = number - faces.shape[0]
    if further < 0:
        _mesh_point(number, px, py, pz, vertices, normals, paint, tint, faces, surface)
        return face_surface[number]
    if further < ellipsoids.shape[0]:
        _ellipsoid_point(ellipsoids[further], px, py, pz, surface)
    else:
        _plane_point(planes[further - ellipsoids.shape[0]], px, py, pz, surface)
    return meshes + further


@njit(cache=True)
@no_type_check
def _lit(shadow, pose, focal, px, py, pz, blur):
    """Share of the main light that reaches a point: percentage-closer filtering over 3 x 3 samples (Reeves 1987)."""
    side = shadow.shape[0]
    x = pose[0, 0] * px + pose[0, 1] * py + pose[0, 2] * pz + pose[0, 3]
    y = pose[1, 0] * px + pose[1, 1] * py + pose[1, 2] * pz + pose[1, 3]
    z = pose[2, 0] * px + pose[2, 1] * py + pose[2, 2] * pz + pose[2, 3]
    middle = (side - 1) * 0.5
    u, v = focal * x / z + middle, focal * y / z + middle
    limit = np.float32(1.0 / (z - _BIAS_M))
    total = 0.0
    for j in range(-1, 2):
        for i in range(-1, 2):
            a, b = u + i * blur, v + j * blur
            c, r = math.floor(a), math.floor(b)
            if c < 0 or r < 0 or c >= side - 1 or r >= side - 1:
                total += 1.0
                continue
            s, t = a - c, b - r
            top = (1.0 - s) * (shadow[r, c] < limit) + s * (shadow[r, c + 1] < limit)
            low = (1.0 - s) * (shadow[r + 1, c] < limit) + s * (shadow[r + 1, c + 1] < limit)
            total += (1.0 - t) * top + t * low
    return total / 9.0


@njit(cache=True)
@no_type_check
def _backdrop(picture, dx, dy, out):
    side = picture.shape[0]
    u = min(max((dx / BACKDROP_REACH + 1.0) * 0.5 * (side - 1), 0.0), side - 1.001)
    v = min(max((dy / BACKDROP_REACH + 1.0) * 0.5 * (side - 1), 0.0), side - 1.001)
    i, j = int(u), int(v)
    s, t = u - i, v - j
    for c in range(3):
        top = (1.0 - s) * picture[j, i, c] + s * picture[j, i + 1, c]
        low = (1.0 - s) * picture[j + 1, i, c] + s * picture[j + 1, i + 1, c]
        out[c] = (1.0 - t) * top + t * low


@njit(cache=True)
@no_type_check
def _leave(material, color, gloss, normal, view, reached, occlusion, lights, sky, ground, up, out):
    """Light (linear RGB) that leaves a point toward the camera; `lights` are rows of direction 3, color 3, softness."""
    nx, ny, nz = normal
    vx, vy, vz = view
    height = nx * up[0] + ny * up[1] + nz * up[2]
    share = 0.5 + 0.5 * height
    matte = 1.0 - material.metal
    facing = max(nx * vx + ny * vy + nz * vz, 0.0)
    grazing = (1.0 - facing) * (1.0 - facing)
    # Rough surfaces gleam little at grazing angles: the rise is limited by the width of the highlight.
    rise = min(1.0, 0.04 * 2.0 ** (material.shine - 4)) * (1.0 if material.specular > 0.0 else 0.0)
    fresnel = material.specular + rise * (1.0 - material.specular) * grazing * grazing * (1.0 - facing)
    mirror = 2.0 * facing * height - (vx * up[0] + vy * up[1] + vz * up[2])
    gleam = 0.5 + 0.5 * min(max(2.0 * mirror, -1.0), 1.0)
    for c in range(3):
        everywhere = ground[c] + share * (sky[c] - ground[c])
        rho = min(color[c], 0.95)
        out[c] = matte * color[c] * everywhere * occlusion / (1.0 - rho * (1.0 - occlusion))
        tone = color[c] if material.metal > 0.0 else fresnel * gloss
        out[c] += tone * occlusion * (ground[c] + gleam * (1.3 * sky[c] - ground[c]))
    power = 2.0**material.shine
    for n in range(lights.shape[0]):
        light = lights[n]
        part = reached if n == 0 else 1.0
        cosine = nx * light[0] + ny * light[1] + nz * light[2]
        hx, hy, hz = light[0] + vx, light[1] + vy, light[2] + vz
        half = max(nx * hx + ny * hy + nz * hz, 0.0) / math.sqrt(max(hx * hx + hy * hy + hz * hz, 1e-12))
        spot = 0.0
        if cosine > 0.0 and material.specular > 0.0:
            spot = half
            for _ in range(material.shine):
                spot *= spot
            spot *= (power + 8.0) * 0.125 * cosine * gloss
        for c in range(3):
            wrap = 0.4 * light[6] + material.softness[c]
            diffuse = max(cosine + wrap, 0.0) / (1.0 + wrap)
            # Shade of skin is red: light enters beside the shade and comes out in it.
            seen = part + material.softness[c] * (1.0 - part) * 0.5
            tone = color[c] if material.metal > 0.0 else material.specular
            out[c] += light[3 + c] * (matte * color[c] * diffuse * seen + tone * spot * part)


@njit(cache=True)
@no_type_check
def shade(numbers, inverse, camera, geometry, materials, volume, light, shadow, occlusion, backdrop, out):
    """Fill `out` [h, w, 3] with linear RGB.

    `numbers` and `inverse` come from `color_geometry.draw`, `geometry` from `Geometry.arrays`; `light` is (rows, sky,
    ground, up), `shadow` (inverse depth, pose, focal, blur in pixels), `occlusion` [h, w] the open share of the sky.
    """
    lights, sky, ground, up = light
    depth_of, pose, focal, blur = shadow
    meshes = materials.shape[0] - geometry[6].shape[0] - geometry[7].shape[0]
    surface, color = np.empty(10), np.empty(3)
    for y in range(numbers.shape[0]):
        dy = (y - camera[3]) / camera[1]
        for x in range(numbers.shape[1]):
            dx = (x - camera[2]) / camera[0]
            number = numbers[y, x] - 1
            if number < 0:
                _backdrop(backdrop, dx, dy, out[y, x])
                continue
            z = 1.0 / inverse[y, x]
            px, py = dx * z, dy * z
            index = _point(number, px, py, z, geometry, meshes, surface)
            away = 1.0 / math.sqrt(dx * dx + dy * dy + 1.0)
            view = (-dx * away, -dy * away, -away)
            length = math.sqrt(surface[0] ** 2 + surface[1] ** 2 + surface[2] ** 2)
            toward = surface[0] * view[0] + surface[1] * view[1] + surface[2] * view[2]
            scale = (1.0 if toward >= 0.0 else -1.0) / max(length, 1e-12)
            normal = (surface[0] * scale, surface[1] * scale, surface[2] * scale)
            material = materials[index]
            r, g, b = albedo(material, volume, surface[3], surface[4], surface[5], z / camera[0])
            color[0], color[1], color[2] = r * surface[6], g * surface[7], b * surface[8]
            reached = 1.0
            if normal[0] * lights[0, 0] + normal[1] * lights[0, 1] + normal[2] * lights[0, 2] > -0.5:
                # Looked up a little above the surface, so that it does not shade itself.
                lift = _BIAS_M
                lx, ly, lz = px + lift * normal[0], py + lift * normal[1], z + lift * normal[2]
                reached = _lit(depth_of, pose, focal, lx, ly, lz, blur)
            _leave(
                material,
                color,
                surface[9],
                normal,
                view,
                reached,
                occlusion[y, x],
                lights,
                sky,
                ground,
                up,
                out[y, x],
            )


@njit(cache=True)
@no_type_check
def open_sky(inverse, focal, radius_m, spirals, out):
    """Fill `out` with the share of the sky that near surfaces leave open (ambient obscurance, McGuire et al. 2011).

    `inverse` holds 1/z at the resolution of `out`, `focal` is in its pixels. Samples lie on one of `spirals`,
    chosen by the pixel's place.
    """
    height, width = inverse.shape
    for y in range(height):
        for x in range(width):
            q = inverse[y, x]
            out[y, x] = 1.0
            if q <= 0.0:
                continue
            z = 1.0 / q
            left, right = inverse[y, max(x - 1, 0)], inverse[y, min(x + 1, width - 1)]
            above, below = inverse[max(y - 1, 0), x], inverse[min(y + 1, height - 1), x]
            gx = q - left if abs(q - left) < abs(right - q) else right - q
            gy = q - above if abs(q - above) < abs(below - q) else below - q
            # Inverse depth of a plane is n . ray / d: its slopes are the normal's first two parts.
            nx, ny = gx * focal, gy * focal
            nz = q - gx * (x - 0.5 * width) - gy * (y - 0.5 * height)
            scale = -1.0 / math.sqrt(nx * nx + ny * ny + nz * nz)
            nx, ny, nz = nx * scale, ny * scale, nz * scale
            reach = min(radius_m * focal * q, 0.25 * width)
            if reach < 1.0:
                continue
            turn = (x * 7 + y * 13) % _TURNS
            cx, cy = (x - 0.5 * width) / focal * z, (y - 0.5 * height) / focal * z
            total = 0.0
            for k in range(_SAMPLES):
                i = int(x + reach * spirals[turn, k, 0] + 0.5)
                j = int(y + reach * spirals[turn, k, 1] + 0.5)
                if i < 0 or j < 0 or i >= width or j >= height or inverse[j, i] <= 0.0:
                    continue
                w = 1.0 / inverse[j, i]
                vx, vy, vz = (i - 0.5 * width) / focal * w - cx, (j - 0.5 * height) / focal * w - cy, w - z
                square = vx * vx + vy * vy + vz * vz
                if square > radius_m * radius_m * 2.0:
                    continue
                total += max(vx * nx + vy * ny + vz * nz - 0.01 * z, 0.0) / (square + 1e-5) * radius_m * 0.5
            out[y, x] = max(1.0 - 2.0 * total / _SAMPLES, 0.15)
