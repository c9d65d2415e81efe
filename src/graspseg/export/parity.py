"""Does an exported graph compute what PyTorch computes? Asked of two engines, both in float32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import onnx
import onnxruntime
import torch
from jaxtyping import Float32
from torch import nn

from graspseg.errors import InputError
from graspseg.openvino_core import shared_core

SMALLEST_AGREEMENT = 0.999
_SHADES = 4


class ExportError(InputError):
    """An exported file that does not compute what the network computes."""


@dataclass(frozen=True)
class Parity:
    """How close an engine is to PyTorch over all probe inputs.

    Attributes:
        agreement: Share of pixels with the same label.
        difference: Largest difference of a probability.
    """

    agreement: float
    difference: float


class Probe(NamedTuple):
    """One input: depth in meters `1 1 h w` and radians per network pixel `1`."""

    depth: Float32[np.ndarray, "1 1 h w"]
    pixel_angle: Float32[np.ndarray, "1"]


def probe_inputs(side: int | tuple[int, int]) -> list[Probe]:
    """Inputs to compare on: nothing measured, random depth, and scenes of table, ball and rod with holes and noise.

    Args:
        side: of a square, or height and width.
    """
    shape = (side, side) if isinstance(side, int) else side
    rng = np.random.default_rng(0)
    empty = np.zeros(shape)
    random = rng.uniform(0.3, 1.5, shape) * (rng.random(shape) > 0.3)
    scenes = [_scene(rng, shape) for _ in range(_SHADES)]
    depths = [empty, random, *scenes]
    angles = (0.002, 0.002, *rng.uniform(0.001, 0.008, _SHADES))
    return [
        Probe(depth[None, None].astype(np.float32), np.array([angle], np.float32))
        for depth, angle in zip(depths, angles, strict=True)
    ]


def run_torch(network: nn.Module, probe: Probe) -> Float32[np.ndarray, "1 3 h w"]:
    """Probabilities as PyTorch computes them."""
    with torch.no_grad():
        return network(torch.from_numpy(probe.depth), torch.from_numpy(probe.pixel_angle)).numpy()


def check(
    model: onnx.ModelProto, inputs: list[Probe], expected: list[np.ndarray], *, tolerance: float
) -> dict[str, Parity]:
    """Compares both engines with PyTorch.

    Args:
        model: The exported graph.
        inputs: What to compare on.
        expected: PyTorch's probabilities for each input.
        tolerance: Largest difference of a probability that passes.

    Raises:
        ExportError: An engine cannot load the graph, gives another label on more than one pixel in a thousand, or a
            probability that differs by more than the tolerance.
    """
    data = model.SerializeToString()
    parities = {}
    for engine, run in (("OpenVINO", _run_openvino), ("ONNX Runtime", _run_onnxruntime)):
        try:
            outputs = run(data, inputs)
        except Exception as error:  # the engines' error classes are not public
            reason = str(error).strip().splitlines()[-1][:200]
            raise ExportError(f"{engine} cannot run the exported graph ({reason}): no file was written.") from error
        found, truth = np.concatenate(outputs), np.concatenate(expected)
        agreement = float((found.argmax(1) == truth.argmax(1)).mean())
        difference = float(np.abs(found - truth).max())
        parities[engine] = Parity(agreement, difference)
        if not (agreement >= SMALLEST_AGREEMENT and difference <= tolerance):
            raise ExportError(
                f"{engine} gives {100 * agreement:.3f} % of PyTorch's labels and probabilities that differ by up to "
                f"{difference:.1g}, expected at least {100 * SMALLEST_AGREEMENT} % and at most {tolerance:g}: "
                "no file was written."
            )
    return parities


def _run_openvino(data: bytes, inputs: list[Probe]) -> list[np.ndarray]:
    core = shared_core()
    model = core.compile_model(core.read_model(data), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return [model({"depth": depth, "pixel_angle": angle})["probabilities"].copy() for depth, angle in inputs]


def _run_onnxruntime(data: bytes, inputs: list[Probe]) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    names = ["probabilities"]
    return [np.asarray(session.run(names, {"depth": d, "pixel_angle": a})[0]) for d, a in inputs]


def _scene(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """A ball and a rod over a tilted table, millimeter noise, a tenth not measured."""
    rows, columns = np.mgrid[: shape[0], : shape[1]] / max(shape)
    depth = 0.7 + 0.2 * rng.random() * rows + 0.1 * rng.random() * columns
    (center_row, center_column), radius = rng.uniform(0.3, 0.7, 2), rng.uniform(0.1, 0.25)
    bulge = np.sqrt(np.clip(1 - ((rows - center_row) ** 2 + (columns - center_column) ** 2) / radius**2, 0, None))
    depth = np.where(bulge > 0, 0.5 - 0.05 * bulge, depth)
    angle = rng.uniform(0, np.pi)
    across = (rows - center_row) * np.cos(angle) + (columns - center_column) * np.sin(angle)
    depth = np.where(np.abs(across) < 0.04, 0.46 + across, depth)
    depth += rng.normal(0, 0.001, depth.shape)
    return depth * (rng.random(depth.shape) > 0.1)
