"""Bake what two hands do: both on one object, handing it over, or one hand on the other.

    python tools/assets/make_pairs.py objects --sdf objects_sdf.npz --seed 3 --part 0 4
    python tools/assets/make_pairs.py covers --seed 3

A left hand is solved as a right hand on the mirrored object (or on the mirrored other hand): exact for any shape. Kept
when no body sinks deeper than 2 mm into another and both forearms have room and could belong to the people they should.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from extend_grasps import LIBRARY, examiners
from grasp_file import GraspFile
from grasp_rules import DEEPEST_M, MIRROR, Examiner, depth_below
from grasp_solver import Solver
from graspseg.synth.body.articulation import HandPose
from graspseg.synth.body.clearance import arm_balls, ball_depth, chain_depth, vertex_normals
from graspseg.synth.body.hand import HandModel, HandName
from graspseg.synth.objects.grasp import Grasp, GraspKind, GraspPair, HandOnHand, PairKind, load_grasps
from graspseg.synth.objects.objects import ObjectModel, load_objects
from solver_field import Field
from surface_fields import surface_field

SMALLEST_M = {"two_hands": 0.10, "handover": 0.07}
PAIRS_EACH: dict[PairKind, int] = {"two_hands": 2, "handover": 2}
SECOND_KINDS: dict[PairKind, dict[GraspKind, float]] = {
    "two_hands": {"power": 0.5, "plate": 0.15, "pinch": 0.15, "tripod": 0.1, "hook": 0.1},
    "handover": {"power": 0.4, "plate": 0.1, "palm": 0.1, "pinch": 0.25, "tripod": 0.15},
}
COVERS: dict[HandName, int] = {"anny": 100, "webxr": 50}
BLOBS_KEPT = 3
COVERED: dict[HandPose, float] = {"fist": 0.35, "relaxed": 0.35, "spread": 0.15, "pinch": 0.15}
COVERING: dict[GraspKind, float] = {"power": 0.6, "plate": 0.4}
WRIST_M = 0.06


def mirrored(model: ObjectModel, field: Field) -> tuple[ObjectModel, Field]:
    """An object and its field reflected in z."""
    flip = np.array([1, 1, -1], np.float32)
    origin = field.origin.copy()
    origin[2] = -(field.origin[2] + (field.grid.shape[2] - 1) * field.pitch)
    turned = replace(
        model,
        vertices=model.vertices * flip,
        faces=np.ascontiguousarray(model.faces[:, ::-1]),
        grip_center=model.grip_center * flip,
        grip_axis=model.grip_axis * flip,
    )
    return turned, Field(np.ascontiguousarray(field.grid[:, :, ::-1]), origin, field.pitch)


def left_handed(grasp: Grasp, name: str) -> Grasp:
    """A right hand's grasp of the object reflected in z as a left hand's grasp of the object itself."""
    pose = MIRROR[:, None] * grasp.object_pose
    pose[:, 2] *= -1
    return replace(grasp, object_name=name, object_pose=pose.astype(np.float32), left=True)


class Body:
    """A hand with a straight arm somewhere: skin, normals, balls along the arm, direction of the forearm."""

    def __init__(self, hand: HandModel, shape: np.ndarray, articulation: np.ndarray, pose: np.ndarray) -> None:
        vertices = hand.vertices(shape, articulation)
        normals = vertex_normals(vertices, hand.faces)
        rotation, shift = pose[:, :3], pose[:, 3]
        near = hand.part > 0
        self.skin = vertices[near] @ rotation.T + shift
        self.normals = normals[near] @ rotation.T
        self.balls = arm_balls(hand.name, (vertices @ rotation.T + shift).astype(np.float32))
        self.forearm = -rotation[:, 0]
        self.elbow = shift + 0.25 * self.forearm

    def clear_of(self, other: Body, *, slack_m: float) -> bool:
        """Whether skin and arms keep out of each other."""
        if chain_depth(self.balls, other.balls) > -slack_m:
            return False
        if max(ball_depth(self.balls, other.skin[::5]), ball_depth(other.balls, self.skin[::5])) > -slack_m:
            return False
        return self.depth_in(other) <= DEEPEST_M

    def depth_in(self, other: Body) -> float:
        """How far one hand's skin lies below the other's."""
        mine, _ = depth_below(self.skin, other.skin, other.normals)
        theirs, _ = depth_below(other.skin, self.skin, self.normals)
        return float(max(mine.max(), theirs.max()))


def plausible(kind: PairKind, first: Body, second: Body) -> bool:
    """One person's elbows are not far apart and the forearms not opposed; two people's forearms come from apart."""
    facing = float(first.forearm @ second.forearm)
    apart = float(np.linalg.norm(first.elbow - second.elbow))
    return (facing > -0.6 and 0.12 < apart < 0.7) if kind == "two_hands" else facing < 0.4


def pairs_on(
    model: ObjectModel, examiner: Examiner, field: Field, bases: list[Grasp], rng: np.random.Generator
) -> list[GraspPair]:
    """Second grasps for some of an object's grasps."""
    turned, turned_field = mirrored(model, field)
    found: list[GraspPair] = []
    for kind, wanted in PAIRS_EACH.items():
        count = 0
        for _ in range(40 * wanted):
            base = bases[rng.integers(len(bases))]
            if (model.extents * base.object_scale)[0] < SMALLEST_M[kind]:
                continue
            table = SECOND_KINDS[kind]
            second_kind = list(table)[rng.choice(len(table), p=list(table.values()))]
            shape = base.shape if kind == "two_hands" or rng.uniform() < 0.3 else None
            solver = Solver(examiner.hand, turned, turned_field, rng, shape=shape, scale=base.object_scale)
            if not solver.solve(second_kind):
                continue
            second = examiner.settled(left_handed(solver.grasp(second_kind), model.name))
            if second is None:
                continue
            pair = GraspPair(kind, base, second)
            hand, home = examiner.hand, np.eye(3, 4)
            here = Body(hand, base.shape, base.articulation, home)
            there = Body(hand, second.shape, second.articulation, pair.second_pose @ np.diag([*MIRROR, 1]))
            if plausible(kind, here, there) and here.clear_of(there, slack_m=0.005):
                found.append(pair)
                count += 1
            if count == wanted:
                break
    return found


