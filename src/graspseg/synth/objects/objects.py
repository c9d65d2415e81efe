"""Meshes of the objects that hands hold, baked once into `assets/objects.npz` by `tools/assets/bake_objects.py`."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources
from typing import Literal, cast

import numpy as np
from jaxtyping import Float32, Int32

from graspseg.errors import InputError

Split = Literal["train", "val", "unseen"]
Kind = Literal["everyday", "procedural", "blob"]
Grip = Literal["body", "handle", "pinch", "plate"]

SPLITS: tuple[Split, ...] = ("train", "val", "unseen")
GRIPS: tuple[Grip, ...] = ("body", "handle", "pinch", "plate")

_AXIS_FREEDOM = 0.35


@dataclass(frozen=True, eq=False)
class ObjectModel:
    """One object at unit scale, in its own frame: longest axis along x, then y, thinnest along z.

    Attributes:
        name: unique; blobs are called `blob_NNN` after their place in the sorted source folder.
        category: kind of thing; apart from blobs, a category of split `unseen` occurs in no other split.
        split: the only split this object may be drawn for.
        kind: everyday (modeled by people), procedural (built from primitives) or blob (random shapes).
        vertices: meters, center of the bounding box at the origin.
        faces: vertex indices, counter-clockwise seen from outside where the mesh is closed.
        grip: how it is usually held: around the body, by a handle, pinched because it is small or thin, or as a
            flat plate.
        grip_center: point the hand closes around, meters.
        grip_axis: unit vector that lies across the palm, along the row of knuckles.
        scale_range: lowest and highest plausible factor for each axis.
        license: license of the source mesh.
        author: whom to credit.
    """

    name: str
    category: str
    split: Split
    kind: Kind
    vertices: Float32[np.ndarray, "v 3"]
    faces: Int32[np.ndarray, "f 3"]
    grip: Grip
    grip_center: Float32[np.ndarray, "3"]
    grip_axis: Float32[np.ndarray, "3"]
    scale_range: Float32[np.ndarray, "3 2"]
    licence: str
    author: str

    @property
    def extents(self) -> Float32[np.ndarray, "3"]:
        """Edge lengths of the bounding box at unit scale, meters."""
        return np.ptp(self.vertices, axis=0).astype(np.float32)

    def sample_scale(self, rng: np.random.Generator) -> Float32[np.ndarray, "3"]:
        """Draw one factor per axis within `scale_range`.

        Most of the draw is shared by the axes, so that round objects stay nearly round.
        """
        shared = rng.uniform()
        own = rng.uniform(-_AXIS_FREEDOM, _AXIS_FREEDOM, size=3)
        place = np.clip(shared + own, 0.0, 1.0)
        low, high = self.scale_range[:, 0], self.scale_range[:, 1]
        return (low + (high - low) * place).astype(np.float32)


def load_objects(split: Split | None = None) -> dict[str, ObjectModel]:
    """All baked objects by name, in a fixed order; the arrays are shared and read-only.

    Args:
        split: keep the objects of this split only.

    Raises:
        InputError: `split` is none of train, val, unseen.
    """
    if split is not None and split not in SPLITS:
        raise InputError(f"Split {split!r} was requested of the object library; use one of {', '.join(SPLITS)}.")
    return {name: model for name, model in _library().items() if split in (None, model.split)}


@functools.cache
def _library() -> dict[str, ObjectModel]:
    source = resources.files("graspseg.synth").joinpath("assets/objects.npz")
    with resources.as_file(source) as path, np.load(path) as packed:
        table = {key: packed[key] for key in packed.files}
    vertex_ends, face_ends = np.cumsum(table["vertex_count"]), np.cumsum(table["face_count"])
    library: dict[str, ObjectModel] = {}
    for i, name in enumerate(table["name"].tolist()):
        quantized = table["vertices"][vertex_ends[i] - table["vertex_count"][i] : vertex_ends[i]]
        faces = table["faces"][face_ends[i] - table["face_count"][i] : face_ends[i]]
        library[name] = ObjectModel(
            name=name,
            category=str(table["category"][i]),
            split=cast(Split, str(table["split"][i])),
            kind=cast(Kind, str(table["kind"][i])),
            vertices=_frozen(quantized.astype(np.float32) * table["step_m"][i]),
            faces=_frozen(faces.astype(np.int32)),
            grip=cast(Grip, str(table["grip"][i])),
            grip_center=_frozen(table["grip_center"][i]),
            grip_axis=_frozen(table["grip_axis"][i]),
            scale_range=_frozen(table["scale_range"][i]),
            licence=str(table["licence"][i]),
            author=str(table["author"][i]),
        )
    return library


def _frozen(values: np.ndarray) -> np.ndarray:
    values.flags.writeable = False
    return values
