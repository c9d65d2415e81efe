"""The default of `graspseg annotate` beside the paper's thresholds, on real takes and on synthetic recordings.

    python benchmarks/annotation/annotation_choice.py --takes FOLDER --sheets FOLDER
    python benchmarks/annotation/annotation_sets.py exam SETS
    python benchmarks/annotation/annotation_choice.py --sets SETS --most 20

FOLDER holds takes: data sets with `depth/`, `color/` and `labels/`; those without color are left out. Judged is what is
measured and not 255. `model` is a model of what the first frames share, `auto` the default, which chooses. A synthetic
recording is calibrated on its four frames of the empty hand. With `--alone`, on the first judged frame instead, and
that one is judged: what few frames are worth. Writes `benchmarks/results/annotation_choice.json`.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

import annotation_sets
from graspseg.annotate.annotator import Annotator
from graspseg.annotate.calibrate import calibrate
from graspseg.annotate.settings import AnnotateSettings
from graspseg.annotate.skin_choice import choose_skin
from graspseg.cameras.open import open_rgbd
from graspseg.cameras.rgbd import RgbdFrame
from graspseg.datasets.folder import FolderDataset
from graspseg.errors import InputError
from graspseg.evaluation.machine import describe_machine
from graspseg.labels import BACKGROUND, IGNORE, colorize
from graspseg.metrics.confusion import Confusion

RESULT = Path(__file__).parents[1] / "results" / "annotation_choice.json"
FIRST, LOOKED_AT = 30, 12  # as `graspseg annotate` does
AUTO = AnnotateSettings(skin="auto", surroundings=True)
SHEET_WIDTH = 400


class Take(NamedTuple):
    """Frames with truth, and those at the beginning that skin is found on."""

    name: str
    first: list[RgbdFrame]
    frames: list[RgbdFrame]
    targets: list[np.ndarray]


def real_takes(folder: Path) -> Iterator[Take]:
    """Every take of a folder that has color."""
    for path in sorted(one for one in folder.iterdir() if (one / "color").is_dir() and (one / "labels").is_dir()):
        source, truth = open_rgbd(path), FolderDataset(path)
        targets = {sample.stem: sample.labels for sample in truth}
        frames = [source[index] for index in range(len(source))]
        begin = frames[:FIRST]
        known = [target for frame in frames if (target := targets[frame.name]) is not None]
        yield Take(path.name, begin[:: max(1, len(begin) // LOOKED_AT)], frames, known)


def synthetic_takes(folder: Path, most: int, *, alone: bool) -> Iterator[Take]:
    """Recordings of the exam; one frame of each, where they are to be judged alone."""
    for number, stored in enumerate(itertools.islice(annotation_sets.recordings("exam", folder), most)):
        judged = [frame for frame in stored if frame.part == "judged"]
        judged = judged[:1] if alone else judged
        first = judged if alone else [frame for frame in stored if frame.part == "empty"]
        yield Take(
            f"{number:03d}",
            [frame.rgbd for frame in first],
            [frame.rgbd for frame in judged],
            [frame.labels for frame in judged],
        )


def annotators(take: Take) -> tuple[dict[str, Annotator | None], dict[str, Any]]:
    """What is compared, and what the default chose; None where no skin was found."""
    spread = take.frames[:: max(1, len(take.frames) // LOOKED_AT)]
    chosen = choose_skin(take.first, spread, settings=AUTO)
    try:
        model = Annotator(AnnotateSettings(skin="model"), calibrate(take.first))
    except InputError:
        model = None
    made = {"hsv": Annotator(), "model": model, "auto": chosen.annotator(AUTO)}
    return made, {"way": chosen.way, "agreements": dict(chosen.agreements)}


def judge(take: Take, sheets: Path | None) -> tuple[dict[str, Confusion], dict[str, Any]]:
    """Every annotator's counts on a take, and what was chosen."""
    made, chosen = annotators(take)
    counts = {name: Confusion() for name in made}
    rows = []
    for frame, target in zip(take.frames, take.targets, strict=True):
        target = np.where(frame.frame.depth > 0, target, np.uint8(IGNORE))
        found = {
            name: np.zeros_like(target) if annotator is None else annotator.annotate(frame).labels
            for name, annotator in made.items()
        }
        for name, labels in found.items():
            counts[name].update(labels, target)
        if sheets is not None:
            rows.append(np.hstack([_shown(frame.color, labels) for labels in (target, *found.values())]))
    if sheets is not None:
        sheets.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(sheets / f"{take.name}.jpg"), np.vstack(rows)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
    return counts, chosen


def _shown(color: np.ndarray, labels: np.ndarray) -> np.ndarray:
    height = round(SHEET_WIDTH * color.shape[0] / color.shape[1])
    known = np.where(labels == IGNORE, np.uint8(BACKGROUND), labels)
    tinted = cv2.addWeighted(color, 0.45, colorize(known), 0.55, 0)
    picture = np.where(known[..., None] == BACKGROUND, color, tinted)
    return cv2.resize(picture, (SHEET_WIDTH, height), interpolation=cv2.INTER_AREA)


def figures(counts: dict[str, Confusion]) -> dict[str, dict[str, float]]:
    """IoU of the data set, percent."""
    return {
        name: {label: round(100 * (value or 0), 1) for label, value in one.iou_dataset.items()}
        for name, one in counts.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--takes", type=Path, help="folder of real takes")
    parser.add_argument("--sheets", type=Path, help="where pictures of them go: truth, hsv, model, auto")
    parser.add_argument("--sets", type=Path, help="folder of stored synthetic recordings")
    parser.add_argument("--most", type=int, default=100, help="so many recordings of the exam")
    parser.add_argument("--alone", action="store_true", help="judge one frame of each recording by itself")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    result: dict[str, Any] = {}
    if options.takes is not None:
        for take in real_takes(options.takes):
            counts, chosen = judge(take, options.sheets)
            result.setdefault("real", {})[take.name] = {"frames": len(take.frames), **figures(counts), **chosen}
            print(take.name, json.dumps(result["real"][take.name]), flush=True)
    if options.sets is not None:
        total: dict[str, Confusion] = {}
        ways: dict[str, int] = {}
        below: list[str] = []
        for take in synthetic_takes(options.sets, options.most, alone=options.alone):
            counts, chosen = judge(take, None)
            ways[chosen["way"]] = ways.get(chosen["way"], 0) + 1
            own = figures(counts)
            if own["auto"]["mean"] < own["hsv"]["mean"]:
                below.append(take.name)
            for name, one in counts.items():
                total.setdefault(name, Confusion()).merge(one)
            print(take.name, chosen["way"], {name: one["mean"] for name, one in own.items()}, flush=True)
        part = "synthetic, one frame alone" if options.alone else "synthetic"
        result[part] = {"recordings": options.most, **figures(total), "ways": ways, "below_hsv": below}
        print(json.dumps(result[part]))
    there = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    RESULT.write_text(json.dumps({**there, **result, "machine": describe_machine()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
