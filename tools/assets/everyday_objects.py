"""Hand-held objects from the Sweet Home 3D furniture libraries (CC0 and CC BY): which ones, and how they are held."""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import fast_simplification
import numpy as np
import trimesh

from object_recipe import Recipe, canonical


@dataclass(frozen=True)
class Item:
    """One model of a library.

    `center` is where the hand closes, in half extents of the canonical axes; `axis` lies across the palm; `size` is
    a factor on the size of the catalog; `hull` asks for a distance field as if the object were full and convex.
    """

    library: str
    model: str
    category: str
    split: str
    grip: str = "body"
    center: tuple[float, float, float] = (0.0, 0.0, 0.0)
    axis: tuple[float, float, float] = (1.0, 0.0, 0.0)
    size: float = 1.0
    hull: bool = False
    scale: tuple[float, float] = (0.85, 1.2)


CC0, BY, SCOPIA = "BlendSwap-CC-0", "BlendSwap-CC-BY", "Scopia"
ACROSS = (0.0, 1.0, 0.0)

# fmt: off
ITEMS: tuple[Item, ...] = (
    Item(CC0, "cissors_swap", "scissors", "train", "handle", (0.6, 0, 0)),
    Item(CC0, "comb", "comb", "train", "handle", (0.7, 0, 0)),
    Item(CC0, "cosmeticsPot", "pot", "train"),
    Item(CC0, "mamadeira", "baby-bottle", "train"),
    Item(CC0, "plasticCup", "cup", "train", hull=True),
    Item(CC0, "ruler", "ruler", "train", "plate", (-0.6, 0, 0), ACROSS, 0.9),
    Item(CC0, "textMarker", "marker", "train", "pinch", (-0.3, 0, 0)),
    Item(CC0, "yogurtBottle", "bottle", "train"),
    Item(CC0, "flacon", "flacon", "train"),
    Item(CC0, "tetrapak", "carton", "train", scale=(0.6, 1.1)),
    Item(CC0, "beerGlass", "mug", "train", "handle", (0.05, 0.85, 0)),
    Item(CC0, "cupcake", "cupcake", "train", hull=True),
    Item(CC0, "hotDog", "hot-dog", "train", size=0.85, hull=True),
    Item(CC0, "cardGame", "playing-cards", "train", "pinch", (0, -0.7, 0), size=0.85),
    Item(CC0, "deer", "figurine", "train", "body", (-0.1, 0, 0)),
    Item(CC0, "teddyBear", "soft-toy", "train", size=0.5),
    Item(CC0, "butter", "tub", "train"),
    Item(BY, "coffee_cup", "cup", "train", hull=True),
    Item(BY, "beer_bottle", "bottle", "train"),
    Item(BY, "book", "open-book", "train", "plate", (0, -0.6, 0), size=0.8),
    Item(BY, "glass", "stemmed-glass", "train", "body", (-0.3, 0, 0), hull=True),
    Item(BY, "fork", "fork", "train", "handle", (0.45, 0, 0)),
    Item(BY, "spoon", "spoon", "train", "handle", (0.45, 0, 0)),
    Item(BY, "knife", "knife", "train", "handle", (0.5, 0, 0)),
    Item(BY, "rubix2", "puzzle-cube", "train", hull=True),
    Item(BY, "lipStick", "lipstick", "train", "pinch", (-0.4, 0, 0)),
    Item(BY, "mobile", "phone", "train", "plate", hull=True),
    Item(BY, "clock", "clock", "train", hull=True),
    Item(BY, "gift", "gift", "train", size=0.45, hull=True),
    Item(BY, "ballonFoot", "ball", "train", size=0.35),
    Item(SCOPIA, "pottery", "pot", "train", size=0.8, hull=True),
    Item(SCOPIA, "pencil1", "pencil", "train", "pinch", (-0.65, 0, 0)),
    Item(SCOPIA, "com_bath", "bottle", "train", hull=True),
    Item(SCOPIA, "com_bath2_cepillo", "brush", "train", "handle", (0.6, 0, 0.65)),
    Item(SCOPIA, "creamer", "jug", "train", "handle", (0.85, 0.1, 0), ACROSS),
    Item(SCOPIA, "medicoscopia_bottle", "medicine-bottle", "train", hull=True),
    Item(SCOPIA, "medicoscopia_box", "carton", "train", hull=True),
    Item(SCOPIA, "marteau", "hammer", "train", "handle", (0.4, 0, 0), size=0.85),
    Item(SCOPIA, "tournevis", "screwdriver", "train", "handle", (0.55, 0, 0)),
    Item(SCOPIA, "kitchen_tool2", "ladle", "train", "handle", (-0.5, 0, 0.7), size=0.65),
    Item(SCOPIA, "tablet", "tablet", "train", "plate", (-0.75, 0, 0), ACROSS, hull=True),
    Item(SCOPIA, "smoke-detector", "disc", "train", "plate", (-0.5, 0, 0), ACROSS, hull=True),
    Item(SCOPIA, "com_bath3_toalla", "folded-cloth", "train", hull=True),
    Item(CC0, "bread", "bread", "val", size=0.7, hull=True),
    Item(CC0, "woodToy", "figurine", "val"),
    Item(CC0, "kalender", "calendar", "val", hull=True),
    Item(BY, "kitchenKnife", "knife", "val", "handle", (0.6, 0, 0)),
    Item(BY, "cocktailGlass", "stemmed-glass", "val", "body", (-0.3, 0, 0)),
    Item(SCOPIA, "wine_bottle", "bottle", "val"),
    Item(SCOPIA, "com_bath2_jabon_pijo", "bottle", "val"),
    Item(SCOPIA, "medicoscopia_bottle2", "medicine-bottle", "val"),
    Item(SCOPIA, "com_bath2_peineta", "comb", "val", "plate", (0, -0.5, 0), size=1.2),
    Item(SCOPIA, "pencil2", "pencil", "val", "pinch", (-0.65, 0, 0)),
    Item(SCOPIA, "kitchen_tool4", "ladle", "val", "handle", (-0.5, 0, 0.2), size=0.65),
    Item(SCOPIA, "cendrier", "tray", "val", size=0.8, hull=True),
    Item(SCOPIA, "steak", "steak", "val", size=0.5),
    Item(CC0, "caffe_final", "cup-and-saucer", "unseen", "plate", (-0.88, 0, -0.4), ACROSS, 1.2),
    Item(CC0, "cartoon_biplane", "toy-plane", "unseen"),
    Item(CC0, "cactus", "potted-plant", "unseen", "body", (-0.5, 0, 0), size=0.7),
    Item(BY, "boiler", "kettle", "unseen", "handle", (0.88, 0.1, 0), ACROSS),
    Item(BY, "espressokettle", "kettle", "unseen", "handle", (0.8, 0.2, 0), (0.2, 1, 0)),
    Item(BY, "carrito-de-madera", "toy-car", "unseen", size=0.5),
    Item(BY, "toyTrain", "toy-train", "unseen", size=0.7),
    Item(BY, "hamburger", "hamburger", "unseen", hull=True),
    Item(BY, "sunglasses", "eyeglasses", "unseen", "pinch", (0.93, 0.5, 0.2), ACROSS),
    Item(BY, "tableTennisBat", "paddle", "unseen", "handle", (0.78, 0, 0)),
    Item(BY, "saltShaker", "shaker", "unseen", hull=True),
    Item(BY, "campingLamp", "lantern", "unseen", size=0.6, hull=True),
    Item(BY, "succulentPlant", "potted-plant", "unseen", size=0.7, hull=True),
    Item(SCOPIA, "glasses", "eyeglasses", "unseen", "pinch", (0.5, 0.93, 0.2)),
    Item(SCOPIA, "teapot", "teapot", "unseen", "handle", (0.8, -0.15, 0), ACROSS, 0.9),
    Item(SCOPIA, "old_jar", "pitcher", "unseen", "handle", (0.5, -0.8, 0), size=0.55),
    Item(SCOPIA, "basic_camera", "camera", "unseen", "body", (-0.5, 0, 0), ACROSS),
    Item(SCOPIA, "reflex_camera", "camera", "unseen", "body", (-0.6, 0, 0), ACROSS),
    Item(SCOPIA, "montre", "watch", "unseen", "pinch", (-0.3, 0, 0)),
    Item(SCOPIA, "rouleau-de-ruban-adhesif", "tape", "unseen", "handle", (-0.65, 0, 0), ACROSS, 0.8),
    Item(SCOPIA, "perceuse-electrique", "drill", "unseen", "handle", (-0.22, 0, 0), (0.1, 1, 0), 0.85),
    Item(SCOPIA, "keys", "keys", "unseen", "pinch", (0.3, -0.4, 0.3)),
    Item(SCOPIA, "tv-remote-control", "remote", "unseen", "plate", (-0.2, 0, 0), hull=True),
    Item(SCOPIA, "com_bath2_soap", "soap-dispenser", "unseen"),
    Item(SCOPIA, "doll", "doll", "unseen", hull=True),
    Item(SCOPIA, "frame1", "picture-frame", "unseen", "plate", (0.0, -0.6, 0), size=0.7),
)
# fmt: on


