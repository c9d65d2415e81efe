"""An exported network with convolutions in 8 bits: post-training quantization by NNCF."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
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
from graspseg.export.parity import ExportError
from graspseg.frame import InputError
from graspseg.models.header import QUANTIZED_KEY, read_model_info, read_onnx_properties

Window = tuple[Float32[np.ndarray, "h w"], float]
"""Depth of a window in metres, and radians a pixel covers."""
_DIGEST_KEY, PRECISION_KEY, JUDGED_KEY = "graspseg.sha256", "graspseg.precision", "graspseg.int8_against_float32"
_CONVOLUTIONS = ("Conv", "ConvTranspose")


def quantize(path: Path, windows: Sequence[Window], *, kept: int = 1) -> onnx.ModelProto:
    """Quantize an exported network; weights and activations get 8 bits, with one scale a channel for weights.

    What comes before the first convolution stays as it is, because 256 steps do not resolve depth; and so does that
    convolution, whose input is the normalized depth.

    Args:
        path: exported file in float32 (or stored in half precision).
        windows: what the network sees at run time; ranges of activations are taken from them.
        kept: how many of the convolutions, counted from input and output in turn, stay in float32; at least 1.

    Returns:
        The graph with QuantizeLinear and DequantizeLinear, which OpenVINO and ONNX Runtime compute in 8 bits.

    Raises:
        InputError: the file is no exported network in float32, or it has no convolution.
    """
    if read_model_info(path).quantized_from is not None:
        raise InputError(f"{path} is an int8 file already, expected one in float32: give the model it was made of.")
    model = _unfolded(onnx.load(path))
    convolutions = [node.name for node in model.graph.node if node.op_type in _CONVOLUTIONS]
    if not convolutions:
        raise InputError(f"{path} has no convolution, expected a network: export it again.")
    ignored = [*before_first_convolution(model), *_ends(convolutions, kept)]
    os.environ.setdefault("NNCF_CI", "1")  # else it reports its use to its makers
    with _quiet():
        import nncf

        data = nncf.Dataset([_inputs(window) for window in windows])
        quantized = nncf.quantize(
            model,
            data,
            preset=nncf.QuantizationPreset.MIXED,
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
    properties[QUANTIZED_KEY] = properties[_DIGEST_KEY]
    properties[PRECISION_KEY] = "int8"
    properties[JUDGED_KEY] = json.dumps(judged)
    properties[_DIGEST_KEY] = hashlib.sha256(model.graph.SerializeToString()).hexdigest()
    del model.metadata_props[:]
    helper.set_model_props(model, properties)
    data = model.SerializeToString()
    write_bytes(path, data)
    return len(data)


def check_source(path: Path) -> None:
    """See that an int8 version of a file could be told from one of another file.

    Raises:
        ExportError: it does not say what its weights are.
    """
    if read_model_info(path).digest is None:
        raise ExportError(f"{path} does not record its digest, expected a file of this version: export it again.")


def _inputs(window: Window) -> dict[str, np.ndarray]:
    depth_m, pixel_angle = window
    return {"depth": depth_m[None, None], "pixel_angle": np.array([pixel_angle], np.float32)}


def _ends(names: list[str], count: int) -> list[str]:
    """The first, the last, the second, the last but one, and so on."""
    order = [names[i // 2] if i % 2 == 0 else names[-1 - i // 2] for i in range(len(names))]
    return order[:count]


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
