"""Make edition 2 of the grasp library out of edition 1: clean, repair, and add what is missing.

    python tools/assets/extend_grasps.py clean
    python tools/assets/extend_grasps.py more --sdf objects_sdf.npz --batch palm --seed 1

`clean` judges every grasp of edition 1 by `grasp_rules.py`: good ones become members of edition 2, slightly sunk ones
are moved out of the skin and added. `more` closes further grasps of one kind, a fixed number on each object.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from grasp_file import GraspFile
from grasp_rules import Examiner
from grasp_solver import Solver
from graspseg.synth.body.hand import HandModel
from graspseg.synth.objects.grasp import Grasp, GraspKind, load_grasps
from graspseg.synth.objects.objects import ObjectModel, load_objects
from solver_field import Field
from surface_fields import surface_field

LIBRARY = Path(__file__).parents[2] / "src" / "graspseg" / "synth" / "assets" / "grasps.npz"
WANTED: dict[GraspKind, dict[str, int]] = {
    "palm": {"body": 3, "plate": 4, "pinch": 3},
    "handle": {"handle": 10},
    "lateral": {"plate": 8, "pinch": 8, "handle": 4, "body": 1},
    "pinch": {"body": 1, "pinch": 4},
    "tripod": {"body": 1, "pinch": 4},
    "power": {"body": 3, "plate": 1},
}
ATTEMPTS_EACH = 6


def examiners(objects: dict[str, ObjectModel]) -> Iterator[tuple[ObjectModel, Examiner]]:
    """Each object with the hand of its split."""
    for name in sorted(objects):
        model = objects[name]
        hand = HandModel.load("webxr" if model.split == "unseen" else "anny")
        yield model, Examiner(hand, model, surface_field(model.vertices, model.faces))


def clean(library: GraspFile) -> None:
    """Set the members of edition 2 among the grasps of edition 1, and add the repaired ones."""
    rows: dict[str, list[tuple[int, Grasp]]] = defaultdict(list)
    for row, grasp in enumerate(load_grasps(1)):
        rows[grasp.object_name].append((row, grasp))
    repaired: list[Grasp] = []
    for model, examiner in examiners(load_objects()):
        for row, grasp in rows[model.name]:
            settled = examiner.settled(grasp)
            if settled is not None and np.array_equal(settled.object_pose, grasp.object_pose):
                library.arrays["edition_2"][row] = True
            elif settled is not None:
                repaired.append(settled)
    print(f"{library.arrays['edition_2'].sum()} of {library.count} are good, {len(repaired)} repaired")
    library.add(repaired, edition_2=True)


def more(library: GraspFile, kind: GraspKind, fields: Path, seed: int) -> None:
    """Close grasps of one kind on every object that suits it."""
    found: list[Grasp] = []
    with np.load(fields) as packed:
        for model, examiner in examiners({n: m for n, m in load_objects().items() if m.grip in WANTED[kind]}):
            field = Field.read(packed, model.name)
            rng = np.random.default_rng([seed, *kind.encode(), *model.name.encode()])
            found += closed(model, examiner, field, kind, rng)
    print(f"{len(found)} grasps of kind {kind}")
    library.add(found, edition_2=True)


def closed(
    model: ObjectModel, examiner: Examiner, field: Field, kind: GraspKind, rng: np.random.Generator
) -> list[Grasp]:
    found: list[Grasp] = []
    wanted = WANTED[kind][model.grip]
    for _ in range(wanted * ATTEMPTS_EACH):
        solver = Solver(examiner.hand, model, field, rng)
        if not solver.solve(kind):
            continue
        grasp = examiner.settled(solver.grasp(kind))
        if grasp is not None:
            found.append(grasp)
        if len(found) == wanted:
            break
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("clean", "more"))
    parser.add_argument("--library", type=Path, default=LIBRARY)
    parser.add_argument("--batch", choices=tuple(WANTED))
    parser.add_argument("--sdf", type=Path, help="distance fields of tools/assets/bake_objects.py")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    library = GraspFile(options.library)
    if options.step == "clean":
        clean(library)
    else:
        more(library, options.batch, options.sdf, options.seed)
    library.write(options.library)


if __name__ == "__main__":
    main()
