"""What one split may show: its hand, its objects, its grasps."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Int32

from graspseg.synth.body.hand import HandModel, HandName
from graspseg.synth.objects.grasp import Grasp, GraspLibrary, load_grasps
from graspseg.synth.objects.objects import ObjectModel, Split, load_objects
from graspseg.synth.preset_names import Edition


class Cast:
    """The hand, objects and grasps of a split.

    Args:
        split: `unseen` has another hand and other objects than `train` and `val`.
        most_objects: draw from the first so many everyday objects only, then procedural ones; None = from all.
        edition: of the grasp library.
    """

    def __init__(self, split: Split, most_objects: int | None = None, *, edition: Edition = 1) -> None:
        self.split: Split = split
        self.hand_name: HandName = "webxr" if split == "unseen" else "anny"
        self.hand = HandModel.load(self.hand_name)
        self.objects = load_objects(split)
        held = [g for g in load_grasps(edition) if g.hand == self.hand_name and g.object_name in self.objects]
        if most_objects is not None:
            kinds = ("everyday", "procedural", "blob")
            order = sorted({g.object_name for g in held}, key=lambda name: (kinds.index(self.objects[name].kind), name))
            self.objects = {name: self.objects[name] for name in order[:most_objects]}
            held = [g for g in held if g.object_name in self.objects]
        self.names = sorted(self.objects)
        self.grasps = GraspLibrary(held)

    def clutter(self, rng: np.random.Generator) -> tuple[np.ndarray, Int32[np.ndarray, "f 3"]]:
        """An object of the split at a plausible scale, in its own frame."""
        model = self.objects[self.names[rng.integers(len(self.names))]]
        return model.vertices * model.sample_scale(rng), model.faces


def held_vertices(model: ObjectModel, grasp: Grasp) -> Float32[np.ndarray, "v 3"]:
    """The object's vertices in the hand frame of a grasp, meters."""
    rotation, shift = grasp.object_pose[:, :3], grasp.object_pose[:, 3]
    return ((model.vertices * grasp.object_scale) @ rotation.T + shift).astype(np.float32)
