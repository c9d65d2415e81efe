"""Bake furniture and household things, the surroundings of `graspseg synth`.

    python tools/assets/bake_household.py --furniture /usr/share/sweethome3d/furniture \
        --out src/graspseg/synth/assets/household.npz

Needs trimesh and fast-simplification, which the product itself does not, besides the product.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh

from attribution import write_section
from everyday_objects import CC0, ITEMS, Catalog, thinned
from graspseg.frame import Intrinsics
from graspseg.synth.render.canvas import Canvas
from household_items import HOUSEHOLD

# Numbers of faces to try, and the haste of simplifying.
BUDGETS = {"floor": ((1300, 7), (2400, 5)), "surface": ((900, 7), (1800, 5))}
# Least overlap of the outlines before and after.
ALIKE = 0.85
VIEW_PX = 160
# Furniture is seen from farther away; a step of a 4096th of its size is below any depth camera's.
STEPS = 4095
CREDITS = """
## Household

`household.npz` is made by `tools/assets/bake_household.py` from models of the Sweet Home 3D furniture libraries
(package `sweethome3d-furniture` 1.8 of Debian), cleaned and converted by Emmanuel Puybaret / eTeks,
<https://www.sweethome3d.com>. All meshes were simplified; textures, materials and brand marks were left out. Licenses
and sources read as under "Objects". Nobody named here endorses this project.

| model | author | license | source |
|---|---|---|---|
"""


@dataclass(frozen=True)
class Piece:
    """One model: whole numbers from 0 to `STEPS`, and the edge lengths they span, meters."""

    name: str
    split: str
    place: str
    vertices: np.ndarray
    faces: np.ndarray
    size_m: np.ndarray
    licence: str
    author: str
    source: str


def pieces(folder: Path) -> list[Piece]:
    """All models of the table, z up, the front toward -y."""
    held = {(item.library, item.model) for item in ITEMS}
    catalogs: dict[str, Catalog] = {}
    found: list[Piece] = []
    spoiled: list[str] = []
    for (split, place), libraries in HOUSEHOLD.items():
        for library, names in libraries.items():
            catalog = catalogs.setdefault(library, Catalog(folder / f"{library}.sh3f"))
            for name in names.split():
                if (library, name) in held:
                    raise ValueError(f"{library}: {name} is held by hands already; take it out of the table.")
                if piece := _piece(catalog, name, split, place):
                    found.append(piece)
                else:
                    spoiled.append(f"{library}/{name}")
    print(f"Left out, because they lose their shape when simplified: {', '.join(spoiled)}")
    names = [piece.name for piece in found]
    if len(set(names)) < len(names):
        raise ValueError(f"Named twice: {', '.join(sorted({n for n in names if names.count(n) > 1}))}.")
    return found


def outlines(mesh: trimesh.Trimesh, middle: np.ndarray, radius: float) -> np.ndarray:
    """What a mesh covers [5, h, w] from the sides, from above and from a corner."""
    seen = []
    for turn, nod in ((0.0, 0.0), (1.57, 0.0), (0.0, 1.57), (0.7, 0.5), (2.4, 0.9)):
        c, s = np.cos(turn), np.sin(turn)
        e, f = np.cos(nod), np.sin(nod)
        rotation = np.array([[1, 0, 0], [0, -e, f], [0, -f, -e]]) @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
        points = (mesh.vertices - middle) @ rotation.T / radius + [0, 0, 4]
        canvas = Canvas(VIEW_PX, VIEW_PX)
        lens = Intrinsics(1.9 * VIEW_PX, 1.9 * VIEW_PX, VIEW_PX / 2, VIEW_PX / 2)
        canvas.draw_mesh(points.astype(np.float32), mesh.faces.astype(np.int32), intrinsics=lens, label=1)
        seen.append(canvas.inverse_depth > 0)
    return np.stack(seen)


def alike(mesh: trimesh.Trimesh, other: trimesh.Trimesh) -> float:
    """Least overlap of the outlines of two meshes over the views."""
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    place = (low + high) / 2, float(np.linalg.norm(high - low)) / 2
    a, b = outlines(mesh, *place), outlines(other, *place)
    return float(((a & b).sum(axis=(1, 2)) / np.maximum((a | b).sum(axis=(1, 2)), 1)).min())


def faithful(mesh: trimesh.Trimesh, budgets: tuple[tuple[int, int], ...]) -> trimesh.Trimesh | None:
    """The mesh at the first number of faces that keeps its outlines; None if none does."""
    for budget, haste in budgets:
        thin = thinned(mesh.copy(), budget, haste=haste)
        if len(thin.faces) <= 1.2 * budget and alike(mesh, thin) >= ALIKE:
            return thin
    return None


def _piece(catalog: Catalog, name: str, split: str, place: str) -> Piece | None:
    mesh = faithful(catalog.mesh(name), BUDGETS[place])
    if mesh is None:
        return None
    x, y, z = mesh.vertices.T
    upright = np.stack([x, -z, y], axis=1)
    low, size = upright.min(axis=0), np.ptp(upright, axis=0)
    steps = np.round((upright - low) / np.maximum(size, 1e-6) * STEPS).astype(np.int16)
    vertices, faces = _ordered(steps, mesh.faces)
    library = catalog.library
    return Piece(
        name=f"{library}/{name}",
        split=split,
        place=place,
        vertices=vertices,
        faces=faces,
        size_m=size,
        licence="CC0-1.0" if library == CC0 else "CC-BY-3.0",
        author=catalog.author(name),
        source=catalog.origin(name),
    )


def _ordered(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same mesh without doubled vertices and empty faces, in an order in which neighbors are small differences."""
    vertices, back = np.unique(vertices, axis=0, return_inverse=True)
    faces = back.reshape(-1)[faces]
    a, b, c = faces.T
    faces = faces[(a != b) & (b != c) & (a != c)]
    # Each face starts at its lowest vertex, faces follow their first one.
    first = faces.argmin(axis=1)
    faces = np.take_along_axis(faces, (first[:, None] + np.arange(3)) % 3, axis=1)
    faces = faces[np.lexsort(faces.T[::-1])]
    _, place = np.unique(faces, return_index=True)
    order = np.unique(faces)[np.argsort(place)]
    number = np.empty(len(vertices), int)
    number[order] = np.arange(len(order))
    return vertices[order], number[faces]


