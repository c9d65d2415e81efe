import copy
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import nn

import graspseg
import graspseg.export.onnx as exporter
from graspseg.cli.export import main
from graspseg.errors import InputError
from graspseg.export import ExportError, ExportReport, Passes, export_onnx
from graspseg.export.parity import Probe, check, probe_inputs, run_torch
from graspseg.models.header import read_model_info, read_onnx_properties
from graspseg.models.locate import find_model
from graspseg.models.properties import write_properties
from graspseg.networks import NETWORKS, Card, DenseAttentionSeg, build, save_checkpoint
from graspseg.segment.engine import EngineName, load_engine

SIDE = 64
LITE = "denseattentionseg-lite"


def settled(network: nn.Module) -> nn.Module:
    """Lets batch normalization see the probe inputs and the classes spread, as training would."""
    probes = probe_inputs(SIDE)
    depth_m = torch.from_numpy(np.concatenate([probe.depth for probe in probes]))
    angle = torch.from_numpy(np.concatenate([probe.pixel_angle for probe in probes]))
    network.train()
    with torch.no_grad():
        for _ in range(20):
            network(depth_m, angle)
        logits = network(depth_m, angle)
        scale, middle = 6 / logits.std(), logits.mean((0, 2, 3))
        network.get_parameter("classify.weight").mul_(scale)
        network.get_parameter("classify.bias").copy_((network.get_parameter("classify.bias") - middle) * scale)
    return network.eval()


@pytest.fixture(scope="module")
def small() -> nn.Module:
    torch.manual_seed(0)
    network = DenseAttentionSeg(
        "resnet18d",
        encoder_options={"channels": (8, 8, 16, 16), "stem_width": 4},
        k=8,
        decoder_widths=(16, 16, 8, 8, 8, 8),
        context_channels=16,
        context_rates=(),
        normalization="metric",
    )
    return settled(network)


@pytest.fixture(scope="module")
def before(small: nn.Module) -> dict[str, torch.Tensor]:
    """Weights and statistics of the small network before it was exported."""
    return {name: value.clone() for name, value in small.state_dict().items()}


@pytest.fixture(scope="module")
def exported(
    small: nn.Module, before: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory
) -> tuple[ExportReport, onnx.ModelProto]:
    """The small network as a file, and as it was traced for it: tracing takes seconds."""
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    own, traced = exporter._trace, []

    def trace(*inputs: Any, **options: Any) -> onnx.ModelProto:
        model = own(*inputs, **options)
        traced.append(copied(model))
        return model

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exporter, "_trace", trace)
        report = export_onnx(small, path, side=SIDE, looks=2, metadata=Card(LITE, {"seed": 1}).metadata())
    (model,) = traced
    return report, model


@pytest.fixture(scope="module")
def report(exported: tuple[ExportReport, onnx.ModelProto]) -> ExportReport:
    return exported[0]


@pytest.fixture(scope="module")
def model(exported: tuple[ExportReport, onnx.ModelProto]) -> onnx.ModelProto:
    return exported[1]


def copied(model: onnx.ModelProto) -> onnx.ModelProto:
    other = onnx.ModelProto()
    other.CopyFrom(model)
    return other


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_the_runtime_computes_what_torch_computes(small: nn.Module, report: ExportReport, engine: EngineName):
    run = load_engine(report.path, engine, threads=1)
    for depth, angle in probe_inputs(SIDE):
        with torch.no_grad():
            expected = small(torch.from_numpy(depth), torch.from_numpy(angle)).softmax(1)[0].numpy()
        found = run(depth[0, 0], float(angle[0]))
        assert np.abs(found - expected).max() < 0.05
        assert (found.argmax(0) == expected.argmax(0)).mean() > 0.99


