"""Inference engines behind one call: depth window or frame of the network's size in, class probabilities out."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from graspseg.errors import InputError
from graspseg.openvino_core import shared_core

if TYPE_CHECKING:
    import openvino

EngineName = Literal["auto", "openvino", "onnxruntime"]
Precision = Literal["float32", "bf16", "int8"]


@runtime_checkable
class Engine(Protocol):
    """A loaded network."""

    def __call__(self, depth_m: Float32[np.ndarray, "h w"], pixel_angle: float) -> Float32[np.ndarray, "3 h w"]:
        """Probabilities of background, hand and object.

        Args:
            depth_m: meters, 0 = no measurement.
            pixel_angle: radians a network pixel covers.
        """
        ...


def load_engine(
    path: Path,
    engine: EngineName,
    *,
    threads: int | None = None,
    precision: Precision = "float32",
    side: int | None = None,
) -> Engine:
    """Load an exported network.

    Args:
        path: the ONNX file; for int8 the quantized one.
        engine: `auto` takes OpenVINO.
        threads: CPU threads, None = as many as this process may use.
        precision: arithmetic of the convolutions; what comes before the first one is float32 in any case, because
            depth in meters has more digits than the others hold. Always passed on: left alone OpenVINO takes bf16 on
            CPUs that have it.
        side: of the square windows it will be given, for a file of a network for windows of any size; compiled for one
            size it is faster.

    Raises:
        InputError: no threads, or the engine is not installed, cannot do the precision, or cannot load the file.
    """
    if threads is not None and threads < 1:
        raise InputError(f"The number of threads is {threads}, expected at least 1: leave it out for all.")
    threads = threads or available_threads()
    if engine == "onnxruntime":
        return _OnnxRuntimeEngine(path, threads, precision)
    return _OpenVinoEngine(path, threads, precision, side)


def available_threads() -> int:
    """CPUs this process may run on, which in a container are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_SEAM = "channels"  # between normalization and network


class _OpenVinoEngine:
    def __init__(self, path: Path, threads: int, precision: Precision, side: int | None) -> None:
        self._lock = threading.Lock()  # a request holds the tensors of one call
        self._normalize: openvino.InferRequest | None = None
        try:
            graph = shared_core().read_model(path)
            if side is not None and graph.input("depth").partial_shape.is_dynamic:
                graph.reshape({"depth": [1, 1, side, side], "pixel_angle": [1]})
            if precision == "bf16":
                normalization, graph = _split(graph)
                self._normalize = _request(normalization, threads, "f32")
            self._request = _request(graph, threads, "bf16" if precision == "bf16" else "f32")
            self._output = self._request.get_compiled_model().output("probabilities")
        except RuntimeError as error:
            raise _unloadable(path, "OpenVINO", error) from error

    def __call__(self, depth_m: Float32[np.ndarray, "h w"], pixel_angle: float) -> Float32[np.ndarray, "3 h w"]:
        inputs: dict[str, Any] = {"depth": depth_m[None, None], "pixel_angle": np.array([pixel_angle], np.float32)}
        with self._lock:
            if self._normalize is not None:
                self._normalize.infer(inputs)
                inputs = {_SEAM: self._normalize.get_output_tensor(0)}
            return self._request.infer(inputs)[self._output][0].copy()


def _request(graph: openvino.Model, threads: int, hint: Literal["f32", "bf16"]) -> openvino.InferRequest:
    settings: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": hint,
        "INFERENCE_NUM_THREADS": threads,
    }
    return shared_core().compile_model(graph, "CPU", settings).create_infer_request()


def _split(graph: openvino.Model) -> tuple[openvino.Model, openvino.Model]:
    """What a graph computes before its first convolution, and the rest, whose input is named `_SEAM`.

    Raises:
        RuntimeError: there is no convolution, or the rest needs more than what goes into it.
    """
    import openvino
    from openvino import opset13

    rest = graph.clone()
    seam = _seam(rest)
    entry = opset13.parameter(seam.get_partial_shape(), seam.get_element_type(), _SEAM)
    entry.output(0).set_names({_SEAM})
    for reader in seam.get_target_inputs():
        reader.replace_source_output(entry.output(0))
    make: Any = openvino.Model  # its stub binds another class's constructor
    normalization = make([_seam(graph)], graph.get_parameters(), "normalization")
    return normalization, make(rest.get_results(), [entry], "network")


def _seam(graph: openvino.Model) -> openvino.Output:
    """What goes into the first convolution."""
    for node in graph.get_ordered_ops():
        if node.get_type_name() == "Convolution":
            return node.input_value(0)
    raise RuntimeError("there is no convolution to be computed in bf16")


class _OnnxRuntimeEngine:
    def __init__(self, path: Path, threads: int, precision: Precision) -> None:
        try:
            import onnxruntime
        except ModuleNotFoundError as error:
            raise InputError(
                "The engine onnxruntime is not installed: pip install onnxruntime, or use --engine openvino."
            ) from error
        if precision == "bf16":
            raise InputError("onnxruntime cannot compute in bf16 on the CPU, expected float32 or int8: use openvino.")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its error classes are not public
            raise _unloadable(path, "ONNX Runtime", error) from error

    def __call__(self, depth_m: Float32[np.ndarray, "h w"], pixel_angle: float) -> Float32[np.ndarray, "3 h w"]:
        inputs = {"depth": depth_m[None, None], "pixel_angle": np.array([pixel_angle], np.float32)}
        return np.asarray(self._session.run(["probabilities"], inputs)[0])[0]


def _unloadable(path: Path, engine: str, error: Exception) -> InputError:
    reason = str(error).strip().splitlines()[-1].strip() if str(error).strip() else type(error).__name__
    return InputError(f"{path} cannot be loaded by {engine} ({reason[:120]}): export it again with graspseg export.")
