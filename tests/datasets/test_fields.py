"""Fields that nobody reads are named, with what may have been meant."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from graspseg.cli.main import main
from graspseg.datasets.atomic import write_png
from graspseg.datasets.description import read_description
from graspseg.datasets.fields import unread_fields
from graspseg.datasets.folder import FolderDataset
from graspseg.datasets.manifest import read_manifest, write_manifest
from graspseg.datasets.shard_writer import ShardSample, write_shard
from graspseg.datasets.shards import ShardDataset
from graspseg.errors import InputError
from graspseg.frame import Frame

IMAGE = np.full((40, 60), 500, np.uint16)
CAMERA = {"fx": 60.0, "fy": 60.0, "cx": 29.5, "cy": 19.5}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("depth_scale", "depth_unit_m"),
        ("depth_unit", "depth_unit_m"),
        ("Depth_Unit_M", "depth_unit_m"),
        ("depthUnitM", "depth_unit_m"),
        ("depth_unit_mm", "depth_unit_m"),
        ("dept_unit_m", "depth_unit_m"),
        ("unit", "depth_unit_m"),
        ("Intrinsics", "intrinsics"),
        ("intrinsic", "intrinsics"),
        ("camera_matrix", "intrinsics"),
        ("K", "intrinsics"),
        ("colour", "color"),
        ("license", "licence"),
        ("split", "splits"),
    ],
)
def test_what_may_have_been_meant(name: str, meant: str) -> None:
    (sentence,) = unread_fields({name: 1, "depth_unit_m": 0.001}, Path("dataset.json"))
    assert sentence == f"dataset.json has the field {name!r} (did you mean {meant}?), which nobody reads"


def test_fields_inside_others_and_unlike_any() -> None:
    content = {
        "intrinsics": {**CAMERA, "width": 640},
        "color": {"intrinsics": CAMERA, "color_from_depth": [], "Distortion": []},
        "weather": "fine",
    }
    (sentence,) = unread_fields(content, Path("d.json"))
    assert sentence == "d.json has the fields 'weather', 'intrinsics.width', 'color.Distortion', which nobody reads"
    assert unread_fields({"camera": CAMERA}, Path("d.json"))[0].count("did you mean intrinsics?") == 1
    assert unread_fields({"camera": {"name": "D435"}, "licence": "CC0-1.0"}, Path("d.json")) == ()
    many = unread_fields({f"x{number}": 1 for number in range(20)}, Path("d.json"))
    assert "and 12 more, which" in many[0]


def test_our_own_descriptions_have_no_such_field(tmp_path: Path) -> None:
    from graspseg.synth.job import Job, _manifest_fields

    job = Job(tmp_path, 4, 1, "val")
    assert unread_fields(_manifest_fields(job), Path("manifest.json")) == ()


def test_commands_say_it_once(tmp_path: Path, depth_rule_model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in "abc":
        write_png(tmp_path / "take" / "depth" / f"{name}.png", IMAGE)
    (tmp_path / "take" / "dataset.json").write_text(json.dumps({"depth_scale": 0.0001}))
    argv = ["segment", str(tmp_path / "take"), "--out", str(tmp_path / "out"), "--model", str(depth_rule_model)]
    assert main(argv) == 0
    assert capsys.readouterr().err.count("'depth_scale' (did you mean depth_unit_m?)") == 1
    assert main(["dataset", "check", str(tmp_path / "take")]) == 0
    assert capsys.readouterr().out.count("'depth_scale' (did you mean depth_unit_m?)") == 1
    for command in (["stats"], ["convert", "--to", "folder", "--out", str(tmp_path / "converted")]):
        assert main(["dataset", *command, str(tmp_path / "take")]) == 0
        assert capsys.readouterr().err.count("'depth_scale' (did you mean depth_unit_m?)") == 1


def test_manifests_and_frames_of_shards(tmp_path: Path) -> None:
    facts = {"depth_unit": 0.0001, "objects": [], "scale": 2, "depth_scale": 1}
    row = write_shard(tmp_path / "a.tar", [ShardSample("a", Frame(IMAGE), facts=facts)])
    write_manifest(tmp_path, {"Intrinsics": CAMERA}, [row])
    manifest = read_manifest(tmp_path / "manifest.json")
    assert manifest is not None and "did you mean intrinsics?" in manifest.description.notes[0]
    assert ShardDataset(tmp_path)[0].frame.notes == ()  # its unit is there
    data = (tmp_path / "a.tar").read_bytes().replace(b'"depth_unit_m": 0.001', b'"depth_unit_x": 0.001')
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "b.tar").write_bytes(data)
    notes = ShardDataset(tmp_path / "b")[0].frame.notes
    assert len(notes) == 3 and all("did you mean depth_unit_m?" in note for note in notes)


def test_frames_may_have_a_unit_and_camera_of_their_own(tmp_path: Path) -> None:
    for name in ("depth/a.png", "depth/take/b.png"):
        write_png(tmp_path / name, IMAGE)
    other = {**CAMERA, "fx": 99.0}
    per_frame = {"take/b": {"depth_unit_m": 0.002, "intrinsics": other}}
    content = {"depth_unit_m": 0.001, "intrinsics": CAMERA, "per_frame": per_frame}
    (tmp_path / "dataset.json").write_text(json.dumps(content))
    first, second = (sample.frame for sample in FolderDataset(tmp_path))
    assert (first.depth_unit_m, second.depth_unit_m) == (0.001, 0.002)
    assert first.intrinsics is not None and second.intrinsics is not None
    assert (first.intrinsics.fx, second.intrinsics.fx) == (60.0, 99.0)
    assert FolderDataset(tmp_path, depth_unit_m=0.01)[1].frame.depth_unit_m == 0.01
    (tmp_path / "dataset.json").write_text(json.dumps({"per_frame": {"a": 3}}))
    with pytest.raises(InputError, match="per_frame of another form"):
        read_description(tmp_path)
