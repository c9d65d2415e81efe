import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import graspseg
from graspseg import Frame, InputError, Intrinsics, Segmenter, open_dataset, read_frame

SCRIPT = Path(__file__).with_name("user_script.py")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    depth = np.full((48, 64), 900, np.uint16)
    depth[:, :24] = 400
    for name, values in (("depth", depth), ("labels", (depth == 400).astype(np.uint8))):
        (tmp_path / "set" / name).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "set" / name / "a.png"), values)
    return tmp_path / "set"


def test_the_public_names_are_these() -> None:
    names = {"Segmenter", "Segmentation", "Frame", "Intrinsics", "read_frame", "open_dataset", "InputError"}
    assert set(dir(graspseg)) == names | {"__version__"}
    assert all(getattr(graspseg, name).__doc__ for name in names)
    assert (Path(graspseg.__file__).parent / "py.typed").is_file()


def test_a_users_script_runs(depth_rule_model: Path, data: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(depth_rule_model), str(data)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert re.fullmatch(r"\S+ <Segmentation 64x48: hand [\d,]+ px, .*> \d+ \(\d+, \d+\)", lines[0])
    assert lines[1] == "(48, 64, 3) uint8 True True"
    assert [line for line in lines if line.startswith("a ")] == ["a 1.0"]
    assert "True (48, 64)" in lines and lines[-1].startswith("refused: no/such/file.png")


@pytest.mark.slow
def test_pyright_accepts_a_users_script_in_strict_mode(tmp_path: Path) -> None:
    (tmp_path / "user_script.py").write_text(SCRIPT.read_text())
    settings = {
        "typeCheckingMode": "strict",
        "venvPath": str(ROOT),
        "venv": ".venv",
        "extraPaths": [str(ROOT / "src")],
        "include": ["."],
    }
    (tmp_path / "pyrightconfig.json").write_text(__import__("json").dumps(settings))
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "-p", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("wrong", [(500, 500, 1, 1), [500, 500, 1, 1], np.eye(3), "500"])
def test_intrinsics_that_are_none(wrong: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)
    with pytest.raises(InputError, match=r"write Intrinsics\(fx, fy, cx, cy\)"):
        Frame(np.ones((4, 4), np.uint16), 0.001, wrong)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="expected four numbers"):
        Intrinsics(wrong, 1.0, 1.0, 1.0)  # pyright: ignore[reportArgumentType]


def test_what_is_no_path_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)
    for read in (read_frame, open_dataset):
        with pytest.raises(InputError, match="The path is a NoneType"):
            read(None)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match=r"use graspseg\.open_dataset"):
        read_frame(tmp_path)


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"engine": "cuda"}, "engine is 'cuda', expected one of auto, openvino, onnxruntime.* CPU"),
        ({"engine": "openvin"}, "did you mean 'openvino'"),
        ({"precision": "fp16"}, "precision is 'fp16', expected one of auto, float32, bf16, int8: did you mean 'bf16'"),
        ({"threads": 0}, "threads"),
    ],
)
def test_options_that_no_engine_has(
    options: dict[str, object], found: str, depth_rule_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)
    with pytest.raises(InputError, match=found):
        Segmenter(depth_rule_model, **options)  # pyright: ignore[reportArgumentType]


def test_dataset_json_gives_unit_and_camera(data: Path) -> None:
    (data / "dataset.json").write_text('{"depth_unit_m": 0.0001, "intrinsics": {"fx": 9, "fy": 8, "cx": 1, "cy": 2}}')
    frame = read_frame(data / "depth" / "a.png")
    assert frame.depth_unit_m == 0.0001 and frame.intrinsics == Intrinsics(9.0, 8.0, 1.0, 2.0)
    told = read_frame(data / "depth" / "a.png", depth_unit_m=0.002, intrinsics=Intrinsics(5.0, 5.0, 1.0, 1.0))
    assert told.depth_unit_m == 0.002 and told.intrinsics == Intrinsics(5.0, 5.0, 1.0, 1.0)


def test_what_a_result_gives(depth_rule_model: Path, data: Path) -> None:
    frame = read_frame(data / "depth" / "a.png", intrinsics=Intrinsics(60.0, 60.0, 31.5, 23.5))
    found = Segmenter(depth_rule_model)(frame)
    hand = found.labels == 1
    assert hand.sum() == 48 * 24
    np.testing.assert_allclose(found.hand_cloud()[:, 2], 0.4, rtol=1e-6)
    np.testing.assert_allclose(found.hand_cloud()[0], [-31.5 / 60 * 0.4, -23.5 / 60 * 0.4, 0.4], rtol=1e-6)
    assert found.object_cloud().shape == (0, 3)
    handless = found.without_hand()
    np.testing.assert_array_equal(handless.depth, np.where(hand, 0, frame.depth))
    assert handless.intrinsics == frame.intrinsics and (frame.depth > 0).all()
    assert len(repr(found)) < 120 and len(repr(frame)) < 120


def test_a_result_as_detections_of_supervision(depth_rule_model: Path, data: Path) -> None:
    supervision = pytest.importorskip("supervision")
    found = Segmenter(depth_rule_model)(read_frame(data / "depth" / "a.png"))
    made = found.to_supervision()
    assert isinstance(made, supervision.Detections)
    np.testing.assert_array_equal(made.mask, [found.labels == 1])
    np.testing.assert_array_equal(made.xyxy, [[0, 0, 23, 47]])
    np.testing.assert_array_equal(made.class_id, [1])
    assert list(made.data["class_name"]) == ["hand"]
    nothing = Segmenter(depth_rule_model)(np.zeros((20, 20), np.uint16)).to_supervision()
    assert len(nothing) == 0


def test_without_supervision_a_sentence(depth_rule_model: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "supervision", None)
    found = Segmenter(depth_rule_model)(read_frame(data / "depth" / "a.png"))
    with pytest.raises(InputError, match=r"pip install 'graspseg\[supervision\]'"):
        found.to_supervision()
