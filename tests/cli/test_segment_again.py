"""A second run of `segment` into the same folder, and folders that hold something else."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from graspseg.cli.main import main
from graspseg.datasets.atomic import held
from graspseg.datasets.output_folder import LOCK
from graspseg.segment.segmenter import Segmenter

Segment = Callable[..., int]


@pytest.fixture
def take(tmp_path: Path) -> Path:
    (tmp_path / "take").mkdir()
    for name in ("a", "b"):
        depth = np.full((48, 64), 900, np.uint16)
        depth[:24, :32] = 400
        cv2.imwrite(str(tmp_path / "take" / f"{name}.png"), depth)
    return tmp_path / "take"


@pytest.fixture
def segment(take: Path, depth_rule_model: Path) -> Segment:
    def run(*options: str, inputs: tuple[Path, ...] = (take,)) -> int:
        out = ["--out", str(take.parent / "out"), "--model", str(depth_rule_model)]
        return main(["segment", *map(str, inputs), *out, *options])

    return run


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:60])


def test_frames_that_fail_or_are_gone_leave_no_earlier_result(
    take: Path, segment: Segment, capsys: pytest.CaptureFixture[str]
) -> None:
    out = take.parent / "out"
    assert segment("--save", "cloud", "handless", "probabilities") == 0
    cut(take / "a.png")
    assert segment() == 1
    assert files(out) == {"labels/b.png", "overlays/b.png", "summary.json"}
    (take / "b.png").unlink()
    capsys.readouterr()
    assert segment() == 2
    assert "1 results of an earlier run" in (error := capsys.readouterr().err) and "the first is b" in error
    assert not files(out) and not (out / "labels").exists()


def test_no_summary_says_more_than_there_is_while_a_run_lasts(
    take: Path, segment: Segment, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = take.parent / "out"
    assert segment() == 0
    ask = Segmenter.__call__

    def stop(self: Segmenter, frame):
        if (out / "labels" / "a.png").exists():
            raise KeyboardInterrupt
        return ask(self, frame)

    with monkeypatch.context() as patched:
        patched.setattr(Segmenter, "__call__", stop)
        assert segment("--no-overlays") == 130
    assert files(out) == {"labels/a.png"}
    assert segment() == 0
    assert files(out) == {"labels/a.png", "labels/b.png", "overlays/a.png", "overlays/b.png", "summary.json"}


def test_results_of_other_inputs_are_not_replaced(
    take: Path, segment: Segment, capsys: pytest.CaptureFixture[str]
) -> None:
    assert segment(inputs=(take / "a.png",)) == 0
    before = files(take.parent / "out")
    (take.parent / "other").mkdir()
    (take.parent / "other" / "a.png").write_bytes((take / "b.png").read_bytes())
    for other in (take / "b.png", take.parent / "other"):
        assert segment(inputs=(other,)) == 2
        assert f"holds results of other frames (a of {take / 'a.png'})" in capsys.readouterr().err
    assert files(take.parent / "out") == before
    assert segment() == 0  # the same frames and more


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels/a.png", b"mine"),
        ("labels/mine.png", cv2.imencode(".png", np.ones((4, 4), np.uint8))[1].tobytes()),
        ("overlays/b.png", b"mine"),
        ("summary.json", b'{"frames": 3}'),
        ("summary.json", b"mine"),
        ("summary.json", b'{"model": 1, "network": 1, "engine": 1, "count": 1, "frames": "mine"}'),
    ],
)
def test_what_is_not_its_own_stays(
    take: Path, segment: Segment, name: str, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = take.parent / "out" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert segment() == 2
    assert f"out holds something else ({name}" in capsys.readouterr().err
    assert path.read_bytes() == content and files(take.parent / "out") == {name}


def test_labels_that_somebody_corrected_stay(take: Path, segment: Segment, capsys: pytest.CaptureFixture[str]) -> None:
    out = take.parent / "out"
    assert segment() == 0
    corrected = out / "labels" / "a.png"
    labels = cv2.imread(str(corrected), cv2.IMREAD_UNCHANGED)
    assert labels is not None
    cv2.imwrite(str(corrected), 2 - labels)
    before = corrected.read_bytes()
    assert segment() == 2 and "(labels/a.png: it was changed since" in capsys.readouterr().err
    assert corrected.read_bytes() == before and (out / "summary.json").exists()


def test_results_from_before_label_images_had_stamps_are_known_by_the_summary(take: Path, segment: Segment) -> None:
    out = take.parent / "out"
    assert segment() == 0
    summary = json.loads((out / "summary.json").read_text())
    for row in summary["frames"]:
        del row["source"]
        path = out / "labels" / f"{row['stem']}.png"
        labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert labels is not None
        cv2.imwrite(str(path), labels)
    (out / "summary.json").write_text(json.dumps(summary))
    assert segment() == 0


def test_what_killed_runs_and_power_cuts_left_is_no_obstacle(take: Path, segment: Segment) -> None:
    out = take.parent / "out"
    assert segment() == 0
    whole = (out / "labels" / "a.png").read_bytes()
    (out / "labels" / "a.png").write_bytes(b"")
    (out / "labels" / "b.png").write_bytes(whole[:100])
    (out / "labels" / ".1-2.tmp").write_bytes(b"half")
    (out / "summary.json").unlink()
    assert segment() == 0
    assert (out / "labels" / "a.png").read_bytes() == whole
    assert files(out) == {"labels/a.png", "labels/b.png", "overlays/a.png", "overlays/b.png", "summary.json"}


def test_one_process_at_a_time_and_no_longer_than_it_lives(
    take: Path, segment: Segment, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = take.parent / "out" / LOCK
    code = f"""
