from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from graspseg.datasets.manifest import hash_file
from graspseg.datasets.shard_writer import ShardSample, finished_shard, make_keys, write_shard
from graspseg.datasets.tar_index import read_index, scan_tar
from graspseg.errors import InputError


def test_equal_frames_give_equal_bytes(tmp_path: Path, make_sample) -> None:
    samples = [make_sample(number, colored=True) for number in range(3)]
    first = write_shard(tmp_path / "a" / "s.tar", samples)
    second = write_shard(tmp_path / "b" / "s.tar", iter(samples))
    assert first == second
    assert first.sha256 == hash_file(tmp_path / "a" / "s.tar") and first.samples == 3
    assert (tmp_path / "a" / "s.tar").read_bytes() == (tmp_path / "b" / "s.tar").read_bytes()
    with tarfile.open(tmp_path / "a" / "s.tar") as tar:
        members = tar.getmembers()
    assert [member.name for member in members[:4]] == ["f0.json", "f0.depth.png", "f0.color.png", "f0.label.png"]
    assert {(member.mtime, member.uid, member.gid, member.uname, member.mode) for member in members} == {
        (0, 0, 0, "", 0o644)
    }


def test_nothing_is_left_of_a_shard_that_fails(tmp_path: Path, make_sample) -> None:
    def samples() -> Iterator[ShardSample]:
        yield make_sample(0)
        raise InputError("the camera is gone")

    with pytest.raises(InputError, match="camera is gone"):
        write_shard(tmp_path / "s.tar", samples())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("key", ["", "a.b", "a/b", "../a", "ä", "x" * 81])
def test_keys_that_cannot_be(tmp_path: Path, make_sample, key: str) -> None:
    with pytest.raises(InputError, match="got the key"):
        write_shard(tmp_path / "s.tar", [replace(make_sample(1), key=key)])


def test_keys_sizes_and_facts_are_checked(tmp_path: Path, make_sample) -> None:
    with pytest.raises(InputError, match=r"got the key 'f1', expected one of .* each once"):
        write_shard(tmp_path / "s.tar", [make_sample(1), make_sample(1)])
    for name in ("labels", "color"):
        image = np.zeros((4, 5) if name == "labels" else (4, 5, 3), np.uint8)
        with pytest.raises(InputError, match=r"are \(4, 5\), expected \(4, 6\)"):
            write_shard(tmp_path / "s.tar", [replace(make_sample(1), **{name: image})])
    with pytest.raises(InputError, match="no JSON"):
        write_shard(tmp_path / "s.tar", [replace(make_sample(1), facts={"gain": float("nan")})])
    assert not list(tmp_path.iterdir())


def test_finished_means_whole_and_with_these_keys(tmp_path: Path, make_sample) -> None:
    path = tmp_path / "s.tar"
    assert finished_shard(path, ["f0"]) is None
    row = write_shard(path, [make_sample(0), make_sample(1)], split="val")
    assert finished_shard(path, ["f0", "f1"], split="val") == row
    assert finished_shard(path, ["f0"]) is None
    assert finished_shard(path, ["f1", "f0"]) is None
    path.write_bytes(path.read_bytes()[:-1024])
    whole = finished_shard(path, ["f0", "f1"])
    path.write_bytes(path.read_bytes()[:2048])
    assert whole is not None and finished_shard(path, ["f0", "f1"]) is None


def test_keys_of_stems() -> None:
    assert make_keys(["a_b", "take 1/0001.000", "a/b", "a.b", "x-1", ""]) == [
        "a_b",
        "take_1_0001_000",
        "a_b-2",
        "a_b-3",
        "x-1",
        "_",
    ]
    assert make_keys(["a/b", "a_b", "a_b"]) == ["a_b-2", "a_b", "a_b-3"]
    long = make_keys(["p" * 100 + "/1", "q" * 100 + "/1"])
    assert len(set(long)) == 2 and max(map(len, long)) <= 80


@pytest.mark.parametrize("to_the_end", [False, True])
def test_zeros_over_headers_are_no_shorter_shard(tmp_path: Path, make_sample, *, to_the_end: bool) -> None:
    path = tmp_path / "s.tar"
    write_shard(path, [make_sample(number, colored=True) for number in range(3)])
    whole = path.read_bytes()
    with tarfile.open(path) as tar:
        headers = [(member.name, member.offset) for member in tar]
    assert len(read_index(path)) == 3
    for name, start in headers:
        zeros = len(whole) - start if to_the_end else 2 * tarfile.BLOCKSIZE
        path.write_bytes(whole[:start] + bytes(zeros) + whole[start + zeros :])
        with pytest.raises(InputError, match=r"s\.tar is no whole tar .*expected a finished shard: make it again\.$"):
            read_index(path)
        kept = scan_tar(path).entries
        assert all(len(entry.members) == 4 and entry.key < name[:2] for entry in kept), "frames lack members"


def test_shards_of_others_have_no_number_of_members(tmp_path: Path, make_sample) -> None:
    path, other = tmp_path / "s.tar", tmp_path / "other.tar"
    write_shard(path, [make_sample(number) for number in range(3)])
    with tarfile.open(path) as tar, tarfile.open(other, "w", format=tarfile.USTAR_FORMAT) as copy:
        for member in tar.getmembers()[:-3]:
            copy.addfile(member, tar.extractfile(member))
    assert [entry.key for entry in read_index(other)] == ["f0", "f1"]
    write_shard(path, [])
    assert read_index(path) == []
