"""Bake the object library: meshes for `graspseg synth`, and distance fields for building the grasp library.

    python tools/assets/bake_objects.py --furniture /usr/share/sweethome3d/furniture \
        --blobs .../pybullet_data/random_urdfs --out src/graspseg/synth/assets/objects.npz --sdf objects_sdf.npz

Needs trimesh, manifold3d, fast-simplification, scipy and libigl, which the product itself does not.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import fast_simplification
import numpy as np
import trimesh

import everyday_objects
import procedural_objects
from attribution import write_section
from distance_fields import write_distance_fields
from object_recipe import Recipe, canonical

BLOB_SCALE = 0.015
BLOB_FACES = 400
BLOB_COUNTS = {"train": 104, "val": 14, "unseen": 22}
BLOB_SEED = 7
# Blobs at these places of every nine are kept back for exams.
KEPT_BACK = (0, 4)
MOST_FACES = 3000
CREDITS = """
## Objects

`objects.npz` is made by `tools/assets/bake_objects.py` from the sources below. All meshes were simplified, scaled,
centered and turned to a common orientation; textures, materials and brand marks were left out. Nobody named here
endorses this project.

- Everyday objects: models of the Sweet Home 3D furniture libraries (Debian package `sweethome3d-furniture` 1.8),
  cleaned and converted by Emmanuel Puybaret / eTeks, <https://www.sweethome3d.com>; the table names each of them.
  CC0-1.0: <https://creativecommons.org/publicdomain/zero/1.0/>.
  CC-BY-3.0: <https://creativecommons.org/licenses/by/3.0/>.
  "Blend Swap N" stands for <https://www.blendswap.com/blends/view/N>, "Scopia" for <https://www.scopia.es>.
- `blob_NNN`: `pybullet_data/random_urdfs/NNN` of pybullet 3.2.7, <https://pybullet.org>, zlib license, (c) Erwin
  Coumans and the Bullet authors; altered as said above, not the original files.
- All others are built from primitives by `tools/assets/procedural_objects.py`: Apache-2.0, the graspseg authors.
"""


def blob_recipes(folder: Path) -> list[Recipe]:
    """Random shapes; the number in the name is the place in the sorted folder."""
    sources = sorted(path for path in folder.iterdir() if path.is_dir())
    allowed = [i for i in range(len(sources)) if i % 9 not in KEPT_BACK]
    splits = [split for split, count in BLOB_COUNTS.items() for _ in range(count)]
    found: list[Recipe] = []
    for place in np.random.default_rng(BLOB_SEED).permutation(allowed).tolist():
        mesh = trimesh.load_mesh(sources[place] / f"{sources[place].name}.obj", process=True)
        if not mesh.is_volume:
            continue
        mesh = simplified(trimesh.Trimesh(mesh.vertices * BLOB_SCALE, mesh.faces), BLOB_FACES)
        if not mesh.is_volume:
            continue
        if len(found) == len(splits):
            break
        mesh.apply_transform(mesh.principal_inertia_transform)
        found.append(
            Recipe(
                name=f"blob_{place:03d}",
                category="blob",
                split=splits[len(found)],
                kind="blob",
                mesh=mesh,
                scale=((0.7, 1.2),) * 3,
                licence="Zlib",
                author="Erwin Coumans and the Bullet authors",
                source=f"random_urdfs/{sources[place].name}",
            )
        )
    return sorted(found, key=lambda recipe: recipe.name)


def simplified(mesh: trimesh.Trimesh, most_faces: int) -> trimesh.Trimesh:
    """The mesh itself, or a version with at most `most_faces` triangles."""
    if len(mesh.faces) <= most_faces:
        return mesh
    vertices, faces = fast_simplification.simplify(
        np.asarray(mesh.vertices, dtype=np.float32), np.asarray(mesh.faces, dtype=np.int32), target_count=most_faces
    )
    return trimesh.Trimesh(vertices, faces, process=True)


def write_library(path: Path, recipes: list[Recipe]) -> None:
    """Write all meshes as one archive: int16 vertices with one step length per object, uint16 faces."""
    steps = np.array([np.abs(r.mesh.vertices).max() / 32767 for r in recipes])
    vertices = [np.round(r.mesh.vertices / step).astype(np.int16) for r, step in zip(recipes, steps, strict=True)]
    text = {key: np.array([getattr(r, key) for r in recipes]) for key in ("name", "category", "split", "kind", "grip")}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        path,
        vertices=np.concatenate(vertices),
        faces=np.concatenate([r.mesh.faces for r in recipes]).astype(np.uint16),
        vertex_count=np.array([len(v) for v in vertices], dtype=np.int32),
        face_count=np.array([len(r.mesh.faces) for r in recipes], dtype=np.int32),
        step_m=steps.astype(np.float32),
        grip_center=np.array([r.grip_center for r in recipes], dtype=np.float32),
        grip_axis=np.array([r.grip_axis for r in recipes], dtype=np.float32),
        scale_range=np.array([r.scale for r in recipes], dtype=np.float32),
        licence=np.array([r.licence for r in recipes]),
        author=np.array([r.author for r in recipes]),
        **text,
    )


def report(recipes: list[Recipe]) -> None:
    for split in ("train", "val", "unseen"):
        part = [r for r in recipes if r.split == split]
        kinds = {kind: sum(r.kind == kind for r in part) for kind in ("everyday", "procedural", "blob")}
        print(f"{split}: {len(part)} objects, {len({r.category for r in part})} categories, {kinds}")
    open_meshes = [r.name for r in recipes if not r.mesh.is_watertight]
    print(f"{sum(len(r.mesh.faces) for r in recipes)} faces; not watertight: {', '.join(open_meshes)}")


def write_credits(path: Path, recipes: list[Recipe]) -> None:
    """Put the section "Objects" into the attribution file, next to whatever else it holds."""
    everyday = [r for r in recipes if r.kind == "everyday"]
    lines = [CREDITS.strip(), "", "| object | author | license | source |", "|---|---|---|---|"]
    lines += [f"| {r.name} | {r.author} | {r.licence} | {r.source} |" for r in everyday]
    write_section(path, "\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--furniture", type=Path, help="folder with BlendSwap-CC-0.sh3f and its neighbors")
    parser.add_argument("--blobs", type=Path, help="pybullet_data/random_urdfs")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sdf", type=Path, help="also write one distance grid per object to this file")
    parser.add_argument("--credits", type=Path, help="attribution file that gets the section about objects")
    options = parser.parse_args()
    recipes = everyday_objects.recipes(options.furniture, MOST_FACES) if options.furniture else []
    recipes += procedural_objects.recipes()
    if options.blobs:
        recipes += blob_recipes(options.blobs)
    recipes = [canonical(recipe) for recipe in recipes]
    write_library(options.out, recipes)
    report(recipes)
    if options.credits:
        write_credits(options.credits, recipes)
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.2f} MB")
    if options.sdf:
        write_distance_fields(options.sdf, recipes)


if __name__ == "__main__":
    main()
