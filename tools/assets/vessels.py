"""Procedural bottles, cups, dishes and other vessels; hollow ones are grasped as if they were full."""

from __future__ import annotations

import numpy as np
from manifold3d import CrossSection, Manifold

from solids import Random, Shape, pill, rod, rounded_box, turned, union


def bottle(rng: Random) -> Shape:
    radius, height = rng.uniform(22, 42), rng.uniform(120, 280)
    neck, shoulder = radius * rng.uniform(0.28, 0.5), rng.uniform(0.5, 0.78) * height
    waist = rng.uniform(0.78, 1.0)
    steps = np.linspace(0, 1, 7)
    side = [(radius * (1 - (1 - waist) * np.sin(np.pi * s) ** 2), 4 + s * (shoulder - 4)) for s in steps]
    bend = [
        (neck + (radius - neck) * (1 + np.cos(np.pi * s)) / 2, shoulder + s * 0.6 * (height - shoulder))
        for s in steps[1:]
    ]
    cap = neck * rng.uniform(1.05, 1.3)
    top = [(neck, 0.9 * height), (cap, 0.9 * height), (cap, height), (0.0, height)]
    return Shape(turned([(0.0, 0.0), (radius * 0.85, 0.0), *side, *bend, *top]), axis=(0, 0, 1))


def glass(rng: Random) -> Shape:
    low, high, height = rng.uniform(22, 34), rng.uniform(28, 44), rng.uniform(75, 165)
    wall, floor = rng.uniform(1.5, 3.5), rng.uniform(4, 10)
    full = Manifold.cylinder(height, low, high, 40)
    hole = Manifold.cylinder(height, low - wall, high - wall, 40).translate((0, 0, floor))
    return Shape(full - hole, axis=(0, 0, 1), solid=full)


def mug(rng: Random) -> Shape:
    radius, height, wall = rng.uniform(34, 46), rng.uniform(75, 115), rng.uniform(2.5, 4)
    low = radius * rng.uniform(0.85, 1)
    full = Manifold.cylinder(height, low, radius, 36)
    hole = Manifold.cylinder(height + 1, low - wall, radius - wall, 36).translate((0, 0, rng.uniform(4, 8)))
    thickness, reach = rng.uniform(4, 7), rng.uniform(24, 32)
    ring = CrossSection.circle(thickness, 10).translate((reach, 0)).revolve(28).rotate((90, 0, 0))
    ring = ring.scale((1, 1.3, height * 0.38 / reach)).translate((radius, 0, height / 2))
    handle = ring - full
    handle = max(handle.decompose(), key=lambda part: part.volume())
    hold_handle = rng.uniform() < 0.5
    body, solid = union(full - (hole ^ full), handle), union(full, handle)
    center = (radius + reach * 0.9, 0, height / 2) if hold_handle else (0, 0, height / 2)
    return Shape(body, "handle" if hold_handle else "body", center, (0, 0, 1), solid=solid)


def bowl(rng: Random) -> Shape:
    radius, depth = rng.uniform(50, 80), rng.uniform(0.5, 0.85)
    ball = Manifold.sphere(radius, 40)
    full = ball.trim_by_plane((0, 0, -1), 0).scale((1, 1, depth))
    inner = Manifold.sphere(radius - rng.uniform(3, 5), 40).scale((1, 1, depth))
    return Shape(full - inner, "plate", (0.75 * radius, 0, -0.4 * radius * depth), (0, 1, 0), solid=full)


def dish(rng: Random) -> Shape:
    radius, rim = rng.uniform(60, 110), rng.uniform(10, 22)
    outline = [(0, 0), (radius * 0.6, 0), (radius, rim), (radius - 2, rim + 3), (radius * 0.58, 4), (0, 4)]
    return Shape(turned(outline, 40), "plate", (-radius * 0.82, 0, rim * 0.7), (0, 1, 0), ((0.7, 1.3),) * 3)


def can(rng: Random) -> Shape:
    radius, height, bevel = rng.uniform(18, 42), rng.uniform(70, 170), rng.uniform(1, 4)
    outline = [(0, 0), (radius - bevel, 0), (radius, bevel), (radius, height - bevel), (radius - bevel, height)]
    return Shape(turned([*outline, (0, height)]), axis=(0, 0, 1), scale=((0.7, 1.4),) * 3)


def jar(rng: Random) -> Shape:
    radius, height = rng.uniform(26, 42), rng.uniform(60, 130)
    body = turned(
        [
            (0, 0),
            (radius - 4, 0),
            (radius, 5),
            (radius, height * 0.75),
            (radius * 0.8, height * 0.84),
            (radius * 0.8, height * 0.86),
            (radius * 0.88, height * 0.86),
            (radius * 0.88, height),
            (0, height),
        ]
    )
    return Shape(body, axis=(0, 0, 1))


def pan(rng: Random) -> Shape:
    radius, height, grip = rng.uniform(55, 85), rng.uniform(25, 40), rng.uniform(110, 140)
    full = Manifold.cylinder(height, radius * 0.85, radius, 36)
    hole = Manifold.cylinder(height, radius * 0.85 - 3, radius - 3, 36).translate((0, 0, 4))
    handle = pill(grip, 10).scale((1, 1, 0.7)).translate((radius + grip / 2 - 8, 0, height * 0.7)) - full
    center = (radius + grip * 0.5, 0, height * 0.7)
    return Shape(union(full - hole, handle), "handle", center, (1, 0, 0), solid=union(full, handle))


def spray_bottle(rng: Random) -> Shape:
    radius, height = rng.uniform(30, 42), rng.uniform(120, 160)
    side = [(radius, 0), (radius, height * 0.6), (radius * 0.5, height * 0.85), (13, height)]
    body = turned([(0, 0), *side, (0, height)])
    body = body.scale((1, rng.uniform(0.65, 0.9), 1))
    neck = Manifold.cylinder(40, 12, 10, 20).translate((0, 0, height - 10))
    head = rounded_box(80, 24, 26, 4).translate((18, 0, height + 36))
    nozzle = rod(16, 7).translate((62, 0, height + 38))
    trigger = rounded_box(9, 14, 48, 3).rotate((0, -20, 0)).translate((36, 0, height + 8))
    return Shape(union(body, neck, head, nozzle, trigger), "body", (0, 0, height * 0.4), (0, 0, 1))


def funnel(rng: Random) -> Shape:
    radius, spout = rng.uniform(40, 60), rng.uniform(5, 9)
    full = turned([(0, 0), (spout, 0), (spout * 1.4, 50), (radius, 110), (radius, 120), (0, 120)], 36)
    hollow = turned([(0, 52), (spout, 54), (radius - 3, 113), (radius - 3, 121), (0, 121)], 36)
    return Shape(full - hollow, axis=(0, 0, 1), solid=full)


def scoop(rng: Random) -> Shape:
    radius, grip = rng.uniform(26, 40), rng.uniform(110, 150)
    half = Manifold.sphere(radius, 28).trim_by_plane((0, 0, -1), 0)
    handle = pill(grip, 8).translate((radius + grip / 2 - 8, 0, -6)) - half
    body = union(half - Manifold.sphere(radius - 3, 28), handle)
    return Shape(body, "handle", (radius + grip * 0.55, 0, -6), (1, 0, 0), solid=union(half, handle))
