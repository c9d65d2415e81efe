from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from graspseg.datasets.atomic import new_file, write_png
from graspseg.datasets.check import check
from graspseg.datasets.folder import FolderWriter
from graspseg.datasets.manifest import MANIFEST, ShardEntry, hash_file, write_manifest
from graspseg.datasets.shard_writer import ShardSample, write_shard
from graspseg.errors import InputError
from graspseg.frame import Frame

DEPTH = np.full((4, 6), 500, np.uint16)
LABELS = np.array([[0, 1, 2, 255, 0, 1]] * 4, np.uint8)


def faults_of(path: Path) -> list[str]:
    reported: list[str] = []
    findings = check(path, say=reported.append)
    assert findings.faults == len(reported)
    assert all(sentence.count("\n") == 0 and ("expected" in sentence or ":" in sentence) for sentence in reported)
    return reported


def make_folder(path: Path) -> Path:
    writer = FolderWriter(path, {"splits": {"val": ["b"]}})
    for stem in "abc":
        writer.write(stem, Frame(DEPTH), LABELS, color=np.zeros((4, 6, 3), np.uint8))
    return path


def test_nothing_is_wrong(tmp_path: Path, make_shards) -> None:
    assert faults_of(make_folder(tmp_path / "folder")) == []
    assert faults_of(make_shards(colored=True)) == []
    assert faults_of(tmp_path / "set" / "val-000000.tar") == []


def test_notes_are_no_faults(tmp_path: Path) -> None:
    writer = FolderWriter(tmp_path, {})
    writer.write("bare", Frame(DEPTH), np.zeros((4, 6), np.uint8))
    writer.write("blind", Frame(DEPTH * np.uint16(0)), LABELS)
    writer.write("near", Frame(DEPTH // np.uint16(100)), LABELS)
    findings = check(tmp_path, say=pytest.fail)
    assert findings.notes == {
        "no pixel is labeled hand": 1,
        "no pixel has a measurement": 1,
        "the nearest surface is not where hands are, is the depth unit right? The first is near: the nearest surface "
        "is at 0.005 m, expected 0.08 to 1.5 m, where hands are: check --depth-unit (now 0.001)": 1,
    }
    for path in (tmp_path / "labels").iterdir():
        path.unlink()
    assert check(tmp_path, say=pytest.fail).notes["there is no label image"] == 3


def write_raw(path: Path, data: bytes) -> None:
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (lambda f: write_raw(f / "depth" / "a.png", (f / "depth" / "a.png").read_bytes()[:40]), "truncated PNG"),
        (lambda f: write_png(f / "labels" / "a.png", np.full((4, 6), 7, np.uint8)), r"holds the values \[7\]"),
        (lambda f: write_png(f / "labels" / "a.png", np.zeros((4, 5), np.uint8)), "5x4 pixels, expected 6x4"),
        (lambda f: write_png(f / "color" / "a.png", np.zeros((4, 5, 3), np.uint8)), "5x4 pixels, expected 6x4"),
        (lambda f: (f / "labels" / "a.png").unlink(), "has 1 frames without labels"),
        (lambda f: write_png(f / "labels" / "z.png", LABELS), r"z.png has no depth image, expected depth/z.png"),
        (lambda f: write_png(f / "color" / "z.png", LABELS), r"z.png has no depth image"),
        (lambda f: write_raw(f / "labels" / ".17-1.tmp", b"x"), "left half-written by a stopped run"),
        (lambda f: (f / "depth" / "b.png").rename(f / "depth" / "d.png"), "lacks 1 frames of split 'val'"),
    ],
)
def test_faults_of_folders(tmp_path: Path, spoil: Callable[[Path], object], found: str) -> None:
    folder = make_folder(tmp_path / "set")
    spoil(folder)
    assert any(re.search(found, sentence) for sentence in faults_of(folder)), faults_of(folder)


