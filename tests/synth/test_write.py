"""`graspseg synth`: the same files on any number of workers, resumable, never two data sets in one folder."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from graspseg.cli.synth import main
from graspseg.datasets.folder import FolderDataset
from graspseg.datasets.shards import ShardDataset
from graspseg.errors import InputError
from graspseg.parallel import processes
from graspseg.parallel.chunks import Processes
from graspseg.synth import job
from graspseg.synth.generate import FrameMaker
from graspseg.synth.job import Job
from graspseg.synth.preset_names import PresetName
from graspseg.synth.write import write_frames


def _files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize(("preset", "workers"), [("exam1", 2), ("wild", 3)])
def test_workers_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preset: PresetName, workers: int
) -> None:
    monkeypatch.setattr(job, "CHUNK", 2)
    assert sum(write_frames(Job(tmp_path / "one", 5, 7, "val", preset=preset))) == 5
    assert sum(write_frames(Job(tmp_path / "two", 5, 7, "val", preset=preset), where=Processes(workers))) == 5
    assert _files(tmp_path / "one") == _files(tmp_path / "two")


def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    list(write_frames(Job(tmp_path, 3, 1, "val")))
    before = _files(tmp_path)
    removed = tmp_path / "labels" / "val-0000001.png"
    removed.unlink()
    untouched = tmp_path / "depth" / "val-0000000.png"
    stamp = untouched.stat().st_mtime_ns
    list(write_frames(Job(tmp_path, 3, 1, "val")))
    assert _files(tmp_path) == before
    assert untouched.stat().st_mtime_ns == stamp


def _shards(out: Path, count: int = 5, **options: Any) -> Job:
    return Job(out, count, 7, "val", "shards", **{"shard_size": 2, **options})


def test_every_frame_of_shards_may_have_its_own_camera(tmp_path: Path) -> None:
    list(write_frames(_shards(tmp_path, 3, cameras="many")))
    dataset, maker = ShardDataset(tmp_path), FrameMaker("val", 7)
    cameras = [sample.frame.intrinsics for sample in dataset]
    assert len(set(cameras)) > 1 and cameras == [maker.make(index).intrinsics for index in range(3)]
    with pytest.raises(InputError, match="--cameras many was given with --format folder"):
        Job(tmp_path, 3, 7, "val", cameras="many")


def test_clips_in_shards_have_their_time_with_them(tmp_path: Path) -> None:
    list(write_frames(_shards(tmp_path, 4, preset="wild", clip_length=2)))
    dataset = ShardDataset(tmp_path)
    assert dataset.stems == [f"val-clip-0000{clip}-frame-0000{number}" for clip in range(2) for number in range(2)]
    assert [sample.frame.timestamp_s for sample in dataset] == [0.0, 1 / 30, 0.0, 1 / 30]
    with pytest.raises(InputError, match="another data set"):
        list(write_frames(_shards(tmp_path, 4, preset="wild", clip_length=4)))


def test_shards_hold_the_frames_of_the_folder(tmp_path: Path) -> None:
    list(write_frames(Job(tmp_path / "folder", 3, 7, "val")))
    assert sum(write_frames(_shards(tmp_path / "shards", 3))) == 3
    folder, shards = FolderDataset(tmp_path / "folder"), ShardDataset(tmp_path / "shards")
    assert shards.stems == folder.stems and shards.split_names == ("val",)
    for expected, found in zip(folder, shards, strict=True):
        assert (found.frame.depth == expected.frame.depth).all()
        assert found.labels is not None and (found.labels == expected.labels).all()
        assert (found.frame.depth_unit_m, found.frame.intrinsics) == (0.0001, expected.frame.intrinsics)
    recipe: dict[str, object] = {"preset": "exam1", "split": "val", "seed": 7, "sleeve": "background"}
    recipe |= {"sensor": "mixed", "cameras": "one", "clip_length": 0, "color": "none", "color_error_px": 0.0}
    shown = {"hand": "anny", "interaction": "hold", "objects": ["tee-piece_03"], "worn": ["sleeve"]}
    assert shards[2].facts == {"stem": "val-0000002", **recipe, **shown, "index": 2, "generator_version": 1}
    content = shards.description.content
    assert content["recipe"] == {**recipe, "count": 3, "shard_size": 2}
    assert content["seed_range"] == {"seed": 7, "first": 0, "last": 2}
    assert content["split_facts"]["val"]["hand"] == "anny" and len(content["split_facts"]["val"]["objects"]) > 20


def test_workers_and_growing_change_no_byte_of_shards(tmp_path: Path) -> None:
    list(write_frames(_shards(tmp_path / "one")))
    list(write_frames(_shards(tmp_path / "two"), where=Processes(2)))
    list(write_frames(_shards(tmp_path / "grown", 3)))
    list(write_frames(_shards(tmp_path / "grown")))
    assert _files(tmp_path / "one") == _files(tmp_path / "two") == _files(tmp_path / "grown")
    (tmp_path / "two" / "val-000000.tar").write_bytes(b"half")
    list(write_frames(_shards(tmp_path / "two")))
    assert _files(tmp_path / "one") == _files(tmp_path / "two")


def test_shards_of_another_kind_do_not_mix(tmp_path: Path) -> None:
    list(write_frames(_shards(tmp_path / "set", 3)))
    before = _files(tmp_path)
    for other, found in (
        (_shards(tmp_path / "set", 2), "--shard-size 2 --count 3, expected"),
        (_shards(tmp_path / "set", 3, shard_size=3), "--shard-size 2 --count 3, expected"),
        (Job(tmp_path / "set", 3, 7, "val"), "stored as shards, expected folder"),
        (Job(tmp_path / "set", 3, 8, "val", "shards", 2), "another data set"),
        (_shards(tmp_path / "set", 3, sensor="zed"), "another data set"),
    ):
        with pytest.raises(InputError, match=found):
            list(write_frames(other))
    assert _files(tmp_path) == before
    list(write_frames(Job(tmp_path / "folder", 1, 7, "val")))
    with pytest.raises(InputError, match="stored as folder, expected shards"):
        list(write_frames(_shards(tmp_path / "folder", 1)))


@pytest.mark.slow
@pytest.mark.parametrize("form", ["shards", "folder"])
def test_killed_in_the_middle_it_goes_on(tmp_path: Path, form: str) -> None:
    code = "import sys; from graspseg.cli.main import main; sys.exit(main(sys.argv[1:]))"
    options = ["--count", "24", "--seed", "3", "--split", "val", "--format", form, "--shard-size", "3"]
    command = [sys.executable, "-c", code, "synth", "--out", str(tmp_path / "killed"), *options, "--workers", "2"]
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    pattern = "*.tar" if form == "shards" else "labels/*.png"
    try:
        while run.poll() is None and not any((tmp_path / "killed").glob(pattern)):
            time.sleep(0.01)
        assert run.poll() is None, "it was done before it could be killed"
        run.kill()
        run.wait()
        while _group_lives(run.pid):  # workers notice that they are orphans
            time.sleep(0.01)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
    there = len(list((tmp_path / "killed").glob(pattern)))
    assert 0 < there < (8 if form == "shards" else 24)
    if form == "shards":
        with pytest.raises(InputError, match="was not finished"):
            ShardDataset(tmp_path / "killed")
    again = ["--out", str(tmp_path / "killed"), *options, "--workers", "1"]
    assert main(again) == 0
    assert main(["--out", str(tmp_path / "whole"), *options, "--workers", "1"]) == 0
    assert _files(tmp_path / "killed") == _files(tmp_path / "whole")


def _group_lives(group: int) -> bool:
    """Whether a process of a group still runs; ones that ended and were not waited for do not count."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, member = path.read_text().rpartition(")")[2].split()[:3]
            if int(member) == group and state != "Z":
                return True
    return False


