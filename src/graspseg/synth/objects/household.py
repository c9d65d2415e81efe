"""Furniture and household things that stand around hands.

From `assets/household.npz`, made by `tools/assets/bake_household.py`. All of it is BACKGROUND. Read when
the first one is requested.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources
from typing import Literal, cast

import numpy as np
from jaxtyping import Float32, Int32

from graspseg.synth.objects.objects import Split

Place = Literal["floor", "surface"]

_STRETCH = 0.12


@dataclass(frozen=True, eq=False)
class HouseholdModel:
    """One thing at its true size; the arrays are shared and read-only.

    Attributes:
        name: library and model.
        split: the only split that shows it.
        place: whether it stands on the floor (or at a wall), or on a table or shelf.
        vertices: meters, z up, front toward -y, middle of the bounding box at the origin.
        faces: vertex indices; many meshes are open or pass through themselves.
    """

    name: str
    split: Split
    place: Place
    vertices: Float32[np.ndarray, "v 3"]
    faces: Int32[np.ndarray, "f 3"]


def sample_furniture(
    rng: np.random.Generator, split: Split
) -> tuple[Float32[np.ndarray, "v 3"], Int32[np.ndarray, "f 3"]]:
    """A piece of furniture of a split: chairs, tables, shelves, kitchens, large plants; 0.3 to 2.7 m.

    Sizes vary a little by axis. Vertices in meters, z up, front toward -y, middle of the bounding box at the origin.
    """
    return _sample(rng, split, "floor")


def sample_small(rng: np.random.Generator, split: Split) -> tuple[Float32[np.ndarray, "v 3"], Int32[np.ndarray, "f 3"]]:
    """An object of a split that stands or lies on a table or shelf: lamps, screens, pans, plants, shoes; 0.05 to 1 m.

    Sizes vary a little by axis. Vertices in meters, z up, front toward -y, middle of the bounding box at the origin.
    """
    return _sample(rng, split, "surface")


def load_household(split: Split | None = None, place: Place | None = None) -> dict[str, HouseholdModel]:
    """The models by name, all or those of one split and place, in a fixed order."""
    return {n: m for n, m in _library().items() if split in (None, m.split) and place in (None, m.place)}


def _sample(
    rng: np.random.Generator, split: Split, place: Place
) -> tuple[Float32[np.ndarray, "v 3"], Int32[np.ndarray, "f 3"]]:
    models = _models(split, place)
    model = models[rng.integers(len(models))]
    stretch = rng.uniform(1 - _STRETCH, 1 + _STRETCH, 3).astype(np.float32)
    return model.vertices * stretch, model.faces


@functools.cache
def _models(split: Split, place: Place) -> list[HouseholdModel]:
    return list(load_household(split, place).values())


@functools.cache
def _library() -> dict[str, HouseholdModel]:
    source = resources.files("graspseg.synth").joinpath("assets/household.npz")
    with resources.as_file(source) as path, np.load(path) as packed:
        table = {key: packed[key] for key in packed.files}
    vertex_ends, face_ends = np.cumsum(table["vertex_count"]), np.cumsum(table["face_count"])
    library: dict[str, HouseholdModel] = {}
    for i, name in enumerate(table["name"].tolist()):
        steps = table["vertex_steps"][:, vertex_ends[i] - table["vertex_count"][i] : vertex_ends[i]]
        faces = table["face_steps"][:, face_ends[i] - table["face_count"][i] : face_ends[i]]
        share = np.cumsum(steps.T, axis=0, dtype=np.int32) / np.float32(table["steps"]) - np.float32(0.5)
        library[name] = HouseholdModel(
            name=name,
            split=cast(Split, str(table["split"][i])),
            place=cast(Place, str(table["place"][i])),
            vertices=_frozen((share * table["size_m"][i]).astype(np.float32)),
            faces=_frozen(np.cumsum(faces.T, axis=0, dtype=np.int32)),
        )
    return library


def _frozen(values: np.ndarray) -> np.ndarray:
    values.flags.writeable = False
    return values