def test_folders_in_the_wrong_layout(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "set")
    (folder / "depth").rename(folder / "images")
    with pytest.raises(InputError, match="has labels/ but no depth/"):
        check(folder, say=pytest.fail)
    with pytest.raises(InputError, match="does not exist"):
        check(tmp_path / "none", say=pytest.fail)


def test_a_file_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "set")
    with new_file(folder / "labels" / "new.txt"):
        assert len(list((folder / "labels").glob(".*.tmp"))) == 1
        assert faults_of(folder) == []


def test_half_written_shard_and_wrong_hash(make_shards) -> None:
    folder = make_shards()
    shard = folder / "val-000000.tar"
    data = shard.read_bytes()
    for cut in (1500, 3000, 5000, 6200):
        shard.write_bytes(data[:cut])
        (reported,) = faults_of(folder)
        assert f"has {cut} bytes, expected" in reported and "half-written" in reported
        (reported,) = faults_of(shard)
        assert f"has {cut} bytes, expected" in reported
        (folder / MANIFEST).rename(folder / "aside")
        (reported,) = faults_of(shard)
        assert "is no whole tar" in reported and "expected a finished shard: make it again" in reported
        (folder / "aside").rename(folder / MANIFEST)
    changed = bytearray(data)
    changed[data.index(b"take/3")] ^= 1
    shard.write_bytes(changed)
    (reported,) = faults_of(folder)
    assert "has the SHA-256" in reported and "restore it or make it again" in reported
    assert check(folder, say=lambda _: None).frames == 5


def test_files_beside_the_manifest(make_shards, make_sample) -> None:
    folder = make_shards()
    write_shard(folder / "extra.tar", [make_sample(9)])
    (folder / "val-000000.tar").unlink()
    (folder / ".17-0.tmp").touch()
    reported = " ".join(faults_of(folder))
    assert "extra.tar is not in manifest.json" in reported
    assert "val-000000.tar is missing" in reported
    assert "left half-written" in reported


def test_unfinished_and_newer_sets(make_shards) -> None:
    folder = make_shards()
    content = json.loads((folder / MANIFEST).read_text())
    write_manifest(folder, {}, (), complete=False)
    assert "was not finished" in faults_of(folder)[0]
    (folder / MANIFEST).write_text(json.dumps({**content, "format_version": 9}))
    with pytest.raises(InputError, match="format version 9, expected at most 1"):
        check(folder, say=pytest.fail)
    (folder / MANIFEST).unlink()
    findings = check(folder, say=pytest.fail)
    assert findings.notes == {"there is no manifest.json": 1} and findings.frames == 5


def test_keys_in_two_shards(tmp_path: Path, make_sample) -> None:
    rows = [write_shard(tmp_path / f"{name}.tar", [make_sample(1)]) for name in "ab"]
    write_manifest(tmp_path, {}, rows)
    assert faults_of(tmp_path) == [
        f"{tmp_path}/b.tar holds the key f1, which a.tar holds too, expected every key once: remove one of the two."
    ]


def test_members_that_do_not_fit(tmp_path: Path) -> None:
    good = ShardSample("good", Frame(DEPTH), LABELS)
    shard = tmp_path / "a.tar"
    write_shard(shard, [good, ShardSample("bad", Frame(DEPTH), np.full((4, 6), 9, np.uint8))])
    write_manifest(tmp_path, {}, [ShardEntry("a.tar", 3, shard.stat().st_size, hash_file(shard))])
    reported = faults_of(tmp_path)
    assert any("holds 2 frames, expected 3" in text for text in reported)
    assert any("a.tar/bad.label.png holds the values [9]" in text for text in reported)
    assert check(tmp_path, say=lambda _: None).frames == 1


def test_frames_without_json(tmp_path: Path) -> None:
    data = cv2.imencode(".png", DEPTH)[1].tobytes()
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        header = tarfile.TarInfo("k.depth.png")
        header.size = len(data)
        tar.addfile(header, io.BytesIO(data))
    assert faults_of(tmp_path / "a.tar") == [
        f"{tmp_path}/a.tar lacks k.json, expected one of every key: write the shard again."
    ]
