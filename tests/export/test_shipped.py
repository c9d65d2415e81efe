"""The shipped runtime file and the shipped weights hold the same network."""

from pathlib import Path

import numpy as np

import graspseg
from graspseg.export.onnx import _Probabilities
from graspseg.export.parity import probe_inputs, run_torch
from graspseg.models.header import read_model_info, read_onnx_properties
from graspseg.networks import load_checkpoint
from graspseg.segment.engine import load_engine

WEIGHTS = Path(graspseg.__file__).parent / "models" / "weights"
NAME = "denseattentionseg-lite"
RUNTIME, TRAINABLE = WEIGHTS / f"{NAME}.onnx", WEIGHTS / f"{NAME}.safetensors"


def test_both_files_are_small() -> None:
    assert RUNTIME.stat().st_size < 9e6
    assert TRAINABLE.stat().st_size < 9e6


def test_the_runtime_file_computes_what_the_weights_compute() -> None:
    network, card = load_checkpoint(TRAINABLE)
    info = read_model_info(RUNTIME)
    assert info.network == card.network == NAME
    assert read_onnx_properties(RUNTIME)["graspseg.config"] == card.metadata()["graspseg.config"]
    reference = _Probabilities(network, card.class_weights).eval()
    run = load_engine(RUNTIME, "openvino", threads=1)
    probes = probe_inputs(info.side)
    found = np.stack([run(depth[0, 0], float(angle[0])) for depth, angle in probes])
    expected = np.concatenate([run_torch(reference, probe) for probe in probes])
    assert (found.argmax(1) == expected.argmax(1)).mean() >= 0.999
    assert np.abs(found - expected).max() < 0.05
