"""A second run of `annotate` into the same folder, after its recording or its labels have changed."""

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from graspseg.cli.main import main
from graspseg.datasets.atomic import held
from graspseg.datasets.output_folder import LOCK

Recorder = Callable[..., Path]


def annotate(recording: Path, out: Path, *options: str) -> int:
    return main(["annotate", str(recording), "--out", str(out), "--skin", "hsv", "--workers", "1", *options])


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("form", ["folder", "shards"])
def test_a_recording_that_changed_is_annotated_anew(make_recording: Recorder, tmp_path: Path, form: str) -> None:
    recording, out = make_recording(3), tmp_path / "out"
    assert annotate(recording, out, "--format", form) == 0
    path = recording / "depth" / "1.png"
    time = path.stat().st_mtime_ns
    depth = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert depth is not None
    cv2.imwrite(str(path), np.where(depth > 0, depth + 7, depth).astype(np.uint16))
    os.utime(path, ns=(time, time))
    assert annotate(recording, out, "--format", form) == 0
    assert annotate(recording, tmp_path / "new", "--format", form) == 0
    assert files(out) == files(tmp_path / "new")


def test_color_counts_as_well(make_recording: Recorder, tmp_path: Path) -> None:
    recording, out = make_recording(2), tmp_path / "out"
    assert annotate(recording, out) == 0
    (path,) = (recording / "color").glob("1.*")
    cv2.imwrite(str(path), np.zeros((120, 160, 3), np.uint8))
    assert annotate(recording, out) == annotate(recording, tmp_path / "new")
    assert files(out) == files(tmp_path / "new")


@pytest.mark.parametrize("form", ["folder", "shards"])
def test_frames_that_fail_now_leave_no_earlier_result(make_recording: Recorder, tmp_path: Path, form: str) -> None:
    recording, out = make_recording(3), tmp_path / "out"
    assert annotate(recording, out, "--format", form) == 0
    (recording / "depth" / "1.png").write_bytes(b"")
    assert annotate(recording, out, "--format", form) == 1
    assert annotate(recording, tmp_path / "new", "--format", form) == 1
    assert files(out) == files(tmp_path / "new") and not list(out.rglob("1.png"))


def test_a_recording_that_cannot_be_read_at_all_changes_nothing(make_recording: Recorder, tmp_path: Path) -> None:
    recording, out = make_recording(2), tmp_path / "out"
    assert annotate(recording, out) == 0
    before = files(out)
    for path in (recording / "depth").iterdir():
        path.write_bytes(b"")
    assert annotate(recording, out) == 2 and files(out) == before


def test_corrected_labels_stay_whatever_happens(
    make_recording: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording, out = make_recording(2), tmp_path / "out"
    assert annotate(recording, out) == 0
    corrected = out / "labels" / "1.png"
    cv2.imwrite(str(corrected), np.full_like(cv2.imread(str(corrected), cv2.IMREAD_UNCHANGED), 2))
    before = files(out)
    assert annotate(recording, out) == 0 and files(out) == before
    (recording / "depth" / "1.png").write_bytes((recording / "depth" / "0.png").read_bytes())
    capsys.readouterr()
    assert annotate(recording, out) == 1 and "labels/1.png was changed since it was written" in capsys.readouterr().err
    assert files(out)["labels/1.png"] == before["labels/1.png"] and files(out)["depth/1.png"] == before["depth/1.png"]
    (recording / "depth" / "1.png").write_bytes(b"")
    assert annotate(recording, out) == 1 and files(out)["labels/1.png"] == before["labels/1.png"]
    (out / "evidence" / "00000000.json").unlink()
    assert annotate(recording, out) == 1 and files(out)["labels/1.png"] == before["labels/1.png"]


@pytest.mark.parametrize("kind", ["depth", "labels", "color"])
def test_what_a_power_cut_left_is_not_done(make_recording: Recorder, tmp_path: Path, kind: str) -> None:
    recording, out = make_recording(2), tmp_path / "out"
    assert annotate(recording, out) == 0
    before = files(out)
    (out / kind / "0.png").write_bytes(b"")
    assert annotate(recording, out) == 0 and files(out) == before


def test_a_second_opinion_is_asked_again_when_labels_changed(
    make_recording: Recorder, depth_rule_model: Path, tmp_path: Path
) -> None:
    def agreement() -> list[float]:
        with (out / "confidence.csv").open(newline="") as file:
            return [float(row["model_hand_iou"]) for row in csv.DictReader(file)]

    recording, out = make_recording(2), tmp_path / "out"
    assert annotate(recording, out, "--with-model", str(depth_rule_model)) == 0
    first = agreement()
    labels = out / "labels" / "0.png"
    cv2.imwrite(str(labels), np.zeros_like(cv2.imread(str(labels), cv2.IMREAD_UNCHANGED)))
    assert annotate(recording, out, "--with-model", str(depth_rule_model)) == 0
    assert first[0] > 0.5 and agreement() == [0, first[1]]


def test_records_without_hashes_are_still_used(make_recording: Recorder, tmp_path: Path) -> None:
    recording, out = make_recording(2), tmp_path / "out"
    assert annotate(recording, out) == 0
    before = files(out)
    evidence = out / "evidence" / "00000000.json"
    content = json.loads(evidence.read_text())
    evidence.write_text(json.dumps({key: content[key] for key in ("made_by", "rows", "failed")}))
    stamp = (out / "labels" / "0.png").stat().st_mtime_ns
    assert annotate(recording, out) == 0 and (out / "labels" / "0.png").stat().st_mtime_ns == stamp
    assert {name for name, data in files(out).items() if data != before[name]} <= {"evidence/00000000.json"}


def test_stems_that_are_formulas_are_text(make_recording: Recorder, tmp_path: Path) -> None:
    recording, out = make_recording(1), tmp_path / "out"
    for path in (*(recording / "depth").iterdir(), *(recording / "color").iterdir()):
        path.rename(path.with_name(f"=1+1{path.suffix}"))
    assert annotate(recording, out) == 0
    assert (out / "confidence.csv").read_text().splitlines()[1].startswith("'=1+1,")


def test_one_process_at_a_time(make_recording: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording, out = make_recording(1), tmp_path / "out"
    with held(out / LOCK):
        assert annotate(recording, out) == 2
    assert "out is being worked on by another process" in capsys.readouterr().err
    assert annotate(recording, out) == 0 and not (out / LOCK).exists()


def test_labels_are_on_the_disk_before_their_evidence_counts_them_as_done(
    make_recording: Recorder, tmp_path: Path, synced: list[str]
) -> None:
    out = tmp_path / "out"
    assert annotate(make_recording(3), out) == 0
    pictures = [synced.index(str(out / kind / f"{n}.png")) for n in range(3) for kind in ("labels", "depth", "color")]
    assert max(pictures) < synced.index(str(out / "evidence"))
