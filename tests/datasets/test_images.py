import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from graspseg.datasets.images import read_color, read_depth, read_labels
from graspseg.errors import InputError
from graspseg.frame import Intrinsics


def save(path: Path, image: np.ndarray) -> Path:
    assert cv2.imwrite(str(path), image)
    return path


@pytest.fixture
def depth() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 65536, (37, 53), dtype=np.uint16)


def test_png_is_read_with_its_unit_and_camera(tmp_path: Path, depth: np.ndarray) -> None:
    camera = Intrinsics(1.0, 2.0, 3.0, 4.0)
    frame = read_depth(save(tmp_path / "a.png", depth), depth_unit_m=0.0001, intrinsics=camera)
    np.testing.assert_array_equal(frame.depth, depth)
    assert frame.depth_unit_m == 0.0001
    assert frame.intrinsics is camera


def test_default_unit_is_millimeters(tmp_path: Path, depth: np.ndarray) -> None:
    assert read_depth(save(tmp_path / "a.PNG", depth)).depth_unit_m == 0.001


def test_npy_of_integers_and_meters(tmp_path: Path) -> None:
    np.save(tmp_path / "raw.npy", np.array([[0, 7000]], ">u2"))
    raw = read_depth(tmp_path / "raw.npy", depth_unit_m=0.0001)
    np.testing.assert_allclose(raw.depth_m(), [[0, 0.7]], rtol=1e-6)
    np.save(tmp_path / "meters.npy", np.array([[np.nan, 0.7]], np.float64))
    meters = read_depth(tmp_path / "meters.npy", depth_unit_m=0.001)
    np.testing.assert_allclose(meters.depth_m(), [[0, 0.7]], rtol=1e-6)
    assert "NaN" in meters.oddities()[0]


@pytest.mark.parametrize(
    ("image", "found"),
    [
        (np.ones((4, 4), np.uint8), "8-bit gray PNG"),
        (np.ones((4, 4, 3), np.uint8), "8-bit color PNG"),
        (np.ones((4, 4, 3), np.uint16), "16-bit color PNG"),
        (np.ones((4, 4, 4), np.uint8), "8-bit color with transparency PNG"),
    ],
)
def test_other_pngs_are_no_depth(tmp_path: Path, image: np.ndarray, found: str) -> None:
    with pytest.raises(InputError, match=rf"wrong\.png is a {found}, expected depth as a whole 16-bit gray PNG"):
        read_depth(save(tmp_path / "wrong.png", image))


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9, 0.999])
def test_truncated_png(tmp_path: Path, depth: np.ndarray, share: float) -> None:
    data = save(tmp_path / "a.png", depth).read_bytes()
    (tmp_path / "a.png").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match=r"a\.png is (a truncated PNG|no PNG file|an empty file)"):
        read_depth(tmp_path / "a.png")


def test_png_with_one_flipped_byte(tmp_path: Path, depth: np.ndarray) -> None:
    data = bytearray(save(tmp_path / "a.png", depth).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        read_depth(tmp_path / "a.png")


def test_png_of_no_pixels(tmp_path: Path, depth: np.ndarray) -> None:
    import struct
    import zlib

    data = bytearray(save(tmp_path / "a.png", depth).read_bytes())
    data[16:20] = struct.pack(">I", 0)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(InputError, match="0x37 pixels"):
        read_depth(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.full((2, 2), -0.25, np.float32), r"a\.npy: The lowest depth is -0\.25 m"),
        (np.full((2, 2), -3, np.int16), r"a\.npy goes down to -3"),
        (np.ones((2, 2), np.uint8), "uint8"),
        (np.ones((2, 2, 1), np.uint16), r"\(2, 2, 1\)"),
        (np.ones((0, 2), np.uint16), r"\(0, 2\)"),
        (np.ones((2, 2), complex), "complex128"),
        (np.ones((2, 2), bool), "bool"),
    ],
)
def test_arrays_that_are_no_depth(tmp_path: Path, array: np.ndarray, found: str) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(InputError, match=found):
        read_depth(tmp_path / "a.npy")


