"""Which arithmetic runs: what the caller says, else what was measured here and remembered."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from graspseg import InputError, Segmenter
from graspseg.models.header import ADMITTED_KEY, QUANTIZED_KEY, read_model_info
from graspseg.models.locate import find_model, int8_beside
from graspseg.models.properties import write_properties
from graspseg.segment import precision
from graspseg.segment.engine import Precision, load_engine
from graspseg.segment.precision import choose_precision, fastest


@pytest.fixture
def remembering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where choices are remembered, nothing yet; and nobody says what to take."""
    monkeypatch.delenv(precision.ENVIRONMENT, raising=False)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Milliseconds that every precision is said to take; counts how often somebody asks."""
    reported = {"float32": 5.0, "bf16": 3.0, "int8": 2.0, "asked": 0.0}

    def measure(engines: dict[Precision, object], side: int) -> dict[Precision, float]:
        assert side == 48
        reported["asked"] += 1
        return {name: reported[name] for name in engines}

    monkeypatch.setattr(precision, "measure", measure)
    return reported


def model_with_int8(folder: Path, source: Path, *, of: str | None = None) -> Path:
    """A model with a file beside it that says it is its int8 version."""
    path = folder / "m.onnx"
    shutil.copy(source, path)
    model = onnx.load(source)
    properties = {entry.key: entry.value for entry in model.metadata_props}
    properties["graspseg.sha256"] = read_model_info(path).digest or _digest(model)
    helper.set_model_props(model, properties)
    onnx.save(model, path)
    properties[QUANTIZED_KEY] = of or properties["graspseg.sha256"]
    helper.set_model_props(model, properties)
    onnx.save(model, folder / "m.int8.onnx")
    return path


def _digest(model: onnx.ModelProto) -> str:
    import hashlib

    return hashlib.sha256(model.graph.SerializeToString()).hexdigest()


def choose(path: Path, choice: precision.PrecisionChoice = "auto") -> tuple[Precision, Path]:
    return choose_precision(choice, path, read_model_info(path), engine="openvino", threads=1)


def test_the_coarser_must_save_enough() -> None:
    assert fastest({"float32": 5.0}) == "float32"
    assert fastest({"float32": 5.0, "int8": 4.6}) == "float32"
    assert fastest({"float32": 5.0, "bf16": 3.0, "int8": 2.9}) == "bf16"
    assert fastest({"float32": 5.0, "bf16": 3.0, "int8": 2.6}) == "int8"
    assert fastest({"float32": 5.0, "bf16": 9.0, "int8": 2.6}) == "int8"


def test_what_is_fastest_is_measured_once(
    depth_rule_model: Path, tmp_path: Path, remembering: Path, timed: dict[str, float]
) -> None:
    path = model_with_int8(tmp_path, depth_rule_model)
    assert choose(path) == ("int8", tmp_path / "m.int8.onnx")
    timed["int8"] = 9.0
    assert choose(path)[0] == "int8" and timed["asked"] == 1
    choose_precision("auto", path, read_model_info(path), engine="openvino", threads=2)
    assert timed["asked"] == 2  # other threads, another choice
    (file, _) = sorted(remembering.iterdir())
    assert set(json.loads(file.read_bytes())) == {"key", "milliseconds", "precision"}


@pytest.mark.parametrize(
    ("record", "capable", "chosen"),
    [
        ('{"bf16": {}}', True, "bf16"),
        (None, True, "float32"),
        ("{}", True, "float32"),
        ('{"bf16": {}}', False, "float32"),
    ],
)
def test_bf16_is_taken_only_where_the_file_admits_it_and_the_processor_has_it(
    depth_rule_model: Path,
    tmp_path: Path,
    remembering: Path,
    timed: dict[str, float],
    monkeypatch: pytest.MonkeyPatch,
    record: str | None,
    capable: bool,
    chosen: str,
) -> None:
    path = tmp_path / "m.onnx"
    shutil.copy(depth_rule_model, path)
    write_properties(path, {ADMITTED_KEY: record})
    monkeypatch.setattr(precision, "has_bf16", lambda: capable)
    monkeypatch.setattr(precision, "load_engine", lambda *_, **__: lambda *_: None)
    assert choose(path) == (chosen, path)


def test_a_damaged_record_of_precisions_is_said(depth_rule_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    shutil.copy(depth_rule_model, path)
    write_properties(path, {ADMITTED_KEY: "[1"})
    with pytest.raises(InputError, match=r"m\.onnx has admitted '\[1', expected JSON"):
        read_model_info(path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"key": 1, "precision": "int8"}', None, "other"])
def test_a_memory_that_is_damaged_is_made_anew(
    depth_rule_model: Path, tmp_path: Path, remembering: Path, timed: dict[str, float], content: bytes | str | None
) -> None:
    path = model_with_int8(tmp_path, depth_rule_model)
    choose(path)
    (file,) = remembering.iterdir()
    if isinstance(content, str):
        file.write_text(json.dumps({**json.loads(file.read_bytes()), "precision": content}))
    elif content is None:
        file.unlink()
        file.mkdir()
    else:
        file.write_bytes(content)
    timed["int8"] = 9.0
    assert choose(path)[0] != "int8" and timed["asked"] == 2


def test_without_a_place_to_remember_it_is_measured_again(
    depth_rule_model: Path, tmp_path: Path, remembering: Path, timed: dict[str, float]
) -> None:
    path = model_with_int8(tmp_path, depth_rule_model)
    remembering.write_text("a file, no folder")
    assert [choose(path)[0], choose(path)[0]] == ["int8", "int8"] and timed["asked"] == 2


def test_an_int8_file_of_another_model_is_not_taken(
    depth_rule_model: Path, tmp_path: Path, remembering: Path, timed: dict[str, float]
) -> None:
    path = model_with_int8(tmp_path, depth_rule_model, of="0" * 64)
    assert choose(path)[0] != "int8"
    with pytest.raises(InputError, match=r"no int8 version beside it.*--int8"):
        choose(path, "int8")


def test_a_damaged_int8_file_is_no_reason_not_to_run(
    depth_rule_model: Path, tmp_path: Path, remembering: Path, timed: dict[str, float]
) -> None:
    path = model_with_int8(tmp_path, depth_rule_model)
    (tmp_path / "m.int8.onnx").write_bytes(b"half of it")
    assert choose(path)[0] != "int8"
    with pytest.raises(InputError, match="no whole ONNX file"):
        choose(path, "int8")


def test_the_environment_says_what_auto_means(
    depth_rule_model: Path, tmp_path: Path, timed: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = model_with_int8(tmp_path, depth_rule_model)
    monkeypatch.setenv(precision.ENVIRONMENT, "float32")
    assert choose(path) == ("float32", path) and choose(path, "int8")[0] == "int8"
    monkeypatch.setenv(precision.ENVIRONMENT, "int4")
    with pytest.raises(InputError, match="GRASPSEG_PRECISION is 'int4', expected one of auto, float32, bf16, int8"):
        choose(path)
    assert timed["asked"] == 0


def test_an_int8_file_given_as_the_model_is_run_as_it_is(depth_rule_model: Path, tmp_path: Path) -> None:
    model_with_int8(tmp_path, depth_rule_model)
    path = tmp_path / "m.int8.onnx"
    assert choose(path, "int8") == ("int8", path)
    with pytest.raises(InputError, match="is an int8 file"):
        choose(path, "bf16")


def test_an_engine_without_a_precision_is_left_out(
    depth_rule_model: Path, tmp_path: Path, remembering: Path, timed: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = model_with_int8(tmp_path, depth_rule_model)

    def only_float32(file: Path, *_: object, precision: Precision, **__: object):
        if precision != "float32":
            raise InputError("cannot")
        return load_engine(file, "openvino", threads=1)

    monkeypatch.setattr("graspseg.segment.precision.load_engine", only_float32)
    assert choose(path)[0] == "float32"


def test_bf16_keeps_depth_in_float32() -> None:
    """Two surfaces 2 mm apart at 5 m are one to bf16, which has steps of 3 cm there."""
    path = find_model("lite")
    rng = np.random.default_rng(0)
    window = np.full((160, 160), 5.0, np.float32)
    window[50:110, 50:110] -= 0.05
    window += rng.normal(0, 0.001, window.shape).astype(np.float32)
    exact, coarse = (
        load_engine(path, "openvino", threads=1, precision=name)(window, 0.0004) for name in ("float32", "bf16")
    )
    assert (exact.argmax(axis=0) == coarse.argmax(axis=0)).mean() > 0.995
    assert np.abs(exact - coarse).max() > 0  # it is another arithmetic


def test_the_shipped_models_int8_version_is_its_own() -> None:
    path = find_model("lite")
    beside = int8_beside(path, read_model_info(path))
    assert (beside is not None) == path.with_name("denseattentionseg-lite.int8.onnx").is_file()


def test_a_segmenter_says_what_it_computes_in(depth_rule_model: Path) -> None:
    assert Segmenter(depth_rule_model).precision == "float32"  # tests say so
