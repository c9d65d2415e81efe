"""Fit how sure a hand is: `python -P -m graspseg.evaluation.presence_fit MODEL --hand-free DATA...`.

The model answers labeled frames and frames without a hand; groups of hand and object it finds are hands where their
pixels are, in truth. The coefficients go into the model's file. Half of the frames, every other one, are kept out of a
first fit and tell how well it carries over; the coefficients that are written see all.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from jaxtyping import Bool, Float64

from graspseg.datasets.atomic import write_json
from graspseg.datasets.collection import data_sets_in
from graspseg.datasets.dataset import Sample
from graspseg.errors import InputError, printable
from graspseg.evaluation.samples import open_samples
from graspseg.labels import BACKGROUND, HAND, IGNORE
from graspseg.models.header import PRESENCE_KEY
from graspseg.models.presence import FEATURES, Presence, probability
from graspseg.segment.compose import compose
from graspseg.segment.presence import find_groups, group_features
from graspseg.segment.segmenter import Segmenter
from graspseg.synth.dataset import SyntheticDataset
from graspseg.synth.preset_names import DEPTH_UNIT_M, PresetName

SEED = 20261130
RIDGE = 1.0
THRESHOLDS = np.round(np.arange(0.02, 0.96, 0.02), 2)
TRUE_SHARE = 0.3
"""A group is a hand if so much of it is hand or object in truth, and some of it hand."""
LOST_MOST = 0.01
FALSE_ALARM_PX = 200


@dataclass(frozen=True)
class Arguments:
    """Fit the probability that a hand is there, and write it into the model's file.

    Attributes:
        model: An exported .onnx file; it is changed in place.
        hand_free: Data sets without a hand, or folders of them.
        data: Labeled data sets, or folders of them.
        presets: Presets of the generator; frames of the training split with a seed of their own.
        frames: How many frames of each preset.
        lost: Most frames with a hand that may be lost; the threshold is the largest that keeps to it.
        threads: CPU threads.
        write: Change the file; without only print.
        json: Also write the figures to this file.
    """

    model: Annotated[Path, tyro.conf.Positional]
    hand_free: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    presets: tuple[PresetName, ...] = ("rooms", "wild", "exam1")
    frames: int = 300
    lost: float = LOST_MOST
    threads: int | None = None
    write: bool = True
    json: Path | None = None


@dataclass(frozen=True)
class Seen:
    """What a model finds in one frame.

    Attributes:
        features: of its groups; NaN for groups without a hand pixel.
        true: which groups are hands.
        px: pixels of each.
        hand: whether the frame has a hand.
    """

    features: Float64[np.ndarray, "n f"]
    true: Bool[np.ndarray, "n"]
    px: Float64[np.ndarray, "n"]
    hand: bool

    @property
    def usable(self) -> Bool[np.ndarray, "n"]:
        """Groups with a hand pixel."""
        return np.asarray(np.isfinite(self.features).all(axis=1))


def observe(segmenter: Segmenter, sample: Sample) -> Seen:
    """Features and truth of what is found in a labeled frame."""
    frame, target = sample.frame, sample.labels
    assert target is not None
    looks = segmenter.predictor.passes(frame)
    found = compose(looks, frame.depth)
    labels, depth_m = found.labels[found.inside], frame.depth_m()[found.inside]
    groups = find_groups(labels)
    features = group_features(
        groups, labels, found.chosen, depth_m, frame.intrinsics_or_default(), looks, origin=found.box[:2]
    )
    inside = target[found.inside][groups.region]
    counts = np.zeros((3, groups.count))
    for row, mask in enumerate((inside != IGNORE, (inside != BACKGROUND) & (inside != IGNORE), inside == HAND)):
        counts[row] = np.bincount(groups.numbers[mask], minlength=groups.count + 1)[1:]
    judged, found, hand = counts
    true = (found >= TRUE_SHARE * np.maximum(judged, 1)) & (hand > 0)
    return Seen(features, true, judged, bool((target == HAND).any()))


def fit_presence(seen: Sequence[Seen], *, lost: float = LOST_MOST) -> Presence:
    """Coefficients from what was found.

    Args:
        seen: of each frame.
        lost: share of the frames with a hand that may be lost to the threshold.

    Raises:
        InputError: no group that is a hand, or none that is not.
    """
    features = np.concatenate([frame.features[frame.usable] for frame in seen])
    true = np.concatenate([frame.true[frame.usable] for frame in seen])
    if not true.any() or true.all():
        raise InputError(
            f"Of {len(true)} finds {int(true.sum())} are hands, expected some that are and some that are not: give "
            "frames with and without hands."
        )
    mean, scale = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-3)
    weights = _logistic((features - mean) / scale, true, ridge=RIDGE)

    def named(values: np.ndarray) -> dict[str, float]:
        return {name: round(float(value), 5) for name, value in zip(FEATURES, values, strict=True)}

    presence = Presence(named(mean), named(scale), named(weights[:-1]), float(weights[-1]), 1.0, 0.0, 0.0, 0.5)
    best = [
        float(presence.logits(frame.features[frame.usable]).max()) if frame.usable.any() else None for frame in seen
    ]
    hand = np.array([frame.hand for frame in seen])
    found = np.array([value is not None for value in best])
    slope = _logistic(np.array([[value] for value in best if value is not None]), hand[found], ridge=1e-2)
    nothing = (np.count_nonzero(hand & ~found) + 0.5) / (np.count_nonzero(~found) + 1)
    presence = replace(presence, frame_scale=float(slope[0]), frame_bias=float(slope[1]), nothing=float(nothing))
    reported = frame_probabilities(presence, seen)
    kept = [limit for limit in THRESHOLDS if np.mean(reported[hand & found] < limit) <= lost]
    return replace(presence, threshold=float(max(kept, default=THRESHOLDS[0])))


def frame_probabilities(presence: Presence, seen: Sequence[Seen]) -> Float64[np.ndarray, "n"]:
    """Probability that each frame has a hand."""
    return np.array([presence.of_frame(presence.logits(frame.features[frame.usable])) for frame in seen])


def describe(presence: Presence, seen: Sequence[Seen]) -> dict[str, Any]:
    """How well presence tells frames apart: shares are fractions of 1, None where there is no such frame."""
    reported = frame_probabilities(presence, seen)
    hand = np.array([frame.hand for frame in seen])
    before = np.array([frame.px.sum() > FALSE_ALARM_PX for frame in seen])
    after = np.array(
        [_px_kept(presence, frame, value) > FALSE_ALARM_PX for frame, value in zip(seen, reported, strict=True)]
    )
    found = np.array([bool(frame.true[frame.usable].any()) for frame in seen])
    return {
        "frames": len(seen),
        "with_hand": int(hand.sum()),
        "hand_free_alarms_before": _share(before[~hand]),
        "hand_free_alarms": _share(after[~hand]),
        "hands_not_found": _share(~found[hand]),
        "found_hands_lost": _share(reported[hand & found] < presence.threshold),
        "expected_calibration_error": _calibration_error(reported, hand),
        "threshold": presence.threshold,
    }


def _px_kept(presence: Presence, frame: Seen, reported: float) -> float:
    if reported < presence.threshold or not frame.usable.any():
        return 0.0
    odds = presence.logits(frame.features[frame.usable])
    kept = np.array([probability(value) >= presence.threshold for value in odds])
    kept[odds.argmax()] = True
    return float(frame.px[frame.usable][kept].sum())


def _share(values: np.ndarray) -> float | None:
    return round(float(values.mean()), 4) if len(values) else None


def _calibration_error(reported: np.ndarray, truth: np.ndarray, bins: int = 10) -> float:
    """Expected difference between told probability and share of truth over equal bins."""
    index = np.minimum((reported * bins).astype(int), bins - 1)
    gaps = [abs(reported[index == i].mean() - truth[index == i].mean()) * np.mean(index == i) for i in set(index)]
    return round(float(np.sum(gaps)), 4)


def _logistic(x: np.ndarray, y: np.ndarray, *, ridge: float, steps: int = 50) -> np.ndarray:
    """Weights and, last, bias of a logistic regression by Newton's method; the bias is not shrunk."""
    design = np.column_stack([x, np.ones(len(x))])
    penalty = np.diag([ridge] * x.shape[1] + [1e-6])
    weights = np.zeros(design.shape[1])
    for _ in range(steps):
        reported = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        gradient = design.T @ (reported - y) + penalty @ weights
        hessian = (design * (reported * (1 - reported))[:, None]).T @ design + penalty
        step = np.linalg.solve(hessian, gradient)
        weights -= step * min(1.0, 5 / max(float(np.abs(step).max()), 1e-9))
        if np.abs(step).max() < 1e-6:
            break
    return weights


