"""Close hands on objects and write the grasp library `src/graspseg/synth/assets/grasps.npz`.

    python tools/assets/bake_objects.py ...      # writes the distance fields this script reads
    python tools/assets/make_grasps.py --sdf objects_sdf.npz --per-object 26 --seed 0 --workers 2

Each grasp: place the object (pushed against the palm, or between thumb and fingers), then flex joint by joint until the
skin touches. Kept when nothing sinks in deeper than 2 mm and thumb or palm opposes at least one finger.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from grasp_solver import Solver
from graspseg.synth.body.hand import HandModel
from graspseg.synth.objects.grasp import GRASP_KINDS, GraspKind
from graspseg.synth.objects.objects import load_objects
from solver_field import Field

ASSETS = Path(__file__).parents[2] / "src" / "graspseg" / "synth" / "assets"
KINDS_BY_GRIP: dict[str, dict[GraspKind, float]] = {
    "body": {"power": 0.58, "pinch": 0.14, "tripod": 0.16, "plate": 0.07, "hook": 0.05},
    "handle": {"handle": 0.6, "power": 0.2, "hook": 0.1, "pinch": 0.1},
    "pinch": {"pinch": 0.4, "tripod": 0.3, "lateral": 0.15, "power": 0.15},
    "plate": {"pinch": 0.3, "lateral": 0.25, "power": 0.25, "plate": 0.2},
}


def solve_object(task: tuple[str, str, Path, int, int]) -> list[dict]:
    """Close `wanted` grasps of one hand on one object."""
    hand_name, object_name, sdf_path, wanted, seed = task
    model = load_objects()[object_name]
    with np.load(sdf_path) as stored:
        field = Field.read(stored, object_name)
    hand = HandModel.load(hand_name)
    rng = np.random.default_rng([seed, *object_name.encode(), *hand_name.encode()])
    table = KINDS_BY_GRIP[model.grip]
    found: list[dict] = []
    for _ in range(wanted * 6):
        kind = list(table)[rng.choice(len(table), p=list(table.values()))]
        solver = Solver(hand, model, field, rng)
        if solver.solve(kind):
            found.append(
                {
                    "hand": hand_name,
                    "object": object_name,
                    "kind": GRASP_KINDS.index(kind),
                    "shape": solver.shape,
                    "articulation": solver.articulation.copy(),
                    "object_scale": solver.scale,
                    "object_pose": solver.pose,
                }
            )
            if len(found) == wanted:
                break
    return found


def write(found: list[dict], path: Path) -> None:
    """Pack the grasps as half precision arrays (0.1 mm and 0.001 rad are finer than the closing)."""
    hands, objects = sorted({g["hand"] for g in found}), sorted({g["object"] for g in found})
    rows: dict[str, int] = dict.fromkeys(hands, 0)
    row = []
    for grasp in found:
        row.append(rows[grasp["hand"]])
        rows[grasp["hand"]] += 1
    arrays = {
        "hand_names": np.array(hands),
        "object_names": np.array(objects),
        "hand": np.array([hands.index(g["hand"]) for g in found], np.uint8),
        "object": np.array([objects.index(g["object"]) for g in found], np.uint16),
        "row": np.array(row, np.uint16),
        "kind": np.array([g["kind"] for g in found], np.uint8),
        "articulation": np.array([g["articulation"] for g in found], np.float16),
        "object_scale": np.array([g["object_scale"] for g in found], np.float16),
        "object_pose": np.array([g["object_pose"] for g in found], np.float16),
        "left": np.zeros(len(found), bool),
        "edition_1": np.ones(len(found), bool),
        "edition_2": np.zeros(len(found), bool),
        "pair_kind": np.zeros(0, np.uint8),
        "pair_rows": np.zeros((0, 2), np.uint16),
    }
    for name in hands:
        arrays[f"shape_{name}"] = np.array([g["shape"] for g in found if g["hand"] == name], np.float16)
        for key, form in (("shape", arrays[f"shape_{name}"].shape[1:]), ("articulation", (2, 5, 4)), ("pose", (3, 4))):
            arrays[f"cover_{name}_{key}"] = np.zeros((0, *form), np.float16)
    temporary = path.with_suffix(".tmp.npz")
    np.savez_compressed(temporary, **arrays)
    temporary.replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sdf", type=Path, required=True, help="distance fields of tools/assets/bake_objects.py")
    parser.add_argument("--per-object", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", nargs="*", help="object names (default: all)")
    parser.add_argument("--out", type=Path, default=ASSETS / "grasps.npz")
    args = parser.parse_args()
    tasks = []
    for name, model in sorted(load_objects().items()):
        if args.only and name not in args.only:
            continue
        hand = "webxr" if model.split == "unseen" else "anny"
        tasks.append((hand, name, args.sdf, args.per_object, args.seed))
    found: list[dict] = []
    with ProcessPoolExecutor(args.workers) as pool:
        for done, grasps in enumerate(pool.map(solve_object, tasks), 1):
            found += grasps
            print(f"{done}/{len(tasks)} {tasks[done - 1][1]}: {len(grasps)} grasps, {len(found)} in all", flush=True)
    write(found, args.out)


if __name__ == "__main__":
    main()
