"""How sure the shipped model may be: fits the temperature of `Segmentation.calibrated` and says what `abstain` gives.

    python benchmarks/calibration/temperature.py [--frames N] [--json-path FILE]

Fitted to `wild` frames of the split `val`, judged on `unseen`: other hands and objects, drawn with another seed. Only
pixels count that the truth or the prediction calls hand or object.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from graspseg import Segmenter
from graspseg.labels import BACKGROUND, IGNORE
from graspseg.segment.segmentation import ABSTAIN_BELOW
from graspseg.synth.generate import FrameMaker
from graspseg.synth.objects.objects import Split
from graspseg.synth.recipe import RECIPES

_PIXELS = 3000  # of a frame
_SEEDS: dict[Split, int] = {"val": 4711, "unseen": 4712}
_RESULT = Path(__file__).parents[1] / "results" / "temperature.json"


def collect(segmenter: Segmenter, split: Split, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities [n, 3], given labels and true labels of random foreground pixels."""
    maker = FrameMaker(split, _SEEDS[split], recipe=RECIPES["wild"])
    rng = np.random.default_rng(0)
    rows = []
    for index in range(count):
        made = maker.make(index)
        frame = made.frame()
        found = segmenter(frame)
        here = (frame.depth > 0) & (made.labels != IGNORE) & ((found.labels | made.labels) != BACKGROUND)
        places = rng.permutation(np.flatnonzero(here))[:_PIXELS]
        rows.append(
            (found.probabilities.reshape(3, -1).T[places], *(a.ravel()[places] for a in (found.labels, made.labels)))
        )
    probabilities, given, target = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    return probabilities.astype(np.float64), given, target


def softened(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities to the power of 1 / temperature, sum 1."""
    soft = np.maximum(probabilities, 1e-7) ** (1 / temperature)
    return soft / soft.sum(axis=1, keepdims=True)


def fitted(probabilities: np.ndarray, target: np.ndarray) -> float:
    """The temperature with the highest likelihood of the true labels."""
    rows = np.arange(len(target))
    tried = np.arange(0.5, 5.01, 0.05)
    losses = [-np.log(softened(probabilities, value)[rows, target]).mean() for value in tried]
    return round(float(tried[int(np.argmin(losses))]), 2)


def judged(probabilities: np.ndarray, given: np.ndarray, target: np.ndarray) -> dict[str, Any]:
    """Calibration error in 15 bins, and what abstaining leaves."""
    confidence, right = probabilities[np.arange(len(given)), given], given == target
    bins = np.minimum((confidence * 15).astype(int), 14)
    gaps = [abs((right[bins == b] - confidence[bins == b]).sum()) for b in range(15)]
    sure = confidence >= ABSTAIN_BELOW
    return {
        "ece": float(sum(gaps) / len(given)),
        "right": float(right.mean()),
        "abstained": float(1 - sure.mean()),
        "right_where_sure": float(right[sure].mean()),
        "right_where_unsure": float(right[~sure].mean()),
    }


def main(frames: int = 200, json_path: Path = _RESULT) -> None:
    """Fit, judge, write."""
    segmenter = Segmenter(precision="float32")
    probabilities, _, target = collect(segmenter, "val", frames)
    temperature = fitted(probabilities, target)
    probabilities, given, target = collect(segmenter, "unseen", frames)
    result = {
        "model": segmenter.info.digest,
        "frames": frames,
        "below": ABSTAIN_BELOW,
        "temperature": temperature,
        "as_it_is": judged(probabilities, given, target),
        "calibrated": judged(softened(probabilities, temperature), given, target),
    }
    json_path.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    tyro.cli(main)
