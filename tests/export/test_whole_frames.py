from pathlib import Path

import numpy as np
import pytest
import torch

from graspseg.errors import InputError
from graspseg.export import export_onnx
from graspseg.export.parity import probe_inputs
from graspseg.models.header import read_model_info, read_onnx_properties
from graspseg.networks import Card, DenseAttentionSeg, save_checkpoint
from graspseg.segment.engine import load_engine
from graspseg.training.eager import EagerEngine, load_eager

HEIGHT, WIDTH = 40, 56


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return DenseAttentionSeg(
        "resnet18d",
        encoder_options={"channels": (8, 8, 16, 16), "stem_width": 4},
        k=8,
        decoder_widths=(16, 16, 8, 8, 8, 8),
        context_channels=16,
        context_rates=(),
        normalization="paper",
    ).eval()


def test_a_network_for_whole_frames_runs_as_in_pytorch(network: torch.nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "frames.onnx"
    # Half the file is not asked for: untrained networks decide on the last digits.
    export_onnx(network, path, side=(HEIGHT, WIDTH), looks=1, metadata=Card("x").metadata(), half_storage=False)
    runtime, eager = load_engine(path, "openvino", threads=1), EagerEngine(network, threads=1)
    for depth, angle in probe_inputs((HEIGHT, WIDTH)):
        assert depth.shape == (1, 1, HEIGHT, WIDTH)
        found = runtime(depth[0, 0], float(angle[0]))
        expected = eager(depth[0, 0], float(angle[0]))
        assert found.shape == (3, HEIGHT, WIDTH)
        assert np.allclose(found, expected, atol=2e-3)
    assert read_onnx_properties(path)["graspseg.side"] == f"{WIDTH}x{HEIGHT}"
    with pytest.raises(InputError, match="has side '56x40'"):
        read_model_info(path)


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    from graspseg.networks import build

    broken = build("denseattentionseg-lite")
    with torch.no_grad():
        broken.get_parameter("classify.bias").fill_(torch.nan)
    save_checkpoint(tmp_path / "model.safetensors", broken, card=Card("denseattentionseg-lite"))
    with pytest.raises(InputError, match="holds weights that are no numbers, expected finite ones"):
        load_eager(tmp_path / "model.safetensors", threads=1)
