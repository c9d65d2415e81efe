"""How well `confidence.csv` predicts which annotations are bad, on synthetic RGB-D with truth; and its weights.

    python benchmarks/annotation/annotation_sets.py exam SETS
    python benchmarks/annotation/annotation_confidence.py draw SETS
    python benchmarks/annotation/annotation_confidence.py collect fit:SETS fit.json
    python benchmarks/annotation/annotation_confidence.py collect fit-unseen:SETS fit-unseen.json
    python benchmarks/annotation/annotation_confidence.py fit fit.json fit-unseen.json
    python benchmarks/annotation/annotation_confidence.py collect check:SETS check.json
    python benchmarks/annotation/annotation_confidence.py collect exam:SETS exam.json
    graspseg synth --out CLIPS --preset interseghands --clips 100 --length 6 --color rig --color-error-px 3 \
        --seed 4202 --split unseen
    python benchmarks/annotation/annotation_confidence.py collect CLIPS clips.json --most 50
    python benchmarks/annotation/annotation_confidence.py measure check.json exam.json clips.json

The recordings follow the paper's protocol (the nearest things are hand and object), but for the frames with sleeves;
`judged` are those without. Clips break the protocol: there are sleeves, tables and bodies within the range. Every clip
is a recording of its own; its skin model comes from a click on the hand in its first and last frame. `fit` writes
`confidence_weights.json` of `graspseg.annotate.quality`, `measure` writes
`benchmarks/results/annotation_confidence.json`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import cv2
import numpy as np
from scipy.optimize import lsq_linear
from scipy.stats import rankdata

import annotation_sets
import graspseg.annotate.quality
from annotation_rows import FIT, GOOD_IOU, collect
from graspseg.annotate.quality.confidence import Kind, Term, Weights, score
from graspseg.annotate.settings import SkinMethod
from graspseg.evaluation.machine import describe_machine

WEIGHTS = Path(graspseg.annotate.quality.__file__).parent / "confidence_weights.json"
RESULT = Path(__file__).parents[1] / "results" / "annotation_confidence.json"
SHOWN = 0.2


def figures(rows: list[dict[str, Any]], confidence: np.ndarray) -> dict[str, float]:
    """Rank correlation with the truth, and which share of the bad frames comes first."""
    bad = np.array([row["true_worst"] < GOOD_IOU for row in rows])
    shown = np.argsort(confidence, kind="stable")[: round(SHOWN * len(rows))]
    true = np.array([row["true_mean"] for row in rows])
    return {
        "frames": len(rows),
        "mean_iou": round(float(true.mean()), 4),
        "accepted": round(float(1 - bad.mean()), 4),
        "rank_correlation": round(rank_correlation(confidence, true), 4),
        "bad_in_first_20_percent": round(float(bad[shown].sum() / max(bad.sum(), 1)), 4),
        "most_possible": round(min(1.0, float(len(shown) / max(bad.sum(), 1))), 4),
    }


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's: the correlation of the ranks; 0 where one of them does not vary."""
    ranks = rankdata(one), rankdata(other)
    if not all(np.ptp(each) for each in ranks):
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])


def measured(rows: list[dict[str, Any]], skin: SkinMethod) -> dict[str, dict[str, float]]:
    """Figures of the score, beside those of two trivial rules: the larger the object the better, and the order."""
    rules = {"object_px": np.array([row["object_px"] for row in rows]), "order": np.arange(len(rows))}
    scores = {kind: score(rows, skin=skin, kind=kind) for kind in get_args(Kind)}
    return {name: figures(rows, confidence) for name, confidence in {**scores, **rules}.items()}


