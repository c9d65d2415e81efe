from pathlib import Path

import numpy as np
import pytest

from graspseg.errors import InputError
from graspseg.models.header import ModelInfo, read_model_info, read_onnx_properties, read_safetensors_header
from graspseg.models.locate import find_model


def test_properties_are_those_the_onnx_library_reads(depth_rule_model: Path) -> None:
    import onnx

    expected = {entry.key: entry.value for entry in onnx.load(depth_rule_model).metadata_props}
    assert read_onnx_properties(depth_rule_model) == expected
    assert read_model_info(depth_rule_model) == ModelInfo("depth-rule", 48, 2)


def test_an_onnx_file_of_others(tmp_path: Path) -> None:
    import onnx
    from onnx import helper

    node = helper.make_node("Identity", ["a"], ["b"])
    value = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in "ab"]
    onnx.save(helper.make_model(helper.make_graph([node], "g", value[:1], value[1:])), tmp_path / "theirs.onnx")
    with pytest.raises(InputError, match=r"theirs\.onnx was not exported by graspseg"):
        read_model_info(tmp_path / "theirs.onnx")


@pytest.mark.parametrize("data", [b"", b"\x00", b"not a model at all", b"\xff" * 40, b"\x72\x7f\x01"])
def test_files_that_are_no_onnx(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "m.onnx").write_bytes(data)
    with pytest.raises(InputError, match=r"m\.onnx (is no whole ONNX file|was not exported by graspseg)"):
        read_model_info(tmp_path / "m.onnx")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.97])
def test_truncated_model(depth_rule_model: Path, tmp_path: Path, share: float) -> None:
    data = depth_rule_model.read_bytes()
    (tmp_path / "m.onnx").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match=r"m\.onnx"):
        read_model_info(tmp_path / "m.onnx")


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [("format", "2", "format '2'"), ("side", "wide", "side 'wide'"), ("side", "0", "'0'"), ("looks", "4", "looks '4'")],
)
def test_metadata_that_cannot_be_used(depth_rule_model: Path, tmp_path: Path, key: str, value: str, found: str) -> None:
    import onnx

    model = onnx.load(depth_rule_model)
    for entry in model.metadata_props:
        if entry.key == f"graspseg.{key}":
            entry.value = value
    onnx.save(model, tmp_path / "m.onnx")
    with pytest.raises(InputError, match=found):
        read_model_info(tmp_path / "m.onnx")


def test_weights_are_no_model_to_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="graspseg export"):
        read_model_info(tmp_path / "m.safetensors")


def test_safetensors_header(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"w": np.zeros((2, 3), np.float16)}, tmp_path / "m.safetensors", {"network": "fcn8s"})
    header = read_safetensors_header(tmp_path / "m.safetensors")
    assert header["__metadata__"] == {"network": "fcn8s"}
    assert header["w"]["shape"] == [2, 3]
    for data in (b"", b"12345678", b"\x03" + b"\x00" * 7 + b"[1]"):
        (tmp_path / "bad.safetensors").write_bytes(data)
        with pytest.raises(InputError, match="safetensors"):
            read_safetensors_header(tmp_path / "bad.safetensors")


def test_unknown_models_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no model 'no-such-network'"):
        find_model("no-such-network")
    with pytest.raises(InputError, match="no model"):
        find_model(tmp_path)


def test_files_are_found_by_path(depth_rule_model: Path) -> None:
    assert find_model(depth_rule_model) == depth_rule_model
    assert find_model(str(depth_rule_model)) == depth_rule_model


@pytest.mark.parametrize(
    "header",
    [
        b'{"__metadata__": 3}',
        b'{"a": 1}',
        b'{"a": {"shape": 3, "data_offsets": [0, 0]}}',
        b'{"a": {"shape": ["x"], "data_offsets": [0, 0]}}',
        b'{"a": {"shape": [9], "data_offsets": [0, 36]}}',
        b"[1]",
        b"[" * 100_000,
    ],
)
def test_damaged_safetensors(tmp_path: Path, header: bytes) -> None:
    (tmp_path / "m.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(InputError, match=r"m\.safetensors is (no whole|a truncated) safetensors file"):
        read_safetensors_header(tmp_path / "m.safetensors")


@pytest.mark.parametrize(
    ("key", "text", "found"),
    [
        ("passes", "{", "passes"),
        ("passes", '{"hands": 5}', "passes"),
        ("passes", '{"full_side": 8}', "passes"),
        ("passes", '{"mirror": 1}', "passes"),
        ("passes", '{"sides": 160}', "passes"),
        ("presence", "[]", "presence"),
        ("presence", '{"mean": {}}', "presence"),
    ],
)
def test_passes_and_presence_that_cannot_be_used(
    depth_rule_model: Path, tmp_path: Path, key: str, text: str, found: str
) -> None:
    import onnx

    model = onnx.load(depth_rule_model)
    entry = model.metadata_props.add()
    entry.key, entry.value = f"graspseg.{key}", text
    onnx.save(model, tmp_path / "m.onnx")
    with pytest.raises(InputError, match=rf"m\.onnx has (a )?{found}"):
        read_model_info(tmp_path / "m.onnx")


def test_the_folder_of_a_run_means_what_it_was_exported_to(tmp_path: Path, depth_rule_model: Path):
    run = tmp_path / "my run"
    run.mkdir()
    (run / "model.safetensors").write_bytes(b"weights")
    with pytest.raises(InputError, match=r"my run is the folder of a training run, .*: run graspseg export"):
        find_model(run)
    (run / "model.onnx").write_bytes(depth_rule_model.read_bytes())
    assert find_model(str(run)) == run / "model.onnx"
