"""Whether probabilities say how often labels are right, and whether uncertainty points at the errors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float32, Int64, UInt8

from graspseg.labels import BACKGROUND, IGNORE

BINS = 15
COVERAGES = tuple(round(0.05 * step, 2) for step in range(1, 21))

Region = Literal["measured", "foreground"]

# Uncertainty = 1 - confidence is sorted by the upper half of its float32: 128 steps an octave, finest near certainty.
_HIGHEST = int(np.float32(1).view(np.int32)) >> 16
_LOWEST = int(np.float32(2**-25).view(np.int32)) >> 16
_UNCERTAINTIES = _HIGHEST - _LOWEST + 1


@dataclass
class _Counts:
    """Of one region: pixels and right ones by bin of confidence, and by uncertainty; sums of confidence by bin."""

    by_uncertainty: Int64[np.ndarray, "right=2 uncertainties"] = field(
        default_factory=lambda: np.zeros((2, _UNCERTAINTIES), np.int64)
    )
    by_bin: Int64[np.ndarray, "right=2 bins"] = field(default_factory=lambda: np.zeros((2, BINS), np.int64))
    confidence: np.ndarray = field(default_factory=lambda: np.zeros(BINS))

    def __iadd__(self, other: _Counts) -> _Counts:
        self.by_uncertainty += other.by_uncertainty
        self.by_bin += other.by_bin
        self.confidence += other.confidence
        return self


class Calibration:
    """Streaming calibration error and risk-coverage of the probability given to the predicted label.

    Two regions, both of pixels that have a depth and a target other than IGNORE: `measured` is all of them,
    `foreground` those that the target or the prediction calls hand or object. Most measured pixels are background far
    from any hand, certain and right, so that over `measured` any model looks well calibrated; `foreground` is where
    its word counts. Pixels without depth are background by rule, and left out.

    Expected calibration error: 15 bins of equal width in confidence, mean |share right - mean confidence| weighted by
    pixels. Risk at coverage c: share of wrong labels among the share c of pixels with the highest confidence; AURC is
    its mean over all coverages, and `excess_aurc` what it is above that of a ranking that puts every error last.
    Confidences that differ by less than 1 % of their distance from 1 count as ties, in random order.

    Paper: not in it; Guo et al., "On calibration of modern neural networks", ICML 2017 (ECE); Geifman, Uziel and
    El-Yaniv, "Bias-reduced uncertainty estimation for deep neural classifiers", ICLR 2019 (AURC and its excess).
    """

    def __init__(self) -> None:
        self._counts: dict[Region, _Counts] = {"measured": _Counts(), "foreground": _Counts()}

    def update(
        self,
        prediction: UInt8[np.ndarray, "h w"],
        probabilities: Float32[np.ndarray, "3 h w"],
        target: UInt8[np.ndarray, "h w"],
        measured: Bool[np.ndarray, "h w"],
    ) -> None:
        """Count one image.

        Args:
            prediction: Labels.
            probabilities: Of background, hand and object, summing to 1.
            target: Labels.
            measured: Pixels that have a depth.
        """
        judged = measured & (target != IGNORE)
        label, truth = prediction[judged], target[judged]
        confidence = np.take_along_axis(probabilities[:, judged], label[None].astype(np.intp), axis=0)[0]
        right = label == truth
        # 0 to 3: wrong or right, and above that, outside or inside of the foreground.
        kind = right + 2 * ((label | truth) != BACKGROUND).view(np.uint8)
        uncertainty = np.maximum(np.float32(1) - confidence, np.float32(0)).view(np.int32) >> 16
        uncertainty = np.maximum(uncertainty, _LOWEST) - _LOWEST
        interval = np.clip((confidence * np.float32(BINS)).astype(np.int32), 0, BINS - 1)
        by_uncertainty = np.bincount(
            kind * np.int32(_UNCERTAINTIES) + uncertainty, minlength=4 * _UNCERTAINTIES
        ).reshape(2, 2, _UNCERTAINTIES)
        coarse = kind * np.int32(BINS) + interval
        by_bin = np.bincount(coarse, minlength=4 * BINS).reshape(2, 2, BINS)
        sums = np.bincount(coarse, confidence, minlength=4 * BINS).reshape(2, 2, BINS).sum(axis=1)
        inside = _Counts(by_uncertainty[1], by_bin[1], sums[1])
        self._counts["foreground"] += inside
        self._counts["measured"] += inside
        self._counts["measured"] += _Counts(by_uncertainty[0], by_bin[0], sums[0])

    def merge(self, other: Calibration) -> None:
        """Add what another counter saw, as if this one had seen it too."""
        for region, counts in self._counts.items():
            counts += other._counts[region]

    def summary(self) -> dict[str, dict[str, object]] | None:
        """Scores by region as plain JSON values, None before any pixel was seen."""
        if not self._counts["measured"].by_bin.any():
            return None
        return {region: _scores(counts) for region, counts in self._counts.items()}


def _scores(counts: _Counts) -> dict[str, object]:
    pixels = int(counts.by_bin.sum())
    if not pixels:
        return {"ece": None, "aurc": None, "excess_aurc": None, "risk": None, "pixels": 0}
    gaps = np.abs(counts.by_bin[1] - counts.confidence)
    seen, wrong = counts.by_uncertainty.sum(axis=0), counts.by_uncertainty[0]
    kept = seen > 0
    ranks = np.concatenate([[0], np.cumsum(seen[kept])])
    errors = np.concatenate([[0], np.cumsum(wrong[kept])])
    aurc = _area(ranks, errors)
    wanted = pixels * np.array(COVERAGES)
    risks = np.interp(wanted, ranks, errors) / wanted
    return {
        "ece": float(gaps.sum() / pixels),
        "aurc": aurc,
        "excess_aurc": aurc - _area(*np.array([[0, pixels - errors[-1], pixels], [0, 0, errors[-1]]])),
        "risk": {f"{coverage:.2f}": float(risk) for coverage, risk in zip(COVERAGES, risks, strict=True)},
        "pixels": pixels,
    }


def _area(ranks: np.ndarray, errors: np.ndarray) -> float:
    """Mean over all coverages of errors / rank, where errors grow evenly between the given ranks.

    Between ranks a and b with e + s (n - a) errors at rank n, the integral of errors / n is
    s (b - a) + (e - s a) ln(b / a).
    """
    first, last = ranks[:-1].astype(float), ranks[1:].astype(float)
    there = last > first
    first, last, begin, end = first[there], last[there], errors[:-1][there], errors[1:][there]
    slope = (end - begin) / (last - first)
    # The part that begins at rank 0 has no errors before it, and no logarithm.
    logarithm = np.log(last / np.where(first > 0, first, last))
    return float((slope * (last - first) + (begin - slope * first) * logarithm).sum() / last[-1])
