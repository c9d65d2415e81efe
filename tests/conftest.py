"""Settings and fixtures for all tests."""

from __future__ import annotations

import contextlib
import fcntl
import gc
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

# Several test processes on few cores run faster, and numbers repeat, with one thread each; numpy reads this on import.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# What is fastest differs between machines, and labels with it.
os.environ.setdefault("GRASPSEG_PRECISION", "float32")

import cv2
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from graspseg.openvino_core import shared_core
from graspseg.segment.engine import available_threads
from signal_state import alternate_stack, handlers

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

cv2.setNumThreads(1)

# Beginnings of test names by what they share.
SHARING = ("tests/compare/", "tests/forest/")
# Compiles every loop of synth, which takes half a minute: begun first, the other processes find them compiled.
COMPILES = "test_same_frames.py"
MOST_WORKERS = 4  # each may need 3 GB: PyTorch, a Ray cluster, a browser


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """How many processes `-n auto` means: one for each CPU this one may use (one more is no faster)."""
    return min(MOST_WORKERS, available_threads())


class Scheduler(LoadFileScheduling):
    """Gives whole files to the processes, and what shares a fixture that takes long to make to one of them."""

    def _split_scope(self, nodeid: str) -> str:
        return next((shared for shared in SHARING if nodeid.startswith(shared)), super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduler | None:
    return Scheduler(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Spare the garbage collector the modules, which are a million objects: while they come, and each time it runs."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest; skip tests marked `gpu` where there is no CUDA device."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path.name != COMPILES, item.path not in slow))
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if not marked:
        return
    import torch

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))


@pytest.fixture
def signals_kept() -> Iterator[None]:
    """Fails where the test leaves handlers or the alternate signal stack other than they were."""
    shared_core().get_property("CPU", "FULL_DEVICE_NAME")  # now, since it sets the stack for good
    before, stack = handlers(), alternate_stack()
    yield
    assert handlers() == before
    assert alternate_stack() == stack


@pytest.fixture(scope="session")
def depth_rule_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file of our format that calls 0 < depth < 0.5 m hand, 0.5 to 0.7 m object, the rest background."""
    import onnx
    from onnx import TensorProto, helper

    side = 48
    bounds = [
        helper.make_node("Constant", [], [name], value=helper.make_tensor(name, TensorProto.FLOAT, [], [value]))
        for name, value in (("zero", 0.0), ("near", 0.5), ("far", 0.7), ("one", 1.0), ("share", 0.9), ("rest", 0.1 / 3))
    ]
    compared = [
        node
        for name, kind, bound in (("valid", "Greater", "zero"), ("below", "Less", "near"), ("within", "Less", "far"))
        for node in (
            helper.make_node(kind, ["depth", bound], [f"is_{name}"]),
            helper.make_node("Cast", [f"is_{name}"], [name], to=TensorProto.FLOAT),
        )
    ]
    classes = [
        helper.make_node("Mul", ["valid", "below"], ["hand"]),
        helper.make_node("Sub", ["within", "below"], ["object"]),
        helper.make_node("Add", ["hand", "object"], ["held"]),
        helper.make_node("Sub", ["one", "held"], ["background"]),
        helper.make_node("Concat", ["background", "hand", "object"], ["onehot"], axis=1),
        helper.make_node("Mul", ["onehot", "share"], ["scaled"]),
        helper.make_node("Mul", ["pixel_angle", "zero"], ["nothing"]),
        helper.make_node("Add", ["scaled", "nothing"], ["shifted"]),
        helper.make_node("Add", ["shifted", "rest"], ["probabilities"]),
    ]
    graph = helper.make_graph(
        [*bounds, *compared, *classes],
        "depth-rule",
        [
            helper.make_tensor_value_info("depth", TensorProto.FLOAT, [1, 1, side, side]),
            helper.make_tensor_value_info("pixel_angle", TensorProto.FLOAT, [1]),
        ],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, 3, side, side])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    properties = {"format": "1", "network": "depth-rule", "side": str(side), "looks": "2"}
    helper.set_model_props(model, {f"graspseg.{key}": value for key, value in properties.items()})
    path = tmp_path_factory.mktemp("model") / "depth-rule.onnx"
    onnx.save(model, path)
    return path


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A Ray cluster of two nodes of one CPU each on this machine."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'graspseg[cluster]'")
    from ray.cluster_utils import Cluster

    memory = 100 << 20
    head = {"num_cpus": 1, "object_store_memory": memory, "include_dashboard": False}
    turn = Path(tempfile.gettempdir()) / "graspseg-tests-ray.lock"
    with turn.open("w") as lock, pytest.MonkeyPatch.context() as patch:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two clusters on few CPUs miss their own deadlines
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_agent_register_timeout_ms", "120000")  # a busy machine starts a node's agent in half a minute
        nodes = Cluster(initialize_head=True, head_node_args=head)
        try:
            nodes.add_node(num_cpus=1, object_store_memory=memory)
            yield nodes
        finally:
            nodes.shutdown()


@pytest.fixture
def at_work(cluster: Cluster) -> Callable[[], list[int]]:
    """Function that lists the processes of the cluster's nodes that do a chunk just now."""

    def find() -> list[int]:
        raylets = {node.all_processes["raylet"][0].process.pid for node in cluster.list_all_nodes()}
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
                if parent in raylets and (path / "cmdline").read_bytes().startswith(b"ray::_do"):
                    found.append(int(path.name))
        return found

    return find


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was made to survive a power cut: names of folders and of files, as they are called then."""
    if not Path("/proc/self/fd").exists():
        pytest.skip("NOT TESTED: this system does not tell the name of an open file")
    done: list[str] = []
    sync = os.fsync

    def watched(descriptor: int) -> None:
        done.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    return done
