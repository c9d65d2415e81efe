"""The annotation on its frozen exam: IoU by skin tone, light and color of the object, acceptance, and speed.

    python benchmarks/annotation/annotation_sets.py exam sets
    python benchmarks/annotation/annotation.py exam sets

Every recording is calibrated on its own first frames, which are not judged: four of the empty hand, or (`held`) four
with other objects. A frame is accepted when hand and object both reach an IoU of 0.9. Speed is the processor time of
one thread, frames decoded. Writes `benchmarks/results/annotation.json` (for `tuning`: `annotation-tuning.json`).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from annotation_sets import recordings
from graspseg.annotate.annotator import Annotator
from graspseg.annotate.calibrate import calibrate
from graspseg.annotate.settings import AnnotateSettings
from graspseg.annotate.skin_model import SkinModel
from graspseg.evaluation.annotation_test_set import AnnotationFrame
from graspseg.evaluation.machine import describe_machine
from graspseg.labels import HAND, OBJECT
from graspseg.metrics.confusion import Confusion

RESULTS = Path(__file__).parents[1] / "results"
ACCEPTED = 0.9
GROUPS = ("tone", "light", "skin_colored")
Annotate = Callable[[AnnotationFrame], np.ndarray]


class Score:
    """Frames of one group under one method."""

    def __init__(self) -> None:
        self.confusion = Confusion()
        self.accepted = 0

    def update(self, labels: np.ndarray, target: np.ndarray) -> None:
        one = Confusion()
        one.update(labels, target)
        self.confusion.merge(one)
        ious = one.iou_dataset
        self.accepted += all((ious[name] or 0) >= ACCEPTED for name in ("hand", "object"))

    def summary(self) -> dict[str, Any]:
        frames = self.confusion.images
        ious = {
            kind: {name: round(100 * (value or 0), 2) for name, value in getattr(self.confusion, kind).items()}
            for kind in ("iou_dataset", "iou_image")
        }
        return {"frames": frames, **ious, "accepted_percent": round(100 * self.accepted / frames, 1)}


def methods(empty: SkinModel, held: SkinModel) -> dict[str, Annotate]:
    """Everything that is judged, for one recording."""
    made = {
        "hsv": Annotator(AnnotateSettings(skin="hsv")),
        "hsv_calibrated": Annotator(AnnotateSettings(skin="hsv"), empty),
        "model_without_depth_edges": Annotator(AnnotateSettings(skin="model", refine=False), empty),
        "model": Annotator(AnnotateSettings(skin="model"), empty),
        "model_calibrated_on_held": Annotator(AnnotateSettings(skin="model"), held),
    }
    return {
        **{name: _labels_of(annotator) for name, annotator in made.items()},
        "trivial_all_hand": lambda frame: _trivial(frame, np.ones_like),
        "trivial_redder_half": lambda frame: _trivial(frame, _redder),
    }


def _labels_of(annotator: Annotator) -> Annotate:
    return lambda frame: annotator.annotate(frame.rgbd).labels


def _trivial(frame: AnnotationFrame, rule: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Label what is within the depth range by a rule on its aligned color."""
    steps = Annotator().steps(frame.rgbd)
    labels, inside = np.zeros_like(frame.labels), steps.kept > 0
    labels[steps.box.region][inside] = np.where(rule(_redness(steps.color)[inside]), HAND, OBJECT)
    return labels


def _redness(color: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(color, cv2.COLOR_RGB2YCrCb)[..., 1]


def _redder(redness: np.ndarray) -> np.ndarray:
    """The redder of two groups (Otsu's threshold)."""
    threshold, _ = cv2.threshold(redness.reshape(-1, 1), 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return redness > threshold


def judge(name: str, folder: Path) -> dict[str, Any]:
    """Scores of every method in every group."""
    scores: dict[str, dict[str, Score]] = {}
    for frames in recordings(name, folder):
        empty, held = (calibrate([frame.rgbd for frame in frames if frame.part == part]) for part in ("empty", "held"))
        for method, annotate in methods(empty, held).items():
            own = scores.setdefault(method, {})
            for frame in frames:
                if frame.part in ("judged", "sleeve"):
                    labels = annotate(frame)
                    for group in _groups(frame):
                        own.setdefault(group, Score()).update(labels, frame.labels)
    return {
        method: {group: own[group].summary() for group in sorted(own, key=_order)} for method, own in scores.items()
    }


def _groups(frame: AnnotationFrame) -> list[str]:
    if frame.part == "sleeve":
        return ["with_sleeves"]
    return ["all", *[f"{group}_{frame.facts[group]}".lower() for group in GROUPS]]


def _order(group: str) -> tuple[bool, str]:
    name, _, value = group.rpartition("_")
    return group != "all", f"{name}{value:>6}"


def speed(name: str, folder: Path) -> dict[str, Any]:
    """Frames a second of the first recordings, each begun once before: a recording has more than 13 frames."""
    found: dict[str, list[float]] = {}
    for frames in islice(recordings(name, folder), 15):
        rgbd = [frame.rgbd for frame in frames if frame.part != "empty"]
        model = calibrate([frame.rgbd for frame in frames if frame.part == "empty"])
        for skin in ("hsv", "model"):
            annotator = Annotator(AnnotateSettings(skin=skin), model)
            annotator.annotate(rgbd[0])
            start = time.process_time()
            for one in rgbd:
                annotator.annotate(one)
            found.setdefault(skin, []).append(len(rgbd) / (time.process_time() - start))
    return {skin: {"per_cpu_second": round(float(np.median(rates)), 1)} for skin, rates in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", choices=("exam", "tuning"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only-speed", action="store_true", help="leave the scores of the last run")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    file = RESULTS / ("annotation.json" if options.set == "exam" else f"annotation-{options.set}.json")
    scores = json.loads(file.read_text())["scores"] if options.only_speed else judge(options.set, options.folder)
    command = f"python benchmarks/annotation/annotation.py {options.set} DIR"
    rates = speed(options.set, options.folder)
    result = {"command": command, "scores": scores, "speed": rates, "machine": describe_machine()}
    file.write_text(json.dumps(result, indent=1) + "\n")
    for method, groups in scores.items():
        for group, score in groups.items():
            shown = " ".join(f"{label} {value:5.1f}" for label, value in score["iou_dataset"].items())
            print(f"{method:26} {group:18} {shown} accepted {score['accepted_percent']:5.1f} %")
    print(json.dumps(result["speed"]))


if __name__ == "__main__":
    main()
