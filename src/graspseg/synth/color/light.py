"""Light: its color by temperature, where it comes from, what it does not reach, and the room far behind."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, Float64

from graspseg.frame import Intrinsics
from graspseg.synth.color import geometry as color_geometry
from graspseg.synth.color.geometry import moved
from graspseg.synth.color.skin import linear
from graspseg.synth.render.canvas import Canvas
from graspseg.synth.render.scene_parts import Scene

WARMEST_K, COLDEST_K = 2700.0, 7500.0
SHADOW_SIDE = 288
_SHADOW_RADIUS_M = 0.5
_SHADOW_DISTANCE_M = 3.0
_SRGB_FROM_XYZ = np.array(
    [[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560], [0.0556434, -0.2040259, 1.0572252]]
)
LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)  # ITU-R BT.709
BACKDROP_REACH = 1.3  # tangent of the angle at the backdrop's rim


@dataclass(frozen=True)
class Lighting:
    """Light on a scene. Radiance 1 is a white matte surface that faces a light of strength 1.

    Attributes:
        directions: unit vectors toward the lights; the first one throws shadows.
        colors: linear RGB of each light.
        softness: of each light: 0 is a point, 1 as wide as half the sky.
        up: unit vector away from the floor.
        sky, ground: linear RGB of the light from everywhere, above and below.
        temperature_k: color temperature of the first light.
    """

    directions: Float64[np.ndarray, "n 3"]
    colors: Float64[np.ndarray, "n 3"]
    softness: Float64[np.ndarray, " n"]
    up: Float64[np.ndarray, "3"]
    sky: Float64[np.ndarray, "3"]
    ground: Float64[np.ndarray, "3"]
    temperature_k: float


def light_color(temperature_k: float) -> Float64[np.ndarray, "3"]:
    """Linear sRGB of a black body, luminance 1.

    Source: Kim et al. 2002, Design of advanced color temperature control system for HDTV applications (cubic fit to
    the Planckian locus, 1667 to 25000 K); matrix of IEC 61966-2-1.
    """
    t = 1000.0 / temperature_k
    if temperature_k <= 4000:
        x = -0.2661239 * t**3 - 0.2343589 * t**2 + 0.8776956 * t + 0.179910
    else:
        x = -3.0258469 * t**3 + 2.1070379 * t**2 + 0.2226347 * t + 0.240390
    if temperature_k <= 2222:
        y = -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683
    elif temperature_k <= 4000:
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    else:
        y = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    return np.maximum(_SRGB_FROM_XYZ @ np.array([x / y, 1.0, (1 - x - y) / y]), 0.02)


def sample_lighting(
    rng: np.random.Generator, scene: Scene, temperature_k: tuple[float, float] = (WARMEST_K, COLDEST_K)
) -> Lighting:
    """A room: one main light of a temperature in the range, up to two more, and what walls and floor throw back."""
    temperature = float(rng.uniform(*temperature_k))
    count = int(rng.integers(1, 4))
    colors = []
    for index in range(count):
        own = temperature if index == 0 else np.clip(temperature * rng.normal(1, 0.12), WARMEST_K, COLDEST_K)
        strength = rng.uniform(0.45, 0.9) if index == 0 else rng.uniform(0.05, 0.35)
        colors.append(light_color(float(own)) * strength)
    ambient = light_color(float(np.clip(temperature * rng.normal(1, 0.08), WARMEST_K, COLDEST_K)))
    sky = ambient * rng.uniform(0.2, 0.5)
    bounce = np.array([1.0, rng.uniform(0.85, 1.0), rng.uniform(0.7, 1.0)])
    ground = sky * bounce * rng.uniform(0.35, 0.8)
    softness = rng.uniform(0.0, 0.5, count)
    up = _up(rng, scene)
    directions = np.array([_toward(rng, up) for _ in range(count)])
    return Lighting(directions, np.array(colors), softness, up, sky, ground, temperature)


def _toward(rng: np.random.Generator, up: np.ndarray) -> np.ndarray:
    """A direction from which light comes: hardly from below, hardly from behind what is seen."""
    while True:
        toward = rng.normal(size=3)
        toward /= np.linalg.norm(toward)
        if toward @ up > -0.1 and toward[2] < 0.45:
            return toward


def _up(rng: np.random.Generator, scene: Scene) -> np.ndarray:
    """The normal of the table when there is one, toward the camera; else roughly the top of the image."""
    for origin, u, v in scene.planes:
        normal = np.cross(u, v)
        normal = normal / np.linalg.norm(normal)
        normal = -normal if normal @ origin > 0 else normal
        if normal[2] > -0.9:
            return normal
    up = np.array([0.0, -1.0, 0.0]) + rng.normal(0, 0.35, 3)
    return up / np.linalg.norm(up)


@dataclass(frozen=True)
class Shadow:
    """Inverse depth as the main light sees the meshes, from far away.

    Attributes:
        pose: [3, 4] camera frame to light frame.
        focal: pixels.
        inverse_depth: [side, side] 1/m.
    """

    pose: Float64[np.ndarray, "3 4"]
    focal: float
    inverse_depth: Float32[np.ndarray, "s s"]


def cast_shadow(scene: Scene, toward: Float64[np.ndarray, "3"], canvas: Canvas) -> Shadow:
    """Draw the meshes from the direction of the light into a square canvas, which is cleared first."""
    visible = [m.vertices[::5][m.vertices[::5, 2] > 0.1] for m in scene.meshes if m.label]
    focus = np.median(np.concatenate(visible), axis=0) if visible else np.array([0, 0, 0.5])
    side = np.cross(toward, np.eye(3)[np.argmin(np.abs(toward))])
    side /= np.linalg.norm(side)
    rotation = np.stack([side, np.cross(-toward, side), -toward])
    pose = np.eye(4)
    pose[:3] = np.column_stack([rotation, -rotation @ (focus + toward * _SHADOW_DISTANCE_M)])
    size = canvas.labels.shape[0]
    focal = size / 2 * _SHADOW_DISTANCE_M / _SHADOW_RADIUS_M
    camera = Intrinsics(focal, focal, (size - 1) / 2, (size - 1) / 2)
    canvas.clear()
    seen = moved(Scene(scene.intrinsics, scene.meshes), pose, camera)
    color_geometry.draw(seen, canvas, intrinsics=camera)
    return Shadow(pose[:3].copy(), focal, canvas.inverse_depth.copy())


def sample_backdrop(rng: np.random.Generator, lighting: Lighting) -> Float32[np.ndarray, "b b 3"]:
    """What stands in the directions in which nothing was drawn: a wall with blurred furniture, linear RGB.

    Rows and columns are tangents of the viewing angle from -1.3 to 1.3.
    """
    side = 96
    picture = np.empty((side, side, 3), np.float32)
    picture[:] = _wall_color(rng) * np.linspace(rng.uniform(0.7, 1), rng.uniform(0.7, 1), side)[:, None, None]
    for _ in range(rng.integers(0, 14)):
        x, y = rng.integers(-10, side, 2).tolist()
        w, h = rng.integers(4, 45, 2).tolist()
        color = tuple(float(c) for c in linear(np.clip(rng.uniform(10, 240) + rng.normal(0, 22, 3), 2, 250)))
        cv2.rectangle(picture, (x, y), (x + w, y + h), color, -1)
    if rng.uniform() < 0.15:
        x, y = rng.integers(0, side, 2).tolist()
        cv2.rectangle(picture, (x, y), (x + 25, y + 30), (2.5, 2.5, 2.5), -1)
    picture = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.4, 2.5)))
    return (picture * (0.35 * lighting.sky + 0.25 * lighting.colors[0])).astype(np.float32)


def _wall_color(rng: np.random.Generator) -> np.ndarray:
    """Mostly pale and nearly gray; beige walls happen."""
    base = rng.uniform(120, 240) if rng.uniform() < 0.8 else rng.uniform(20, 120)
    return linear(np.clip(base * (1 + rng.normal(0, 0.08, 3) * [0.6, 0.3, 1.0]), 5, 250))
