"""Network to ONNX: raw depth in, probabilities out, compared with PyTorch in two engines before the file is kept."""

from __future__ import annotations

import copy
import json
import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import torch
from jaxtyping import Float, Float32
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from graspseg.datasets.atomic import write_bytes
from graspseg.export.parity import ExportError, Parity, Probe, check, probe_inputs, run_torch
from graspseg.models.digest import PREFIX, digest_of
from graspseg.models.header import FORMAT

OPSET = 18
_SMALLEST_HALVED = 256
# The graph itself must be right to rounding; half storage may move a probability but hardly ever a label.
_GRAPH_TOLERANCE, _HALF_TOLERANCE = 2e-3, 0.05


@dataclass(frozen=True)
class Passes:
    """How the runtime looks at a frame beyond the size and number of windows; None leaves a default.

    Attributes:
        full_side: Side of the first window, which shows everything, in network pixels; None as the others.
        hands: Most groups of hand and object with a closer window of their own.
        mirror: Whether closer windows are looked at a second time, mirrored.
    """

    full_side: int | None = None
    hands: int | None = None
    mirror: bool | None = None


@dataclass(frozen=True)
class ExportReport:
    """What was written and how far it is from PyTorch.

    Attributes:
        path: The file.
        size_bytes: Its size.
        half_storage: Whether its weights are stored in half precision.
        parity: Per engine, the written file against the network in float32.
        graph_parity: Per engine, the same graph with weights in full precision; equals `parity` without half storage.
    """

    path: Path
    size_bytes: int
    half_storage: bool
    parity: Mapping[str, Parity]
    graph_parity: Mapping[str, Parity]


class _Probabilities(nn.Module):
    """A network with its softmax, for which both inputs matter: engines drop an input that nothing reads."""

    def __init__(self, network: nn.Module, class_weights: Sequence[float] = (1.0, 1.0, 1.0)) -> None:
        super().__init__()
        self.network = network
        self.log_weights: Tensor
        self.register_buffer("log_weights", torch.tensor(class_weights).log().view(1, -1, 1, 1))

    def forward(self, depth: Float[Tensor, "b 1 h w"], pixel_angle: Float[Tensor, " b"]) -> Float32[Tensor, "b 3 h w"]:
        logits = self.network(depth + 0.0 * pixel_angle.view(-1, 1, 1, 1), pixel_angle)
        return torch.softmax(logits - self.log_weights, dim=1)


def export_onnx(
    network: nn.Module,
    path: Path,
    *,
    side: int | tuple[int, int],
    looks: Literal[1, 2, 3],
    metadata: Mapping[str, str],
    class_weights: Sequence[float] = (1.0, 1.0, 1.0),
    half_storage: bool = True,
    passes: Passes | None = None,
) -> ExportReport:
    """Writes a network as an ONNX file for inputs of one size, if and only if engines agree with PyTorch on it.

    Inputs `depth` float32 `1 1 side side` in meters and `pixel_angle` float32 `1` in radians; output `probabilities`
    float32 `1 3 side side`. Everything is computed in float32.

    Args:
        network: A network of the table; unchanged.
        path: File to write; an older one is replaced only by a file that passed.
        side: Side length of the square window in network pixels; or height and width, for whole frames: an engine runs
            such a file, a `Segmenter` takes square windows only.
        looks: How many windows of a frame the runtime shall look at.
        metadata: What the file shall say about itself; keys starting with `graspseg.`, among them `graspseg.network`.
        class_weights: Weights of the classes in the training loss. A loss that counts a class w times teaches
            probabilities that are w times too likely before normalization; dividing by w gives calibrated ones.
        half_storage: Store convolution kernels in half precision (a Cast to float32 follows), which halves the file,
            unless rounding them moves more labels than an export may.
        passes: How the runtime shall look beyond `side` and `looks`. A first window of another side makes a file for
            windows of any size, which is compared at both.

    Raises:
        ExportError: OpenVINO or ONNX Runtime disagree with PyTorch.
        InputError: The file cannot be written.
    """
    network = _Probabilities(copy.deepcopy(network).cpu().float(), class_weights).eval()
    shape = (side, side) if isinstance(side, int) else side
    full_side = passes.full_side if passes and passes.full_side else shape[0]
    shapes = sorted({shape, (full_side, full_side)}) if shape[0] == shape[1] else [shape]
    model = _trace(network, shape, any_size=len(shapes) > 1)
    inputs = [probe_inputs(each) for each in shapes]
    expected = [[run_torch(network, probe) for probe in probes] for probes in inputs]
    graph_parity = parity = _check_all(model, inputs, expected, tolerance=_GRAPH_TOLERANCE)
    if half_storage:
        halved = _halved(model)
        try:
            parity = _check_all(halved, inputs, expected, tolerance=_HALF_TOLERANCE)
            model = halved
        except ExportError:
            half_storage = False
    # The runtime compares it with what the file holds.
    digest = digest_of([model.graph.SerializeToString()])
    shown = str(side) if isinstance(side, int) else f"{shape[1]}x{shape[0]}"
    properties = {**metadata, "format": FORMAT, "side": shown, "looks": str(looks), "sha256": digest}
    if passes is not None:
        properties["passes"] = json.dumps({name: value for name, value in asdict(passes).items() if value is not None})
    helper.set_model_props(model, {PREFIX + key.removeprefix(PREFIX): text for key, text in properties.items()})
    data = model.SerializeToString()
    write_bytes(path, data)
    return ExportReport(path, len(data), half_storage, parity, graph_parity)


def _check_all(
    model: onnx.ModelProto, inputs: list[list[Probe]], expected: list[list[np.ndarray]], *, tolerance: float
) -> dict[str, Parity]:
    """Parity at every size of window, the worst of each engine."""
    found = [check(model, probes, truth, tolerance=tolerance) for probes, truth in zip(inputs, expected, strict=True)]
    return {
        engine: Parity(min(each[engine].agreement for each in found), max(each[engine].difference for each in found))
        for engine in found[0]
    }


def _trace(network: nn.Module, shape: tuple[int, int], *, any_size: bool = False) -> onnx.ModelProto:
    """The network as an ONNX graph of fixed shapes, or for windows of any size."""
    # Two sides of one length would be taken for one.
    height, width = (shape[0], shape[1] + 16) if any_size else shape
    example = (torch.full((1, 1, height, width), 0.5), torch.tensor([0.003]))
    free = torch.export.Dim.DYNAMIC
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                network,
                example,
                input_names=["depth", "pixel_angle"],
                output_names=["probabilities"],
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
                dynamic_shapes={"depth": {2: free, 3: free}, "pixel_angle": {}} if any_size else None,
            )
    finally:
        log.setLevel(level)
    assert program is not None
    model = program.model_proto
    for node in model.graph.node:
        # Where in the Python sources a node comes from: of no use later, and it holds paths of the machine.
        del node.metadata_props[:]
        node.doc_string = ""
    del model.graph.metadata_props[:]
    return model


def _halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with large initializers in half precision, each followed by a Cast to float32."""
    halved = onnx.ModelProto()
    halved.CopyFrom(model)
    casts = []
    for tensor in halved.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.ndim < 2 or values.size < _SMALLEST_HALVED:
            continue
        name, stored = tensor.name, f"{tensor.name}.half"
        with np.errstate(over="ignore"):  # an infinite weight does not pass the comparison
            tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), stored))
        casts.append(helper.make_node("Cast", [stored], [name], f"{name}.cast", to=TensorProto.FLOAT))
    nodes = [*casts, *halved.graph.node]
    del halved.graph.node[:]
    halved.graph.node.extend(nodes)
    return halved
