"""Networks in 8 bits: what stays in float32, what the file says, and that a worse one is not written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import nn

from graspseg import InputError, Segmenter
from graspseg.evaluation import quantization
from graspseg.evaluation.quantization import Judgment, admit_bf16, export_int8, judge
from graspseg.export import ExportError, export_onnx
from graspseg.export.openvino import write_openvino
from graspseg.export.quantize import before_first_convolution, quantize, write_quantized
from graspseg.models.header import read_model_info, read_onnx_properties
from graspseg.models.locate import int8_beside
from graspseg.networks.normalization import MetricInput
from graspseg.segment.engine import EngineName, load_engine

pytest.importorskip("nncf")
SIDE = 48
DEPTHS = {"seen": 0.5, "behind": 1.0}


class Small(nn.Module):
    """Normalization as ours, and a few convolutions that tell near from far."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.normalization = MetricInput()
        self.first = nn.Conv2d(4, 8, 3, padding=1)
        self.costly = nn.Conv2d(8, 32, 3, padding=1)
        self.cheap = nn.Conv2d(32, 3, 1)

    def forward(self, depth_m: torch.Tensor, pixel_angle: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.first(self.normalization(depth_m, pixel_angle)))
        return self.cheap(torch.relu(self.costly(x)))


def window(seed: int = 0) -> tuple[np.ndarray, float]:
    rng = np.random.default_rng(seed)
    depth = np.full((SIDE, SIDE), DEPTHS["behind"], np.float32)
    depth[12:36, 8:30] = DEPTHS["seen"] + 0.002 * rng.normal(size=(24, 22)).astype(np.float32)
    return depth, 0.003


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("int8") / "small.onnx"
    export_onnx(Small(), path, side=SIDE, looks=1, metadata={"graspseg.network": "small"})
    return path


@pytest.fixture(scope="module")
def quantized(source: Path) -> onnx.ModelProto:
    return quantize(source, [window(seed) for seed in range(4)])


def readers_in_8_bits(model: onnx.ModelProto) -> set[str]:
    """Convolutions whose input comes out of a DequantizeLinear."""
    makers = {output: node.op_type for node in model.graph.node for output in node.output}
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    return {node.input[1] for node in convolutions if makers.get(node.input[0]) == "DequantizeLinear"}


def test_normalization_and_the_first_convolution_stay_in_float32(quantized: onnx.ModelProto) -> None:
    kinds = {node.name: node.op_type for node in quantized.graph.node}
    before = [kinds[name] for name in before_first_convolution(quantized)]
    assert {"Log", "Concat", "Div"} <= set(before)  # it is our normalization
    assert not {"QuantizeLinear", "DequantizeLinear"} & set(before)
    convolutions = [node for node in quantized.graph.node if node.op_type == "Conv"]
    assert len(convolutions) == 3 and len(readers_in_8_bits(quantized)) == 2


def test_depth_below_8_bits_still_tells(source: Path, quantized: onnx.ModelProto, tmp_path: Path) -> None:
    """A step of 1 mm at 1 m is a quarter of what 8 bits over a meter resolve; normalization sees it exactly."""
    makers = {output: node for node in quantized.graph.node for output in node.output}
    first = next(node for node in quantized.graph.node if node.op_type == "Conv")
    assert first.input[0] in makers
    results = []
    for model in (onnx.load(source), quantized):
        seam = next(node for node in model.graph.node if node.op_type == "Conv").input[0]
        cut = onnx.ModelProto()
        cut.CopyFrom(model)
        del cut.graph.output[:]
        cut.graph.output.extend([onnx.helper.make_tensor_value_info(seam, onnx.TensorProto.FLOAT, None)])
        import onnxruntime

        depth, angle = window()
        depth[40:44, 40:44] += 0.001
        session = onnxruntime.InferenceSession(cut.SerializeToString(), providers=["CPUExecutionProvider"])
        inputs = {"depth": depth[None, None], "pixel_angle": np.array([angle], np.float32)}
        results.append(session.run([seam], inputs)[0])
    np.testing.assert_array_equal(*results)


def test_only_the_costly_convolutions_are_quantized_where_less_is_asked(source: Path) -> None:
    model = quantize(source, [window()], share=0.9)
    assert len(readers_in_8_bits(model)) == 1
    names = {node.input[1] for node in model.graph.node if node.op_type == "Conv"}
    assert len(names) == 3


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_the_file_says_what_it_was_made_of_and_runs(
    source: Path, quantized: onnx.ModelProto, tmp_path: Path, engine: EngineName
) -> None:
    path = tmp_path / "small.int8.onnx"
    size = write_quantized(quantized, path, source=source, judged={"val": {"agreement": 0.999}})
    assert size == path.stat().st_size
    info, of = read_model_info(path), read_model_info(source)
    assert info.quantized_from == of.digest != info.digest
    assert (info.network, info.side, info.looks) == ("small", SIDE, 1)
    reported = read_onnx_properties(path)
    assert reported["graspseg.precision"] == "int8" and "0.999" in reported["graspseg.int8_against_float32"]
    depth, angle = window()
    exact = load_engine(source, engine, threads=1)(depth, angle)
    coarse = load_engine(path, engine, threads=1, precision="int8")(depth, angle)
    assert 0 < np.abs(exact - coarse).max() < 0.1
    kernels = [numpy_helper.to_array(tensor) for tensor in quantized.graph.initializer]
    assert sum(kernel.dtype == np.int8 and kernel.ndim == 4 for kernel in kernels) == 2
    with pytest.raises(InputError, match="is an int8 file already"):
        quantize(path, [window()])


