"""Every script of examples/ runs as its first lines say, and README's snippet prints what README says."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import cv2
import numpy as np
import pytest

from graspseg.datasets.folder import FolderDataset

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
FRAMES = FolderDataset(EXAMPLES / "frames")


def load(name: str) -> dict:
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))


def test_every_example_has_a_test_and_a_place_in_the_documentation() -> None:
    names = {path.stem for path in EXAMPLES.glob("*.py")}
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    page = (ROOT / "docs" / "use" / "python.md").read_text()
    assert names
    assert names <= tested
    assert {name for name in names if f'"examples/{name}.py"' in page} == names


def test_masks_in_a_loop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load("masks_in_a_loop")["main"](str(EXAMPLES / "frames"), str(tmp_path / "masks"))
    masks = {path.stem: cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in (tmp_path / "masks").glob("*.png")}
    assert set(masks) == set(FRAMES.stems)
    for sample in map(FRAMES.__getitem__, range(len(FRAMES))):
        assert sample.labels is not None
        assert np.mean(masks[sample.stem] == sample.labels) > 0.95
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(FRAMES.stems)


def test_object_cloud(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample = FRAMES[FRAMES.stems.index("unseen-0000026")]
    load("object_cloud")["main"](str(EXAMPLES / "frames/depth/unseen-0000026.png"), str(tmp_path / "object.ply"))
    lines = (tmp_path / "object.ply").read_text().splitlines()
    points = np.array([line.split() for line in lines[lines.index("end_header") + 1 :]], float)
    assert lines[2] == f"element vertex {len(points)}"
    assert sample.labels is not None
    true_m = sample.frame.depth_m()[(sample.labels == 2) & (sample.frame.depth > 0)]
    assert len(points) == pytest.approx(len(true_m), rel=0.3)
    assert np.median(points[:, 2]) == pytest.approx(np.median(true_m), abs=0.01)
    assert capsys.readouterr().out.startswith(f"{len(points)} points, ")


class Found:
    """A result with given clouds."""

    def __init__(self, held: np.ndarray, hand: np.ndarray, confidence: float | None = 0.99) -> None:
        self._held, self._hand, self.confidence, self.hand_present = held, hand, confidence, 0.99

    def object_cloud(self) -> np.ndarray:
        return self._held

    def hand_cloud(self) -> np.ndarray:
        return self._hand


def test_handover_guard(capsys: pytest.CaptureFixture[str]) -> None:
    script = load("handover_guard")
    advise, none = script["advise"], np.zeros((0, 3), np.float32)
    rod = np.column_stack([np.linspace(0, 0.2, 50), np.zeros(50), np.full(50, 0.5)]).astype(np.float32)
    fist = rod[:10] + np.array([0, 0.01, 0], np.float32)
    free = advise(Found(rod, fist))
    assert free.take
    assert free.grasp_m == pytest.approx((0.2, 0, 0.5))
    assert free.clearance_m == pytest.approx(np.hypot(0.2 - rod[9, 0], 0.01))
    stray = np.concatenate([rod, np.array([[0.5, 0, 0.5]], np.float32)])
    assert advise(Found(stray, fist)) == free
    assert not advise(Found(rod[:12], fist)).take  # only what the hand covers is left
    assert not advise(Found(rod, fist, confidence=0.5)).take
    assert [advise(Found(*clouds)).take for clouds in ((none, fist), (rod, none), (none, none))] == [False] * 3
    script["main"](str(EXAMPLES / "frames/depth/unseen-0000026.png"))
    assert "clearance_m=0.0" in capsys.readouterr().out


def test_own_dataset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for sample in map(FRAMES.__getitem__, range(2)):
        assert sample.labels is not None
        depth_mm = np.round(sample.frame.depth_m() * 1000).astype(np.uint16)
        np.savez(tmp_path / f"{sample.stem}.npz", depth=depth_mm, mask=sample.labels)
    load("own_dataset")["main"](str(tmp_path))
    shares = re.findall(r"'(\w+)': ([\d.]+)", capsys.readouterr().out)
    assert [name for name, _ in shares] == ["hand", "object", "mean"]
    assert all(0.5 < float(share) <= 1 for _, share in shares)


@pytest.mark.slow
def test_own_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--steps", "2", "--data", str(EXAMPLES / "frames"), "--accelerator", "cpu")
    assert load("own_network")["main"](str(tmp_path / "run"), *options) == 0
    assert (tmp_path / "run" / "model.safetensors").is_file()
    assert '"network": "own_network:make"' in (tmp_path / "run" / "config.json").read_text()


def test_torch_dataloader(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from graspseg.cli.main import main as graspseg

    shards = str(tmp_path / "set")
    assert graspseg(["dataset", "convert", str(EXAMPLES / "frames"), "--out", shards, "--to", "shards"]) == 0
    capsys.readouterr()
    load("torch_dataloader")["main"](shards, "4")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" hand ")[0] for line in lines] == ["(4, 1, 480, 640)", "(2, 1, 480, 640)"]
    hands = np.mean([np.mean(FRAMES[index].labels == 1) for index in range(len(FRAMES))])
    shares = [float(re.findall(r"hand ([\d.]+)%", line)[0]) / 100 for line in lines]
    assert (4 * shares[0] + 2 * shares[1]) / 6 == pytest.approx(hands, abs=1e-3)


def test_readme_prints_what_it_says(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Words equal, numbers near: engines of other processors differ in the last bits, and so in a few pixels."""
    text = (ROOT / "README.md").read_text()
    code, told = re.findall(r"```python\n(.*?)```\n\n((?:    [^\n]*\n)+)", text, re.DOTALL)[0]
    assert len([line for line in code.splitlines() if line]) == 5
    monkeypatch.chdir(ROOT)
    exec(compile(code, "README.md", "exec"), {})
    shown = capsys.readouterr().out
    expected = "".join(line.removeprefix("    ") for line in told.splitlines(keepends=True))
    number = r"\d[\d,]*(?:\.\d+)?"
    assert re.sub(number, "N", shown) == re.sub(number, "N", expected)
    for found, said in zip(re.findall(number, shown), re.findall(number, expected), strict=True):
        assert float(found.replace(",", "")) == pytest.approx(float(said.replace(",", "")), rel=0.01)
