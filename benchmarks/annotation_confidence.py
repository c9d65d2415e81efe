"""How well `confidence.csv` predicts which annotations are bad, on synthetic RGB-D with truth; and its weights.

    graspseg synth --out FIT --preset interseghands --clips 100 --length 6 --color rig --color-error-px 3 --seed 4101
    graspseg synth --out HELD --preset interseghands --clips 100 --length 6 --color rig --color-error-px 3 \
        --seed 4202 --split unseen
    python benchmarks/annotation_confidence.py collect FIT fit.json
    python benchmarks/annotation_confidence.py collect HELD held.json
    python benchmarks/annotation_confidence.py fit fit.json
    python benchmarks/annotation_confidence.py measure held.json

Every clip is a recording of its own; its skin model comes from a click on the hand in its first and last frame. `fit`
writes
`src/graspseg/annotate/confidence_weights.json`, `measure` writes `benchmarks/results/annotation_confidence.json`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import cv2
import numpy as np
from scipy.optimize import minimize
from scipy.stats import spearmanr

import annotation_sets
import graspseg.annotate
from graspseg.annotate.annotated_frame import annotate_frame
from graspseg.annotate.annotator import Annotator
from graspseg.annotate.calibrate import Click, calibrate
from graspseg.annotate.confidence import Kind, Row, Term, Weights, add_jumps, score
from graspseg.annotate.opinion import compare
from graspseg.annotate.settings import AnnotateSettings, SkinMethod
from graspseg.datasets.folder import FolderDataset
from graspseg.evaluation.annotation_exam import window_labels
from graspseg.evaluation.machine import describe_machine
from graspseg.frame import InputError
from graspseg.labels import HAND, OBJECT
from graspseg.segment.segmenter import Segmenter
from graspseg.sources.rgbd import RgbdFrame, open_rgbd

WEIGHTS = Path(graspseg.annotate.__file__).parent / "confidence_weights.json"
RESULT = Path(__file__).parent / "results" / "annotation_confidence.json"
GOOD_IOU = 0.9
SHOWN = 0.2


class Recording(NamedTuple):
    """Frames of one person under one light with their truth.

    Attributes:
        name: of the recording.
        calibration: what its skin model is found from.
        clicks: on skin in these frames, where nothing but one object is held; empty = it is found without.
        frames: what is annotated.
        targets: true labels within the depth range.
        sequences: frames that follow each other in time.
    """

    name: str
    calibration: list[RgbdFrame]
    clicks: list[Click]
    frames: list[RgbdFrame]
    targets: list[np.ndarray]
    sequences: list[range]


def recordings(source: str) -> Iterator[Recording]:
    """Clips of a folder, or `exam:FOLDER` and `tuning:FOLDER`: what `annotation_sets.py` stored there."""
    kind, colon, folder = source.partition(":")
    if not colon:
        yield from clips(Path(source))
        return
    for number, stored in enumerate(annotation_sets.recordings(kind, Path(folder))):
        judged = [frame for frame in stored if frame.part in ("judged", "sleeve")]
        yield Recording(
            f"{kind}/{number}",
            [frame.rgbd for frame in stored if frame.part in ("empty", "held")],
            [],
            [frame.rgbd for frame in judged],
            [frame.labels for frame in judged],
            [range(index, index + 1) for index in range(len(judged))],
        )


def clips(folder: Path) -> Iterator[Recording]:
    source, truth = open_rgbd(folder), FolderDataset(folder)
    number = {stem: index for index, stem in enumerate(truth.stems)}
    for clip in source.sequences:
        frames = [source[index] for index in clip]
        targets = []
        for frame in frames:
            labels = truth[number[frame.name]].labels
            assert labels is not None
            targets.append(window_labels(frame.frame.depth_m(), labels))
        clicks = [click for index in (0, len(frames) - 1) for click in click_on_hand(targets[index], index)]
        yield Recording(f"{folder.name}/{clip.start}", frames, clicks, frames, targets, [range(len(frames))])


def click_on_hand(target: np.ndarray, frame: int) -> list[Click]:
    """Where a person would click: in the middle of the hand's broadest part."""
    hand = cv2.copyMakeBorder((target == HAND).view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    _, reach, _, (x, y) = cv2.minMaxLoc(cv2.distanceTransform(hand, cv2.DIST_L2, 3))
    return [Click(x - 1, y - 1, frame)] if reach > 3 else []


def collect(source: str, skin: SkinMethod) -> list[dict[str, Any]]:
    """Annotate every recording; evidence, opinion and true IoU of each frame."""
    segmenter = Segmenter(threads=1)
    settings = AnnotateSettings(skin=skin)
    found: list[dict[str, Any]] = []
    for recording in recordings(source):
        try:
            model = calibrate(recording.calibration, recording.clicks) if skin == "model" else None
        except InputError as error:
            print(f"{recording.name} left out: {error}")
            continue
        annotator = Annotator(settings, model)
        rows: list[Row | None] = []
        for frame, target in zip(recording.frames, recording.targets, strict=True):
            made = annotate_frame(annotator, frame, depth="range")
            opinion = compare(made.labels, segmenter(made.frame))
            rows.append({**made.row, **asdict(opinion), **true_iou(made.labels, target)})
        for frame, row in zip(recording.frames, add_jumps(rows, recording.sequences), strict=True):
            found.append({"stem": frame.name, "recording": recording.name, **(row or {})})
    return found


def true_iou(labels: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """IoU of each class that truth or annotation has, their mean, and the lower one."""
    known = target != 255
    ious = []
    for label in (HAND, OBJECT):
        ours, theirs = (labels == label) & known, (target == label) & known
        if union := np.count_nonzero(ours | theirs):
            ious.append(np.count_nonzero(ours & theirs) / union)
    return {"true_mean": float(np.mean(ious or [1.0])), "true_worst": float(min(ious, default=1.0))}


def figures(rows: list[dict[str, Any]], confidence: np.ndarray) -> dict[str, float]:
    """Rank correlation with the truth, and which share of the bad frames comes first."""
    bad = np.array([row["true_worst"] < GOOD_IOU for row in rows])
    shown = np.argsort(confidence, kind="stable")[: round(SHOWN * len(rows))]
    true = np.array([row["true_mean"] for row in rows])
    return {
        "frames": len(rows),
        "mean_iou": round(float(true.mean()), 4),
        "accepted": round(float(1 - bad.mean()), 4),
        "rank_correlation": round(float(spearmanr(confidence, true).statistic), 4),
        "bad_in_first_20_percent": round(float(bad[shown].sum() / max(bad.sum(), 1)), 4),
        "most_possible": round(min(1.0, float(len(shown) / max(bad.sum(), 1))), 4),
    }


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
    "hand_spread": ("linear", EITHER),
    "object_spread": ("linear", EITHER),
    "contrast": ("linear", EITHER),
    "border_contrast": ("linear", EITHER),
    "hand_thin": ("linear", DOWN),
    "object_thin": ("linear", DOWN),
    "hand_area_jump": ("linear", DOWN),
    "hand_position_jump": ("linear", DOWN),
    "object_area_jump": ("linear", DOWN),
    "object_position_jump": ("linear", DOWN),
}
OPINIONS: dict[str, tuple[Literal["linear", "log"], int]] = {
    "model_hand_iou": ("linear", UP),
    "model_object_iou": ("linear", UP),
    "model_certainty": ("linear", UP),
}
MOST_TERMS = 12
FOLDS = 5
SHRINK = 0.02


def fit(rows: list[dict[str, Any]], kind: Kind) -> Weights:
    """Add the term that helps most, judged on clips left out, until none does."""
    candidates = CANDIDATES | (OPINIONS if kind == "with_model" else {})
    terms = {name: bounds(rows, name, scale) for name, (scale, _) in candidates.items()}
    values = {name: np.array([term.value(row[name]) for row in rows]) for name, term in terms.items() if term}
    true = np.array([row["true_mean"] for row in rows])
    clips = np.array([hash_of(row["recording"]) % FOLDS for row in rows])
    chosen: list[str] = []
    best = 0.0
    while len(chosen) < MOST_TERMS:
        tried = {
            name: left_out(values, [*chosen, name], candidates, true, clips) for name in values if name not in chosen
        }
        name = max(tried, key=lambda name: tried[name])
        if tried[name] < best + 0.003:
            break
        chosen, best = [*chosen, name], tried[name]
        print(f"{kind}: {name:22} {best:.4f}")
    start, *weights = solve(values, chosen, candidates, true)
    fitted = (
        replace(term, weight=round(w, 3)) for w, name in zip(weights, chosen, strict=True) if (term := terms[name])
    )
    return Weights(round(start, 3), tuple(fitted))


def hash_of(name: str) -> int:
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)