def recipes(folder: Path, most_faces: int) -> list[Recipe]:
    """All everyday objects of `ITEMS`, each with at most `most_faces` triangles."""
    catalogs = {name: Catalog(folder / f"{name}.sh3f") for name in sorted({item.library for item in ITEMS})}
    return [_recipe(name, item, catalogs[item.library], most_faces) for name, item in named(ITEMS)]


def named(items: tuple[Item, ...]) -> list[tuple[str, Item]]:
    """Names after the category; the second of its kind is `<category>-2`."""
    seen: Counter[str] = Counter()
    found = []
    for item in items:
        seen[item.category] += 1
        found.append((item.category if seen[item.category] == 1 else f"{item.category}-{seen[item.category]}", item))
    return found


def _recipe(name: str, item: Item, catalog: Catalog, most_faces: int) -> Recipe:
    mesh = thinned(catalog.mesh(item.model), most_faces)
    mesh.fix_normals()
    mesh.apply_scale(item.size)
    loose = Recipe(
        name=name,
        category=item.category,
        split=item.split,
        kind="everyday",
        mesh=mesh,
        scale=(item.scale,) * 3,
        licence="CC0-1.0" if item.library == CC0 else "CC-BY-3.0",
        author=catalog.author(item.model),
        source=catalog.origin(item.model),
    )
    # The place of the grip is given in canonical axes, so the mesh has to be in them first.
    placed = canonical(loose).mesh
    half = np.ptp(placed.vertices, axis=0) / 2
    return replace(
        loose,
        mesh=placed,
        grip=item.grip,
        grip_center=np.asarray(item.center) * half,
        grip_axis=np.asarray(item.axis, dtype=float),
        solid=placed.convex_hull if item.hull else None,
    )