def covers_of(hand: HandModel, wanted: int, rng: np.random.Generator) -> list[HandOnHand]:
    """Left hands closed on right hands."""
    found: list[HandOnHand] = []
    while len(found) < wanted:
        shape = hand.sample_shape(rng)
        pose = list(COVERED)[rng.choice(len(COVERED), p=list(COVERED.values()))]
        below = hand.sample_articulation(rng, pose)
        model, field = hand_as_object(hand, shape, below, rng)
        for _ in range(6):
            kind = list(COVERING)[rng.choice(len(COVERING), p=list(COVERING.values()))]
            solver = Solver(hand, model, field, rng, shape=shape, scale=np.ones(3))
            if not solver.solve(kind):
                continue
            left_of_right = MIRROR[:, None] * solver.pose @ np.diag([*MIRROR, 1])
            rotation = left_of_right[:, :3].T
            onto = np.column_stack([rotation, -rotation @ left_of_right[:, 3]])
            half = [a.astype(np.float16).astype(np.float32) for a in (shape, below, solver.articulation, onto)]
            here = Body(hand, half[0], half[1], np.eye(3, 4))
            there = Body(hand, half[0], half[2], half[3] @ np.diag([*MIRROR, 1]))
            if plausible("two_hands", here, there) and here.clear_of(there, slack_m=0.0):
                found.append(HandOnHand(hand.name, half[0], np.stack(half[1:3]), half[3]))
                break
    return found


def hand_as_object(
    hand: HandModel, shape: np.ndarray, articulation: np.ndarray, rng: np.random.Generator
) -> tuple[ObjectModel, Field]:
    """The mirror image of a hand up to the wrist as a thing to hold, and its field."""
    vertices = (hand.vertices(shape, articulation) * MIRROR).astype(np.float32)
    faces = hand.faces[(vertices[hand.faces, 0] > -WRIST_M).all(axis=1), ::-1]
    used, faces = np.unique(faces, return_inverse=True)
    vertices, faces = vertices[used], faces.reshape(-1, 3).astype(np.int32)
    measured = surface_field(vertices, faces, through=2)
    lengthwise = rng.uniform() >= 0.7
    axis = np.array([1.0, rng.normal(0, 0.3), 0] if lengthwise else [rng.normal(0, 0.5), 1.0, rng.normal(0, 0.2)])
    model = replace(
        next(iter(load_objects().values())),
        vertices=vertices,
        faces=faces,
        grip_center=np.array([rng.uniform(0.05, 0.1), rng.normal(0, 0.01), 0.0], np.float32),
        grip_axis=(axis / np.linalg.norm(axis)).astype(np.float32),
    )
    return model, Field(measured.grid.astype(np.float64), measured.origin, measured.pitch)


def make_pairs(library: GraspFile, fields: Path, *, seed: int, part: tuple[int, int]) -> None:
    """Pairs for one part of the objects that are large enough; of the blobs every third is enough."""
    bases: dict[str, list[Grasp]] = {}
    for grasp in load_grasps(2):
        bases.setdefault(grasp.object_name, []).append(grasp)
    objects = {name: model for name, model in load_objects().items() if name in bases}
    blobs = sorted(name for name, model in objects.items() if model.kind == "blob")
    spared = {name for i, name in enumerate(blobs) if i % BLOBS_KEPT}
    large = [n for n, m in objects.items() if m.extents[0] * m.scale_range[0, 1] > SMALLEST_M["handover"]]
    chosen = sorted(set(large) - spared)[part[0] :: part[1]]
    pairs: list[GraspPair] = []
    with np.load(fields) as packed:
        for model, examiner in examiners({name: objects[name] for name in chosen}):
            field = Field.read(packed, model.name)
            rng = np.random.default_rng([seed, *model.name.encode()])
            pairs += pairs_on(model, examiner, field, bases[model.name], rng)
    members = np.flatnonzero(library.arrays["edition_2"])
    rows = {id(grasp): row for row, grasp in zip(members, load_grasps(2), strict=True)}
    seconds = library.add([pair.second for pair in pairs], edition_2=False)
    firsts = np.array([rows[id(pair.first)] for pair in pairs])
    library.add_pairs([pair.kind for pair in pairs], np.column_stack([firsts, seconds]))
    print({kind: sum(pair.kind == kind for pair in pairs) for kind in PAIRS_EACH})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("objects", "covers"))
    parser.add_argument("--library", type=Path, default=LIBRARY)
    parser.add_argument("--sdf", type=Path, help="distance fields of tools/assets/bake_objects.py")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--part", type=int, nargs=2, default=(0, 1), metavar=("K", "N"), help="every Nth object")
    options = parser.parse_args()
    library = GraspFile(options.library)
    if options.step == "objects":
        make_pairs(library, options.sdf, seed=options.seed, part=tuple(options.part))
    else:
        rng = np.random.default_rng(options.seed)
        covers = [c for name, wanted in COVERS.items() for c in covers_of(HandModel.load(name), wanted, rng)]
        library.set_covers(covers)
        print(f"{len(covers)} hands on hands")
    library.write(options.library)


if __name__ == "__main__":
    main()