def test_damaged_and_pickled_npy(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.ones((20, 20), np.uint16))
    whole = path.read_bytes()
    for data in (b"", b"nonsense", whole[:50], whole[:200]):
        path.write_bytes(data)
        with pytest.raises(InputError, match="no whole NPY"):
            read_depth(path)
    np.save(path, np.array([[{}]], object), allow_pickle=True)
    with pytest.raises(InputError, match="no whole NPY"):
        read_depth(path)


def test_missing_files_folders_and_other_suffixes(tmp_path: Path) -> None:
    (tmp_path / "dir.png").mkdir()
    for name in ("none.png", "none.npy", "dir.png"):
        with pytest.raises(InputError, match=f"{name} could not be read"):
            read_depth(tmp_path / name)
    with pytest.raises(InputError, match=r"\.pfm file, expected"):
        read_depth(tmp_path / "depth.pfm")


def test_labels_are_read(tmp_path: Path) -> None:
    labels = np.array([[0, 1, 2, 255]], np.uint8)
    np.testing.assert_array_equal(read_labels(save(tmp_path / "l.png", labels), (1, 4)), labels)


def test_labels_of_another_size(tmp_path: Path) -> None:
    path = save(tmp_path / "l.png", np.zeros((2, 4), np.uint8))
    with pytest.raises(InputError, match="4x2 pixels, expected 4x3 like its depth image"):
        read_labels(path, (3, 4))


def test_labels_with_other_values(tmp_path: Path) -> None:
    path = save(tmp_path / "l.png", np.array([[0, 3, 128]], np.uint8))
    with pytest.raises(InputError, match=r"values \[3, 128\]"):
        read_labels(path, (1, 3))


def test_labels_with_sixteen_bits(tmp_path: Path) -> None:
    path = save(tmp_path / "l.png", np.zeros((1, 3), np.uint16))
    with pytest.raises(InputError, match="expected labels as a whole 8-bit gray PNG"):
        read_labels(path, (1, 3))


def test_color_is_read_as_rgb_and_must_fit(tmp_path: Path) -> None:
    path = save(tmp_path / "c.png", np.full((2, 2, 3), (0, 0, 255), np.uint8))
    np.testing.assert_array_equal(read_color(path, (2, 2))[0, 0], (255, 0, 0))
    with pytest.raises(InputError, match="2x2 pixels, expected 3x2"):
        read_color(path, (2, 3))
    path.write_bytes(b"")
    with pytest.raises(InputError, match="no readable picture"):
        read_color(path, (2, 2))


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04 no archive",
        b"\x93NUMPY\x01\x00\x08\x00{'descr'",
        b"\x93NUMPY\x01\x00\x08\x00  x\n y\n ",
        b"\x93NUMPY\x01\x00\x04\x00\xff\xfe\x00\x00",
    ],
)
def test_damaged_npy(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.npy").write_bytes(data)
    with pytest.raises(InputError, match=r"a\.npy is no whole NPY array .*: save it again"):
        read_depth(tmp_path / "a.npy")


def test_meters_too_many_for_single_precision_are_not_measured(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[1e300, 0.7]]))
    frame = read_depth(tmp_path / "a.npy")
    np.testing.assert_allclose(frame.depth_m(), [[0, 0.7]], rtol=1e-6)
    np.save(tmp_path / "b.npy", np.array([[3e38, 0.7]], np.float32))
    np.testing.assert_allclose(read_depth(tmp_path / "b.npy").depth_m(), [[0, 0.7]], rtol=1e-6)


def test_a_small_file_that_claims_to_be_huge(tmp_path: Path) -> None:
    data = bytearray(cv2.imencode(".png", np.zeros((2, 2), np.uint16))[1].tobytes())
    data[16:24] = struct.pack(">II", 100_000, 100_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(InputError, match="a PNG of 100000x100000 pixels"):
        read_depth(tmp_path / "a.png")
