"""The grasp library: hands closed on objects offline by `tools/make_grasps.py`, drawn at random here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
from jaxtyping import Float32

GraspKind = Literal["power", "pinch", "tripod", "lateral", "hook", "plate", "handle"]
GRASP_KINDS: tuple[GraspKind, ...] = ("power", "pinch", "tripod", "lateral", "hook", "plate", "handle")


@dataclass(frozen=True)
class Grasp:
    """One closed grasp of a right hand, in the hand frame (see `HandModel`), metres and radians.

    Attributes:
        hand: name of the hand model it was closed with.
        kind: grasp type.
        shape: hand shape coefficients.
        articulation: finger joint angles.
        object_name: key into `load_objects()`.
        object_scale: scale per object axis.
        object_pose: rotation and translation from object to hand frame.
    """

    hand: str
    kind: GraspKind
    shape: Float32[np.ndarray, " n"]
    articulation: Float32[np.ndarray, "5 4"]
    object_name: str
    object_scale: Float32[np.ndarray, "3"]
    object_pose: Float32[np.ndarray, "3 4"]


class GraspLibrary:
    """Grasps to draw from, balanced over objects."""

    def __init__(self, grasps: list[Grasp]) -> None:
        """Index the grasps by object, so that an object is drawn as often as any other, however many grasps it has."""
        self._by_object: dict[str, list[Grasp]] = {}
        for grasp in grasps:
            self._by_object.setdefault(grasp.object_name, []).append(grasp)
        self._names = sorted(self._by_object)

    def __len__(self) -> int:
        return sum(len(grasps) for grasps in self._by_object.values())

    def sample(self, rng: np.random.Generator) -> Grasp:
        """Draw an object, then one of its grasps."""
        grasps = self._by_object[self._names[rng.integers(len(self._names))]]
        return grasps[rng.integers(len(grasps))]


@cache
def load_grasps() -> tuple[Grasp, ...]:
    """Every grasp of the shipped library."""
    with np.load(str(files("graspseg.synth") / "assets" / "grasps.npz")) as stored:
        arrays = {key: stored[key] for key in stored.files}
    hands, objects = arrays["hand_names"].tolist(), arrays["object_names"].tolist()
    shapes = {name: arrays[f"shape_{name}"].astype(np.float32) for name in hands}
    return tuple(
        Grasp(
            hand=hands[hand],
            kind=GRASP_KINDS[arrays["kind"][i]],
            shape=shapes[hands[hand]][arrays["row"][i]],
            articulation=arrays["articulation"][i].astype(np.float32),
            object_name=objects[arrays["object"][i]],
            object_scale=arrays["object_scale"][i].astype(np.float32),
            object_pose=arrays["object_pose"][i].astype(np.float32),
        )
        for i, hand in enumerate(arrays["hand"])
    )