def thinned(mesh: trimesh.Trimesh, most_faces: int, *, haste: int = 7) -> trimesh.Trimesh:
    """The mesh with at most that many triangles, where that can be had; the less haste (0 to 10), the truer."""
    # Parts that do not share vertices cannot be thinned out across their seams: weld more coarsely until it works.
    for digits in (6, 5, 4, 3):
        mesh.merge_vertices(digits_vertex=digits)
        mesh.update_faces(mesh.nondegenerate_faces() & mesh.unique_faces())
        if len(mesh.faces) <= most_faces:
            break
        points, faces = fast_simplification.simplify(
            mesh.vertices.astype(np.float32), mesh.faces.astype(np.int32), target_count=most_faces, agg=haste
        )
        mesh = trimesh.Trimesh(points, faces, process=True)
    mesh.remove_unreferenced_vertices()
    return mesh


class Catalog:
    """One `.sh3f` library: a zip of OBJ files and a catalog with their true sizes."""

    def __init__(self, path: Path) -> None:
        self.library = path.stem
        self.archive = zipfile.ZipFile(path)
        text = self.archive.read("PluginFurnitureCatalog.properties").decode("latin-1")
        numbered: dict[str, dict[str, str]] = {}
        for key, number, value in re.findall(r"^(\w+)#(\d+)\s*=\s*(.*?)\s*$", text, flags=re.MULTILINE):
            numbered.setdefault(number, {})[key] = value
        self.entries = {Path(entry["model"]).stem: entry for entry in numbered.values() if "model" in entry}

    def author(self, model: str) -> str:
        if self.library == SCOPIA:
            return "Scopia Visual Interfaces Systems, s.l., and Emmanuel Puybaret / eTeks"
        return self.entries[model]["creator"]

    def origin(self, model: str) -> str:
        """Where the model was published, from the note beside it.

        Raises:
            ValueError: the note names another license than the library does.
        """
        folder = self.entries[model]["model"].lstrip("/").rsplit("/", 1)[0]
        notes = [n for n in self.archive.namelist() if n.startswith(f"{folder}/") and "license" in n.lower()]
        text = self.archive.read(notes[0]).decode("latin-1") if notes else ""
        promised = ("zero",) if self.library == CC0 else ("licenses/by/3.0", "attribution 3.0")
        if text and not any(words in text.lower() for words in promised):
            raise ValueError(f"{folder}: the license note does not say what {self.library} says.")
        page = re.search(r"https?://(?:www\.)?blendswap\.com/blends/view/(\d+)", text)
        return f"{self.library}: {model}" + (f", Blend Swap {page[1]}" if page else "")

    def mesh(self, model: str) -> trimesh.Trimesh:
        """The model in meters, turned and stretched as its catalog entry says."""
        entry = self.entries[model]
        points, faces = _read_obj(self.archive.read(entry["model"].lstrip("/")).decode("latin-1"))
        if "modelRotation" in entry:
            points = points @ np.array(entry["modelRotation"].split(), dtype=float).reshape(3, 3).T
        size_m = np.array([float(entry[side]) for side in ("width", "height", "depth")]) / 100
        extents = np.ptp(points[np.unique(faces)], axis=0)
        return trimesh.Trimesh(points * size_m / np.maximum(extents, 1e-9), faces, process=False)


def _read_obj(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Positions and triangles only; larger polygons are cut into fans."""
    points: list[list[float]] = []
    triangles: list[tuple[int, int, int]] = []
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["v"]:
            points.append([float(word) for word in words[1:4]])
        elif words[:1] == ["f"]:
            corners = [int(word.split("/")[0]) for word in words[1:]]
            corners = [c - 1 if c > 0 else len(points) + c for c in corners]
            triangles += [(corners[0], corners[i], corners[i + 1]) for i in range(1, len(corners) - 1)]
    return np.array(points), np.array(triangles)
