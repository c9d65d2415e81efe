"""A name of a file may hold commands to a terminal: no command sends them there."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from compare_steps import command, write_folder
from graspseg.cli import train_forest
from graspseg.cli.main import main
from graspseg.review.server.serve import open_store
from graspseg.review.server.state import Reviewer
from graspseg.training.sources import open_stored

BAD = "a\x1b[31m\nb"
SHOWN = r"a\x1b[31m\nb"


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """What was printed since, in which the name must be readable and harmless."""

    def read() -> str:
        text = "".join(capfd.readouterr())
        assert SHOWN in text and "\x1b" not in text and BAD not in text
        return text

    return read


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_folder(tmp_path / BAD / "data", 2, first=0)


def test_review(data: Path, tmp_path: Path, said: Callable[[], str]) -> None:
    assert main(["review", "export", str(data), "--to", "png", "--out", str(tmp_path / "none")]) == 2
    said()
    with open_store(data) as store:
        for frame in store.frames():
            store.decide(frame.id, "accepted", expected_revision=0, who=Reviewer("Anna", "tab"))
    for form in ("png", "cvat"):
        assert main(["review", "export", str(data), "--to", form, "--out", str(tmp_path / f"{BAD}{form}")]) == 0
        assert "2 of 2 accepted frames in" in said()
    (data / "labels" / "0.png").write_bytes(b"")
    assert main(["review", "export", str(data), "--to", "coco", "--out", str(tmp_path / "coco")]) == 1
    said()
    file = tmp_path / f"{BAD}.json"
    file.write_text('{"images": [{"id": 1, "file_name": "x.png", "width": 128, "height": 96}], "annotations": [], ')
    assert main(["review", "import", str(data), str(file)]) == 2
    said()


def test_warnings_about_training_data(data: Path, said: Callable[[], str]) -> None:
    (data / "dataset.json").write_text('{"depth_unit_m": 0.0001, "depth_unit": 0.001}')
    open_stored([data])
    assert "depth_unit" in said()
    with open_store(data) as store:
        for frame, decision in zip(store.frames(), ("accepted", "rejected"), strict=True):
            store.decide(frame.id, decision, expected_revision=0, who=Reviewer("Anna", "tab"))
    open_stored([data])
    assert "accepted" in said()


def test_dataset(data: Path, tmp_path: Path, said: Callable[[], str]) -> None:
    (data / "dataset.json").write_text('{"depth_unit_m": 0.0001, "depth_unit": 0.001}')
    for words in (["convert", "--to", "png"], ["sheet"]):
        out = tmp_path / f"{BAD}.png"
        assert main(["dataset", words[0], str(data), "--out", str(out), *words[1:]]) == 0
        said()
        shutil.rmtree(out) if out.is_dir() else out.unlink()


def test_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Callable[[], str]) -> None:
    from graspseg.training import forest_run
    from graspseg.training.run import RunResult, report

    report(RunResult(tmp_path, tmp_path / BAD, 1, 1.0, {}, []))
    assert "model: " in said()

    def made(*_: object, progress: Callable[[str, float], None]) -> object:
        progress(f"reading {BAD}", 0.5)
        return type("Skipped", (), {"reasons": [f"{BAD} is damaged."]})

    monkeypatch.setattr(forest_run, "run_forest", made)
    out = tmp_path / f"{BAD}-run"
    assert train_forest.main(["--out", str(out)]) == 1
    assert said().count(SHOWN) == 3


@pytest.mark.slow
def test_compare(data: Path, tmp_path: Path, said: Callable[[], str]) -> None:
    other = write_folder(tmp_path / BAD / "other", 2, first=9)
    (data / "labels" / "0.png").unlink()
    words = command((other, data), tmp_path / f"{BAD}-out", seeds="0")
    assert main([*words, "--models", str(tmp_path / f"{BAD}.onnx")]) == 2
    said()
