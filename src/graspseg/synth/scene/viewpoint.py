"""Where cameras stand on a stage: before a person, on the head, above a table, anywhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from graspseg.frame import Intrinsics
from graspseg.synth.recipe import Aim, Lens, Viewpoint
from graspseg.synth.render.scene_parts import rotation_of
from graspseg.synth.render.vectors import cross
from graspseg.synth.scene.backgrounds import Background, Plane

WIDTH, HEIGHT = 640, 480
_DOWN = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True, eq=False)
class Camera:
    """A camera's pose: rows of `rotation` are its x (right), y (down) and z (forward) axes in the world."""

    rotation: Float64[np.ndarray, "3 3"]
    position: Float64[np.ndarray, "3"]

    def see(self, points: np.ndarray) -> Float32[np.ndarray, "n 3"]:
        """World points [n, 3] in the camera frame, meters."""
        return ((points - self.position) @ self.rotation.T).astype(np.float32)

    def moved(self, shift: np.ndarray, turn: np.ndarray) -> Camera:
        """The camera shifted by meters in the world and turned by a rotation vector in its own frame."""
        return Camera(rotation_of(turn) @ self.rotation, self.position + shift)


def sample_intrinsics(rng: np.random.Generator, lens: Lens, view: Viewpoint) -> Intrinsics:
    """A lens as that kind of camera has: wide where it is worn on the head."""
    if view == "ego":
        focal = float(rng.uniform(*lens.ego_focal_px))
    else:
        usual = rng.uniform() < lens.usual_share
        focal = lens.usual_focal_px if usual else float(rng.uniform(*lens.focal_px))
    across, down = lens.center_sigma_px
    return Intrinsics(focal, focal, 319.5 + float(rng.normal(0, across)), 239.5 + float(rng.normal(0, down)))


def sample_camera(
    rng: np.random.Generator, view: Viewpoint, aim: Aim, focus: np.ndarray, *, head: np.ndarray, lens: Intrinsics
) -> Camera:
    """A camera that sees the focus somewhere in its image.

    Args:
        rng: Decides.
        view: Kind of place.
        aim: Distances and place in the image.
        focus: World point to look at, in the frame of the person's body (y down, z to the front).
        head: Center of that person's head.
        lens: Its intrinsics.
    """
    distance = rng.uniform(*(aim.near_m if rng.uniform() < aim.near_share else aim.far_m))
    upright = _DOWN
    match view:
        case "third":
            azimuth = np.clip(rng.normal(0, 0.9), -2.2, 2.2)
            elevation = rng.uniform(-0.25, 0.95)
            away = _direction(azimuth, elevation)
            roll = rng.normal(0, 0.1)
        case "front":
            away = _direction(np.clip(rng.normal(0, 0.4), -1.1, 1.1), rng.normal(0.05, 0.15))
            roll = rng.normal(0, 0.06)
        case "ego":
            away = head + np.array([rng.normal(0, 0.05), rng.normal(-0.02, 0.04), rng.uniform(0.13, 0.24)]) - focus
            distance = min(float(np.linalg.norm(away)), aim.ego_m[1])
            away = away / np.linalg.norm(away)
            roll = rng.normal(0, 0.08)
        case "top":
            away = _direction(rng.uniform(-np.pi, np.pi), np.pi / 2 - abs(rng.normal(0, 0.2)))
            distance = max(float(distance), 0.32)
            upright = np.array([0.0, 0.0, 1.0 if rng.uniform() < 0.5 else -1.0])
            roll = rng.normal(0, 0.1) + (rng.uniform(-np.pi, np.pi) if rng.uniform() < 0.3 else 0.0)
        case "any":
            away = rng.normal(size=3)
            away /= np.linalg.norm(away)
            roll = rng.uniform(-np.pi, np.pi)
    return Camera(_look(rng, aim, -away, upright, float(roll), lens), focus + away * distance)


