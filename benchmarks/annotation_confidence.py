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
import contextlib
import hashlib
import itertools
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
from graspseg.annotate.confidence import Kind, Row, Term, Weights, add_jumps, add_ratios, score
from graspseg.annotate.opinion import compare
from graspseg.annotate.settings import AnnotateSettings, SkinMethod
from graspseg.annotate.skin_model import SkinModel
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


def collect(source: str, skin: SkinMethod, most: int | None) -> list[dict[str, Any]]:
    """Annotate every recording; evidence, opinion and true IoU of each frame."""
    segmenter = Segmenter(threads=1)
    settings = AnnotateSettings(skin=skin)
    found: list[dict[str, Any]] = []
    for recording in itertools.islice(recordings(source), most):
        model = calibrated(recording) if skin == "model" else None
        if skin == "model" and model is None:
            print(f"{recording.name} left out: its hand is not in range, or not seen by the color camera")
            continue
        annotator = Annotator(settings, model)
        rows: list[Row | None] = []
        for frame, target in zip(recording.frames, recording.targets, strict=True):
            made = annotate_frame(annotator, frame, depth="range")
            opinion = compare(made.labels, segmenter(made.frame))
            rows.append({**add_ratios(made.row), **asdict(opinion), **true_iou(made.labels, target)})
        for frame, row in zip(recording.frames, add_jumps(rows, recording.sequences), strict=True):
            found.append({"stem": frame.name, "recording": recording.name, **(row or {})})
    return found


def calibrated(recording: Recording) -> SkinModel | None:
    """The skin model from the clicks that hit something, as a person would click again."""
    clicks = recording.clicks
    for tried in (clicks, *([click] for click in clicks)) if clicks else ([],):
        with contextlib.suppress(InputError):
            return calibrate(recording.calibration, tried)
    return None


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
    "unseen_ratio": ("log", DOWN),
    "unsure_ratio": ("log", DOWN),
    "overruled_ratio": ("log", DOWN),
    "flying_ratio": ("log", DOWN),
    "blind_border_ratio": ("log", DOWN),
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
LEAST_GAIN = 0.002


class Fitted(NamedTuple):
    """What weights are fitted to.

    Attributes:
        values: every candidate of every frame, brought to 0..1.
        true: mean IoU of each frame.
        source: number of the data set it is from.
        fold: which of `FOLDS` parts it is in; frames of a recording are in one.
    """

    values: dict[str, np.ndarray]
    true: np.ndarray
    source: np.ndarray
    fold: np.ndarray

    def some(self, chosen: np.ndarray) -> Fitted:
        values = {name: value[chosen] for name, value in self.values.items()}
        return Fitted(values, self.true[chosen], self.source[chosen], self.fold[chosen])


def fit(sources: list[list[dict[str, Any]]], kind: Kind) -> Weights:
    """Add the term that helps most, judged on recordings left out, until none does; every data set counts alike."""
    rows = [row for source in sources for row in source]
    signs = {name: sign for name, (_, sign) in candidates(kind).items()}
    terms = {name: term for name, (scale, _) in candidates(kind).items() if (term := bounds(rows, name, scale))}
    data = Fitted(
        {name: np.array([term.value(row[name]) for row in rows]) for name, term in terms.items()},
        np.array([row["true_mean"] for row in rows]),
        np.repeat(np.arange(len(sources)), [len(source) for source in sources]),
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
    return Weights(round(start, 3), tuple(fitted))


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
    """Rank correlation where each fold is judged by weights from the others, mean over the data sets."""
    guess = np.zeros(len(data.true))
    for fold in range(FOLDS):
        outside = data.fold == fold
        start, *weights = solve(data.some(~outside), chosen, signs)
        parts = (w * data.values[name][outside] for w, name in zip(weights, chosen, strict=True))
        guess[outside] = start + sum(parts)
    found = [spearmanr(guess[data.source == n], data.true[data.source == n]) for n in np.unique(data.source)]
    return float(np.mean([one.statistic for one in found]))


def solve(data: Fitted, chosen: list[str], signs: dict[str, int]) -> list[float]:
    """Start and weights of a logistic regression on the true mean IoU, weights shrunk and of the right sign."""
    design = np.column_stack([np.ones(len(data.true)), *(data.values[name] for name in chosen)])
    counts = np.bincount(data.source)
    importance = 1 / (counts[data.source] * np.count_nonzero(counts))

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        total = design @ weights
        guess = 1 / (1 + np.exp(-total))
        value = importance @ (np.logaddexp(0, total) - data.true * total) + SHRINK * 0.5 * np.mean(weights[1:] ** 2)
        slope = design.T @ (importance * (guess - data.true))
        slope[1:] += SHRINK * weights[1:] / len(chosen)
        return float(value), slope

    limits = {DOWN: (None, 0.0), UP: (0.0, None), EITHER: (None, None)}
    allowed = [(None, None), *(limits[signs[name]] for name in chosen)]
    return minimize(loss, np.zeros(design.shape[1]), jac=True, bounds=allowed, method="L-BFGS-B").x.tolist()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("collect", "fit", "measure"))
    parser.add_argument("inputs", nargs="+")
    parser.add_argument("--skin", choices=("hsv", "model"), default="model")
    parser.add_argument("--most", type=int, help="collect no more recordings than this")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.command == "collect":
        source, target = options.inputs
        Path(target).write_text(json.dumps(collect(source, options.skin, options.most)))
        return
    rows = {name: json.loads(Path(name).read_text()) for name in options.inputs}
    if options.command == "fit":
        content = json.loads(WEIGHTS.read_text()) if WEIGHTS.is_file() else {}
        content[options.skin] = {kind: asdict(fit(list(rows.values()), kind)) for kind in get_args(Kind)}
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
