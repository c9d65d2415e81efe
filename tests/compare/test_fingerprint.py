"""A comparison knows the data it was made on by its content."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from compare_steps import write_folder
from graspseg.compare import fingerprint as module
from graspseg.compare.data import _files
from graspseg.compare.fingerprint import fingerprint
from graspseg.datasets.shard_writer import ShardSample, write_shard
from graspseg.frame import Frame


def same_time(change: Callable[[Path], None]) -> Callable[[Path], None]:
    """The change, with size and time of the file as they were."""

    def changed(path: Path) -> None:
        before = path.stat()
        change(path)
        assert path.stat().st_size == before.st_size
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    return changed


@same_time
def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)


def test_content_counts_and_time_does_not(tmp_path: Path) -> None:
    data = write_folder(tmp_path / "data", 2, first=0)
    before = fingerprint(data)
    shutil.copytree(data, tmp_path / "copy")
    os.utime(tmp_path / "copy" / "labels" / "0.png", (1, 1))
    assert fingerprint(tmp_path / "copy") == before
    flip(data / "labels" / "0.png")
    assert fingerprint(data) not in (before, "")
    flip(data / "labels" / "0.png")
    assert fingerprint(data) == before
    (data / "labels" / "0.png").rename(data / "labels" / "00.png")
    assert fingerprint(data) != before


def test_large_files_count_with_their_ends_and_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tar = tmp_path / "a.tar"
    write_shard(tar, [ShardSample("a", Frame(np.full((20, 30), 500, np.uint16)))])
    monkeypatch.setattr(module, "WHOLE", 4096)
    assert tar.stat().st_size > 4096
    before = fingerprint(tar)
    flip(tar)
    assert fingerprint(tar) != before
    flip(tar)
    assert fingerprint(tar) == before
    os.utime(tar, (1, 1))
    assert fingerprint(tar) != before


def test_what_links_lead_to_counts_and_loops_end(tmp_path: Path) -> None:
    data = write_folder(tmp_path / "data", 1, first=0)
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "take").symlink_to(data)
    (data / "again").symlink_to(tmp_path / "set")
    before = fingerprint(tmp_path / "set")
    flip(data / "depth" / "0.png")
    assert fingerprint(tmp_path / "set") != before


def test_tars_and_public_sets_have_one_too(tmp_path: Path) -> None:
    data = write_folder(tmp_path / "data", 1, first=0)
    assert set(_files("data_files", f"handseg:{data}")) == {"data_files"}
    write_shard(tmp_path / "a.tar", [ShardSample("a", Frame(np.full((20, 30), 500, np.uint16)))])
    assert _files("data_files", str(tmp_path / "a.tar")) == {"data_files": fingerprint(tmp_path / "a.tar")}
    assert _files("data_files", "synth:rooms") == _files("data_files", "") == {}
