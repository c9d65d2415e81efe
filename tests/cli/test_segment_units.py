"""What leaves `graspseg segment` is in one stated unit and has the right camera."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from graspseg.cli.main import main
from graspseg.datasets.atomic import write_png
from graspseg.datasets.folder import FolderDataset
from graspseg.datasets.shard_writer import ShardSample, write_shard
from graspseg.frame import Frame, Intrinsics


def scene(unit: float) -> np.ndarray:
    """Hand at 0.4 m beside a wall at 0.9 m."""
    meters = np.full((40, 60), 0.9)
    meters[:, :30] = 0.4
    return np.rint(meters / unit).astype(np.uint16)


def segment(model: Path, *argv: str) -> int:
    return main(["segment", *argv, "--model", str(model), "--no-overlays"])


def test_floats_of_millimeters(tmp_path: Path, depth_rule_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "mm.npy", scene(0.001).astype(np.float32))
    out = tmp_path / "out"
    assert segment(depth_rule_model, str(tmp_path / "mm.npy"), "--out", str(out), "--depth-unit", "0.001") == 0
    reported = capsys.readouterr().err
    (row,) = json.loads((out / "summary.json").read_text())["frames"]
    assert row["pixels"]["hand"] > 0 and row["warnings"] == [] and "warning" not in reported
    assert segment(depth_rule_model, str(tmp_path / "mm.npy"), "--out", str(tmp_path / "other")) == 0
    reported = capsys.readouterr().err
    assert "(now 1); 0.001 would make it 0.4 m" in reported and "no hand found in 1 of them" in reported


def test_depth_without_hand_has_one_unit_and_every_camera(tmp_path: Path, depth_rule_model: Path) -> None:
    cameras = {"a": Intrinsics(60.0, 60.0, 29.5, 19.5), "b": Intrinsics(90.0, 90.0, 29.5, 19.5)}
    units = {"a": 0.001, "b": 0.0001}
    samples = [ShardSample(key, Frame(scene(units[key]), units[key], cameras[key])) for key in "ab"]
    write_shard(tmp_path / "two.tar", samples)
    out = tmp_path / "out"
    extras = ["--save", "handless", "probabilities", "cloud"]
    assert segment(depth_rule_model, str(tmp_path / "two.tar"), "--out", str(out), *extras) == 0
    handless = FolderDataset(out / "handless")
    assert handless.stems == ["a", "b"]
    for stem, sample in zip("ab", handless, strict=True):
        assert sample.frame.intrinsics == cameras[stem]
        np.testing.assert_allclose(sample.frame.depth_m()[:, -5:], 0.9, rtol=1e-6)
        with np.load(out / "probabilities" / f"{stem}.npz") as saved:
            assert saved["depth_unit_m"] == units[stem]
            np.testing.assert_array_equal(saved["intrinsics"][:2], [cameras[stem].fx] * 2)
        header = (out / "clouds" / f"{stem}-hand.ply").read_bytes().partition(b"end_header")[0].decode()
        assert "comment metres" in header and f"comment camera fx {cameras[stem].fx:g} " in header
        assert "assumed" not in header
    rows = json.loads((out / "summary.json").read_text())["frames"]
    assert [row["intrinsics"]["fx"] for row in rows] == [60.0, 90.0]


def test_an_assumed_camera_is_said_once(
    tmp_path: Path, depth_rule_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in "abc":
        write_png(tmp_path / "take" / f"{name}.png", scene(0.001).T.copy())
    out = tmp_path / "out"
    assert segment(depth_rule_model, str(tmp_path / "take"), "--out", str(out), "--save", "cloud") == 0
    reported = capsys.readouterr().err
    assert reported.count("assume a focal length of 44.53 pixels for images of 40x60 pixels") == 1
    assert b" assumed\n" in (out / "clouds" / "a-hand.ply").read_bytes()
    assert segment(depth_rule_model, str(tmp_path / "take"), "--out", str(tmp_path / "other"), "--fx", "60") == 0
    assert "assume a focal" not in capsys.readouterr().err


def test_intrinsics_of_another_size_are_doubted(
    tmp_path: Path, depth_rule_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_png(tmp_path / "take" / "a.png", scene(0.001))
    camera = {"fx": 950.0, "fy": 950.0, "cx": 639.5, "cy": 359.5}
    (tmp_path / "take" / "dataset.json").write_text(json.dumps({"intrinsics": camera}))
    assert segment(depth_rule_model, str(tmp_path / "take"), "--out", str(tmp_path / "out")) == 0
    reported = capsys.readouterr().err
    assert "the principal point 639.5, 359.5 is outside the image of 60x40 pixels" in reported
    assert "60 pixels see 3.62 degrees" in reported


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_depth_without_hand_and_without_camera_gets_none_of_another_frame(
    tmp_path: Path, depth_rule_model: Path, order: tuple[str, str]
) -> None:
    cameras = {"a": Intrinsics(60.0, 60.0, 29.5, 19.5), "b": None}
    samples = [ShardSample(key, Frame(scene(0.001), 0.001, cameras[key])) for key in order]
    write_shard(tmp_path / "two.tar", samples)
    assert segment(depth_rule_model, str(tmp_path / "two.tar"), "--out", str(tmp_path), "--save", "handless") == 0
    assert {sample.stem: sample.frame.intrinsics for sample in FolderDataset(tmp_path / "handless")} == cameras
