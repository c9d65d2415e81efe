"""The benchmark over real data sets, on toy sets and a model that answers by depth."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

import judge_real
from graspseg.datasets.folder import FolderWriter
from graspseg.errors import InputError
from graspseg.frame import Frame


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    """A labeled set, and below `background` a set without labels in which the model sees a hand."""
    hand = FolderWriter(tmp_path / "real" / "hand", {})
    labels = np.zeros((96, 128), np.uint8)
    labels[20:60, 30:60] = 1
    hand.write("a", Frame(np.where(labels > 0, 400, 900).astype(np.uint16)), labels)
    for name, nearest in (("near", 450), ("far", 900)):
        bare = FolderWriter(tmp_path / "background" / name, {})
        bare.write("b", Frame(np.full((96, 128), nearest, np.uint16)))
    return tmp_path


def test_table_figures_labels_and_sheets(
    sets: Path, depth_rule_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = [str(sets / "real"), "--hand-free", str(sets / "background"), "--model", str(depth_rule_model)]
    assert judge_real.main([*data, "--out", str(sets / "before")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| hand", "| all hand-free"]
    assert "1 of 2" in lines[3]
    again = ["--out", str(sets / "after"), "--against", str(sets / "before"), "--windows", "1", "--no-mirror"]
    assert judge_real.main([*data, *again, "--json", str(sets / "all.json")]) == 0
    report = json.loads((sets / "all.json").read_text())
    expected = {"windows": 1, "mirror": False, "hands": 1, "full_side": 48, "presence": False}
    assert report["settings"] == {**expected, "precision": "float32", "threads": 1}
    assert report["sets"]["near"]["false_px_a_frame"] == 96 * 128
    assert report["all"]["hand-free"]["false_alarms"] == 1
    single, pair = (cv2.imread(str(sets / run / "sheets" / "near.png")) for run in ("before", "after"))
    assert single is not None and pair is not None and pair.shape[1] == 2 * single.shape[1]
    labels = cv2.imread(str(sets / "after" / "labels" / "near" / "b.png"), cv2.IMREAD_UNCHANGED)
    assert labels is not None and (labels == 1).all()


def test_a_set_without_labels_is_not_judged_as_one_with(sets: Path, depth_rule_model: Path) -> None:
    with pytest.raises(InputError, match="--hand-free"):
        judge_real.main([str(sets / "background"), "--out", str(sets / "out"), "--model", str(depth_rule_model)])
