from pathlib import Path

import numpy as np
import pytest

from graspseg.cameras.pixels import RawPicture
from graspseg.errors import InputError

FILE = Path("take.bag")


def raw(data: np.ndarray, width: int, height: int, encoding: str) -> RawPicture:
    return RawPicture(np.frombuffer(data.tobytes(), np.uint8), width, height, encoding, 0.0)


@pytest.mark.parametrize("encoding", ["mono16", "16UC1", "z16"])
def test_depth_is_little_endian_and_loses_its_padding(encoding: str) -> None:
    rows = np.array([[1, 256, 9], [65535, 4, 9]], "<u2")  # the last column is padding
    np.testing.assert_array_equal(raw(rows, 2, 2, encoding).depth(FILE), [[1, 256], [65535, 4]])


@pytest.mark.parametrize(
    ("encoding", "pixel"),
    [("rgb8", (10, 20, 30)), ("bgr8", (30, 20, 10)), ("RGBA8", (10, 20, 30, 99)), ("bgra8", (30, 20, 10, 99))],
)
def test_color_becomes_rgb(encoding: str, pixel: tuple[int, ...]) -> None:
    image = raw(np.full((2, 2, len(pixel)), pixel, np.uint8), 2, 2, encoding).rgb(FILE)
    np.testing.assert_array_equal(image, np.full((2, 2, 3), (10, 20, 30), np.uint8))


def test_luminance_and_chroma_are_told_apart() -> None:
    gray = np.array([[126, 128, 126, 128]], np.uint8)  # BT.601, limited range: (126 - 16) x 255/219 = 128
    for encoding, order in (("yuyv", [0, 1, 2, 3]), ("uyvy", [1, 0, 3, 2]), ("yuv422", [1, 0, 3, 2])):
        np.testing.assert_allclose(raw(gray[:, order], 2, 1, encoding).rgb(FILE), 128, atol=1)


@pytest.mark.parametrize("encoding", ["8UC1", "mono8", "rgb8"])
def test_depth_of_8_bits_is_refused(encoding: str) -> None:
    with pytest.raises(InputError, match=rf"take.bag holds depth as {encoding}, expected 16 bits"):
        raw(np.zeros(4, np.uint8), 2, 2, encoding).depth(FILE)


def test_unknown_color_and_wrong_sizes_are_named() -> None:
    with pytest.raises(InputError, match=r"color as mjpeg, expected one of rgb8"):
        raw(np.zeros(4, np.uint8), 2, 2, "mjpeg").rgb(FILE)
    for data, width, height in ((7, 2, 2), (4, 2, 2), (8, 0, 2), (8, 2, 0)):
        with pytest.raises(InputError, match=rf"frame of {data} bytes, expected {width}x{height} pixels of z16"):
            raw(np.zeros(data, np.uint8), width, height, "z16").depth(FILE)
