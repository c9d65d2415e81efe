"""Measure the whole grasp library from the shipped assets and say whether it keeps its rules.

    PYTHONPATH=src python tools/assets/check_grasps.py

Every grasp of both editions and every left hand of a pair is measured on the fine meshes (`grasp_rules.py`), every pair
of hands for how far one sinks into the other. Writes benchmarks/results/grasps.json and docs/data/grasps.md. Exits
with 1 when a rule is broken in edition 2 or among the pairs, or when edition 2 is too small or lacks a kind.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from extend_grasps import examiners
from grasp_report import write_report
from grasp_rules import DEEPEST_M, MIRROR, Finding
from graspseg.synth.body.hand import HandModel
from graspseg.synth.objects.grasp import (
    GRASP_KINDS,
    Grasp,
    load_grasps,
    load_hands_on_hands,
    load_pairs,
)
from graspseg.synth.objects.objects import SPLITS, load_objects
from make_pairs import Body

ROOT = Path(__file__).parents[2]
SMALLEST = 10_000
FEWEST_OF_A_KIND = 300
PARTS = ("palm", "thumb", "index", "middle", "ring", "little")


def measured(grasps: list[Grasp]) -> dict[int, Finding]:
    """The finding of each grasp, by identity."""
    by_object: dict[str, list[Grasp]] = defaultdict(list)
    for grasp in {id(g): g for g in grasps}.values():
        by_object[grasp.object_name].append(grasp)
    objects = {name: model for name, model in load_objects().items() if name in by_object}
    return {
        id(grasp): examiner.examine(grasp) for model, examiner in examiners(objects) for grasp in by_object[model.name]
    }


def summary(grasps: list[Grasp], findings: dict[int, Finding]) -> dict:
    """Counts, depths, contacts and broken rules of some grasps."""
    objects = load_objects()
    found = [findings[id(grasp)] for grasp in grasps]
    broken = [finding.broken(grasp.kind) for grasp, finding in zip(grasps, found, strict=True)]
    depth = np.array([finding.depth_m for finding in found]) * 1000
    table = Counter(f"{objects[g.object_name].split} {g.hand} {g.kind}" for g in grasps)
    each = Counter(g.object_name for g in grasps)
    return {
        "count": len(grasps),
        "passing": sum(not rules for rules in broken),
        "broken_rules": dict(sorted(Counter(rule for rules in broken for rule in rules).items())),
        "kinds": {kind: sum(g.kind == kind for g in grasps) for kind in GRASP_KINDS},
        "split_hand_kind": dict(sorted(table.items())),
        "objects": len(each),
        "grasps_per_object": [int(q) for q in np.percentile(list(each.values()), [0, 50, 100])],
        "penetration_mm": {f"p{q}": round(float(np.percentile(depth, q)), 2) for q in (50, 90, 99, 100)},
        "touching_parts": {str(k): v for k, v in sorted(Counter(len(finding.parts) for finding in found).items())},
        "touching": {name: sum(i + 1 in finding.parts for finding in found) for i, name in enumerate(PARTS)},
    }


def two_handed() -> dict:
    """How far the hands of each pair sink into each other."""
    depths: dict[str, list[float]] = defaultdict(list)
    mirror = np.diag([*MIRROR, 1.0])
    for pair in load_pairs():
        hand = HandModel.load(pair.first.hand)
        here = Body(hand, pair.first.shape, pair.first.articulation, np.eye(3, 4))
        there = Body(hand, pair.second.shape, pair.second.articulation, pair.second_pose @ mirror)
        depths[f"{pair.kind} {hand.name}"].append(here.depth_in(there))
    for cover in load_hands_on_hands():
        hand = HandModel.load(cover.hand)
        here = Body(hand, cover.shape, cover.articulations[0], np.eye(3, 4))
        there = Body(hand, cover.shape, cover.articulations[1], cover.pose @ mirror)
        depths[f"hand_over_hand {hand.name}"].append(here.depth_in(there))
    return {
        key: {
            "count": len(values),
            "penetration_mm_max": round(1000 * max(values), 2),
            "too_deep": sum(value > DEEPEST_M for value in values),
        }
        for key, values in sorted(depths.items())
    }


def categories() -> dict:
    """Objects and categories of each split; blobs are no category."""
    return {
        split: {
            "objects": len(load_objects(split)),
            "categories": len({m.category for m in load_objects(split).values() if m.kind != "blob"}),
        }
        for split in SPLITS
    }


def faults(result: dict) -> list[str]:
    """What is wrong with the library, a sentence each."""
    edition, found = result["edition_2"], []
    if edition["count"] < SMALLEST:
        found.append(f"Edition 2 has {edition['count']} grasps, fewer than {SMALLEST}.")
    for part in ("edition_2", "left_hands"):
        found += [
            f"{part}: {count} grasps break the rule {rule}." for rule, count in result[part]["broken_rules"].items()
        ]
    rare = [kind for kind, count in edition["kinds"].items() if count < FEWEST_OF_A_KIND]
    found += [f"Edition 2 has fewer than {FEWEST_OF_A_KIND} grasps of kind {kind}." for kind in rare]
    deep = {key: pairs["too_deep"] for key, pairs in result["two_handed"].items() if pairs["too_deep"]}
    return found + [f"{key}: {count} pairs sink deeper than {1000 * DEEPEST_M:g} mm." for key, count in deep.items()]


def main() -> int:
    started = time.process_time()
    editions = {"edition_1": list(load_grasps(1)), "edition_2": list(load_grasps(2))}
    editions["left_hands"] = [pair.second for pair in load_pairs()]
    findings = measured([grasp for grasps in editions.values() for grasp in grasps])
    result: dict = {key: summary(grasps, findings) for key, grasps in editions.items()}
    result |= {"two_handed": two_handed(), "objects": categories()}
    wrong = faults(result)
    result["faults"] = wrong
    (ROOT / "benchmarks" / "results" / "grasps.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    write_report(ROOT / "docs" / "data" / "grasps.md", result)
    print("\n".join(wrong) or "Every rule is kept.", f"({time.process_time() - started:.0f} s of processor time)")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
