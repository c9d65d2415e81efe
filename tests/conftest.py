"""Settings for all tests."""

import os
from pathlib import Path

# Several test processes on few cores run faster, and numbers repeat, with one thread each; numpy reads this on import.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import pytest

cv2.setNumThreads(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests marked `gpu` where there is no CUDA device."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if not marked:
        return
    import torch

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))


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
