"""One round of the loop on synthetic recordings: annotate, accept, fine-tune, and judge on other recordings.

    python benchmarks/annotation_sets.py tuning SETS
    python benchmarks/annotation_sets.py exam SETS
    python benchmarks/annotation_loop.py SETS OUT --steps 300

The recordings of `tuning` are annotated by `graspseg annotate`. A rule on the truth takes the place of the person who
reviews: a frame is accepted when hand and object both have IoU >= 0.9. `graspseg train --init` goes on from the shipped
model with the accepted frames only; annotator, shipped and fine-tuned model are judged on the judged frames of `exam`
(other hand, other objects, other seed), all within the annotator's depth range. `--skin` chooses the annotator.
Steps that are done are not repeated.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import get_args

import cv2
import numpy as np

import annotation_sets
from annotation_rows import GOOD_IOU, recordings, true_iou
from graspseg.annotate.annotated_frame import annotate_frame
from graspseg.annotate.annotator import Annotator
from graspseg.annotate.calibrate import calibrate
from graspseg.annotate.settings import AnnotateSettings, SkinMethod
from graspseg.cli.main import main as graspseg
from graspseg.datasets.atomic import write_json, write_png
from graspseg.datasets.folder import FolderDataset, FolderWriter
from graspseg.evaluation.machine import describe_machine
from graspseg.metrics.confusion import Confusion
from graspseg.segment.segmenter import Segmenter
from graspseg.sources.calibration import describe_color_camera

RESULT = Path(__file__).parent / "results" / "annotation_loop.json"
MODEL = "denseattentionseg-lite"


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


def accept(annotated: Path, truth: Path, out: Path) -> dict[str, int]:
    """Copy the frames that the rule accepts."""
    dataset = FolderDataset(annotated)
    writer = FolderWriter(out, dataset.description.content)
    accepted = 0
    for sample in dataset:
        target = cv2.imread(str(truth / f"{sample.stem}.png"), cv2.IMREAD_UNCHANGED)
        assert sample.labels is not None
        if true_iou(sample.labels, np.asarray(target))["true_worst"] >= GOOD_IOU:
            writer.write(sample.stem, sample.frame, sample.labels)
            accepted += 1
    return {"annotated": len(dataset), "accepted": accepted}


def judge(sets: Path, tuned: Path, skin: SkinMethod) -> dict[str, dict[str, object]]:
    """Hand and object IoU of annotator, shipped and fine-tuned model on frames none of them was made with."""
    settings = AnnotateSettings(skin=skin)
    models = {"shipped": Segmenter(MODEL, threads=1), "fine-tuned": Segmenter(tuned, threads=1)}
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
    parser.add_argument("--skin", choices=get_args(SkinMethod), default="model")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    out: Path = options.out
    folders = export_recordings(options.sets, out / "recordings")
    made = ("--skin", options.skin, "--calibrate", "--calibration-frames", "8", "--workers", "1")
    run("annotate", *map(str, folders), "--out", str(out / "annotated"), *made)
    counted = accept(out / "annotated", out / "truth", out / "accepted")
    if not (out / "run" / "model.safetensors").is_file():
        run(
            *("train", "--init", MODEL, "--data", str(out / "accepted"), "--steps", str(options.steps)),
            *("--out", str(out / "run"), "--workers", "0", "--threads", "1"),
        )
    tuned = out / "tuned.onnx"
    if not tuned.is_file():
        run("export", str(out / "run"), "--out", str(tuned))
    there = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    result = {
        **counted,
        "steps": options.steps,
        "held_out": judge(options.sets, tuned, options.skin),
        "machine": describe_machine(),
    }
    RESULT.write_text(json.dumps({**there, options.skin: result}, indent=1) + "\n")
    print(json.dumps(result, indent=1))


def run(*arguments: str) -> None:
    print("graspseg", *arguments)
    if code := graspseg(list(arguments)):
        raise SystemExit(code)


if __name__ == "__main__":
    main()