import os, time
from pathlib import Path
from graspseg.datasets.atomic import held
with held(Path({str(lock)!r})):
    if os.fork():
        print("held", flush=True)
    time.sleep(100)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True) as holder:
        try:
            assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
            assert segment() == 2
            assert "out is being worked on by another process" in capsys.readouterr().err
            holder.kill()
            holder.wait()
            with held(lock):  # its child lives, but does not hold what it inherited
                pass
        finally:
            os.killpg(holder.pid, signal.SIGKILL)
    assert segment() == 0 and not lock.exists()


def test_a_name_that_is_too_long_fails_alone(take: Path, segment: Segment, capsys: pytest.CaptureFixture[str]) -> None:
    long = "n" * 250
    (take / "a.png").rename(take / f"{long}.png")
    assert segment("--save", "cloud") == 1
    error = capsys.readouterr().err
    assert "File name too long" in error and "choose a shorter one" in error and "free space" not in error
    out = take.parent / "out"
    assert files(out) == {
        "labels/b.png",
        "overlays/b.png",
        "clouds/b-hand.ply",
        "clouds/b-object.ply",
        "summary.json",
    }
    count = json.loads((out / "summary.json").read_text())["count"]
    assert (count["segmented"], count["failed"]) == (1, 1)
    assert segment("--save", "cloud") == 1


def test_memory_that_one_frame_needs(take: Path, segment: Segment, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = Segmenter.__call__
    requested = []

    def hungry(self: Segmenter, frame):
        requested.append(frame)
        if len(requested) == 1:
            raise MemoryError
        return ask(self, frame)

    monkeypatch.setattr(Segmenter, "__call__", hungry)
    assert segment() == 1
    assert "labels/b.png" in files(take.parent / "out")


def test_names_of_files_send_no_commands_to_the_terminal(
    take: Path, segment: Segment, capfd: pytest.CaptureFixture[str]
) -> None:
    cut(take / "a.png")
    (take / "a.png").rename(take / "a\x1b]0;owned\x07\n.png")
    np.save(take / "\x1b[2Jempty.npy", np.zeros((8, 8), np.uint16))
    assert segment() == 1
    reported = capfd.readouterr()
    assert r"a\x1b]0;owned\x07\n.png is a truncated PNG" in reported.err
    assert r"warning: \x1b[2Jempty: no pixel has a measurement" in reported.err
    assert not set(reported.err + reported.out) & set("\x1b\x07")


def test_labels_are_on_the_disk_before_a_summary_names_them(take: Path, segment: Segment, synced: list[str]) -> None:
    assert segment() == 0
    out = take.parent / "out"
    labels = [synced.index(str(out / "labels" / f"{name}.png")) for name in ("a", "b")]
    last = max(place for place, name in enumerate(synced) if name == str(out))  # summary.json has its name
    assert max(labels) < synced.index(str(out / "labels"), max(labels)) < last