# What may be asked, how it is scaled, and which way it can only speak: down, up, or either.
DOWN, UP, EITHER = -1, 1, 0
CANDIDATES: dict[str, tuple[Literal["linear", "log"], int]] = {
    "hand_px": ("log", EITHER),
    "object_px": ("log", EITHER),
    "nearest_m": ("linear", EITHER),
    "kept_share": ("log", EITHER),
    "unseen_share": ("linear", DOWN),
    "unsure_share": ("linear", DOWN),
    "overruled_share": ("linear", DOWN),
    "filtered_share": ("linear", DOWN),
    "flying_share": ("linear", DOWN),
    "hand_pieces": ("log", DOWN),
    "object_pieces": ("log", DOWN),
    "hand_main_share": ("linear", UP),
    "object_main_share": ("linear", UP),
    "border_px": ("log", EITHER),
    "border_on_depth": ("linear", UP),
    "border_on_color": ("linear", UP),
    "object_skin": ("linear", DOWN),
    "hand_skin": ("linear", UP),
    "at_border_share": ("linear", EITHER),
    "unseen_ratio": ("log", DOWN),
    "unsure_ratio": ("log", DOWN),
    "overruled_ratio": ("log", DOWN),
    "flying_ratio": ("log", DOWN),
    "filtered_ratio": ("log", DOWN),
    "border_ratio": ("log", DOWN),
    "blind_border_ratio": ("log", DOWN),
    "hand_spread": ("linear", EITHER),
    "object_spread": ("linear", EITHER),
    "contrast": ("linear", EITHER),
    "border_contrast": ("linear", EITHER),
    "hand_thin": ("linear", DOWN),
    "object_thin": ("linear", DOWN),
    "expected_gap": ("log", DOWN),
    "at_end_share": ("log", DOWN),
    "object_apart_share": ("log", DOWN),
}
OPINIONS: dict[str, tuple[Literal["linear", "log"], int]] = {
    "model_hand_iou": ("linear", UP),
    "model_object_iou": ("linear", UP),
    "model_hand_gap": ("log", DOWN),
    "model_object_gap": ("log", DOWN),
    "model_certainty": ("linear", UP),
}
JUMPS = (
    Term("hand_area_jump", "linear", 0.3, 1.5, -2.0),
    Term("object_area_jump", "linear", 0.3, 1.5, -2.0),
    Term("hand_position_jump", "linear", 0.05, 0.3, -2.0),
    Term("object_position_jump", "linear", 0.05, 0.3, -2.0),
)
"""A rule, not a fit: errors of the clips last, they hardly ever flicker. It begins where motion at 30 Hz ends."""
MOST_TERMS = 12
FOLDS = 5
SHRINK = 0.02
SOFT = 0.001
LEAST_GAIN = 0.001


class Fitted(NamedTuple):
    """What weights are fitted to.

    Attributes:
        values: every candidate of every frame, brought to 0..1.
        true: mean IoU of each frame.
        source: number of the data set it is from; all count alike.
        bare: whether its arms are bare, as the paper's protocol wants them.
        fold: which of `FOLDS` parts it is in; frames of a recording are in one.
    """

    values: dict[str, np.ndarray]
    true: np.ndarray
    source: np.ndarray
    bare: np.ndarray
    fold: np.ndarray

    def some(self, chosen: np.ndarray) -> Fitted:
        values = {name: value[chosen] for name, value in self.values.items()}
        return Fitted(values, self.true[chosen], self.source[chosen], self.bare[chosen], self.fold[chosen])


def fit(sources: list[list[dict[str, Any]]], kind: Kind) -> Weights:
    """Add the term that helps most, judged on recordings left out, until none does."""
    rows = [row for source in sources for row in source]
    signs = {name: sign for name, (_, sign) in candidates(kind).items()}
    terms = {name: term for name, (scale, _) in candidates(kind).items() if (term := bounds(rows, name, scale))}
    data = Fitted(
        {name: np.array([term.value(row[name]) for row in rows]) for name, term in terms.items()},
        np.array([row["true_mean"] for row in rows]),
        np.repeat(np.arange(len(sources)), [len(source) for source in sources]),
        np.array([not row["stem"].startswith("sleeve") for row in rows]),
        np.array([hash_of(row["recording"]) % FOLDS for row in rows]),
    )
    chosen: list[str] = []
    best = 0.0
    while len(chosen) < MOST_TERMS:
        tried = {name: left_out(data, [*chosen, name], signs) for name in terms if name not in chosen}
        name = max(tried, key=lambda name: tried[name])
        if tried[name] < best + LEAST_GAIN:
            break
        chosen, best = [*chosen, name], tried[name]
        print(f"{kind}: {name:22} {best:.4f}", flush=True)
    start, *weights = solve(data, chosen, signs)
    fitted = (replace(terms[name], weight=round(weight, 3)) for name, weight in zip(chosen, weights, strict=True))
    return Weights(round(start, 3), (*fitted, *JUMPS))


