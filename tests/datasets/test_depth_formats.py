"""Every kind of file that depth is kept in gives the same frame, or a sentence."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from graspseg.datasets.images import read_depth
from graspseg.errors import InputError

DEPTH = np.random.default_rng(0).integers(300, 1200, (24, 32)).astype(np.uint16)
DEPTH[3, 4] = 0


def npy(array: np.ndarray, path: Path) -> Path:
    np.save(path.with_suffix(".npy"), array)
    return path.with_suffix(".npy")


def npz(array: np.ndarray, path: Path) -> Path:
    np.savez_compressed(path.with_suffix(".npz"), depth=array, confidence=np.ones(3))
    return path.with_suffix(".npz")


def tiff(array: np.ndarray, path: Path) -> Path:
    assert cv2.imwrite(str(path.with_suffix(".TIF")), array)
    return path.with_suffix(".TIF")


def pgm(array: np.ndarray, path: Path) -> Path:
    head = b"P5\n# made by a test\n%d %d\n65535\n" % (array.shape[1], array.shape[0])
    path.with_suffix(".pgm").write_bytes(head + array.astype(">u2").tobytes())
    return path.with_suffix(".pgm")


def plain_pgm(array: np.ndarray, path: Path) -> Path:
    body = "\n".join(" ".join(map(str, row)) for row in array)
    path.with_suffix(".pgm").write_text(f"P2 {array.shape[1]} {array.shape[0]} 65535\n{body}\n")
    return path.with_suffix(".pgm")


def exr(array: np.ndarray, path: Path, **more: np.ndarray) -> Path:
    OpenEXR = pytest.importorskip("OpenEXR", reason="OpenEXR is not installed: pip install 'graspseg[exr]'")
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, {"Z": array, **more}).write(str(path.with_suffix(".exr")))
    return path.with_suffix(".exr")


Save = Callable[[np.ndarray, Path], Path]


@pytest.mark.parametrize("save", [npy, npz, tiff, pgm, plain_pgm])
def test_integers_have_the_unit_that_is_said(tmp_path: Path, save: Save) -> None:
    frame = read_depth(save(DEPTH, tmp_path / "a"), depth_unit_m=0.00025)
    np.testing.assert_array_equal(frame.depth, DEPTH)
    assert frame.depth_unit_m == 0.00025 and frame.notes == ()


@pytest.mark.parametrize("save", [npy, npz, tiff, exr])
def test_floats_are_meters_unless_a_person_says_otherwise(tmp_path: Path, save: Save) -> None:
    meters = (DEPTH / 1000).astype(np.float32)
    for values, unit in ((meters, 1.0), (meters * np.float32(1000), 0.001), (meters * np.float32(100), 0.01)):
        file = save(values, tmp_path / "a")
        frame = read_depth(file, depth_unit_m=0.5, float_unit_m=unit)
        np.testing.assert_allclose(frame.depth_m(), DEPTH / 1000, atol=6e-5)
        assert frame.oddities() == []


@pytest.mark.parametrize("kind", [">u2", "<i2", ">i2", "<i4", ">i4", "<u4", "<i8", ">f4", "<f2", "<f8"])
def test_arrays_of_any_order_and_width(tmp_path: Path, kind: str) -> None:
    values = DEPTH if np.dtype(kind).kind in "iu" else DEPTH / 1000
    frame = read_depth(npy(values.astype(kind), tmp_path / "a"))
    np.testing.assert_allclose(frame.depth_m(), DEPTH / 1000, atol=6e-4 if kind == "<f2" else 6e-5)


def test_columns_first_is_not_turned(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read_depth(npy(np.asfortranarray(DEPTH), tmp_path / "a")).depth, DEPTH)


def test_integers_beyond_sixteen_bits_keep_their_meters(tmp_path: Path) -> None:
    frame = read_depth(npy(DEPTH.astype(np.int32) * 1000, tmp_path / "a"), depth_unit_m=1e-6)
    np.testing.assert_allclose(frame.depth_m(), DEPTH / 1000, atol=6e-5)
    (odd,) = read_depth(npy(DEPTH.astype(np.int32) * 1000, tmp_path / "a")).oddities()
    assert "(now 0.001); " in odd and "1e-06 would make it 0.3" in odd


@pytest.mark.parametrize("save", [npy, tiff])
@pytest.mark.parametrize("kind", [np.int16, np.int32, np.float32])
def test_depth_below_zero_is_refused(tmp_path: Path, save: Save, kind: type) -> None:
    values = DEPTH.astype(kind)
    values[0, 0] = -5
    with pytest.raises(InputError, match=r"(-5).*set"):
        read_depth(save(values, tmp_path / "a"))


@pytest.mark.parametrize(
    ("save", "array", "found"),
    [
        (npy, DEPTH.astype(np.uint8), "uint8"),
        (npy, DEPTH.astype(np.int8), "int8"),
        (npy, DEPTH > 500, "bool"),
        (npy, DEPTH[None], r"\(1, 24, 32\)"),
        (npy, DEPTH.astype("S4"), "S4"),
        (tiff, DEPTH.astype(np.uint8), "8-bit TIFF"),
        (tiff, np.stack([DEPTH] * 3, axis=-1), "color TIFF"),
    ],
)
def test_what_is_no_depth(tmp_path: Path, save: Save, array: np.ndarray, found: str) -> None:
    with pytest.raises(InputError, match=found):
        read_depth(save(array, tmp_path / "a"))


def test_several_arrays_and_pages_are_not_guessed(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", near=DEPTH, far=DEPTH)
    with pytest.raises(InputError, match=r"several arrays or none \(far, near\)"):
        read_depth(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", DEPTH)
    np.testing.assert_array_equal(read_depth(tmp_path / "b.npz").depth, DEPTH)
    assert read_depth(tmp_path / "b.npz").notes == ()


@pytest.mark.parametrize("name", ["depth_unit_m", "depth_scale", "K", "intrinsics"])
def test_unit_and_camera_that_an_archive_says_and_nobody_reads_are_named(tmp_path: Path, name: str) -> None:
    np.savez(tmp_path / "a.npz", **{"depth": DEPTH, name: np.ones(1)})
    assert read_depth(tmp_path / "a.npz").oddities()[0].startswith(f"{tmp_path / 'a.npz'} holds {name}, which nobody")
    assert cv2.imwritemulti(str(tmp_path / "a.tiff"), [DEPTH, DEPTH])
    with pytest.raises(InputError, match="several pages"):
        read_depth(tmp_path / "a.tiff")
    (tmp_path / "a.pgm").write_bytes(pgm(DEPTH, tmp_path / "one").read_bytes() * 2)
    with pytest.raises(InputError, match="several pictures"):
        read_depth(tmp_path / "a.pgm")
    (tmp_path / "b.pgm").write_bytes(b"P5 4 4 255\n" + bytes(16))
    with pytest.raises(InputError, match="PGM of 8 bits"):
        read_depth(tmp_path / "b.pgm")
    file = exr((DEPTH / 1000).astype(np.float32), tmp_path / "c", R=DEPTH.astype(np.float32))
    assert read_depth(file).depth[0, 0] == round(DEPTH[0, 0] * 10)


@pytest.mark.parametrize("save", [npy, npz, tiff, pgm, plain_pgm, exr])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.7, 0.99])
def test_truncated_files(tmp_path: Path, save: Save, share: float) -> None:
    values = (DEPTH / 1000).astype(np.float32) if save is exr else DEPTH
    file = save(values, tmp_path / "a")
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError) as raised:
        read_depth(file)
    assert str(file) in str(raised.value) and "expected" in str(raised.value)


@pytest.mark.parametrize("save", [npy, npz, tiff, pgm, plain_pgm, exr])
def test_damaged_files_end_in_a_sentence(tmp_path: Path, save: Save) -> None:
    rng = np.random.default_rng(1)
    values = (DEPTH / 1000).astype(np.float32) if save is exr else DEPTH
    file = save(values, tmp_path / "a")
    data = file.read_bytes()
    for _ in range(60):
        damaged = bytearray(data)
        for place in rng.integers(0, min(len(data), 400), 3):
            damaged[place] = rng.integers(256)
        file.write_bytes(damaged)
        try:
            frame = read_depth(file)
        except InputError:
            continue
        assert frame.depth.ndim == 2


def header_of(shape: tuple[int, ...], kind: str) -> bytes:
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": kind, "fortran_order": False, "shape": shape})
    return head.getvalue()


def test_small_files_that_claim_to_be_huge_take_no_memory(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(header_of((100_000, 100_000), "<u2"))
    with pytest.raises(InputError, match=r"claims to hold uint16 of shape \(100000, 100000\)"):
        read_depth(tmp_path / "a.npy")
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("depth.npy", header_of((1 << 13, 1 << 14), "<u2") + bytes(1 << 20))
    with pytest.raises(InputError, match="claims to hold"):
        read_depth(tmp_path / "a.npz")
    (tmp_path / "a.pgm").write_bytes(b"P5 100000 100000 65535\n")
    with pytest.raises(InputError, match="PGM of 100000x100000 pixels"):
        read_depth(tmp_path / "a.pgm")
    data = bytearray(tiff(DEPTH, tmp_path / "t").read_bytes())
    place = data.index(b"\x00\x01") if data[:2] == b"MM" else data.index(b"\x00\x01\x03\x00")
    data[place + 8 : place + 10] = b"\xff\xff"
    data[place + 20 : place + 22] = b"\xff\xff"
    (tmp_path / "b.tif").write_bytes(data)
    with pytest.raises(InputError, match="TIFF of 65535x65535 pixels"):
        read_depth(tmp_path / "b.tif")


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", depth=np.array([[{}]], object))
    with pytest.raises(InputError, match="no whole NPZ"):
        read_depth(tmp_path / "a.npz")


def test_a_file_too_large_to_be_an_image_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.npy").open("wb") as file:
        file.write(header_of((4, 4), "<u2"))
        file.truncate(3 << 30)  # takes no room on the disk
    with pytest.raises(InputError, match="expected at most"):
        read_depth(tmp_path / "a.npy")


def test_far_pixels_are_counted(tmp_path: Path) -> None:
    values = (DEPTH / 1000).astype(np.float32)
    values[:2, :3] = 1e10  # a renderer's background
    frame = read_depth(npy(values, tmp_path / "a"))
    assert frame.oddities() == ["6 pixels are farther than 65.53 m and count as not measured"]
    assert frame.depth_m()[3, 5] == pytest.approx(DEPTH[3, 5] / 1000, abs=6e-4)


def test_orientation_is_not_applied_to_depth(tmp_path: Path) -> None:
    data = cv2.imencode(".png", DEPTH)[1].tobytes()
    exif = b"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x03\x00\x00\x00\x00\x00\x00"
    chunk = len(exif).to_bytes(4, "big") + b"eXIf" + exif + zlib.crc32(b"eXIf" + exif).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(data[:33] + chunk + data[33:])
    np.testing.assert_array_equal(read_depth(tmp_path / "a.png").depth, DEPTH)
