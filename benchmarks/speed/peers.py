"""Networks people use today, untrained: only their time is of interest here."""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnxruntime
import torch
from torch import nn

from graspseg.openvino_core import shared_core

Run = Callable[[np.ndarray], object]


def smp(architecture: str, encoder: str) -> nn.Module:
    """A network of segmentation_models.pytorch for one channel of depth and three classes."""
    import segmentation_models_pytorch

    return segmentation_models_pytorch.create_model(
        architecture, encoder, encoder_weights=None, in_channels=1, classes=3
    )


class _Lraspp(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        from torchvision.models.segmentation import lraspp_mobilenet_v3_large

        self.network = lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=3)
        stem = cast(Any, self.network.backbone)["0"]
        old = stem[0]
        stem[0] = nn.Conv2d(1, old.out_channels, old.kernel_size, old.stride, old.padding, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x)["out"]


PEERS: dict[str, Callable[[], nn.Module]] = {
    "DeepLabv3+ MobileNetV2 (smp)": lambda: smp("deeplabv3plus", "mobilenet_v2"),
    "DeepLabv3+ ResNet-50 (smp)": lambda: smp("deeplabv3plus", "resnet50"),
    "U-Net ResNet-34 (smp)": lambda: smp("unet", "resnet34"),
    "LR-ASPP MobileNetV3 (torchvision)": _Lraspp,
}


def export(network: nn.Module, path: Path, width: int, height: int) -> None:
    """Write a peer as ONNX for one size of frame, input `x` 1 1 h w."""
    log = logging.getLogger("torch.onnx")
    log.setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            (torch.rand(1, 1, height, width),),
            str(path),
            input_names=["x"],
            output_names=["y"],
            opset_version=18,
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def quantize_for_time(path: Path, target: Path, depth: np.ndarray) -> None:
    """Post-training quantization with a single image: good for timing, for nothing else."""
    os.environ.setdefault("NNCF_CI", "1")
    import nncf
    import onnx
    from nncf.quantization.advanced_parameters import QuantizationParameters

    with _silent():
        model = nncf.quantize(
            onnx.load(path),
            nncf.Dataset([{"x": depth}]),
            subset_size=1,
            preset=nncf.QuantizationPreset.MIXED,
            # ONNX Runtime knows one scale a tensor only; NNCF gives depthwise convolutions one a channel.
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                activations_quantization_params=QuantizationParameters(per_channel=False)
            ),
        )
    onnx.save(cast(onnx.ModelProto, model), target)


def in_openvino(path: Path, threads: int) -> Run:
    """A peer in OpenVINO."""
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": threads,
    }
    core = shared_core()
    request = core.compile_model(core.read_model(path), "CPU", settings).create_infer_request()
    return lambda depth: request.infer({"x": depth})


def in_onnxruntime(path: Path, threads: int) -> Run:
    """A peer in ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda depth: session.run(None, {"x": depth})


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    log = logging.getLogger("nncf")
    log.disabled = True
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