def candidates(kind: Kind) -> dict[str, tuple[Literal["linear", "log"], int]]:
    return CANDIDATES | (OPINIONS if kind == "with_model" else {})


def hash_of(name: str) -> int:
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)


def bounds(rows: list[dict[str, Any]], name: str, scale: Literal["linear", "log"]) -> Term | None:
    """A term between the 2nd and 98th percentile of the fitted frames; None where nothing varies."""
    numbers = np.array([row[name] for row in rows])
    low, high = np.percentile(numbers, (2, 98))
    if scale == "log":
        low = max(low, 1e-3)
    return Term(name, scale, float(f"{low:.3g}"), float(f"{high:.3g}"), 0.0) if high > low * 1.001 + 1e-6 else None


def left_out(data: Fitted, chosen: list[str], signs: dict[str, int]) -> float:
    """Rank correlation where each fold is judged by weights from the others.

    The mean over the data sets, and over all of their frames and those with bare arms alone: else the few with sleeves,
    which are bad, decide on the terms, and the many good ones are not told apart.
    """
    guess = np.zeros(len(data.true))
    for fold in range(FOLDS):
        outside = data.fold == fold
        start, *weights = solve(data.some(~outside), chosen, signs)
        guess[outside] = start + sum(w * data.values[name][outside] for w, name in zip(weights, chosen, strict=True))
    sets = [data.source == number for number in np.unique(data.source)]
    parts = [part & group for part in sets for group in (data.bare, np.ones_like(data.bare))]
    return float(np.mean([rank_correlation(guess[part], data.true[part]) for part in parts]))


def solve(data: Fitted, chosen: list[str], signs: dict[str, int]) -> list[float]:
    """Start and weights of a regression on the logit of the true mean IoU, weights shrunk and of the right sign.

    The logit tells 0.99 from 0.95 as well as 0.7 from 0.3: frames are to be ranked, also good ones.
    """
    design = np.column_stack([np.ones(len(data.true)), *(data.values[name] for name in chosen)])
    wanted = np.log((data.true + SOFT) / (1 - data.true + SOFT))
    counts = np.bincount(data.source)
    importance = np.sqrt(1 / (counts[data.source] * np.count_nonzero(counts)))
    shrinking = np.eye(len(chosen) + 1)[1:] * np.sqrt(SHRINK / len(chosen))
    limits = {DOWN: (-np.inf, 1e-9), UP: (-1e-9, np.inf), EITHER: (-np.inf, np.inf)}
    allowed = np.array([(-np.inf, np.inf), *(limits[signs[name]] for name in chosen)]).T
    system = np.vstack([design * importance[:, None], shrinking])
    return lsq_linear(system, np.concatenate([wanted * importance, np.zeros(len(chosen))]), allowed).x.tolist()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("draw", "collect", "fit", "measure"))
    parser.add_argument("inputs", nargs="+")
    parser.add_argument("--skin", choices=("hsv", "model"), default="model")
    parser.add_argument("--model", default="denseattentionseg-lite", help="who gives the second opinion")
    parser.add_argument("--most", type=int, help="collect no more recordings than this")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.command == "draw":
        for name in FIT:
            annotation_sets.store(name, Path(options.inputs[0]))
        return
    if options.command == "collect":
        source, target = options.inputs
        Path(target).write_text(json.dumps(collect(source, options.skin, most=options.most, model=options.model)))
        return
    rows = {name: json.loads(Path(name).read_text()) for name in options.inputs}
    if options.command == "fit":
        content = json.loads(WEIGHTS.read_text()) if WEIGHTS.is_file() else {}
        content[options.skin] = {kind: asdict(fit(list(rows.values()), kind)) for kind in get_args(Kind)}
        WEIGHTS.write_text(json.dumps(content, indent=1) + "\n")
        return
    result: dict[str, Any] = {}
    for name, part in rows.items():
        result[Path(name).stem] = measured(part, options.skin)
        if judged := [row for row in part if row["stem"].startswith("judged")]:
            result[f"{Path(name).stem}, judged"] = measured(judged, options.skin)
    print(json.dumps(result, indent=1))
    there = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    RESULT.write_text(json.dumps({**there, options.skin: result, "machine": describe_machine()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
