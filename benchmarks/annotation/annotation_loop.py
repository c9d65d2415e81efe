"""One round of the loop on synthetic recordings: annotate, review, fine-tune, rank anew, and judge on other recordings.

    python benchmarks/annotation/annotation_sets.py tuning SETS
    python benchmarks/annotation/annotation_sets.py exam SETS
    python benchmarks/annotation/annotation_loop.py SETS OUT --steps 300

The recordings of `tuning` are annotated by `graspseg annotate`. A rule on the truth takes the place of the person who
reviews: worst confidence first, a frame is accepted when hand and object both have IoU >= 0.9, else rejected, in the
record of `graspseg review`, until the share `--reviewed` is decided. `graspseg train --init --data` goes on from the
shipped model with the accepted frames of that folder; `graspseg annotate --with-model` ranks what is left anew.
Annotator, shipped and fine-tuned model are judged on the judged frames of `exam` (other hand, other objects, other
seed), all within the annotator's depth range. `--skin` chooses the annotator. Steps that are done are not repeated.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple, get_args

import cv2
import numpy as np

import annotation_sets
from annotation_confidence import figures
from annotation_rows import GOOD_IOU, recordings, true_iou
from graspseg.annotate.annotated_frame import annotate_frame
from graspseg.annotate.annotator import Annotator
from graspseg.annotate.calibrate import calibrate
from graspseg.annotate.settings import AnnotateSettings, SkinMethod
from graspseg.cameras.calibration import describe_color_camera
from graspseg.cli.main import main as graspseg
from graspseg.datasets.atomic import write_json, write_png
from graspseg.evaluation.machine import describe_machine
from graspseg.metrics.confusion import Confusion
from graspseg.review.server.serve import open_store
from graspseg.review.server.state import Reviewer
from graspseg.review.server.worklist import Worklist
from graspseg.segment.segmenter import Segmenter

REVIEWER = Reviewer("rule on the truth", "annotation-loop")
RESULT = Path(__file__).parents[1] / "results" / "annotation_loop.json"
MODEL = "denseattentionseg-lite"


class Round(NamedTuple):
    """How a round is done.

    Attributes:
        skin: the annotator.
        steps: of the fine-tuning.
        reviewed: share of the frames that is decided, 0 to 1.
    """

    skin: SkinMethod
    steps: int
    reviewed: float


def export_recordings(sets: Path, out: Path) -> list[Path]:
    """The stored recordings as folders that `graspseg annotate` reads, each with its cameras and its truth."""
    folders = []
    for number, frames in enumerate(annotation_sets.recordings("tuning", sets)):
        folder = out / f"{number:03d}"
        folders.append(folder)
        if (folder / "dataset.json").is_file():
            continue
        for index, frame in enumerate(frames):
            name = f"{index:02d}-{frame.rgbd.name}"
            write_png(folder / "depth" / f"{name}.png", frame.rgbd.frame.depth)
            write_png(folder / "color" / f"{name}.png", frame.rgbd.color)
            write_png(out.parent / "truth" / folder.name / f"{name}.png", frame.labels)
        rgbd = frames[0].rgbd
        assert rgbd.frame.intrinsics is not None and rgbd.color_camera is not None
        described = {"depth_unit_m": rgbd.frame.depth_unit_m, "intrinsics": asdict(rgbd.frame.intrinsics)}
        write_json(folder / "dataset.json", described | {"color": describe_color_camera(rgbd.color_camera)})
    return folders


def review(annotated: Path, truth: Path, share: float) -> dict[str, int | float]:
    """Decide on frames in the order of the page, worst confidence first, until a share of all is decided.

    What was decided before stays, as when a person comes back. Decisions go through the record that the page writes,
    so that `graspseg train --data` finds them.

    Args:
        annotated: the data set.
        truth: true labels by the same stems.
        share: of all frames, 0 to 1.
    """
    with open_store(annotated) as store:
        worklist, counted = Worklist(store.database), store.progress()
        decided = (counted["accepted"] or 0) + (counted["rejected"] or 0)
        left = max(0, round(share * (counted["all"] or 0) - decided))
        handout = worklist.hand_out(REVIEWER, order="confidence", only="todo", after=None, count=left)
        for frame in handout.frames:
            good = _true_iou(annotated, truth, frame.stem)["true_worst"] >= GOOD_IOU
            decision = "accepted" if good else "rejected"
            store.decide(frame.id, decision, expected_revision=frame.revision, who=REVIEWER)
        worklist.release(REVIEWER)
        counted = store.progress()
    return {name: counted[name] or 0 for name in ("all", "accepted", "rejected", "todo")}


def judge_order(annotated: Path, truth: Path) -> dict[str, float] | None:
    """How well the order of what is left predicts the truth; None when nothing is."""
    with open_store(annotated) as store:
        left = [frame for frame in store.frames() if frame.decision is None]
    if not left:
        return None
    rows = [_true_iou(annotated, truth, frame.stem) for frame in left]
    return figures(rows, np.array([frame.confidence or 0.0 for frame in left]))


def _true_iou(annotated: Path, truth: Path, stem: str) -> dict[str, float]:
    labels, target = (
        np.asarray(cv2.imread(str(folder / f"{stem}.png"), cv2.IMREAD_UNCHANGED))
        for folder in (annotated / "labels", truth)
    )
    return true_iou(labels, target)


def one_round(recordings: list[Path], truth: Path, out: Path, options: Round) -> dict[str, object]:
    """Annotate, review, fine-tune on what was accepted, and rank what is left anew; the model is `out/tuned.onnx`."""
    annotated, tuned = out / "annotated", out / "tuned.onnx"
    made = ("--skin", options.skin, "--calibrate", "--calibration-frames", "8", "--workers", "1")
    annotate = ("annotate", *map(str, recordings), "--out", str(annotated), *made)
    run(*annotate)
    counted = review(annotated, truth, options.reviewed)
    alone = judge_order(annotated, truth)
    if not (out / "run" / "model.safetensors").is_file():
        run(
            *("train", "--init", MODEL, "--data", str(annotated), "--steps", str(options.steps)),
            *("--out", str(out / "run"), "--workers", "0", "--threads", "1"),
        )
    if not tuned.is_file():
        run("export", str(out / "run"), "--out", str(tuned))
    run(*annotate, "--with-model", str(tuned))
    return {**counted, "steps": options.steps, "left": {"alone": alone, "with_model": judge_order(annotated, truth)}}


def judge(sets: Path, tuned: Path, skin: SkinMethod) -> dict[str, dict[str, object]]:
    """Hand and object IoU of annotator, shipped and fine-tuned model on frames none of them was made with."""
    settings = AnnotateSettings(skin=skin)
    models = {
        "shipped": Segmenter(MODEL, threads=1, precision="float32"),
        "fine-tuned": Segmenter(tuned, threads=1, precision="float32"),
    }
    counts = {name: Confusion() for name in ("annotator", *models)}
    for recording in recordings(f"exam:{sets}"):
        annotator = Annotator(settings, calibrate(recording.calibration))
        for frame, target in zip(recording.frames, recording.targets, strict=True):
            if not frame.name.startswith("judged"):
                continue
            made = annotate_frame(annotator, frame, depth="range")
            counts["annotator"].update(made.labels, target)
            for name, model in models.items():
                counts[name].update(model(made.frame).labels, target)
    return {name: {"iou_image": c.iou_image, "iou_dataset": c.iou_dataset} for name, c in counts.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--reviewed", type=float, default=0.75, help="share of the frames that is decided")
    parser.add_argument("--skin", choices=get_args(SkinMethod), default="model")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    out: Path = options.out
    folders = export_recordings(options.sets, out / "recordings")
    made = one_round(folders, out / "truth", out, Round(options.skin, options.steps, options.reviewed))
    there = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    held_out = judge(options.sets, out / "tuned.onnx", options.skin)
    result = {**made, "held_out": held_out, "machine": describe_machine()}
    RESULT.write_text(json.dumps({**there, options.skin: result}, indent=1) + "\n")
    print(json.dumps(result, indent=1))


def run(*arguments: str) -> None:
    print("graspseg", *arguments)
    if code := graspseg(list(arguments)):
        raise SystemExit(code)


if __name__ == "__main__":
    main()
