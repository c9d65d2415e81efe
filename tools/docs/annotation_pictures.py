"""Draw the pictures of docs/annotate/index.md from recordings of the tuning set.

    python tools/docs/annotation_pictures.py

Writes `docs/images/annotation-steps.png` and `docs/images/annotation-tones.png`.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from graspseg.annotate.annotator import Annotator
from graspseg.annotate.calibrate import calibrate
from graspseg.annotate.settings import AnnotateSettings
from graspseg.annotate.steps import Steps
from graspseg.evaluation.annotation_test_set import TUNING, AnnotationFrame
from graspseg.labels import colorize, contact_sheet, shade_depth

IMAGES = Path(__file__).parents[2] / "docs" / "images"
CELL = (300, 240)
UNSEEN = (230, 0, 230)


def main() -> None:
    recordings = TUNING.recordings()
    frames = list(recordings[12].frames())
    write("annotation-steps.png", steps_sheet(frames), columns=4)
    cells = []
    for recording in recordings[0:20:2]:
        shown = list(recording.frames())
        model = calibrate([frame.rgbd for frame in shown if frame.part == "empty"])
        judged = next(frame for frame in shown if frame.part == "judged")
        paper, own = (Annotator(AnnotateSettings(skin=skin), model).steps(judged.rgbd) for skin in ("hsv", "model"))
        truth = judged.labels[own.box.region]
        row = [own.color, colorize(paper.labels), colorize(own.labels), colorize(truth)]
        cells += [cell(picture, f"tone {recording.tone}" if index == 0 else "") for index, picture in enumerate(row)]
    write("annotation-tones.png", cells, columns=8)


def steps_sheet(frames: list[AnnotationFrame]) -> list[np.ndarray]:
    """Every step of one frame, by thresholds and by the model."""
    model = calibrate([frame.rgbd for frame in frames if frame.part == "empty"])
    judged = [frame for frame in frames if frame.part == "judged"][1]
    paper = Annotator(AnnotateSettings(skin="hsv"), model).steps(judged.rgbd)
    own = Annotator(AnnotateSettings(skin="model"), model).steps(judged.rgbd)
    return [
        cell(judged.rgbd.color, "color camera"),
        cell(shade_depth(judged.rgbd.frame.depth), "depth camera"),
        cell(gray(paper.kept), "1 nearest surface + 16 cm"),
        cell(aligned(paper), "2 aligned, not seen: magenta"),
        cell(gray(paper.skin & paper.kept & paper.seen), "3 skin by HSV thresholds"),
        cell(masks(paper.hand, paper.held), "4 morphology on both masks"),
        cell(masks(paper.hand_filtered, paper.held_filtered), "5 contour filter, eq. 1"),
        cell(colorize(paper.labels), "result of the paper's steps"),
        cell(gray(own.skin & own.kept & own.seen), "skin model, color alone"),
        cell(masks(own.hand, own.held), "surfaces vote, up to edges"),
        cell(colorize(own.labels), "result of --skin model"),
        cell(colorize(judged.labels[own.box.region]), "truth"),
    ]


def aligned(steps: Steps) -> np.ndarray:
    picture = cv2.bitwise_and(steps.color, steps.color, mask=steps.kept)
    picture[(steps.kept > 0) & (steps.seen == 0)] = UNSEEN
    return picture


def masks(hand: np.ndarray, held: np.ndarray) -> np.ndarray:
    return colorize(np.where(hand > 0, 1, np.where(held > 0, 2, 0)).astype(np.uint8))


def gray(mask: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(mask, cv2.COLOR_GRAY2RGB)


def cell(picture: np.ndarray, title: str) -> np.ndarray:
    """A picture fitted into a cell, with its title below."""
    scale = min(CELL[0] / picture.shape[1], (CELL[1] - 22) / picture.shape[0])
    fitted = cv2.resize(
        picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    )
    canvas = np.full((CELL[1], CELL[0], 3), 24, np.uint8)
    x = (CELL[0] - fitted.shape[1]) // 2
    canvas[: fitted.shape[0], x : x + fitted.shape[1]] = fitted
    cv2.putText(canvas, title, (6, CELL[1] - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (235, 235, 235), 1, cv2.LINE_AA)
    return canvas


def write(name: str, cells: list[np.ndarray], *, columns: int) -> None:
    sheet = contact_sheet(cells, columns)
    if columns > 4:
        sheet = cv2.resize(sheet, None, fx=0.55, fy=0.55, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(IMAGES / name), sheet[..., ::-1])


if __name__ == "__main__":
    main()
