"""How far each annotated frame is to be believed: a few named numbers, weighted once on synthetic frames with truth.

A number is brought to 0..1 between two bounds, multiplied by its weight and added up; the logistic function of the sum
is the mean IoU of hand and object that frames like this one had. `benchmarks/annotation/annotation_confidence.py fit`
makes the weights.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Literal

import numpy as np
from jaxtyping import Float64

from graspseg.annotate.settings import SkinMethod

Row = Mapping[str, float]
Kind = Literal["alone", "with_model"]

_AROUND = 2  # frames on either side that a frame is compared with
_NO_GAP = 0.005  # two good outlines differ by as much
_NO_DOUBT = 0.001
_CLASSES = ("hand", "object")
_NO_PIXELS = 50.0  # what is smaller than this is nothing
_NO_OBJECT = 0.03  # of hand and object together
_FEWEST = 2  # frames that tell what is usual


@dataclass(frozen=True)
class Term:
    """One number's part of the score.

    Attributes:
        name: column of `confidence.csv`.
        scale: `log` takes the logarithm first, so that bounds are above 0.
        low, high: bounds; what lies outside counts as the bound.
        weight: part of the sum at `high`.
    """

    name: str
    scale: Literal["linear", "log"]
    low: float
    high: float
    weight: float

    def value(self, number: float) -> float:
        """The number brought to 0..1."""
        low, high, number = self.low, self.high, min(max(number, self.low), self.high)
        if self.scale == "log":
            low, high, number = math.log(low), math.log(high), math.log(number)
        return (number - low) / (high - low)


RULES = (Term("swallowed", "linear", 0.15, 0.8, -3.0), Term("take_doubt", "linear", 0.25, 0.75, -2.0))
"""What a recording says of its frames, see `add_take`: rules, not fits, because recordings with truth hold no such
error. A hand that has swallowed an object is as large as both."""


@dataclass(frozen=True)
class Weights:
    """A fitted score: `start` is the sum before any term."""

    start: float
    terms: tuple[Term, ...]

    def score(self, row: Row) -> float:
        """Expected mean IoU of a frame, 0 to 1."""
        total = self.start + sum(term.weight * term.value(row[term.name]) for term in self.terms)
        total += sum(rule.weight * rule.value(row.get(rule.name, rule.low)) for rule in RULES)
        return 1 / (1 + math.exp(-total))


@functools.cache
def load_weights(skin: SkinMethod, kind: Kind) -> Weights:
    """The weights that were fitted for a way to tell skin, without or with the opinion of a trained network."""
    text = (resources.files("graspseg.annotate.quality") / "confidence_weights.json").read_text(encoding="utf-8")
    content = json.loads(text)[skin][kind]
    return Weights(content["start"], tuple(Term(**term) for term in content["terms"]))


def add_ratios(row: Row) -> dict[str, float]:
    """Add to a frame's numbers how much is uncertain, measured by the smaller class: that one suffers most.

    Returns:
        The row with `unseen_ratio`, `unsure_ratio`, `overruled_ratio`, `filtered_ratio` and `flying_ratio`: such pixels
        per pixel of the smaller class; `border_ratio`: pixels of the hand beside the object, likewise;
        `blind_border_ratio`: those of them beside no step in depth; `expected_gap`: what the expected IoU, mean of both
        classes, lacks to 1; and, where a network was asked, `model_hand_gap` and `model_object_gap`: what its IoU with
        the labels lacks to 1.
    """
    smaller = min(row["hand_px"], row["object_px"]) + _NO_PIXELS
    ratios = {
        f"{what}_ratio": row[f"{what}_share"] * (row["hand_px"] + row["object_px"]) / smaller
        for what in ("unseen", "unsure", "overruled", "filtered", "flying")
    }
    border = row["border_px"] / smaller
    asked = {target: row[f"model_{target}_iou"] for target in _CLASSES if f"model_{target}_iou" in row}
    gaps = {f"model_{target}_gap": max(1 - iou, _NO_GAP) for target, iou in asked.items()}
    blind = border * (1 - row["border_on_depth"])
    expected = (row["expected_hand_iou"] + row["expected_object_iou"]) / len(_CLASSES)
    gaps["expected_gap"] = max(1 - expected, _NO_DOUBT)
    return {**row, **ratios, "border_ratio": border, "blind_border_ratio": blind, **gaps}


def add_jumps(rows: Sequence[Row | None], sequences: Sequence[range]) -> list[dict[str, float] | None]:
    """Add to each frame how far areas and positions of hand and object are from those of the frames around it.

    Compared is with the median of up to two frames on either side, so that one bad frame stands out and its
    neighbors do not. Areas are compared as absolute logarithm of their ratio, positions as share of the image's sides.
    A frame alone has no jumps: 0.

    Args:
        rows: of all frames in order; None where a frame could not be used.
        sequences: ranges of indices of frames that follow each other in time.

    Returns:
        The rows with `hand_area_jump`, `hand_position_jump`, `object_area_jump` and `object_position_jump`.
    """
    added = [None if row is None else {**row, **_no_jumps()} for row in rows]
    for sequence in sequences:
        there = [index for index in sequence if rows[index] is not None]
        for target in _CLASSES:
            for place, index in enumerate(there):
                around = [rows[other] for other in there[max(place - _AROUND, 0) : place + _AROUND + 1]]
                row = added[index]
                assert row is not None
                row |= _jump(row, [other for other in around if other is not None], target)
    return added


def _no_jumps() -> dict[str, float]:
    return {f"{target}_{what}_jump": 0.0 for target in _CLASSES for what in ("area", "position")}


def _jump(row: Row, around: Sequence[Row], target: str) -> dict[str, float]:
    area, usual = row[f"{target}_px"], float(np.median([other[f"{target}_px"] for other in around]))
    ratio = math.log((area + _NO_PIXELS) / (usual + _NO_PIXELS))
    seen = [other for other in around if other[f"{target}_px"] > 0]
    moved = 0.0
    if area > 0:
        middle = np.median([(other[f"{target}_x"], other[f"{target}_y"]) for other in seen], axis=0)
        moved = math.hypot(row[f"{target}_x"] - middle[0], row[f"{target}_y"] - middle[1])
    return {f"{target}_area_jump": abs(ratio), f"{target}_position_jump": moved}


def add_take(rows: Sequence[Row | None], *, agreement: float | None) -> list[dict[str, float] | None]:
    """Add to each frame of one recording what only the recording shows.

    Args:
        rows: of all its frames; None where a frame could not be used.
        agreement: of the labels with depth and color, 0 to 1, see `skin_choice.agreement`; None where nobody looked.

    Returns:
        The rows with `swallowed`: logarithm of how much larger a hand without object is than hands with one usually are
        in this recording, 0 with an object and where too few frames tell; and `take_doubt`: what the agreement lacks
        to 1, 0 where it is not known.
    """
    holding = [row["hand_cm2"] for row in rows if row is not None and _holds(row)]
    usual = float(np.median(holding)) if len(holding) >= _FEWEST else None
    uncertainty = 0.0 if agreement is None else 1 - agreement
    return [
        None if row is None else {**row, "swallowed": _swallowed(row, usual), "take_doubt": uncertainty} for row in rows
    ]


def _holds(row: Row) -> bool:
    return row["hand_px"] > 0 and row["object_px"] > _NO_OBJECT * (row["hand_px"] + row["object_px"])


def _swallowed(row: Row, usual_cm2: float | None) -> float:
    if usual_cm2 is None or _holds(row) or row["hand_px"] == 0:
        return 0.0
    return max(0.0, math.log(row["hand_cm2"] / max(usual_cm2, 1.0)))


def score(rows: Sequence[Row], *, skin: SkinMethod, kind: Kind) -> Float64[np.ndarray, "n"]:
    """Confidence, 0 to 1, of frames whose ratios and jumps were added; without a hand it is 0: nothing was found.

    Args:
        rows: the frames' numbers.
        skin: how the annotation told skin.
        kind: `with_model` where all of them have a network's opinion.
    """
    weights = load_weights(skin, kind)
    return np.array([weights.score(row) if row["hand_px"] > 0 else 0.0 for row in rows], np.float64)
