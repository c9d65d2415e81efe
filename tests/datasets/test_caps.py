"""Small files that claim to hold a lot take neither memory nor time."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from graspseg.datasets.tar_index import read_index
from graspseg.errors import InputError
from graspseg.forest.archive import read_header


def tar_with(path: Path, *members: tuple[str, bytes, bytes]) -> Path:
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, kind, data in members:
            header = tarfile.TarInfo(name)
            header.type, header.size = kind, len(data)
            tar.addfile(header, io.BytesIO(data))
    return path


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_tar_headers_have_a_limit(tmp_path: Path, kind: bytes) -> None:
    path = tar_with(tmp_path / "a.tar", ("x", kind, b"x" * (2 << 20)), ("a.depth.png", tarfile.REGTYPE, b"1"))
    with pytest.raises(InputError, match="a header of 2097152 bytes"):
        read_index(path)


def test_a_key_has_few_members(tmp_path: Path) -> None:
    members = [(f"a.{number}", tarfile.REGTYPE, b"") for number in range(80)]
    with pytest.raises(InputError, match="more than 64 members of a"):
        read_index(tar_with(tmp_path / "a.tar", *members))


def test_forests_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": (700 << 20,)})
    with (
        zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("find_splits.npy", "w") as file,
    ):
        file.write(head.getvalue())
        for _ in range(700):
            file.write(bytes(1 << 20))
    assert (tmp_path / "a.npz").stat().st_size < 2 << 20
    monkeypatch.setattr(np, "load", lambda *_, **__: pytest.fail("memory was taken for it"))
    with pytest.raises(InputError, match="is no forest"):
        read_header(tmp_path / "a.npz")
