"""A stranger's `pickle.py` in the current folder runs in no worker, however workers are started."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from graspseg.parallel.chunks import Processes, run_chunks
from graspseg.parallel.start import leave_current_folder, without_current_folder

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

COMMAND = [str(Path(sys.executable).with_name("graspseg"))]
AS_MODULE = [sys.executable, "-m", "graspseg.cli.main"]
NAMES = ("pickle", "logging", "socket", "tempfile", "numpy", "cv2", "torch", "numba", "ray", "graspseg")


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder of modules by names that workers import; each says in `ran` that it ran."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    for name in NAMES:
        (folder / f"{name}.py").write_text(
            "import os, sys\n"
            f"with open({str(tmp_path / 'ran')!r}, 'a') as file:\n"
            f"    file.write('{name} ' + ' '.join(sys.argv) + chr(10))\n"
            f"raise ImportError('this is not the {name} that was meant')\n"
        )
    return folder


def ran(hostile: Path) -> str:
    """Which modules of the folder ran."""
    marks = hostile.parent / "ran"
    return marks.read_text() if marks.exists() else ""


def run_in(folder: Path, command: list[str]) -> None:
    """Run a command in a folder that nobody trusts; it must succeed."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert ran(folder) == ""
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_synth(hostile: Path) -> None:
    options = ["--out", str(hostile.parent / "set"), "--count", "2", "--format", "folder", "--workers", "2"]
    run_in(hostile, [*COMMAND, "synth", *options])
    assert len(list((hostile.parent / "set" / "depth").rglob("*.png"))) == 2


@pytest.mark.parametrize("command", [COMMAND, AS_MODULE], ids=["installed", "module"])
def test_annotate(hostile: Path, command: list[str]) -> None:
    if command is AS_MODULE:
        (hostile / "graspseg.py").unlink()  # which is what `-m graspseg` would mean
    take = hostile.parent / "take"
    for name, image in (
        ("depth", np.full((48, 64), 500, np.uint16)),
        ("color", np.full((48, 64, 3), (60, 120, 200), np.uint8)),
    ):
        (take / name).mkdir(parents=True)
        for number in range(4):
            image[10:30, 10 + number : 30] = 80
            cv2.imwrite(str(take / name / f"{number}.png"), image)
    run_in(hostile, [*command, "annotate", str(take), "--out", str(hostile.parent / "out"), "--workers", "2"])


@pytest.mark.slow
@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_loaders(hostile: Path, method: str) -> None:
    """Of a program that lies elsewhere."""
    program = hostile.parent / "program.py"
    program.write_text(
        textwrap.dedent(
            f"""
            import sys
            from multiprocessing import get_all_start_methods
            from torch.utils.data import DataLoader
            from graspseg.parallel import contexts

            class Paths:
                def __len__(self):
                    return 4

                def __getitem__(self, index):
                    import pickle, logging
                    return ":".join(sys.path)

            if __name__ == "__main__":
                context = (
                    contexts.preloaded_context("graspseg.training.batches") if {method == "forkserver"}
                    else contexts.worker_context()
                )
                loader = DataLoader(Paths(), batch_size=None, num_workers=2, multiprocessing_context=context)
                for path in loader:
                    entries = path.split(":")
                    assert "" not in entries and {str(hostile)!r} not in entries, entries
                    assert {str(program.parent)!r} in entries
            """
        )
    )
    run_in(hostile, [sys.executable, str(program)])


def _import_path(_: int) -> list[str]:
    return sys.path


def test_the_import_path_of_a_worker(hostile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(hostile)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    for path in run_chunks(_import_path, [1, 2], Processes(2)):
        assert "" not in path and str(hostile) not in path
    assert sys.path[0] == "" and ran(hostile) == ""


def test_the_way_it_was_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    monkeypatch.setattr(sys, "path", ["", "/somewhere"])
    with without_current_folder():
        assert sys.path == ["/somewhere"]
    assert sys.path == ["", "/somewhere"]
    monkeypatch.setenv("PYTHONSAFEPATH", "")
    leave_current_folder()
    assert sys.path == ["/somewhere"]


def test_an_own_module_in_the_current_folder_is_found_by_its_workers(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from graspseg.parallel.chunks import Processes, run_chunks\n"
        "import other\n"
        "if __name__ == '__main__':\n"
        "    assert sorted(run_chunks(other.double, [1, 2], Processes(2))) == [2, 4]\n"
    )
    (tmp_path / "other.py").write_text("def double(number):\n    return 2 * number\n")
    run_in(tmp_path, [sys.executable, "-m", "mine"])
    run_in(tmp_path, [sys.executable, "mine.py"])


@pytest.mark.slow
def test_a_cluster(cluster: Cluster, hostile: Path) -> None:
    options = ["--out", str(hostile.parent / "set"), "--count", "2", "--format", "folder"]
    run_in(hostile, [*COMMAND, "synth", *options, "--cluster", str(cluster.address)])
    assert len(list((hostile.parent / "set" / "depth").rglob("*.png"))) == 2