def _samples(arguments: Arguments) -> Iterator[Sample]:
    """Labeled frames, one after the other; those of the generator need none on disk."""
    for preset in arguments.presets:
        yield from SyntheticDataset("train", SEED, recipes=(preset,), count=arguments.frames, depth_unit_m=DEPTH_UNIT_M)
    for names, hand_free in ((arguments.data, False), (arguments.hand_free, True)):
        for name in names:
            for path in data_sets_in(name) or [name]:
                for sample in open_samples(str(path)):
                    yield replace(sample, labels=np.zeros(sample.frame.depth.shape, np.uint8)) if hand_free else sample


def main(argv: Sequence[str] | None = None) -> int:
    """Fit, print how well it carries over, and write the coefficients into the file."""
    arguments = tyro.cli(Arguments, args=argv, prog="python -P -m graspseg.evaluation.presence_fit")
    if not 0 <= arguments.lost < 1 or arguments.frames < 1:
        raise InputError("--lost is a share below 1 and --frames at least 1: correct them.")
    segmenter = Segmenter(arguments.model, threads=arguments.threads, precision="float32", presence=False)
    seen = [observe(segmenter, sample) for sample in _samples(arguments) if sample.labels is not None]
    carried = describe(fit_presence(seen[::2], lost=arguments.lost), seen[1::2])
    presence = fit_presence(seen, lost=arguments.lost)
    report = {"kept_out": carried, "all": describe(presence, seen), "presence": presence.as_json()}
    for part in ("kept_out", "all"):
        print(part, printable(", ".join(f"{name} {value}" for name, value in report[part].items())))
    ranked = sorted(presence.weights.items(), key=lambda item: -math.fabs(item[1]))
    print("weights", printable(", ".join(f"{name} {value:+.2f}" for name, value in ranked)))
    if arguments.json is not None:
        write_json(arguments.json, report)
    if arguments.write:
        from graspseg.models.properties import write_properties

        write_properties(segmenter.path, {PRESENCE_KEY: presence.as_json()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