def bounds(rows: list[dict[str, Any]], name: str, scale: Literal["linear", "log"]) -> Term | None:
    """A term between the 2nd and 98th percentile of the fitted frames; None where nothing varies."""
    numbers = np.array([row[name] for row in rows])
    low, high = np.percentile(numbers, (2, 98))
    if scale == "log":
        low = max(low, 1e-3)
    return Term(name, scale, float(f"{low:.3g}"), float(f"{high:.3g}"), 0.0) if high > low * 1.001 + 1e-6 else None


def left_out(values, chosen, candidates, true, folds) -> float:
    """Rank correlation where each fold is judged by weights from the others."""
    guess = np.zeros(len(true))
    for fold in range(FOLDS):
        inside = folds != fold
        start, *weights = solve({name: v[inside] for name, v in values.items()}, chosen, candidates, true[inside])
        guess[~inside] = start + sum(w * values[name][~inside] for w, name in zip(weights, chosen, strict=True))
    return float(spearmanr(guess, true).statistic)


def solve(values, chosen, candidates, true) -> list[float]:
    """Start and weights of a logistic regression on the true mean IoU, weights shrunk and of the right sign."""
    design = np.column_stack([np.ones(len(true)), *(values[name] for name in chosen)])

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        total = design @ weights
        guess = 1 / (1 + np.exp(-total))
        value = np.mean(np.logaddexp(0, total) - true * total) + SHRINK * 0.5 * np.mean(weights[1:] ** 2)
        slope = design.T @ (guess - true) / len(true)
        slope[1:] += SHRINK * weights[1:] / len(chosen)
        return float(value), slope

    signs = {DOWN: (None, 0.0), UP: (0.0, None), EITHER: (None, None)}
    limits = [(None, None), *(signs[candidates[name][1]] for name in chosen)]
    return minimize(loss, np.zeros(design.shape[1]), jac=True, bounds=limits, method="L-BFGS-B").x.tolist()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("collect", "fit", "measure"))
    parser.add_argument("inputs", nargs="+")
    parser.add_argument("--skin", choices=("hsv", "model"), default="model")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.command == "collect":
        source, target = options.inputs
        Path(target).write_text(json.dumps(collect(source, options.skin)))
        return
    rows = {name: json.loads(Path(name).read_text()) for name in options.inputs}
    if options.command == "fit":
        together = [row for part in rows.values() for row in part]
        content = json.loads(WEIGHTS.read_text()) if WEIGHTS.is_file() else {}
        content[options.skin] = {kind: asdict(fit(together, kind)) for kind in get_args(Kind)}
        WEIGHTS.write_text(json.dumps(content, indent=1) + "\n")
        return
    result: dict[str, Any] = {}
    for name, part in rows.items():
        scores = {kind: score(part, skin=options.skin, kind=kind) for kind in get_args(Kind)}
        result[Path(name).stem] = {kind: figures(part, scores[kind]) for kind in scores}
    print(json.dumps(result, indent=1))
    there = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    RESULT.write_text(json.dumps({**there, options.skin: result, "machine": describe_machine()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
