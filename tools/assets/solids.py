"""Solids that the procedural objects are put together from; millimeters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from manifold3d import CrossSection, Manifold, OpType

ROUND = ((0.85, 1.2),) * 3
Random = np.random.Generator


@dataclass(frozen=True)
class Shape:
    """A body in millimeters and how it is held; `solid` replaces it in the distance field."""

    body: Manifold
    grip: str = "body"
    center: tuple[float, float, float] | None = None
    axis: tuple[float, float, float] | None = None
    scale: tuple[tuple[float, float], ...] = ROUND
    solid: Manifold | None = None


def union(*parts: Manifold) -> Manifold:
    return Manifold.batch_boolean(list(parts), OpType.Add)


def turned(profile: list[tuple[float, float]], segments: int = 28) -> Manifold:
    """Solid of revolution around z of a closed (radius, height) outline."""
    return CrossSection([profile]).revolve(segments)


def rounded_box(x: float, y: float, z: float, radius: float) -> Manifold:
    ball = Manifold.sphere(radius, 12)
    corners = [
        ball.translate((i * (x / 2 - radius), j * (y / 2 - radius), k * (z / 2 - radius)))
        for i in (-1, 1)
        for j in (-1, 1)
        for k in (-1, 1)
    ]
    return Manifold.batch_hull(corners)


def rod(length: float, radius: float, end_radius: float | None = None, segments: int = 20) -> Manifold:
    """Cylinder or truncated cone along x, centered."""
    end = radius if end_radius is None else end_radius
    return Manifold.cylinder(length, radius, end, segments, center=True).rotate((0, 90, 0))


def pill(length: float, radius: float) -> Manifold:
    """Capsule along x, centered; `length` is over all."""
    ball = Manifold.sphere(radius, 20)
    reach = length / 2 - radius
    return Manifold.batch_hull([ball.translate((-reach, 0, 0)), ball.translate((reach, 0, 0))])


def slab(outline: list[tuple[float, float]], thickness: float) -> Manifold:
    return CrossSection([outline]).extrude(thickness).translate((0, 0, -thickness / 2))
