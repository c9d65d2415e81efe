"""One OpenVINO core serves a process: what it does to a thread's signal stack, and how long it lives."""

from __future__ import annotations

import ast
import gc
import os
import subprocess
import sys
import time
import weakref
from pathlib import Path
from threading import Barrier, Thread

import openvino
import pytest

from graspseg import openvino_core
from graspseg.segment.engine import load_engine

ROOT = Path(__file__).parents[2]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="signal stacks are looked up in /proc")


def drop_segmenters(model: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Make and drop Segmenters in a process of their own, which may die of it."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "tests" / "cli")}
    command = [sys.executable, ROOT / "tests" / "segment" / "drop_segmenters.py", model, *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@LINUX
@pytest.mark.parametrize("first_in", ["main", "thread"])
def test_a_process_lives_on_however_segmenters_are_dropped(depth_rule_model: Path, first_in: str) -> None:
    done = drop_segmenters(depth_rule_model, first_in)
    assert (done.returncode, done.stdout) == (0, "lived\n"), done.stderr


@LINUX
def test_with_a_core_each_a_signal_would_kill_the_process(depth_rule_model: Path) -> None:
    """The cause is still there: where this is skipped, the test above could not have failed."""
    done = drop_segmenters(depth_rule_model, "main", "--own-cores")
    if done.returncode == 0:
        amx = "amx" in Path("/proc/cpuinfo").read_text()
        pytest.skip(
            f"NOT SHOWN: OpenVINO {openvino.__version__} leaves no unmapped signal stack behind on this CPU "
            f"({'with' if amx else 'without'} AMX); that one core outlives all engines is tested all the same"
        )
    assert "UNMAPPED signal stack" in done.stderr or done.returncode < 0, done.stderr


def test_one_core_outlives_all_engines_and_they_are_freed(depth_rule_model: Path) -> None:
    core = openvino_core.shared_core()
    models = []
    for _ in range(2):
        engine = load_engine(depth_rule_model, "openvino", threads=1)
        models.append(weakref.ref(engine._request.get_compiled_model()))  # type: ignore[attr-defined]
        del engine
        gc.collect()
    assert [model() for model in models] == [None, None]
    assert openvino_core.shared_core() is core


def test_threads_that_ask_at_once_get_one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    class SlowCore:
        def __init__(self) -> None:
            time.sleep(0.05)
            made.append(self)

    monkeypatch.setattr(openvino, "Core", SlowCore)
    monkeypatch.setattr(openvino_core, "_core", None)
    start, got = Barrier(4), []

    def ask() -> None:
        start.wait()
        got.append(openvino_core.shared_core())

    threads = [Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1 and got == made * 4


def test_nothing_else_makes_a_core() -> None:
    """Neither `Core()` nor `openvino.compile_model()`, which makes one."""
    found = set()
    paths = [path for folder in ("src", "benchmarks", "tools", "examples") for path in ROOT.glob(f"{folder}/**/*.py")]
    for path in (path for path in paths if "openvino" in path.read_text()):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("Core", "openvino.compile_model")):
                found.add(path.relative_to(ROOT).as_posix())
    assert found == {"src/graspseg/openvino_core.py"}
