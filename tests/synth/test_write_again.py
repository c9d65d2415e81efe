"""A second run of `synth` into the same folder, and folders that hold something else."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from graspseg.datasets.atomic import held
from graspseg.datasets.output_folder import LOCK
from graspseg.errors import InputError
from graspseg.synth.job import Job
from graspseg.synth.write import write_frames


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made")
    list(write_frames(Job(out, 2, 1, "val")))
    return out


@pytest.fixture
def job(made: Path, tmp_path: Path) -> Job:
    for path in made.rglob("*.*"):
        copy = tmp_path / "set" / path.relative_to(made)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    return Job(tmp_path / "set", 2, 1, "val")


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("kind", ["depth", "labels"])
@pytest.mark.parametrize("left", [0, 50])
def test_what_a_power_cut_left_is_not_done(job: Job, made: Path, kind: str, left: int) -> None:
    path = job.out / kind / "val-0000001.png"
    path.write_bytes(path.read_bytes()[:left])
    (job.out / "depth" / ".1-2.tmp").write_bytes(b"half")
    (job.out / "color").mkdir()
    (job.out / "color" / ".1-2.tmp").write_bytes(b"half")
    assert sum(write_frames(job)) == 2 and files(job.out) == files(made)


def test_fewer_frames_do_not_leave_others_behind(job: Job) -> None:
    with pytest.raises(InputError, match=r"holds val-0000001, expected frames 0 to 0 only: .* or more"):
        list(write_frames(replace(job, count=1)))


def test_labels_and_descriptions_that_somebody_corrected_stay(job: Job) -> None:
    (job.out / "labels" / "val-0000000.png").write_bytes((job.out / "labels" / "val-0000001.png").read_bytes())
    content = json.loads((job.out / "dataset.json").read_text())
    (job.out / "dataset.json").write_text(json.dumps({**content, "splits": {"small": ["val-0000000"]}}))
    before = files(job.out)
    list(write_frames(job))
    assert files(job.out) == before
    (job.out / "depth" / "val-0000000.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"labels/val-0000000\.png was changed since it was written"):
        list(write_frames(job))
    assert files(job.out)["labels/val-0000000.png"] == before["labels/val-0000000.png"]


@pytest.mark.parametrize("name", ["depth/mine.png", "labels/val-0000000.png", "mine-000000.tar", "manifest.json"])
@pytest.mark.parametrize("form", ["folder", "shards"])
def test_what_is_not_its_own_stays(tmp_path: Path, name: str, form: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("{}")
    job = Job(tmp_path, 1, 1, "val", "shards" if form == "shards" else "folder")
    with pytest.raises(InputError, match=r"holds something else|stored as shards|holds another data set"):
        list(write_frames(job))
    assert files(tmp_path) == {name: b"{}"}


def test_a_shard_that_somebody_changed_is_not_written_over(tmp_path: Path) -> None:
    job = Job(tmp_path, 1, 1, "val", "shards", 1)
    list(write_frames(job))
    shard = tmp_path / "val-000000.tar"
    shard.write_bytes(shard.read_bytes().replace(b"anny", b"mine"))
    with pytest.raises(InputError, match=r"val-000000\.tar was changed since"):
        list(write_frames(job))


def test_one_process_at_a_time(job: Job) -> None:
    with held(job.out / LOCK), pytest.raises(InputError, match="set is being worked on by another process"):
        list(write_frames(job))
    assert sum(write_frames(job)) == 2 and not (job.out / LOCK).exists()
