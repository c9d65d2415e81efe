"""What happens to a comparison when something goes wrong or changes under it."""

import json
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from compare_steps import PLAIN, command, stamps
from graspseg.cli.main import main
from graspseg.datasets.atomic import held
from graspseg.datasets.output_folder import LOCK
from graspseg.errors import InputError
from graspseg.networks.table import NETWORKS, NetworkSpec


class Diverging(nn.Module):
    def __init__(self, *, pretrained: bool = False) -> None:
        assert not pretrained
        super().__init__()
        self.classify = nn.Conv2d(1, 3, 1)

    def forward(self, depth_m: torch.Tensor, pixel_angle: torch.Tensor) -> torch.Tensor:
        return self.classify(depth_m) * torch.inf


@pytest.fixture
def diverging(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(NETWORKS, "diverging", NetworkSpec(Diverging, "for this test"))
    return "diverging"


def test_what_diverges_fails_alone(
    finished: Path, data: tuple[Path, Path], tmp_path: Path, diverging: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model = finished / "cells" / f"{PLAIN}-0" / "run" / "model.safetensors"
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(model.read_bytes()[:-100])
    out = tmp_path / "out"
    options = {"seeds": "0", "models": f"{model} {damaged}", "reference": "model"}
    assert main(command(data, out, diverging, **options)) == 1
    text = capsys.readouterr().out
    assert "| diverging | failed: The loss is nan after step 3, expected a finite number" in text
    assert re.search(r"\| damaged \| failed: \S+damaged.safetensors is a truncated safetensors file", text)
    report = json.loads((out / "report.json").read_text())
    assert [bool(row["failures"]) for row in report["rows"]] == [True, False, True]
    # The model that was taken is judged as it was where it was trained.
    own = json.loads((finished / "report.json").read_text())["rows"][0]["cells"][0]["scores"]
    assert report["rows"][1]["cells"][0]["scores"] == own
    assert report["rows"][1]["eager_ms"] is not None
    # A second call knows what diverged, and tries again what may have been mended.
    before = stamps(out / "cells" / "diverging-0")
    damaged.write_bytes(model.read_bytes())
    assert main(command(data, out, diverging, **options)) == 2
    assert "was begun with entry.sha256" in capsys.readouterr().err
    shutil.rmtree(out / "cells" / "damaged.model")
    assert main(command(data, out, diverging, **options)) == 1
    assert stamps(out / "cells" / "diverging-0") == before
    report = json.loads((out / "report.json").read_text())
    assert [bool(row["failures"]) for row in report["rows"]] == [True, False, False]


def test_damaged_files_are_named(finished: Path, data: tuple[Path, Path], tmp_path: Path, capsys) -> None:
    for name in ("frames/judged/frames.json", "frames/train/part-00000.npy", f"cells/{PLAIN}-0/settings.json"):
        out = tmp_path / Path(name).name
        shutil.copytree(finished, out)
        (out / name).write_bytes((out / name).read_bytes()[:-30])
        assert main(command(data, out, PLAIN, seeds="0")) == 2
        assert re.search(rf"^graspseg: {out / name} .*: remove .* made again\.$", capsys.readouterr().err, re.MULTILINE)
    out = tmp_path / "judged"
    shutil.copytree(finished, out)
    cell = out / "cells" / f"{PLAIN}-0"
    (cell / "judged.json").write_text("{")
    (out / "timing.json").write_text("{")
    assert main(command(data, out, PLAIN, seeds="0")) == 1
    assert f"remove {cell} to have it made again" in capsys.readouterr().out
    (cell / "judged.json").unlink()
    assert main(command(data, out, PLAIN, seeds="0")) == 0


def test_a_cell_is_worked_on_by_one_process(
    data: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with held(tmp_path / "out" / "cells" / f"{PLAIN}-0" / "lock"):
        assert main(command(data, tmp_path / "out", PLAIN, seeds="0")) == 2
    assert f"{PLAIN}-0 is being worked on by another process" in capsys.readouterr().err


def test_a_comparison_is_worked_on_by_one_process(
    data: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with held(tmp_path / "out" / LOCK):
        assert main(command(data, tmp_path / "out", PLAIN, seeds="0")) == 2
    assert "out is being worked on by another process" in capsys.readouterr().err
    assert not (tmp_path / "out" / "frames").exists()


@pytest.mark.parametrize("name", ["report.json", "curves.png", "cells/mine/run.json", "frames/judged/frames.json"])
def test_what_is_no_comparison_stays(
    data: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    path = tmp_path / "out" / name
    path.parent.mkdir(parents=True)
    path.write_text('{"parts": "mine"}')
    assert main(command(data, tmp_path / "out", PLAIN, seeds="0")) == 2
    assert f"out holds something else ({name})" in capsys.readouterr().err
    assert [found for found in (tmp_path / "out").rglob("*") if found.is_file()] == [path]


def test_a_missing_package_is_no_result(
    data: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(**_: object) -> nn.Module:
        raise InputError("The package is not installed.")

    with monkeypatch.context() as patch:
        patch.setitem(NETWORKS, "mended", NetworkSpec(missing, "for this test"))
        assert main(command(data, tmp_path / "out", "mended", seeds="0")) == 1
        assert "| mended | failed: The package is not installed." in capsys.readouterr().out
    monkeypatch.setitem(NETWORKS, "mended", NETWORKS[PLAIN])
    assert main(command(data, tmp_path / "out", "mended", seeds="0")) == 0


def test_edited_labels_are_not_judged_as_they_were(
    finished: Path, data: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judged = tmp_path / "judged"
    shutil.copytree(data[1], judged)
    model = finished / "cells" / f"{PLAIN}-0" / "run" / "model.safetensors"
    words = command((data[0], judged), tmp_path / "out", models=str(model), seeds="0")
    assert main(words) == 0
    label = next((judged / "labels").glob("*.png"))
    cv2.imwrite(str(label), np.zeros_like(cv2.imread(str(label), cv2.IMREAD_UNCHANGED)))
    assert main(words) == 2
    assert "holds frames of data_files" in capsys.readouterr().err
