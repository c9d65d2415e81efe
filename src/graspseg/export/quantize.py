"""An exported network with convolutions in 8 bits: post-training quantization by NNCF."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from jaxtyping import Float32
from onnx import TensorProto, helper, numpy_helper

from graspseg.datasets.atomic import write_bytes
from graspseg.errors import InputError
from graspseg.export.parity import ExportError
from graspseg.models.digest import DIGEST_KEY, digest_of
from graspseg.models.header import QUANTIZED_KEY, read_model_info, read_onnx_properties

Window = tuple[Float32[np.ndarray, "h w"], float]
"""Depth of a window in meters, and radians a pixel covers."""
PRECISION_KEY, JUDGED_KEY = "graspseg.precision", "graspseg.int8_against_float32"
_CONVOLUTIONS = ("Conv", "ConvTranspose")


def quantize(path: Path, windows: Sequence[Window], *, share: float = 1.0) -> onnx.ModelProto:
    """Quantize an exported network; weights and activations get 8 bits, with one scale a channel for weights.

    What comes before the first convolution stays as it is, because 256 steps do not resolve depth; and so does that
    convolution, whose input is the normalized depth.

    Args:
        path: exported file in float32 (or stored in half precision).
        windows: what the network sees at run time; ranges of activations are taken from them.
        share: of the multiplications, above 0 and at most 1, that shall be in 8 bits: those of the most costly
            convolutions, of which there are few; the many cheap ones gain little and add as much noise.

    Returns:
        The graph with QuantizeLinear and DequantizeLinear, which OpenVINO and ONNX Runtime compute in 8 bits.

    Raises:
        InputError: the file is no exported network in float32, or it has no convolution.
    """
    if read_model_info(path).quantized_from is not None:
        raise InputError(f"{path} is an int8 file already, expected one in float32: give the model it was made of.")
    model = _unfolded(onnx.load(path))
    costs = _costs(model)
    if not costs:
        raise InputError(f"{path} has no convolution, expected a network: export it again.")
    ignored = [*before_first_convolution(model), next(iter(costs)), *_cheap(costs, share)]
    os.environ.setdefault("NNCF_CI", "1")  # else it reports its use to its makers
    with _quiet():
        import nncf
        from nncf.quantization.advanced_parameters import QuantizationParameters

        data = nncf.Dataset([_inputs(window) for window in windows])
        quantized = nncf.quantize(
            model,
            data,
            preset=nncf.QuantizationPreset.MIXED,
            # ONNX Runtime knows one scale a tensor only; NNCF gives depthwise convolutions one a channel.
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                activations_quantization_params=QuantizationParameters(per_channel=False)
            ),
            subset_size=len(windows),
            ignored_scope=nncf.IgnoredScope(names=ignored, validate=False),
        )
    assert isinstance(quantized, onnx.ModelProto)
    return quantized


def before_first_convolution(model: onnx.ModelProto) -> list[str]:
    """Names of all nodes whose results go into the first convolution: normalization."""
    makers = {output: node for node in model.graph.node for output in node.output}
    first = next(node for node in model.graph.node if node.op_type in _CONVOLUTIONS)
    found: dict[str, None] = {}
    waiting = [first.input[0]]
    while waiting:
        node = makers.get(waiting.pop())
        if node is not None and node.name not in found:
            found[node.name] = None
            waiting += node.input
    return list(found)


def write_quantized(model: onnx.ModelProto, path: Path, *, source: Path, judged: Mapping[str, Any]) -> int:
    """Write a quantized network with all that the file says that it was made of.

    Args:
        model: what `quantize` returned.
        path: file to write.
        source: the file in float32.
        judged: how it compares with `source`, see `graspseg.evaluation.quantization`.

    Returns:
        Its size in bytes.

    Raises:
        OutputError: it cannot be written.
    """
    properties = read_onnx_properties(source)
    properties[QUANTIZED_KEY] = properties[DIGEST_KEY]
    properties[PRECISION_KEY] = "int8"
    properties[JUDGED_KEY] = json.dumps(judged)
    properties[DIGEST_KEY] = digest_of([model.graph.SerializeToString()])
    del model.metadata_props[:]
    helper.set_model_props(model, properties)
    data = model.SerializeToString()
    write_bytes(path, data)
    return len(data)


def check_source(path: Path) -> None:
    """See that an int8 version of a file could be distinguished from one of another file.

    Raises:
        ExportError: it does not say what its weights are.
    """
    if read_model_info(path).digest is None:
        raise ExportError(f"{path} does not record its digest, expected a file of this version: export it again.")


def _inputs(window: Window) -> dict[str, np.ndarray]:
    depth_m, pixel_angle = window
    return {"depth": depth_m[None, None], "pixel_angle": np.array([pixel_angle], np.float32)}


def _costs(model: onnx.ModelProto) -> dict[str, int]:
    """Multiplications of each convolution, in order; sizes that the graph leaves open count as 1."""
    inferred = onnx.shape_inference.infer_shapes(model).graph
    sizes = {
        value.name: [max(1, side.dim_value) for side in value.type.tensor_type.shape.dim]
        for value in (*inferred.value_info, *inferred.input, *inferred.output)
    }
    weights = {tensor.name: math.prod(tensor.dims) for tensor in model.graph.initializer}
    costs = {}
    for node in model.graph.node:
        if node.op_type in _CONVOLUTIONS:
            # A kernel meets every output pixel, that of a deconvolution every input pixel.
            seen = sizes.get(node.output[0] if node.op_type == "Conv" else node.input[0], [])
            costs[node.name] = weights.get(node.input[1], 1) * math.prod(seen[2:])
    return costs


def _cheap(costs: Mapping[str, int], share: float) -> list[str]:
    """The cheapest convolutions without which `share` of the cost is left."""
    spare, names = (1 - share) * sum(costs.values()), []
    for name in sorted(costs, key=lambda name: costs[name]):
        spare -= costs[name]
        if spare < 0:
            break
        names.append(name)
    return names


def _unfolded(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with weights that are stored in half precision as float32."""
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes = []
    for node in model.graph.node:
        tensor = stored.get(node.input[0]) if node.op_type == "Cast" else None
        if tensor is None or tensor.data_type != TensorProto.FLOAT16:
            nodes.append(node)
            continue
        values = numpy_helper.to_array(tensor).astype(np.float32)
        tensor.CopyFrom(numpy_helper.from_array(values, node.output[0]))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


@contextlib.contextmanager
def _quiet():
    """Without the progress, logs and warnings of NNCF and what it imports."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        log = logging.getLogger("nncf")
        level, log.disabled = log.level, True
        try:
            yield
        finally:
            log.disabled = False
            log.setLevel(level)