def write_library(path: Path, found: list[Piece]) -> None:
    """Write all meshes as one archive; vertices and faces as differences to the ones before, column by column."""
    vertices = [np.diff(p.vertices.astype(np.int32), axis=0, prepend=0) for p in found]
    faces = [np.diff(p.faces.astype(np.int32), axis=0, prepend=0) for p in found]
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        path,
        vertex_steps=np.ascontiguousarray(np.concatenate(vertices).T.astype(np.int16)),
        face_steps=np.ascontiguousarray(np.concatenate(faces).T.astype(np.int16)),
        vertex_count=np.array([len(p.vertices) for p in found], np.int32),
        face_count=np.array([len(p.faces) for p in found], np.int32),
        size_m=np.array([p.size_m for p in found], np.float32),
        steps=np.array(STEPS, np.int32),
        name=np.array([p.name for p in found]),
        split=np.array([p.split for p in found]),
        place=np.array([p.place for p in found]),
    )


def write_credits(path: Path, found: list[Piece]) -> None:
    """Put the section "Household" into the attribution file, next to whatever else it holds."""
    lines = [f"| {p.name.split('/')[1]} | {p.author} | {p.licence} | {p.source} |" for p in found]
    write_section(path, CREDITS.strip() + "\n" + "\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--furniture", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    found = pieces(given.furniture)
    write_library(given.out, found)
    write_credits(given.out.parent / "ATTRIBUTION.md", found)
    for key in HOUSEHOLD:
        part = [p for p in found if (p.split, p.place) == key]
        print(*key, len(part), "models,", sum(len(p.faces) for p in part), "faces")
    print(f"{given.out}: {given.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
