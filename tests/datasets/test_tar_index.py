from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from graspseg.datasets import tar_index
from graspseg.datasets.tar_index import read_index, read_span, scan_tar
from graspseg.errors import InputError


def make_tar(path: Path, *members: tarfile.TarInfo | str, form: int = tarfile.USTAR_FORMAT) -> Path:
    """A tar of headers with as many bytes as they say, and plain names with 3 bytes."""
    with tarfile.open(path, "w", format=form) as tar:
        for member in members:
            if isinstance(member, str):
                member = tarfile.TarInfo(member)
                member.size = 3
            tar.addfile(member, io.BytesIO(b"x" * member.size) if member.isreg() else None)
    return path


def special(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type = kind
    member.linkname = link
    return member


def test_spans_are_where_the_bytes_are(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "a.tar", "a.json", "a.depth.png", "b.depth.png", "b.note.txt")
    first, second = read_index(path)
    assert (first.key, list(first.members)) == ("a", ["json", "depth.png"])
    assert (second.key, list(second.members)) == ("b", ["depth.png", "note.txt"])
    span = second.members["depth.png"]
    assert path.read_bytes()[span.offset : span.offset + span.size] == read_span(path, span) == b"xxx"


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_tars_of_every_kind(tmp_path: Path, form: int) -> None:
    member = tarfile.TarInfo("a.depth.png")
    member.size, member.mtime = 700, 1.5  # a broken second makes PAX write an extra header
    assert [entry.key for entry in read_index(make_tar(tmp_path / "a.tar", member, "b.depth.png", form=form))] == [
        "a",
        "b",
    ]


@pytest.mark.parametrize(
    ("member", "found"),
    [
        ("../a.depth.png", "leads outside"),
        ("/etc/a.depth.png", "leads outside"),
        ("x/../../a.depth.png", "leads outside"),
        ("x/a.depth.png", "a key of 1 to 80 letters"),
        ("depth", "a key of 1 to 80 letters"),
        (".depth.png", "a key of 1 to 80 letters"),
        (special("a.depth.png", tarfile.SYMTYPE, "/etc/passwd"), "the link 'a.depth.png' to '/etc/passwd'"),
        (special("a.depth.png", tarfile.LNKTYPE, "b.depth.png"), "the link 'a.depth.png'"),
        (special("a.depth.png", tarfile.FIFOTYPE), "device or other special"),
        (special("a.depth.png", tarfile.CHRTYPE), "device or other special"),
        (special("folder", tarfile.DIRTYPE), "a folder, device"),
    ],
)
def test_members_that_are_refused(tmp_path: Path, member: tarfile.TarInfo | str, found: str) -> None:
    path = make_tar(tmp_path / "a.tar", "ok.depth.png", member)
    scan = scan_tar(path)
    assert [entry.key for entry in scan.entries] == ["ok"]
    assert len(scan.faults) == 1 and found in scan.faults[0] and str(path) in scan.faults[0]
    with pytest.raises(InputError, match=r"a\.tar holds"):
        read_index(path)
    assert [child.name for child in tmp_path.iterdir()] == ["a.tar"]


def test_a_name_in_an_extended_header_is_looked_at_too(tmp_path: Path) -> None:
    member = tarfile.TarInfo("a.depth.png")
    member.pax_headers = {"path": "../a.depth.png"}
    path = make_tar(tmp_path / "a.tar", member, form=tarfile.PAX_FORMAT)
    assert "leads outside" in scan_tar(path).faults[0]


def test_members_that_are_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar_index, "LARGEST_MEMBER", 2)
    assert "a.depth.png of 3 bytes" in scan_tar(make_tar(tmp_path / "a.tar", "a.depth.png")).faults[0]


def test_a_size_that_is_claimed_is_not_believed(tmp_path: Path) -> None:
    header = tarfile.TarInfo("a.depth.png")
    header.size = 60 << 20
    (tmp_path / "a.tar").write_bytes(header.tobuf(tarfile.USTAR_FORMAT) + b"x" * 4096)
    assert any("no whole tar" in fault for fault in scan_tar(tmp_path / "a.tar").faults)


def test_a_negative_size_ends_the_walk(tmp_path: Path) -> None:
    header = tarfile.TarInfo("a.depth.png")
    header.size = -1024
    block = header.tobuf(tarfile.GNU_FORMAT)
    (tmp_path / "a.tar").write_bytes(block + b"\0" * 4096)
    assert "no whole tar" in scan_tar(tmp_path / "a.tar").faults[0]


@pytest.mark.parametrize("kept", [0, 1, 300, 512, 600, 1024, 1536])
def test_half_written(tmp_path: Path, kept: int) -> None:
    path = make_tar(tmp_path / "a.tar", "a.depth.png", "b.depth.png")
    path.write_bytes(path.read_bytes()[:kept])
    scan = scan_tar(path)
    assert any("no whole tar" in fault and "make it again" in fault for fault in scan.faults)


def test_damage_in_the_middle(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "a.tar", "a.depth.png", "b.depth.png", "c.depth.png")
    data = bytearray(path.read_bytes())
    data[1024:1536] = os.urandom(512)
    path.write_bytes(data)
    assert "breaks off or is damaged after byte 1024" in scan_tar(path).faults[0]


def test_no_tar_and_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(b"hello" * 1000)
    assert "no whole tar" in scan_tar(tmp_path / "a.tar").faults[0]
    assert "could not be read" in scan_tar(tmp_path / "none.tar").faults[0]


def test_duplicate_scattered_and_missing_members(tmp_path: Path) -> None:
    twice = scan_tar(make_tar(tmp_path / "a.tar", "a.depth.png", "a.depth.png"))
    assert ["a.depth.png twice" in fault for fault in twice.faults] == [True]
    apart = scan_tar(make_tar(tmp_path / "b.tar", "a.depth.png", "b.depth.png", "a.label.png"))
    assert ["members of a in two places" in fault for fault in apart.faults] == [True]
    lacking = scan_tar(make_tar(tmp_path / "c.tar", "a.label.png", "b.depth.png"))
    assert ["lacks a.depth.png" in fault for fault in lacking.faults] == [True]
    assert [entry.key for entry in lacking.entries] == ["b"]


def test_a_file_that_became_shorter(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "a.tar", "a.depth.png")
    (entry,) = read_index(path)
    path.write_bytes(b"")
    with pytest.raises(InputError, match="became shorter"):
        read_span(path, entry.members["depth.png"])
