"""Chunks are each done once, whoever does them; whoever cannot says so in a sentence."""

from __future__ import annotations

import math
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from graspseg.cli import main as cli
from graspseg.cli.synth import main as synth
from graspseg.errors import InputError
from graspseg.parallel.chunks import Processes, RayCluster, run_chunks
from graspseg.parallel.stop import stop_when, stopping
from graspseg.synth.job import Job
from graspseg.synth.write import write_chunk

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

NO_RAY = "Ray is not installed: pip install 'graspseg[cluster]'"
SYNTH = [sys.executable, "-m", "graspseg.cli.main", "synth"]
OPTIONS = ["--seed", "3", "--split", "val", "--format", "shards", "--shard-size", "6"]


def _square(number: int) -> int:
    if number < 0:
        raise InputError(f"{number} is below 0.")
    return number * number


@pytest.mark.usefixtures("signals_kept")
@pytest.mark.parametrize("count", [1, 2])
def test_every_chunk_is_done_once(count: int) -> None:
    assert sorted(run_chunks(_square, [3, 1, 2], Processes(count))) == [1, 4, 9]
    with pytest.raises(InputError, match="-1 is below 0"):
        list(run_chunks(_square, [1, -1, 2], Processes(count)))


def test_stopping_is_asked_for() -> None:
    assert not stopping()
    stop_when(lambda: True)
    assert stopping()
    stop_when(None)
    assert not stopping()


@pytest.fixture
def ray() -> ModuleType:
    """Skips a test where Ray is missing."""
    return pytest.importorskip("ray", reason=NO_RAY)


@pytest.mark.usefixtures("ray")
@pytest.mark.parametrize(
    ("address", "environment", "found"),
    [
        ("ray://head:10001", None, r"--cluster is ray://head:10001, which means Ray's client.*ray job submit"),
        ("auto", "ray://head:10001", "RAY_ADDRESS is ray://head:10001"),
        ("auto", "http://head:8265", "RAY_ADDRESS is 'http://head:8265', expected auto or host:port"),
        ("somewhere", None, "--cluster is 'somewhere', expected auto or host:port"),
        ("head:port", None, "--cluster is 'head:port'"),
    ],
)
def test_addresses_that_are_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: str, environment: str | None, found: str
) -> None:
    if environment is not None:
        monkeypatch.setenv("RAY_ADDRESS", environment)
    with pytest.raises(InputError, match=found):
        synth(["--out", str(tmp_path / "set"), "--count", "1", "--cluster", address])
    assert not (tmp_path / "set").exists()


@pytest.mark.usefixtures("ray")
def test_a_cluster_that_is_not_there(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(InputError, match=rf"No Ray cluster can be used at {address} \(Connection refused\)"):
            synth(["--out", str(tmp_path / "set"), "--count", "1", "--cluster", address])
    assert not (tmp_path / "set").exists()


def test_without_ray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "graspseg.parallel.ray_cluster", raising=False)
    assert cli.main(["synth", "--out", str(tmp_path / "set"), "--cluster", "auto"]) == 2
    assert "pip install 'graspseg[cluster]'" in capsys.readouterr().err
    assert not (tmp_path / "set").exists()


def test_workers_and_a_cluster(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--workers 2 was given with --cluster auto, expected one of them"):
        synth(["--out", str(tmp_path / "set"), "--workers", "2", "--cluster", "auto"])


def _start(cluster: Cluster, out: Path, count: int) -> subprocess.Popen[bytes]:
    """Start the command in the folder of `out`, and wait until a shard is there."""
    run = subprocess.Popen(
        [*SYNTH, "--out", out.name, "--count", str(count), *OPTIONS, "--cluster", str(cluster.address)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=out.parent,
    )
    while run.poll() is None and not any(out.glob("*.tar")):
        time.sleep(0.05)
    return run


@pytest.mark.slow
def test_a_killed_worker_changes_no_byte(cluster: Cluster, at_work: Callable[[], list[int]], tmp_path: Path) -> None:
    run = _start(cluster, tmp_path / "cluster", 48)
    try:
        working: list[int] = []
        while run.poll() is None and not working:
            working = at_work()
        assert run.poll() is None, "it was done before a worker could be killed"
        os.kill(working[0], signal.SIGKILL)
        output, error = run.communicate(timeout=120)
    finally:
        run.kill()
    assert run.returncode == 0, error
    assert b"will be retried" in output + error
    assert synth(["--out", str(tmp_path / "local"), "--count", "48", *OPTIONS, "--workers", "1"]) == 0
    assert len(_files(tmp_path / "local")) == 9
    assert _files(tmp_path / "cluster") == _files(tmp_path / "local")


@pytest.mark.slow
def test_ctrl_c_leaves_whole_files(cluster: Cluster, at_work: Callable[[], list[int]], tmp_path: Path) -> None:
    run = _start(cluster, tmp_path / "set", 100_000)
    try:
        run.send_signal(signal.SIGINT)
        _, error = run.communicate(timeout=120)
    finally:
        run.kill()
    assert run.returncode == 130
    assert error.endswith(b"graspseg: stopped\n")
    names = {path.name for path in (tmp_path / "set").iterdir()}
    assert "manifest.json" in names and 1 < len(names) < 1000
    assert not any(name.startswith(".") for name in names)
    assert not at_work()


@pytest.mark.slow
@pytest.mark.usefixtures("signals_kept")
def test_errors_of_chunks_arrive_as_they_were(cluster: Cluster, tmp_path: Path) -> None:
    assert sorted(run_chunks(math.sqrt, [4, 9, 1], RayCluster(str(cluster.address)))) == [1, 2, 3]
    with pytest.raises(ValueError, match=r"^math domain error$|nonnegative"):
        list(run_chunks(math.sqrt, [4, -1], RayCluster(str(cluster.address))))
    unseen = Job(tmp_path / "unseen", 1, 0, "val").chunks()
    with pytest.raises(InputError, match=r"^\S+unseen is not seen by \S+, expected a folder that all workers share"):
        list(run_chunks(write_chunk, unseen, RayCluster(str(cluster.address))))
    assert not (tmp_path / "unseen").exists()


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