def camera_of(
    rng: np.random.Generator,
    view: Viewpoint,
    aim: Aim,
    focus: np.ndarray,
    *,
    background: Background,
    surface: Plane | None,
    low: np.ndarray,
) -> Camera | None:
    """The camera of a recorded background, so placed in the world that the focus is before what was recorded.

    Args:
        rng: Decides.
        view: From which side of the person.
        aim: Distances and place in the image.
        focus: World point to look at.
        background: What was recorded.
        surface: Its largest flat surface; taken for level most of the time, and hands may rest on it.
        low: World points [n, 3] that must stay above the surface when the hand is near it.

    Returns:
        None where the chosen place is too near for a hand.
    """
    lens = background.intrinsics
    place = np.clip(rng.normal(0, 1.3 * aim.offset_sigma, 2), -aim.offset_limit, aim.offset_limit)
    x, y = place * (WIDTH, HEIGHT) + ((WIDTH - 1) / 2, (HEIGHT - 1) / 2)
    ray = np.array([(x - lens.cx) / lens.fx, (y - lens.cy) / lens.fy, 1.0])
    behind = float(background.filled_m[round(y), round(x)])
    farthest = min(behind - 0.02 if behind > 0 else np.inf, aim.far_m[1])
    if farthest <= aim.nearest_m:
        return None
    level = surface is not None and rng.uniform() < 0.85
    if level:
        assert surface is not None
        rotation = _level(rng, view, surface.normal)
    else:
        rotation = sample_camera(rng, view, aim, focus, head=focus - [0.0, 0.3, 0.4], lens=lens).rotation
    depth = float(
        rng.uniform(aim.nearest_m, farthest)
        if rng.uniform() < 0.5
        else rng.triangular(aim.nearest_m, min(0.6, farthest), farthest + 1e-6)
    )
    if level and surface is not None and abs(surface.height_m(ray * behind)) < 0.04 and rng.uniform() < 0.7:
        # Over the surface: the lowest point of hand and thing touches it, or is somewhat above.
        gap = 0.001 if rng.uniform() < 0.5 else float(rng.uniform(0.0, 0.2))
        rise = gap - float(((low - focus) @ rotation.T @ surface.normal).min())
        slope = float(ray @ surface.normal)
        depth = (surface.offset_m + rise) / slope if abs(slope) > 1e-3 else 0.0
        if not aim.nearest_m <= depth <= aim.far_m[1]:
            return None
    return Camera(rotation, focus - rotation.T @ (ray * depth))


def _level(rng: np.random.Generator, view: Viewpoint, up: np.ndarray) -> Float64[np.ndarray, "3 3"]:
    """Rotation from the world to a camera that sees the vertical as `up`; the person's front by the kind of view."""
    ahead = np.array([0.0, 0.0, 1.0]) - up * up[2]
    if np.linalg.norm(ahead) < 0.2:
        ahead = np.array([0.0, -1.0, 0.0]) + up * up[1]
    ahead /= np.linalg.norm(ahead)
    match view:
        case "third" | "front":
            turn = np.pi + np.clip(rng.normal(0, 0.9), -2.2, 2.2)
        case "ego":
            turn = rng.normal(0, 0.35)
        case "top" | "any":
            turn = rng.uniform(-np.pi, np.pi)
    front = np.cos(turn) * ahead + np.sin(turn) * cross(up, ahead)
    down = -up
    return np.stack([cross(down, front), down, front], axis=1)


def _look(
    rng: np.random.Generator, aim: Aim, forward: np.ndarray, upright: np.ndarray, roll: float, lens: Intrinsics
) -> Float64[np.ndarray, "3 3"]:
    """Rotation that puts `forward` at a random place of the image; `upright` is down there."""
    right = cross(upright, forward)
    if np.linalg.norm(right) < 0.05:
        right = cross(np.array([0.0, 0.3, 1.0]), forward)
    right /= np.linalg.norm(right)
    rotation = np.stack([right, cross(forward, right), forward])
    limit, sigma = aim.offset_limit, aim.offset_sigma
    if rng.uniform() < aim.leaving_share:
        limit, sigma = aim.leaving_limit, 2 * aim.offset_sigma
    x, y = np.clip(rng.normal(0, sigma, 2), -limit, limit) * (WIDTH, HEIGHT)
    ray = np.array([(x + 319.5 - lens.cx) / lens.fx, (y + 239.5 - lens.cy) / lens.fy, 1.0])
    ray /= np.linalg.norm(ray)
    axis = cross(np.array([0.0, 0.0, 1.0]), ray)
    size = float(np.linalg.norm(axis))
    swing = rotation_of(axis / max(size, 1e-9) * np.arctan2(size, ray[2]))
    return swing @ rotation_of(np.array([0.0, 0.0, roll])) @ rotation


def _direction(azimuth: float, elevation: float) -> Float64[np.ndarray, "3"]:
    """Unit vector; azimuth 0 is the person's front, elevation is upward."""
    level = np.cos(elevation)
    return np.array([level * np.sin(azimuth), -np.sin(elevation), level * np.cos(azimuth)])
