"""Color pictures: pixels as stored, nothing larger or less whole than it says, and gray told from color."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from graspseg.datasets.images import read_color
from graspseg.datasets.pictures import is_gray, picture_fault, picture_or_fault
from graspseg.errors import InputError

MOST = 1 << 20
COLOR = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8), (0, 0), 2)


def jpeg(picture: np.ndarray, *options: int) -> bytes:
    return cv2.imencode(".jpg", picture[..., ::-1] if picture.ndim == 3 else picture, options)[1].tobytes()


def exif(orientation: int) -> bytes:
    return b"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00" + bytes([orientation]) + bytes(6)


def turned_jpeg(picture: np.ndarray, orientation: int) -> bytes:
    content = b"Exif\x00\x00" + exif(orientation)
    data = jpeg(picture)
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content + data[2:]


def turned_png(picture: np.ndarray, orientation: int) -> bytes:
    data = cv2.imencode(".png", picture[..., ::-1])[1].tobytes()
    content = exif(orientation)
    crc = zlib.crc32(b"eXIf" + content)
    return data[:33] + struct.pack(">I", len(content)) + b"eXIf" + content + struct.pack(">I", crc) + data[33:]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_not_applied(orientation: int) -> None:
    plain = picture_or_fault(jpeg(COLOR), most=MOST)
    np.testing.assert_array_equal(picture_or_fault(turned_jpeg(COLOR, orientation), most=MOST), plain)
    np.testing.assert_array_equal(picture_or_fault(turned_png(COLOR, orientation), most=MOST), COLOR)


@pytest.mark.parametrize("options", [(), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1), (cv2.IMWRITE_JPEG_RST_INTERVAL, 2)])
def test_truncated_jpegs(options: tuple[int, ...]) -> None:
    """OpenCV fills up what is missing with gray."""
    data = jpeg(COLOR, *options)
    assert picture_fault(data, most=MOST) == "" == picture_fault(data + b"\x00trailing", most=MOST)
    for length in (2, 10, len(data) // 3, len(data) // 2, len(data) - 2):
        assert "JPEG" in picture_fault(data[:length], most=MOST)


def test_small_files_that_claim_to_be_huge(tmp_path: Path) -> None:
    data = bytearray(jpeg(COLOR))
    place = data.index(b"\xff\xc0")
    data[place + 5 : place + 9] = struct.pack(">HH", 65500, 65500)
    assert picture_fault(bytes(data), most=1 << 26) == "a JPEG of 65500x65500 pixels"
    png = bytearray(cv2.imencode(".png", COLOR)[1].tobytes())
    png[16:24] = struct.pack(">II", 100_000, 100_000)
    png[29:33] = struct.pack(">I", zlib.crc32(png[12:29]))
    (tmp_path / "a.png").write_bytes(png)
    with pytest.raises(InputError, match="a PNG of 100000x100000 pixels"):
        read_color(tmp_path / "a.png", None)


@pytest.mark.parametrize("suffix", [".tiff", ".bmp", ".webp"])
def test_other_kinds_under_the_name_of_a_png_are_refused(suffix: str) -> None:
    assert picture_fault(cv2.imencode(suffix, COLOR)[1].tobytes(), most=MOST) == "no PNG file"


def test_damaged_png_is_no_picture() -> None:
    data = bytearray(cv2.imencode(".png", COLOR)[1].tobytes())
    data[len(data) // 2] ^= 1
    assert "checksum" in picture_fault(bytes(data), most=MOST)


def test_gray_is_told_from_color() -> None:
    gray = cv2.cvtColor(COLOR, cv2.COLOR_RGB2GRAY)
    stacked = np.stack([gray] * 3, axis=-1)
    assert is_gray(stacked) and not is_gray(np.full((8, 8, 3), 120, np.uint8))
    for quality in (30, 95):
        for data in (jpeg(gray, cv2.IMWRITE_JPEG_QUALITY, quality), jpeg(stacked, cv2.IMWRITE_JPEG_QUALITY, quality)):
            picture = picture_or_fault(data, most=MOST)
            assert not isinstance(picture, str) and is_gray(picture)
    assert not is_gray(COLOR)
    skin = np.full((100, 100, 3), 120, np.uint8)
    skin[:4, :4] = (120, 95, 80)
    assert not is_gray(skin)