def test_two_data_sets_do_not_mix(tmp_path: Path) -> None:
    list(write_frames(Job(tmp_path, 1, 1, "val")))
    with pytest.raises(InputError, match="another data set"):
        list(write_frames(Job(tmp_path, 1, 2, "val")))


def test_command_writes_a_data_set_that_reads_back(tmp_path: Path) -> None:
    options = ["--count", "2", "--seed", "5", "--split", "unseen", "--workers", "1"]
    assert main(["--out", str(tmp_path / "set"), *options]) == 0
    samples = list(FolderDataset(tmp_path / "set"))
    assert [sample.stem for sample in samples] == ["unseen-0000000", "unseen-0000001"]
    assert json.loads((tmp_path / "set" / "dataset.json").read_text())["depth_unit_m"] == 0.0001
    maker = FrameMaker("unseen", 5, intrinsics=samples[0].frame.intrinsics)
    made = maker.make(1)
    assert (samples[1].frame.depth == made.frame().depth).all()
    assert samples[1].labels is not None and (samples[1].labels == made.labels).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [(["--count", "0"], "at least 1"), (["--workers", "0"], "at least 1"), (["--seed", "-1"], "0 or more")],
)
def test_numbers_out_of_range_are_refused(tmp_path: Path, options: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        main(["--out", str(tmp_path / "set"), *options])
    assert not (tmp_path / "set").exists()


def test_a_seed_below_zero(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--seed is -1"):
        main(["--out", str(tmp_path / "set"), "--count", "1", "--seed", "-1"])


def test_ctrl_c_on_all_processes_leaves_whole_files(tmp_path: Path) -> None:
    code = "import sys; from graspseg.cli.main import main; sys.exit(main(sys.argv[1:]))"
    options = ["synth", "--out", str(tmp_path / "set"), "--count", "100000", "--workers", "2"]
    run = subprocess.Popen(
        [sys.executable, "-c", code, *options],
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        while run.poll() is None and not any(tmp_path.glob("set/labels/*.png")):
            time.sleep(0.02)
        os.killpg(run.pid, signal.SIGINT)
        _, error = run.communicate(timeout=60)
    finally:
        run.kill()
    assert run.returncode == 130
    assert error == b"graspseg: stopped\n"
    depth, labels = ({path.name for path in (tmp_path / "set" / kind).iterdir()} for kind in ("depth", "labels"))
    assert depth == labels and not any(name.startswith(".") for name in depth)


def test_processes_that_end_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_begin", sys.exit)  # the first that a new process calls
    with pytest.raises(InputError, match="was ended from outside"):
        list(write_frames(Job(tmp_path, 1, 1, "val"), where=Processes(2)))