def test_two_models_of_one_name_are_told_apart(source: Path, quantized: onnx.ModelProto, tmp_path: Path) -> None:
    model = tmp_path / "small.onnx"
    model.write_bytes(source.read_bytes())
    write_quantized(quantized, tmp_path / "small.int8.onnx", source=source, judged={})
    assert int8_beside(model, read_model_info(model)) == tmp_path / "small.int8.onnx"
    network = Small()
    torch.nn.init.normal_(network.costly.weight, generator=torch.Generator().manual_seed(7))
    export_onnx(network, model, side=SIDE, looks=1, metadata={"graspseg.network": "small"})
    assert int8_beside(model, read_model_info(model)) is None


def _judgments(monkeypatch: pytest.MonkeyPatch, quantized: onnx.ModelProto, passing: float) -> list[float]:
    """Let only that share of multiplications pass; returns the shares that are tried."""
    tried: list[float] = []

    def quantize_(path: Path, windows: object, *, share: float) -> onnx.ModelProto:
        tried.append(share)
        return quantized

    def judge_(*_: object) -> Judgment:
        return Judgment(3, 0.9991, 0.99, 0.8 if tried[-1] <= passing else 0.7958, 0.8)

    monkeypatch.setattr(quantization, "quantize", quantize_)
    monkeypatch.setattr(quantization, "judge", judge_)
    monkeypatch.setattr(quantization, "calibration_windows", lambda *_, **__: [window()])
    return tried


def test_fewer_convolutions_are_tried_until_the_score_holds(
    source: Path, quantized: onnx.ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = _judgments(monkeypatch, quantized, quantization.SHARES[1])
    reported: list[str] = []
    judged = export_int8(source, tmp_path / "o.int8.onnx", data=("a", "b"), reported=reported.append)
    assert tried == list(quantization.SHARES[:2]) and set(judged) == {"a", "b"} and len(reported) == 3
    assert read_model_info(tmp_path / "o.int8.onnx").quantized_from == read_model_info(source).digest


def test_one_that_is_worse_is_refused_with_the_figure(
    source: Path, quantized: onnx.ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _judgments(monkeypatch, quantized, 0.0)
    with pytest.raises(
        ExportError, match=r"a: 99\.910 % of float32's labels, mean IoU changed by -0\.42 points, expect"
    ):
        export_int8(source, tmp_path / "o.int8.onnx", data=("a",))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("change", "admitted"), [(0.002, ("bf16",)), (-0.004, ())])
def test_bf16_is_admitted_only_where_every_set_holds(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: float, admitted: tuple[str, ...]
) -> None:
    path = tmp_path / "small.onnx"
    path.write_bytes(source.read_bytes())
    monkeypatch.setattr(quantization, "has_bf16", lambda: True)
    monkeypatch.setattr(quantization, "Segmenter", lambda path, precision: precision)

    def judge_(coarse: str, reference: str, name: str) -> Judgment:
        assert (coarse, reference) == ("bf16", "float32")
        return Judgment(3, 0.999, 0.99, 0.8 + (change if name == "b" else 0.0), 0.8)

    monkeypatch.setattr(quantization, "judge", judge_)
    reported: list[str] = []
    assert set(admit_bf16(path, data=("a", "b"), reported=reported.append)) == {"a", "b"}
    assert read_model_info(path).admitted == admitted and len(reported) == 2
    assert read_model_info(path).digest == read_model_info(source).digest
    monkeypatch.setattr(quantization, "judge", lambda *_: Judgment(3, 0.9, 0.9, 0.8, 0.8))
    admit_bf16(path, data=("a",))
    assert read_model_info(path).admitted == ()  # an earlier judgment is taken back


def test_bf16_is_not_judged_where_there_is_none(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantization, "has_bf16", lambda: False)
    with pytest.raises(InputError, match="This processor has no bf16"):
        admit_bf16(source)


def test_what_passes() -> None:
    assert Judgment(1, 0.995, None, 0.8029, 0.8).passes and Judgment(1, 0.995, None, None, None).passes
    assert not Judgment(1, 0.9949, 0.99, 0.8, 0.8).passes
    assert not Judgment(1, 1.0, 1.0, 0.8031, 0.8).passes and not Judgment(1, 1.0, 1.0, 0.7969, 0.8).passes


def test_a_model_agrees_with_itself(depth_rule_model: Path) -> None:
    pytest.importorskip("numba")
    segmenter = Segmenter(depth_rule_model)
    found = judge(segmenter, segmenter, "synth:val:2")
    assert found.frames == 2 and found.agreement == 1.0 and found.change == 0.0


def test_openvinos_format_says_the_same_and_gives_the_same(source: Path) -> None:
    xml = write_openvino(source)
    reported, exact = read_model_info(xml), read_model_info(source)
    found = (reported.network, reported.side, reported.looks, reported.presence)
    assert found == (exact.network, exact.side, exact.looks, None)
    depth, angle = window()
    same = load_engine(xml, "openvino", threads=1)(depth, angle)
    np.testing.assert_allclose(same, load_engine(source, "openvino", threads=1)(depth, angle), atol=1e-6)
    assert Segmenter(xml, precision="float32").path == xml
    weights = xml.with_suffix(".bin")
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\1\2\3")
    with pytest.raises(InputError, match="is damaged"):
        read_model_info(xml)
    xml.write_text("<net")
    with pytest.raises(InputError, match="no whole XML file"):
        read_model_info(xml)
