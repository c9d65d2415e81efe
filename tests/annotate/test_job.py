"""`graspseg annotate`: the same files on any number of workers, resumable, never two jobs in one folder."""

from __future__ import annotations

import contextlib
import csv
import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from graspseg.annotate import job
from graspseg.cli.main import main
from graspseg.datasets.folder import FolderDataset
from graspseg.datasets.images import read_depth
from graspseg.datasets.shards import ShardDataset
from graspseg.labels import HAND, OBJECT

Recorder = Callable[..., Path]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def annotate(recording: Path, out: Path, *options: str, workers: int = 1) -> int:
    return main(["annotate", str(recording), "--out", str(out), "--skin", "hsv", "--workers", str(workers), *options])


def table(out: Path) -> list[dict[str, str]]:
    with (out / "confidence.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_recording_becomes_a_data_set(make_recording: Recorder, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert annotate(make_recording(3), out) == 0
    dataset = FolderDataset(out)
    assert dataset.stems == ["0", "1", "2"] and all(dataset.has_color(index) for index in range(3))
    for index, sample in enumerate(dataset):
        assert sample.labels is not None and sample.frame.intrinsics is not None
        assert sample.labels[60, 45 + index] == HAND and sample.labels[60, 90 + index] == OBJECT
        assert not sample.labels[sample.frame.depth == 0].any() and sample.frame.depth.max() == 420
    assert dataset.intrinsics is not None and dataset.intrinsics.fx == 119
    content = dataset.description.content
    assert content["annotation"] == "automatic" and content["annotated"]["settings"]["skin"] == "hsv"
    assert content["annotated"]["inputs"] == ["recording"] and content["annotated"]["skin_models"] == []


def test_the_whole_depth_is_kept_beside_the_range(make_recording: Recorder, tmp_path: Path) -> None:
    recording, out = make_recording(2), tmp_path / "out"
    assert annotate(recording, out) == 0
    for stem in ("0", "1"):
        whole = read_depth(out / "full_depth" / f"{stem}.png").depth
        assert np.array_equal(whole, read_depth(recording / "depth" / f"{stem}.png").depth)
        kept = read_depth(out / "depth" / f"{stem}.png").depth
        assert np.array_equal(kept, np.where(whole <= kept.max(), whole, 0)) and whole.max() == 1000


def test_all_of_the_depth_can_be_kept(make_recording: Recorder, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert annotate(make_recording(1), out, "--depth", "all") == 0
    sample = FolderDataset(out)[0]
    assert not (out / "full_depth").exists()  # it is in depth/
    assert sample.labels is not None and sample.frame.depth[0, 0] == 1000
    assert not sample.labels[sample.frame.depth == 1000].any()


def test_every_frame_has_its_confidence(make_recording: Recorder, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert annotate(make_recording(4, bare_wall=(2,)), out) == 0
    rows = table(out)
    assert [row["stem"] for row in rows] == ["0", "1", "2", "3"]
    assert list(rows[0])[:2] == ["stem", "confidence"]
    confidence = [float(row["confidence"]) for row in rows]
    assert confidence[2] == 0 and min(confidence[0], confidence[1], confidence[3]) > 0.5
    labels = FolderDataset(out)[2].labels
    assert labels is not None and not labels.any()
    assert float(rows[0]["hand_px"]) == pytest.approx(3000, rel=0.05)


def test_workers_change_nothing(make_recording: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "CHUNK", 2)
    recording = make_recording(5)
    assert annotate(recording, tmp_path / "one") == annotate(recording, tmp_path / "two", workers=2) == 0
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_an_interrupted_run_goes_on(make_recording: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "CHUNK", 2)
    recording, out = make_recording(5), tmp_path / "out"
    assert annotate(recording, out) == 0
    before = files(out)
    (out / "labels" / "1.png").unlink()
    (out / "evidence" / "00000002.json").write_bytes(b"{")
    (out / "confidence.csv").unlink()
    untouched = out / "labels" / "0.png"
    stamp = untouched.stat().st_mtime_ns
    assert annotate(recording, out) == 0
    assert files(out) == before and untouched.stat().st_mtime_ns == stamp


def test_a_bad_frame_among_many(make_recording: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording, out = make_recording(4), tmp_path / "out"
    whole = (recording / "depth" / "1.png").read_bytes()
    (recording / "depth" / "1.png").write_bytes(whole[:100])
    assert annotate(recording, out) == 1
    reported = capsys.readouterr()
    assert "depth/1.png is a truncated PNG" in reported.err and "3 of 4 frames annotated" in reported.out
    assert [row["stem"] for row in table(out)] == ["0", "2", "3"]
    (recording / "depth" / "1.png").write_bytes(whole)
    assert annotate(recording, out) == 0
    assert [row["stem"] for row in table(out)] == ["0", "1", "2", "3"]
    assert annotate(recording, tmp_path / "again") == 0 and files(out) == files(tmp_path / "again")


def test_without_a_good_frame_nothing_is_left(
    make_recording: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = make_recording(2)
    for path in (recording / "depth").iterdir():
        path.write_bytes(b"")
    assert annotate(recording, tmp_path / "out") == 2
    assert "depth/0.png is an empty file" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_results_of_another_job_are_refused(
    make_recording: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording, out = make_recording(2), tmp_path / "out"
    assert annotate(recording, out) == 0
    before = files(out)
    for other, found in (
        (lambda: annotate(recording, out, "--depth-range", "0.2"), "another job (settings differ)"),
        (lambda: annotate(make_recording(3, "longer"), out), "another job (frames, inputs, names_sha256 differ)"),
        (lambda: annotate(recording, out, "--format", "shards"), "stored as folder, expected shards"),
        (lambda: annotate(recording, recording), "holds something else"),
    ):
        capsys.readouterr()
        assert other() == 2 and found in capsys.readouterr().err
    assert files(out) == before


def test_the_contour_filter_can_be_set(make_recording: Recorder, tmp_path: Path) -> None:
    recording = make_recording(1)
    assert annotate(recording, tmp_path / "large", "--theta", "2000") == 0
    labels = FolderDataset(tmp_path / "large")[0].labels  # 3000 pixels of hand stay, 1600 of the object do not
    assert labels is not None and labels.any() and not (labels == OBJECT).any()
    assert annotate(recording, tmp_path / "none", "--phi", "5") == 0
    labels = FolderDataset(tmp_path / "none")[0].labels  # nothing is rounder than a disk
    assert labels is not None and not labels.any()


def test_several_recordings(make_recording: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two, out = make_recording(1, "one"), make_recording(2, "two"), tmp_path / "out"
    assert main(["annotate", str(one), str(two), "--out", str(out), "--skin", "hsv"]) == 0
    assert [row["stem"] for row in table(out)] == ["one/0", "two/0", "two/1"]
    assert main(["annotate", str(one), str(one), "--out", str(tmp_path / "no"), "--skin", "hsv"]) == 2
    assert "Two inputs are called 'one'" in capsys.readouterr().err


def test_shards(make_recording: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = make_recording(5)
    (recording / "depth" / "4.png").write_bytes(b"")
    options = ("--format", "shards", "--shard-size", "2")
    assert annotate(recording, tmp_path / "one", *options) == 1
    assert annotate(recording, tmp_path / "two", *options, workers=2) == 1
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert annotate(recording, tmp_path / "folder") == 1
    folder, shards = FolderDataset(tmp_path / "folder"), ShardDataset(tmp_path / "one")
    assert shards.stems == folder.stems == ["0", "1", "2", "3"]
    for expected, found in zip(folder, shards, strict=True):
        assert found.labels is not None and (found.labels == expected.labels).all()
    assert table(tmp_path / "one") == table(tmp_path / "folder")
    (tmp_path / "two" / "annotated-000000.tar").write_bytes(b"half")
    assert annotate(recording, tmp_path / "two", *options) == 1
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_a_model_ranks_what_is_there_anew(make_recording: Recorder, depth_rule_model: Path, tmp_path: Path) -> None:
    recording, out = make_recording(3), tmp_path / "out"
    assert annotate(recording, out) == 0
    alone = table(out)
    stamp = (out / "labels" / "0.png").stat().st_mtime_ns
    assert annotate(recording, out, "--with-model", str(depth_rule_model)) == 0
    requested = table(out)
    assert (out / "labels" / "0.png").stat().st_mtime_ns == stamp
    # The model calls everything nearer than 0.5 m hand: the hand is 3000 of 4600 pixels, the object is missed.
    assert float(requested[0]["model_hand_iou"]) == pytest.approx(3000 / 4600, abs=0.04)
    assert float(requested[0]["model_object_iou"]) == 0 and "model_hand_iou" not in alone[0]
    assert float(requested[0]["confidence"]) < float(alone[0]["confidence"])
    assert annotate(recording, out) == 0 and table(out) == alone


def test_a_full_disk_keeps_the_work(
    make_recording: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recording, out = make_recording(3), tmp_path / "out"
    replace = os.replace

    def fill_up(partial: Path, path: Path) -> None:
        if path.name == "2.png":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(partial, path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", fill_up)
        assert annotate(recording, out) == 2
    error = capsys.readouterr().err
    assert "depth/2.png could not be written (No space left on device)" in error and error.count("\n") == 1
    assert {f"labels/{index}.png" for index in range(2)} <= set(files(out))
    assert annotate(recording, out) == 0
    assert annotate(recording, tmp_path / "whole") == 0 and files(out) == files(tmp_path / "whole")


def test_a_folder_that_cannot_be_made(
    make_recording: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = make_recording(1)
    (tmp_path / "file").write_text("in the way")
    assert annotate(recording, tmp_path / "file" / "out") == 2
    assert "out could not be written" in capsys.readouterr().err


def test_options_that_do_not_go_together(
    make_recording: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording, out = make_recording(1), tmp_path / "out"
    for options, found in (
        (["--clicks", "1,1"], "--clicks was given without --calibrate"),
        (["--calibrate", "--clicks", "here"], "--clicks has 'here', expected FRAME:X,Y"),
        (["--calibrate", "--clicks", "9:1,1"], "--clicks names the frame '9', expected one of '0' to '0'"),
        (["--calibrate", "--clicks", "1,1"], "not on something near"),
        (["--calibrate", "--calibration-frames", "0"], "--calibration-frames is 0"),
        (["--depth-range", "0"], "The depth range is 0 m, expected 0.01 to 5"),
        (["--phi", "0"], "and phi 0, expected at least 0 and above 0"),
        (["--cluster", "auto"], "--workers 1 was given with --cluster auto"),
        (["--with-model", "nothing"], "nothing"),
    ):
        assert annotate(recording, out, *options) == 2 and found in capsys.readouterr().err
    assert main(["annotate", "--out", str(out)]) == 2 and "There is no input" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.slow
def test_killed_in_the_middle_it_goes_on(make_recording: Recorder, tmp_path: Path) -> None:
    recording, out = make_recording(200), tmp_path / "killed"
    code = "import sys; from graspseg.cli.main import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "annotate", str(recording), "--out", str(out), "--skin", "hsv"]
    run = subprocess.Popen([*command, "--workers", "2"], stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        while run.poll() is None and not any((out / "labels").glob("*.png")):
            time.sleep(0.01)
        assert run.poll() is None, "it was done before it could be killed"
        run.kill()
        run.wait()
        while _group_lives(run.pid):  # workers notice that they are orphans
            time.sleep(0.01)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
    assert 0 < len(list((out / "labels").glob("*.png"))) < 200
    assert annotate(recording, out) == annotate(recording, tmp_path / "whole") == 0
    assert files(out) == files(tmp_path / "whole")
    assert json.loads((out / "dataset.json").read_text())["annotated"]["frames"] == 200


def _group_lives(group: int) -> bool:
    """Whether a process of a group still runs; ones that ended and were not waited for do not count."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, member = path.read_text().rpartition(")")[2].split()[:3]
            if int(member) == group and state != "Z":
                return True
    return False
