"""The WebXR generic hand (a skinned glb) as a `Body` with an arm lofted on, and its hand-made shape variations.

Used by `bake_hands.py`. The source ends just behind the wrist; its closing cap is cut off and a plain tube with the
girths of an average forearm and upper arm is sewn to the open rim, so that frames need not show a floating hand.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np

WEBXR_FINGERS = ("thumb", "index-finger", "middle-finger", "ring-finger", "pinky-finger")
CUT_X = -0.008
ELBOW_X, SHOULDER_X = -0.235, -0.50
GIRTH = np.array(  # x, half width (y), half thickness (z), meters
    [
        [-0.035, 0.028, 0.021],
        [-0.07, 0.031, 0.025],
        [-0.11, 0.037, 0.032],
        [-0.16, 0.043, 0.039],
        [-0.20, 0.044, 0.040],
        [-0.235, 0.042, 0.038],
        [-0.27, 0.042, 0.040],
        [-0.33, 0.045, 0.045],
        [-0.40, 0.050, 0.050],
        [-0.50, 0.052, 0.054],
    ]
)
RING_STEP = 0.012


def read_glb(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Vertices (seams merged), faces, our 24 joints, our 18 bone weights, and the thumb's bending axis.

    By the WebXR convention a joint's +x axis is the one it bends about, negative for a right hand's flexion.
    """
    data = path.read_bytes()
    length = struct.unpack("<I", data[12:16])[0]
    document, body = json.loads(data[20 : 20 + length]), data[28 + length :]

    def array(number: int) -> np.ndarray:
        accessor = document["accessors"][number]
        view = document["bufferViews"][accessor["bufferView"]]
        kind = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}[accessor["componentType"]]
        width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}[accessor["type"]]
        start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
        return np.frombuffer(body, kind, accessor["count"] * width, start).reshape(-1, width)

    primitive, skin = document["meshes"][0]["primitives"][0], document["skins"][0]
    names = {document["nodes"][node]["name"]: i for i, node in enumerate(skin["joints"])}
    inverse_bind = array(skin["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
    bind = np.linalg.inv(inverse_bind.astype(np.float64))
    points = array(primitive["attributes"]["POSITION"]).astype(np.float64)
    _, first, number = np.unique(points.round(6), axis=0, return_index=True, return_inverse=True)
    faces = number.reshape(-1)[array(primitive["indices"]).reshape(-1, 3)]
    weights = np.zeros((len(points), len(names)))
    slots = zip(
        array(primitive["attributes"]["JOINTS_0"]).T, array(primitive["attributes"]["WEIGHTS_0"]).T, strict=True
    )
    for slot, weight in slots:
        np.add.at(weights, (np.arange(len(points)), slot), weight)
    weights = weights[first] / weights[first].sum(1, keepdims=True)
    joints, weights = gather(names, bind[:, :3, 3], weights)
    return points[first], faces, joints, weights, -bind[names["thumb-phalanx-proximal"], :3, 0]


def gather(names: dict[str, int], joints: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Our 24 joints (elbow and shoulder still at the wrist) and 18 bone weights."""
    parts = ("metacarpal", "phalanx-proximal", "phalanx-intermediate", "phalanx-distal", "tip")
    ours = np.tile(joints[names["wrist"]], (24, 1))
    merged = np.zeros((len(weights), 18))
    merged[:, 0] += weights[:, names["wrist"]]
    for f, finger in enumerate(WEBXR_FINGERS):
        chain = [f"{finger}-{p}" for p in parts if f"{finger}-{p}" in names]
        if f:
            merged[:, 0] += weights[:, names[chain.pop(0)]]
        for k, name in enumerate(chain):
            ours[18 + f if k == 3 else 3 + 3 * f + k] = joints[names[name]]
            merged[:, 3 + 3 * f + min(k, 2)] += weights[:, names[name]]
    return ours, merged


def smoothstep(x: np.ndarray, start: float, end: float) -> np.ndarray:
    """0 before start, 1 after end, smooth between."""
    t = np.clip((x - start) / (end - start), 0, 1)
    return t * t * (3 - 2 * t)


def rim_of(faces: np.ndarray) -> list[int]:
    """Vertices of the one open rim, in the order of the faces' edges."""
    edges = {(a, b) for t in faces.tolist() for a, b in zip(t, t[1:] + t[:1], strict=True)}
    after = {a: b for a, b in edges if (b, a) not in edges}
    rim = [min(after)]
    while (following := after[rim[-1]]) != rim[0]:
        rim.append(following)
    assert len(rim) == len(after), "the cut does not leave one rim"
    return rim


def loft_arm(vertices: np.ndarray, faces: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut the cap behind the wrist off and sew an arm on (hand frame). Returns vertices, faces, weights."""
    faces = faces[(vertices[faces, 0] > CUT_X).all(1)]
    used = np.unique(faces)
    faces = np.searchsorted(used, faces)
    vertices, weights = vertices[used], weights[used]
    rim = rim_of(faces)
    edge = vertices[rim]
    angle = np.arctan2((edge[:, 2] - edge[:, 2].mean()) / 0.021, (edge[:, 1] - edge[:, 1].mean()) / 0.028)
    rings, all_faces, previous = [vertices], [faces], np.array(rim)
    stations = np.arange(edge[:, 0].min() - RING_STEP, SHOULDER_X, -RING_STEP)
    for i, x in enumerate(stations):
        wide, thick = (np.interp(-x, -GIRTH[:, 0], GIRTH[:, k]) for k in (1, 2))
        ring = np.stack([np.full(len(rim), x), wide * np.cos(angle), thick * np.sin(angle)], 1)
        keep = 1 - smoothstep(np.array(x), edge[:, 0].min(), edge[:, 0].min() - 0.06)
        ring[:, 1:] = keep * edge[:, 1:] + (1 - keep) * ring[:, 1:]
        now = len(vertices) + i * len(rim) + np.arange(len(rim))
        a, b, c, d = previous, np.roll(previous, -1), np.roll(now, -1), now
        all_faces.append(np.concatenate([np.stack([b, a, d], 1), np.stack([b, d, c], 1)]))
        rings.append(ring)
        previous = now
    vertices = np.concatenate(rings)
    grown = np.zeros((len(vertices), 18))
    grown[: len(weights)], grown[len(weights) :, 0] = weights, 1
    forearm, upper = smoothstep(-vertices[:, 0], -0.012, 0.022), smoothstep(-vertices[:, 0], 0.195, 0.275)
    hand = grown[:, 0].copy()
    grown[:, 0], grown[:, 1], grown[:, 2] = hand * (1 - forearm), hand * forearm * (1 - upper), hand * forearm * upper
    return vertices, np.concatenate(all_faces), grown


def shape_basis(vertices: np.ndarray, joints: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """One standard deviation (4 v+24 3) of finger length, finger thickness, palm width and arm girth."""
    n = len(vertices)
    points = np.concatenate([vertices, joints])
    skin = np.concatenate([weights, np.eye(18), np.repeat(np.eye(18)[5::3], 1, axis=0), np.eye(18)[[2]]])
    basis = np.zeros((4, len(points), 3))
    arm = skin[:, 1:3].sum(1)
    for f in range(5):
        base, along = joints[3 + 3 * f], joints[4 + 3 * f] - joints[3 + 3 * f]
        along = along / np.linalg.norm(along)
        share = skin[:, 3 + 3 * f : 6 + 3 * f].sum(1, keepdims=True)
        reach = (points - base) @ along
        basis[0] += 0.05 * share * np.maximum(reach, 0)[:, None] * along
        basis[1, :n] += 0.06 * (share * (points - base - reach[:, None] * along))[:n]
        basis[2, :, 1] += 0.04 * share[:, 0] * base[1]
    basis[1, :n, 2] += 0.04 * (skin[:, 0] * points[:, 2])[:n]
    basis[2, :n, 1] += 0.04 * (skin[:, 0] * points[:, 1])[:n]
    basis[3, :n, 1:] += 0.07 * (arm[:, None] * points[:, 1:])[:n]
    return basis
