"""Store the recordings of the annotation's exam, which take seconds each to draw, and read them again.

python benchmarks/annotation/annotation_sets.py tuning sets
python benchmarks/annotation/annotation_sets.py exam sets
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np

from graspseg.cameras.rgbd import ColorCamera, RgbdFrame
from graspseg.evaluation.annotation_test_set import TEST_SET, TUNING, AnnotationFrame, AnnotationTestSet
from graspseg.frame import Frame, Intrinsics
from graspseg.synth.preset_names import DEPTH_UNIT_M

SETS: dict[str, AnnotationTestSet] = {"exam": TEST_SET, "tuning": TUNING}


def store(name: str, folder: Path) -> None:
    """Draw the recordings that are not there yet."""
    for recording in SETS[name].recordings():
        path = folder / name / f"{recording.index:03d}"
        if (path / "done").is_file():
            continue
        path.mkdir(parents=True, exist_ok=True)
        for frame in recording.frames():
            _write(path, frame)
        (path / "done").touch()


def _write(path: Path, frame: AnnotationFrame) -> None:
    rgbd = frame.rgbd
    assert rgbd.frame.intrinsics is not None and rgbd.color_camera is not None
    stem = str(path / rgbd.name)
    fast = [cv2.IMWRITE_PNG_COMPRESSION, 1]
    cv2.imwrite(f"{stem}.depth.png", rgbd.frame.depth, fast)
    cv2.imwrite(f"{stem}.label.png", frame.labels, fast)
    cv2.imwrite(f"{stem}.color.png", rgbd.color[..., ::-1], fast)
    facts = {**frame.facts, "depth_intrinsics": asdict(rgbd.frame.intrinsics)}
    Path(f"{stem}.json").write_text(json.dumps(facts), encoding="utf-8")


def recordings(name: str, folder: Path) -> Iterator[list[AnnotationFrame]]:
    """The frames of each stored recording, the empty hand first."""
    for recording in SETS[name].recordings():
        path = folder / name / f"{recording.index:03d}"
        if not (path / "done").is_file():
            raise SystemExit(f"{path} is not there: python benchmarks/annotation/annotation_sets.py {name} {folder}")
        yield [_read(file) for file in sorted(path.glob("*.json"), key=_order)]


def _order(file: Path) -> tuple[int, str]:
    return ("empty", "held", "judged", "sleeve").index(file.stem.split("-")[0]), file.stem


def _read(file: Path) -> AnnotationFrame:
    facts = json.loads(file.read_text(encoding="utf-8"))
    depth, label, color = (
        np.asarray(cv2.imread(str(file.with_suffix(f".{kind}.png")), cv2.IMREAD_UNCHANGED))
        for kind in ("depth", "label", "color")
    )
    pose = np.array(facts["color_from_depth"])
    camera = ColorCamera(Intrinsics(**facts["intrinsics"]), pose[:3, :3].copy(), pose[:3, 3].copy())
    frame = Frame(depth, DEPTH_UNIT_M, Intrinsics(**facts["depth_intrinsics"]))
    return AnnotationFrame(
        RgbdFrame(file.stem, frame, np.ascontiguousarray(color[..., ::-1]), camera), label, facts["part"], facts
    )


if __name__ == "__main__":
    store(sys.argv[1], Path(sys.argv[2]))
