import json
from pathlib import Path

import pytest

from graspseg.datasets.manifest import MANIFEST, ShardEntry, is_manifest, read_manifest, write_manifest
from graspseg.errors import InputError
from graspseg.frame import Intrinsics

ROW = {"name": "a-000000.tar", "samples": 2, "bytes": 10240, "sha256": "0" * 64, "split": None}
GOOD = {"format": "graspseg-shards", "format_version": 1, "complete": True, "shards": [ROW]}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    camera = {"fx": 4.0, "fy": 5.0, "cx": 1.0, "cy": 2.0}
    description = {"depth_unit_m": 0.0001, "intrinsics": camera, "licence": "CC0-1.0"}
    rows = [ShardEntry("a-0.tar", 2, 10, "1" * 64, "val"), ShardEntry("b-0.tar", 3, 20, "2" * 64)]
    write_manifest(tmp_path, description, rows)
    manifest = read_manifest(tmp_path / MANIFEST)
    assert manifest is not None
    assert list(manifest.shards) == rows and manifest.complete
    assert manifest.description.depth_unit_m == 0.0001
    assert manifest.description.intrinsics == Intrinsics(**camera)
    assert manifest.description.content == description


def test_own_fields_cannot_be_described(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has the field 'frames'"):
        write_manifest(tmp_path, {"frames": 3}, ())
    with pytest.raises(InputError, match="NaN or infinity"):
        write_manifest(tmp_path, {"gain": float("inf")}, ())
    assert not list(tmp_path.iterdir())


def test_manifests_of_other_programs_are_none(tmp_path: Path) -> None:
    path = tmp_path / MANIFEST
    assert read_manifest(path) is None and not is_manifest(path)
    path.write_text('{"name": "a web page"}')
    assert read_manifest(path) is None and not is_manifest(path)
    path.write_text("{")
    assert not is_manifest(path)
    with pytest.raises(InputError, match="no readable JSON"):
        read_manifest(path)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"format_version": 2}, r"format version 2, expected at most 1: update graspseg"),
        ({"format_version": "new"}, "format_version 'new'"),
        ({"shards": None}, "lacks the list of shards"),
        ({"complete": "yes"}, "whether it is complete"),
        ({"shards": [3]}, "is no JSON object"),
        ({"shards": [{**ROW, "name": "../a.tar"}]}, r"has the name '\.\./a\.tar'"),
        ({"shards": [{**ROW, "name": "/etc/a.tar"}]}, "has the name"),
        ({"shards": [{**ROW, "name": "a.zip"}]}, "has the name"),
        ({"shards": [{**ROW, "samples": -1}]}, "expected whole numbers"),
        ({"shards": [{**ROW, "bytes": True}]}, "expected whole numbers"),
        ({"shards": [{**ROW, "sha256": "abc"}]}, "expected 64 hexadecimal digits"),
        ({"shards": [{**ROW, "split": 3}]}, "expected a name"),
        ({"shards": [ROW, ROW]}, "lists a-000000.tar twice"),
        ({"depth_unit_m": 0}, "depth_unit_m 0"),
    ],
)
def test_manifests_that_cannot_be_used(tmp_path: Path, change: dict, found: str) -> None:
    (tmp_path / MANIFEST).write_text(json.dumps({**GOOD, **change}))
    with pytest.raises(InputError, match=found):
        read_manifest(tmp_path / MANIFEST)
