"""The documented loop in miniature: the review's record decides what is trained on and what is ranked anew."""

from __future__ import annotations

import csv
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from graspseg.datasets.atomic import write_png
from graspseg.datasets.decisions import AcceptedFrames, read_decisions
from graspseg.labels import HAND, OBJECT

FRAMES, EMPTY, WRONG = 12, (0, 1, 2, 3, 4, 5), {3, 7, 11}


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script `benchmarks/annotation/annotation_loop.py`."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks" / "annotation"))
    return importlib.import_module("annotation_loop")


def write_truth(folder: Path, recording: Path) -> None:
    """Make each frame's things of another width, and write the truth: some rows less, half a hand in `WRONG` frames."""
    for path in sorted((recording / "depth").iterdir(), key=lambda path: int(path.stem)):
        number, depth = int(path.stem), np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED))
        edge = 70 - number if number in EMPTY else 120 - 2 * number
        depth[:, edge:] = 1000
        write_png(path, depth)
        labels = np.where(depth == 400, np.uint8(HAND), np.where(depth == 420, np.uint8(OBJECT), np.uint8(0)))
        rows = labels[30 : 60 if number in WRONG else 30 + number % 5]
        rows[rows == HAND] = 0
        write_png(folder / recording.name / path.name, labels)


def ranking(out: Path) -> list[dict[str, str]]:
    with (out / "confidence.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_decisions_are_what_is_trained_on_and_what_is_left_is_ranked_anew(
    loop: Any, make_recording: Callable[..., Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    recordings = [make_recording(FRAMES, name, empty=EMPTY) for name in ("one", "two")]
    truth, out = tmp_path / "truth", tmp_path / "out"
    for recording in recordings:
        write_truth(truth, recording)
    told = loop.one_round(recordings, truth, out, loop.Round("hsv", 2, 0.75))

    decisions = read_decisions(out / "annotated")
    assert decisions is not None
    decided = decisions.accepted | decisions.rejected
    assert len(decided) == 18 == told["accepted"] + told["rejected"] and told["todo"] == 6
    assert decisions.rejected == {stem for stem in decided if int(stem.split("/")[1]) in WRONG}
    alone, with_model = told["left"]["alone"], told["left"]["with_model"]
    assert alone["frames"] == with_model["frames"] == 6
    accepted = AcceptedFrames(out / "annotated", decisions)
    assert f"{len(accepted)} of 24 frames, those accepted in review.sqlite" in capfd.readouterr().out

    rows = ranking(out / "annotated")
    assert len(rows) == 2 * FRAMES and all(float(row["model_hand_iou"]) >= 0 for row in rows)
    assert loop.review(out / "annotated", truth, 0.75)["todo"] == 6  # what was decided stays
    assert loop.review(out / "annotated", truth, 1.0)["todo"] == 0