class Thin(nn.Module):
    """As little as can give every class a probability: what is done to its logits is the export's."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.classify = nn.Conv2d(1, 3, 3, padding=1)

    def forward(self, depth_m: torch.Tensor, pixel_angle: torch.Tensor) -> torch.Tensor:
        return 3 * self.classify(depth_m)


def test_class_weights_of_the_loss_are_divided_out(tmp_path: Path):
    path, thin = tmp_path / "model.onnx", Thin()
    export_onnx(thin, path, side=SIDE, looks=1, metadata=Card(LITE).metadata(), class_weights=(1.0, 5.0, 2.0))
    run = load_engine(path, "onnxruntime", threads=1)
    depth, angle = probe_inputs(SIDE)[-1]
    with torch.no_grad():
        weighted = thin(torch.from_numpy(depth), torch.from_numpy(angle)).softmax(dim=1)[0].numpy()
    assert weighted.mean((1, 2)).min() > 0.05 and weighted.std((1, 2)).min() > 0.01
    expected = weighted / np.array([1.0, 5.0, 2.0], np.float32)[:, None, None]
    np.testing.assert_allclose(run(depth[0, 0], float(angle[0])), expected / expected.sum(axis=0), atol=2e-3)


def test_the_report_tells_rounding_from_the_graph(report: ExportReport):
    assert report.parity.keys() == {"OpenVINO", "ONNX Runtime"}
    for engine, parity in report.parity.items():
        assert report.graph_parity[engine].difference < 1e-3
        assert parity.agreement >= 0.999
        assert report.graph_parity[engine].agreement >= parity.agreement
    assert report.size_bytes == report.path.stat().st_size


def test_the_file_describes_itself(report: ExportReport):
    info = read_model_info(report.path)
    assert (info.network, info.side, info.looks) == (LITE, SIDE, 2)
    properties = read_onnx_properties(report.path)
    assert properties["graspseg.format"] == "1"
    assert properties["graspseg.config"] == '{"seed": 1}'


def test_the_file_keeps_its_contract(report: ExportReport):
    model = onnx.load(report.path)
    onnx.checker.check_model(model)

    def shape(value: onnx.ValueInfoProto) -> list[int]:
        return [dim.dim_value for dim in value.type.tensor_type.shape.dim]

    assert {value.name: shape(value) for value in model.graph.input} == {
        "depth": [1, 1, SIDE, SIDE],
        "pixel_angle": [1],
    }
    assert {value.name: shape(value) for value in model.graph.output} == {"probabilities": [1, 3, SIDE, SIDE]}
    assert str(Path(graspseg.__file__).parent).encode() not in report.path.read_bytes()


def test_half_storage_halves_large_weights(model: onnx.ModelProto):
    halved = exporter._halved(model)
    large = [tensor for tensor in halved.graph.initializer if len(tensor.dims) > 1 and np.prod(tensor.dims) >= 256]
    kinds = {tensor.data_type for tensor in large}
    assert kinds == {onnx.TensorProto.FLOAT16}
    assert all(tensor.data_type != onnx.TensorProto.FLOAT16 for tensor in model.graph.initializer)
    assert halved.ByteSize() < 0.7 * model.ByteSize()


def test_weights_that_half_precision_changes_too_much_stay_whole(
    small: nn.Module, model: onnx.ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(exporter, "_trace", lambda *_, **__: copied(model))
    monkeypatch.setattr(exporter, "_HALF_TOLERANCE", 0.0)
    report = export_onnx(small, tmp_path / "model.onnx", side=SIDE, looks=1, metadata=Card(LITE).metadata())
    assert not report.half_storage
    assert report.parity == report.graph_parity


def test_a_mismatch_is_refused_and_the_older_file_stays(
    small: nn.Module, model: onnx.ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(exporter, "_trace", lambda *_, **__: copied(model))
    other = copy.deepcopy(small)
    other.get_parameter("classify.weight").data.mul_(-1)
    path = tmp_path / "model.onnx"
    path.write_bytes(b"older")
    with pytest.raises(ExportError, match=r"OpenVINO gives \d+\.\d+ % of PyTorch's labels"):
        export_onnx(other, path, side=SIDE, looks=2, metadata=Card(LITE).metadata())
    assert path.read_bytes() == b"older"
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]


def test_a_probability_beyond_the_tolerance_is_refused(small: nn.Module, model: onnx.ModelProto):
    inputs = probe_inputs(SIDE)
    network = exporter._Probabilities(small).eval()
    right = [run_torch(network, probe) for probe in inputs]
    assert min(parity.agreement for parity in check(model, inputs, right, tolerance=1e-3).values()) >= 0.999
    # The same labels with less certain probabilities.
    blunt = [0.9 * probabilities + np.float32(0.1 / 3) for probabilities in right]
    with pytest.raises(ExportError, match=r"differ by up to 0\.0\d, expected"):
        check(model, inputs, blunt, tolerance=1e-3)


def test_a_graph_that_no_engine_can_run_is_refused(model: onnx.ModelProto):
    with pytest.raises(ExportError, match="OpenVINO cannot run the exported graph"):
        check(model, [Probe(np.zeros((1, 1, 8, 8), np.float32), np.zeros(1, np.float32))], [], tolerance=1.0)


def test_the_exported_network_is_unchanged(small: nn.Module, before: dict[str, torch.Tensor], report: ExportReport):
    assert report.half_storage
    after = small.state_dict()
    assert after.keys() == before.keys()
    for name, value in after.items():
        assert value.dtype == before[name].dtype
        assert torch.equal(value, before[name]), name
    assert all(parameter.requires_grad for parameter in small.parameters())


def test_a_changed_weight_of_the_file_is_noticed(report: ExportReport, tmp_path: Path):
    model = onnx.load(report.path)
    digest = read_onnx_properties(report.path)["graspseg.sha256"]
    assert digest == hashlib.sha256(model.graph.SerializeToString()).hexdigest()
    largest = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    data = bytearray(report.path.read_bytes())
    data[data.index(largest.raw_data) + 100] ^= 1
    (tmp_path / "model.onnx").write_bytes(data)
    assert onnx.load(tmp_path / "model.onnx").graph != model.graph
    for read in (read_model_info, read_onnx_properties):
        with pytest.raises(InputError, match=rf"model\.onnx is damaged: .*expected {digest[:12]}"):
            read(tmp_path / "model.onnx")


# Networks of the paper's size have the code of the small ones and take minutes.
@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NETWORKS if name.endswith(("-small", "-lite", "-mobile"))])
def test_every_network_of_the_table_exports(name: str, tmp_path: Path):
    torch.manual_seed(0)
    network = build(name).eval()
    for parameter in network.parameters():
        if not parameter.any():  # scores of FCN start at 0, and so would every comparison
            nn.init.normal_(parameter, std=0.1)
    report = export_onnx(
        network, tmp_path / "model.onnx", side=96, looks=1, metadata=Card(name).metadata(), half_storage=False
    )
    assert min(parity.agreement for parity in report.parity.values()) >= 0.999


@pytest.mark.usefixtures("signals_kept")
def test_the_command_takes_the_side_of_the_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    torch.manual_seed(0)
    card = Card(LITE, {"views": {"kind": "window", "side": 48}})
    save_checkpoint(tmp_path / "model.safetensors", settled(build(LITE)), card=card)
    assert main([str(tmp_path)]) == 0
    assert read_model_info(tmp_path / "model.onnx").side == 48
    assert "windows of 48 x 48" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("init", "options", "passes"),
    [("lite", [], (2, 4, False)), (None, ["--looks", "3", "--hands", "1"], (3, 1, False))],
)
def test_what_was_fine_tuned_looks_as_the_shipped_model_does(
    tmp_path: Path, init: str | None, options: list[str], passes: tuple[int, int, bool]
):
    torch.manual_seed(0)
    card = Card(LITE, {"views": {"kind": "window", "side": 48}, "init": init})
    save_checkpoint(tmp_path / "model.safetensors", settled(build(LITE)), card=card)
    assert main([str(tmp_path), *options]) == 0
    made, shipped = read_model_info(tmp_path / "model.onnx"), read_model_info(find_model("lite"))
    assert (made.looks, made.hands, made.mirror) == passes
    assert (shipped.looks, shipped.hands, shipped.mirror) == (2, 4, False)
    assert made.presence == (shipped.presence if init else None)


def test_a_network_of_whole_frames_needs_a_side(tmp_path: Path):
    card = Card(LITE, {"views": {"kind": "frame", "side": 160}})
    save_checkpoint(tmp_path / "model.safetensors", build(LITE), card=card)
    with pytest.raises(InputError, match=r"trained on whole frames, expected .* such as --side 640 --looks 1"):
        main([str(tmp_path)])
    assert not (tmp_path / "model.onnx").exists()


def test_a_network_of_whole_frames_exports_with_a_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    card = Card(LITE, {"views": {"kind": "frame", "side": 160}})
    save_checkpoint(tmp_path / "model.safetensors", build(LITE), card=card)
    given = {}

    def export(network: nn.Module, path: Path, **options: object) -> ExportReport:
        given.update(options)
        return ExportReport(path, 0, True, {}, {})

    monkeypatch.setattr("graspseg.export.export_onnx", export)
    assert main([str(tmp_path), "--side", "640", "--looks", "1"]) == 0
    assert (given["side"], given["looks"]) == (640, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing.safetensors", "--out", "model.onnx"], "There is no file"),
        ([".", "--out", "model.onnx"], "holds no model.safetensors"),
        ([".", "--out", "model.xml"], "expected a name ending in .onnx"),
        ([".", "--out", "model.onnx", "--side", "0"], "expected at least 16"),
    ],
)
def test_the_command_refuses_bad_arguments(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        main(arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_first_window_of_another_size_makes_a_file_for_both(small: nn.Module, tmp_path: Path):
    path = tmp_path / "model.onnx"
    passes = Passes(full_side=2 * SIDE, hands=3, mirror=False)
    report = export_onnx(small, path, side=SIDE, looks=2, metadata=Card(LITE).metadata(), passes=passes)
    assert all(parity.agreement >= 0.999 for parity in report.parity.values())
    info = read_model_info(path)
    assert (info.side, info.full_side, info.hands, info.mirror) == (SIDE, 2 * SIDE, 3, False)
    engines: tuple[EngineName, ...] = ("openvino", "onnxruntime")
    for engine in engines:
        for side in (SIDE, 2 * SIDE):
            run = load_engine(path, engine, threads=1, side=side)
            depth, angle = probe_inputs(side)[-1]
            with torch.no_grad():
                expected = small(torch.from_numpy(depth), torch.from_numpy(angle)).softmax(1)[0].numpy()
            assert np.abs(run(depth[0, 0], float(angle[0])) - expected).max() < 0.05


def test_properties_change_without_the_graph(report: ExportReport, tmp_path: Path):
    path = tmp_path / "model.onnx"
    path.write_bytes(report.path.read_bytes())
    write_properties(path, {"graspseg.passes": '{"hands": 4}', "graspseg.config": None})
    assert read_model_info(path).hands == 4
    before, after = read_onnx_properties(report.path), read_onnx_properties(path)
    assert after.pop("graspseg.passes") == '{"hands": 4}' and before.pop("graspseg.config")
    assert after == before
    with pytest.raises(InputError, match="no whole ONNX file"):
        write_properties(Path(__file__), {})
