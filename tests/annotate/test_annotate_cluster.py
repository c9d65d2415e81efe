"""`graspseg annotate --cluster`: the same bytes as on one machine, also when a worker is killed in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from graspseg.cli.annotate import main as annotate

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

FRAMES = 384  # six chunks of a folder
COMMAND = [sys.executable, "-m", "graspseg.cli.main", "annotate"]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--format", "shards", "--shard-size", "64")], ids=["folder", "shards"])
def test_a_killed_worker_changes_no_byte(
    cluster: Cluster,
    at_work: Callable[[], list[int]],
    make_recording: Callable[..., Path],
    tmp_path: Path,
    options: tuple[str, ...],
) -> None:
    recording, out = make_recording(FRAMES), tmp_path / "cluster"
    made = ["--skin", "hsv", *options]
    run = subprocess.Popen(
        [*COMMAND, recording.name, "--out", out.name, "--cluster", "auto", *made],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env={**os.environ, "RAY_ADDRESS": str(cluster.address)},
    )
    try:
        while run.poll() is None and not any(out.rglob("*.json" if options else "labels/*.png")):
            time.sleep(0.02)
        working: list[int] = []
        while run.poll() is None and len(working) < 2:
            working = at_work()
        assert run.poll() is None, "it was done before a worker could be killed"
        os.kill(working[0], signal.SIGKILL)
        output, error = run.communicate(timeout=120)
    finally:
        run.kill()
    assert run.returncode == 0, error
    assert b"will be retried" in output + error
    assert annotate([str(recording), "--out", str(tmp_path / "here"), "--workers", "1", *made]) == 0
    here = files(tmp_path / "here")
    assert len(here) > FRAMES or len([name for name in here if name.endswith(".tar")]) == FRAMES // 64
    assert files(out) == here
