"""The benchmark of the paper's claims, in miniature: a few steps on a few toy frames."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from graspseg.datasets.folder import FolderWriter
from graspseg.frame import Frame
from graspseg.networks import NETWORKS, load_checkpoint
from graspseg.training.config_file import read_config

DENSE = "denseattentionseg-small"


@pytest.fixture
def claims(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks" / "claims"))
    return importlib.import_module("claims")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Frames with a hand and an object, somewhere before a wall."""
    writer = FolderWriter(tmp_path / "toy", {})
    for index in range(8):
        depth, labels = np.full((48, 64), 900, np.uint16), np.zeros((48, 64), np.uint8)
        x = 4 + 3 * index
        depth[10:30, x : x + 16], labels[10:30, x : x + 16] = 450, 1
        depth[16:26, x + 12 : x + 22], labels[16:26, x + 12 : x + 22] = 430, 2
        writer.write(f"{index}", Frame(depth, 0.001), labels)
    return tmp_path / "toy"


def arguments(folder: Path, out: Path, *names: str) -> list[str]:
    given = {"data": folder, "train": folder, "size": "64x48", "steps": 3, "fine-steps": 2, "batch": 2, "out": out}
    given["result"] = out / "claims.json"
    return [text for name, value in given.items() for text in (f"--{name}", str(value))] + ["--claims", *names]


def test_every_cell_names_a_network_and_a_second_stage(claims):
    cells = importlib.import_module("claims_cells")
    for claim in claims.CLAIMS:
        for name in (claim.entry, claim.reference):
            network, _, stage = name.partition("-then-")
            assert network in NETWORKS
            assert stage in ("", *cells.SECOND_STAGES)
    assert {claim.name: claim.paper for claim in claims.CLAIMS if claim.paper is not None} == {
        "attention": 0.84,
        "deep decoder": 0.05,
        "network": 0.89,
        "contour loss": 0.29,
        "network with contour loss": 1.18,
    }


def test_cells_come_after_what_they_start_from(claims):
    cells = importlib.import_module("claims_cells")
    assert cells.cells_needed(["a-then-ce", "a-then-contour", "b", "a-then-ce"]) == [
        "a",
        "b",
        "a-then-ce",
        "a-then-contour",
    ]


def test_a_claim_is_tested_from_one_first_stage_and_done_once(claims, folder: Path, tmp_path: Path):
    out = tmp_path / "out"
    command = [*arguments(folder, out, "contour loss"), "--seeds", "0", "1"]
    claims.main(command)
    result = json.loads((out / "claims.json").read_text())
    assert list(result["cells"]) == [DENSE, f"{DENSE}-then-ce", f"{DENSE}-then-contour"]
    (claim,) = result["claims"]
    assert (claim["name"], claim["paper"], claim["seeds"]) == ("contour loss", 0.29, 2)
    entry, reference = (
        [row["scores"]["iou_dataset"] for row in result["cells"][claim[side]]] for side in ("entry", "reference")
    )
    by_seed = [ours - theirs for ours, theirs in zip(entry, reference, strict=True)]
    assert claim["by_seed"]["iou_dataset"] == pytest.approx(by_seed)
    assert claim["iou_dataset"]["value"] == pytest.approx(sum(by_seed) / 2)
    assert claim["iou_dataset"]["low"] <= claim["iou_dataset"]["value"] <= claim["iou_dataset"]["high"]
    text = (out / "claims.md").read_text()
    assert (
        text.startswith("## Claims\n\n| claim |") and "| contour loss |" in text and "\n\n## Cells\n\n| cell |" in text
    )
    for name, contour in (("ce", False), ("contour", True)):
        config = read_config(out / "cells" / f"{DENSE}-then-{name}-101" / "run" / "config.json")
        assert (config.contour, config.contour_start, config.steps) == (contour, 0, 2)
        assert config.init == str(out / "cells" / f"{DENSE}-1" / "run" / "model.safetensors")
    paths = sorted(out.glob("cells/*-then-*-100/run/model.safetensors"))
    models = [load_checkpoint(path).network.state_dict() for path in paths]
    assert len(models) == 2
    assert not all(torch.equal(models[0][name], models[1][name]) for name in models[0])

    def written() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in out.glob("cells/**/*") if path.is_file()}

    before = written()
    claims.main(command)
    assert written() == before
    assert json.loads((out / "claims.json").read_text()) == result


def test_a_first_stage_that_fails_is_told_and_the_rest_goes_on(claims, folder: Path, tmp_path: Path, monkeypatch):
    cells = importlib.import_module("claims_cells")
    own = cells.run_cell

    def failing(entry, seed, out, **rest):
        if entry.name == DENSE:
            return cells.Cell(entry, seed, out, failure="the loss is nan")
        return own(entry, seed, out, **rest)

    monkeypatch.setattr(cells, "run_cell", failing)
    claims.main([*arguments(folder, tmp_path / "out", "contour loss", "attention"), "--seeds", "0"])
    result = json.loads((tmp_path / "out" / "claims.json").read_text())
    assert [claim["verdict"] for claim in result["claims"]] == ["failed", "failed"]
    assert result["cells"][f"{DENSE}-then-ce"][0]["failure"] == "its first stage failed: the loss is nan"
    assert result["cells"][f"{DENSE}-noattention"][0]["scores"]["iou_dataset"] is not None
    assert "the loss is nan" in (tmp_path / "out" / "claims.md").read_text()


@pytest.mark.parametrize(
    ("low", "high", "said"), [(0.001, 0.01, "holds"), (-0.01, -0.001, "the reverse holds"), (-0.01, 0.01, "undecided")]
)
def test_the_interval_decides(claims, low: float, high: float, said: str):
    from graspseg.metrics.paired import Interval, PairedDifference

    interval = Interval((low + high) / 2, low, high)
    assert claims.verdict(PairedDifference(interval, interval), 3) == said
    assert claims.verdict(PairedDifference(interval, interval), 1) == "undecided: one seed"
